using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Generates pictures from a picture and a prompt with Stable Diffusion 1.x, 2.x, XL and the XL refiner. Reference: diffusers 0.35.2,
/// StableDiffusionImg2ImgPipeline and StableDiffusionXLImg2ImgPipeline.
/// </summary>
public sealed class StableDiffusionImg2ImgPipeline(LatentDiffusionModel model) : DiffusionPipeline<Img2ImgSettings>
{
    public LatentDiffusionModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="LatentDiffusionModel.FromPretrained"/>
    public static StableDiffusionImg2ImgPipeline FromPretrained(
        string path,
        ScalarType dtype = ScalarType.Float32,
        Device? device = null
    ) => new(LatentDiffusionModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(Img2ImgSettings settings)
    {
        int downscale = Model.Vae.Config.Downscale;
        PictureSize own = settings.ImageLatents is { } latents
            ? new PictureSize((int)latents.shape[^1] * downscale, (int)latents.shape[^2] * downscale)
            : PictureSize.Cut(settings.Image, downscale);
        return new Run(Model, settings, RunPlan.For(Model, settings, own, settings.Strength, settings.DenoisingStart));
    }

    private sealed class Run : LatentRun
    {
        public Run(LatentDiffusionModel model, Img2ImgSettings settings, RunPlan plan)
            : base(model, settings, plan, fromImage: true)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor start = settings.ImageLatents is { } latents
                ? latents.to(ScalarType.Float32).to(model.Device).expand(plan.Pictures.Count, -1, -1, -1).clone()
                : EncodeImage(PictureTensors.ForAutoencoder(settings.Image, plan.Size).to(model.Device));
            SetLatents(
                settings.DenoisingStart is null ? Scheduler.AddNoise(start, Noise.Draw(start.shape[1..]), Scheduler.BeginIndex) : start
            );
        }
    }
}
