using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Enlarges a picture four times with the Stable Diffusion x4 upscaler, whose network takes the small picture beside the latents.
/// Reference: diffusers 0.35.2, StableDiffusionUpscalePipeline.
/// </summary>
public sealed class StableDiffusionUpscalePipeline : DiffusionPipeline<UpscaleSettings>
{
    private readonly SchedulerConfig _lowResScheduler;
    private readonly int _maxNoiseLevel;

    /// <summary>Makes a pipeline over a loaded model.</summary>
    /// <param name="files">The files that the model was loaded from, for low_res_scheduler and max_noise_level.</param>
    public StableDiffusionUpscalePipeline(LatentDiffusionModel model, ModelFiles files)
    {
        Model = model;
        _lowResScheduler = files.Scheduler("low_res_scheduler");
        _maxNoiseLevel = files.Setting("max_noise_level")?.GetInt32() ?? 350;
    }

    public LatentDiffusionModel Model { get; }

    /// <summary>Loads a model and makes a pipeline over it; dispose <see cref="Model"/> when done.</summary>
    /// <inheritdoc cref="LatentDiffusionModel.FromPretrained"/>
    public static StableDiffusionUpscalePipeline FromPretrained(
        string path,
        ScalarType dtype = ScalarType.Float32,
        Device? device = null
    ) => new(LatentDiffusionModel.FromPretrained(path, dtype, device), ModelFiles.Open(path));

    public override DenoisingRun Encode(UpscaleSettings settings)
    {
        if (settings.NoiseLevel < 0 || settings.NoiseLevel > _maxNoiseLevel)
        {
            throw new SettingException("noise_level", $"is {settings.NoiseLevel} and must be from 0 to {_maxNoiseLevel}.");
        }

        var small = PictureSize.Cut(settings.Image, Model.Vae.Config.Downscale);
        int scale = Model.Vae.Config.Downscale;
        return new Run(
            this,
            settings,
            RunPlan.For(Model, settings with { Width = small.Width * scale, Height = small.Height * scale }),
            small
        );
    }

    private sealed class Run : LatentRun
    {
        private readonly Tensor _noiseLevel;

        public Run(StableDiffusionUpscalePipeline pipeline, UpscaleSettings settings, RunPlan plan, PictureSize small)
            : base(pipeline.Model, settings, plan)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor image = PictureTensors
                .ForAutoencoder(settings.Image, small)
                .to(pipeline.Model.Device)
                .expand(plan.Pictures.Count, -1, -1, -1);
            using var lowRes = Scheduler.Create(pipeline._lowResScheduler, 1, new SchedulerOptions { Timesteps = [settings.NoiseLevel] });
            Tensor noised = lowRes.AddNoise(image, Noise.Draw(image.shape[1..]), 0);
            SetLatents(Noise.Draw(plan.LatentShape(pipeline.Model)) * Scheduler.InitNoiseSigma);
            ExtraChannels = Keep(Guided ? cat([noised, noised], 0) : noised.alias());
            _noiseLevel = Keep(full([ExtraChannels.shape[0]], settings.NoiseLevel, dtype: ScalarType.Int64, device: pipeline.Model.Device));
        }

        protected override UNetConditions Conditions(Tensor scaled, int i) => base.Conditions(scaled, i) with { ClassLabels = _noiseLevel };
    }
}
