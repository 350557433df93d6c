using Generation.Diffusion.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Generates pictures from a prompt with Stable Diffusion 1.x, 2.x and XL. Reference: diffusers 0.35.2, StableDiffusionPipeline and
/// StableDiffusionXLPipeline.
/// </summary>
public sealed class StableDiffusionPipeline(LatentDiffusionModel model) : DiffusionPipeline<Text2ImgSettings>
{
    public LatentDiffusionModel Model { get; } = model;

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="LatentDiffusionModel.FromPretrained"/>
    public static StableDiffusionPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(LatentDiffusionModel.FromPretrained(path, dtype, device));

    public override DenoisingRun Encode(Text2ImgSettings settings)
    {
        var plan = RunPlan.For(Model, settings);
        if (Model.UNet.Config.InChannels != Model.Vae.Config.LatentChannels)
        {
            plan.Scheduler.Dispose();
            plan.Noise.Dispose();
            throw new SettingException(
                "model",
                $"takes {Model.UNet.Config.InChannels} channels, which is not text2img: it needs a picture beside the prompt."
            );
        }

        return new Run(Model, settings, plan);
    }

    private sealed class Run : LatentRun
    {
        public Run(LatentDiffusionModel model, Text2ImgSettings settings, RunPlan plan)
            : base(model, settings, plan)
        {
            using DisposeScope scope = NewDisposeScope();
            SetLatents(Noise.Draw(plan.LatentShape(model)) * Scheduler.InitNoiseSigma);
        }
    }
}
