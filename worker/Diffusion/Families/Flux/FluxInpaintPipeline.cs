using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Families.Flux;

/// <summary>Paints inside a mask with FLUX.1 schnell and dev. Reference: diffusers 0.35.2, FluxInpaintPipeline.</summary>
public sealed class FluxInpaintPipeline(FluxModel model) : DiffusionPipeline<InpaintSettings>
{
    public FluxModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="FluxModel.FromPretrained"/>
    public static FluxInpaintPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(FluxModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(InpaintSettings settings) =>
        new Run(Model, settings, FluxPlan.For(Model, settings, PictureSize.Cut(settings.Image, Model.Multiple), settings.Strength));

    private sealed class Run : FluxRun
    {
        private readonly InpaintArea _area;
        private readonly Tensor _noise;
        private readonly Tensor _kept;
        private readonly Tensor _mask;

        public Run(FluxModel model, InpaintSettings settings, FluxPlan plan)
            : base(model, settings, plan)
        {
            _area = InpaintArea.Of(settings, plan.Size);
            using DisposeScope scope = NewDisposeScope();
            long[] shape = plan.LatentShape(model);
            Tensor kept = EncodeImage(_area.Image().to(model.Device));
            Tensor noise = Noise.Draw(shape);
            SetLatents(FluxLatents.Pack(Scheduler.AddNoise(kept, noise, Scheduler.BeginIndex)));
            Tensor mask = F.interpolate(_area.Mask().to(model.Device), size: shape[1..]).expand(plan.Pictures.Count, shape[0], -1, -1);
            _noise = Keep(FluxLatents.Pack(noise));
            _kept = Keep(FluxLatents.Pack(kept));
            _mask = Keep(FluxLatents.Pack(mask));
        }

        public override PictureBatch Decode(CancellationToken token = default) => _area.Finish(base.Decode(token));

        protected override Tensor AfterStep(Tensor latents, int i)
        {
            Tensor outside = i + 1 < Scheduler.EndIndex ? Scheduler.AddNoise(_kept, _noise, i + 1) : _kept;
            return ((1 - _mask) * outside) + (_mask * latents);
        }
    }
}
