using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// Generates pictures from a picture and a prompt with FLUX.1 schnell and dev. Reference: diffusers 0.35.2, FluxImg2ImgPipeline.
/// </summary>
public sealed class FluxImg2ImgPipeline(FluxModel model) : DiffusionPipeline<Img2ImgSettings>
{
    public FluxModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="FluxModel.FromPretrained"/>
    public static FluxImg2ImgPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(FluxModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(Img2ImgSettings settings) =>
        new Run(Model, settings, FluxPlan.For(Model, settings, PictureSize.Cut(settings.Image, Model.Multiple), settings.Strength));

    private sealed class Run : FluxRun
    {
        public Run(FluxModel model, Img2ImgSettings settings, FluxPlan plan)
            : base(model, settings, plan)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor start = EncodeImage(PictureTensors.ForAutoencoder(settings.Image, plan.Size).to(model.Device));
            SetLatents(FluxLatents.Pack(Scheduler.AddNoise(start, Noise.Draw(start.shape[1..]), Scheduler.BeginIndex)));
        }
    }
}
