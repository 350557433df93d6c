using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// Paints inside a mask, or beyond the borders, with FLUX.1 Fill, whose transformer takes the masked picture and the mask beside the
/// latents. Reference: diffusers 0.35.2, FluxFillPipeline.
/// </summary>
public sealed class FluxFillPipeline(FluxModel model) : DiffusionPipeline<InpaintSettings>
{
    public FluxModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="FluxModel.FromPretrained"/>
    public static FluxFillPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(FluxModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(InpaintSettings settings)
    {
        int downscale = Model.Vae.Config.Downscale;
        int features = 4 * ((2 * Model.Vae.Config.LatentChannels) + (downscale * downscale));
        return Model.Transformer.Config.InChannels == features
            ? new Run(Model, settings, FluxPlan.For(Model, settings, PictureSize.Cut(settings.Image, Model.Multiple), settings.Strength))
            : throw new SettingException(
                "model",
                $"takes {Model.Transformer.Config.InChannels} features for each token; FLUX Fill takes {features}."
            );
    }

    private sealed class Run : FluxRun
    {
        private readonly InpaintArea _area;

        public Run(FluxModel model, InpaintSettings settings, FluxPlan plan)
            : base(model, settings, plan)
        {
            _area = InpaintArea.Of(settings, plan.Size);
            using DisposeScope scope = NewDisposeScope();
            long[] shape = plan.LatentShape(model);
            long side = model.Vae.Config.Downscale;
            Tensor image = _area.Image().to(model.Device);
            Tensor mask = _area.Mask().to(model.Device);
            Tensor start = EncodeImage(image);
            SetLatents(FluxLatents.Pack(Scheduler.AddNoise(start, Noise.Draw(shape), Scheduler.BeginIndex)));
            Tensor masked = FluxLatents.Pack(EncodeImage(image * (1 - mask)));

            // Every pixel of the mask is told: 1, 1, height * side, width * side -> 1, side * side, height, width
            Tensor pixels = mask.view(1, shape[1], side, shape[2], side).permute(0, 2, 4, 1, 3).reshape(1, side * side, shape[1], shape[2]);
            ExtraFeatures = Keep(cat([masked, FluxLatents.Pack(pixels).expand(plan.Pictures.Count, -1, -1)], 2));
        }

        public override PictureBatch Decode(CancellationToken token = default) => _area.Finish(base.Decode(token));
    }
}
