using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Imaging;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// Generates clips from a prompt with a Stable Diffusion 1.x model and a motion adapter. Guo et al., AnimateDiff, 2023. Reference:
/// diffusers 0.35.2, AnimateDiffPipeline.
/// </summary>
public sealed class AnimateDiffPipeline : DiffusionPipeline<Text2VideoSettings>, IDisposable
{
    private readonly ClipTokenizer _tokenizer;
    private readonly Device _device;
    private LatentPreview? _preview;

    private AnimateDiffPipeline(
        ClipTokenizer tokenizer,
        CLIPTextModel textEncoder,
        UNetMotionModel unet,
        AutoencoderKL vae,
        SchedulerConfig scheduler,
        Device device
    )
    {
        _tokenizer = tokenizer;
        Scheduler = scheduler;
        _device = device;
        TextEncoder = textEncoder;
        UNet = unet;
        Vae = vae;
    }

    public CLIPTextModel TextEncoder { get; }

    public UNetMotionModel UNet { get; }

    public AutoencoderKL Vae { get; }

    /// <summary>The scheduler of runs whose settings name none.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>The size of the pictures that the model was trained on, in pixels.</summary>
    internal PictureSize NativeSize
    {
        get
        {
            int downscale = Vae.Config.Downscale;
            return UNet.Config.SampleSize is { } side
                ? new PictureSize(side[1] * downscale, side[0] * downscale)
                : new PictureSize(64 * downscale, 64 * downscale);
        }
    }

    /// <summary>Loads a Stable Diffusion 1.x model with a motion adapter.</summary>
    /// <param name="path">A folder in the diffusers layout, or a checkpoint in one file.</param>
    /// <param name="motionAdapter">A folder with the adapter's config.json and weights.</param>
    /// <exception cref="WeightsException">A component is missing or does not fit; the message names file and keys.</exception>
    public static AnimateDiffPipeline FromPretrained(
        string path,
        string motionAdapter,
        ScalarType dtype = ScalarType.Float32,
        Device? device = null
    ) => Load(ModelFiles.Open(path), motionAdapter, dtype, device);

    /// <summary>Loads the model from opened files.</summary>
    /// <inheritdoc cref="FromPretrained"/>
    internal static AnimateDiffPipeline Load(ModelFiles files, string motionAdapter, ScalarType dtype, Device? device)
    {
        var networks = new NetworkLoader(files, dtype, device);
        try
        {
            MotionAdapterConfig motion = ConfigJson.Load<MotionAdapterConfig>(Path.Combine(motionAdapter, "config.json"));
            using var motionSource = WeightSource.Open(motionAdapter);
            return new AnimateDiffPipeline(
                files.ClipTokenizer("tokenizer"),
                networks.ClipText("text_encoder"),
                networks.Load<UNetMotionModel, UNetConfig>("unet", (config, weights) =>
                    new UNetMotionModel(config, weights, motion, new NetworkWeights(motionSource, dtype, device))
                ),
                networks.Vae(),
                files.Scheduler(),
                device ?? CPU
            );
        }
        catch
        {
            networks.DisposeLoaded();
            throw;
        }
    }

    public override DenoisingRun Encode(Text2VideoSettings settings)
    {
        settings.Check();
        var size = PictureSize.Of(settings, NativeSize, Vae.Config.Downscale);
        IReadOnlyList<PictureItem> clips = settings.Pictures();
        Schedulers.Scheduler scheduler = RunPlan.Create(settings.Scheduler ?? Scheduler, settings);
        return new Run(this, settings, clips, scheduler, new NoiseSource(clips.Select(clip => clip.Seed), _device), size);
    }

    public void Dispose()
    {
        TextEncoder.Dispose();
        UNet.Dispose();
        Vae.Dispose();
    }

    private sealed class Run : DenoisingRun
    {
        private readonly AnimateDiffPipeline _pipeline;
        private readonly Text2VideoSettings _settings;
        private readonly bool _guided;
        private readonly ScheduledPrompts _prompts;
        private readonly Tensor[] _embeddings;

        public Run(
            AnimateDiffPipeline pipeline,
            Text2VideoSettings settings,
            IReadOnlyList<PictureItem> clips,
            Schedulers.Scheduler scheduler,
            NoiseSource noise,
            PictureSize size
        )
            : base(scheduler, noise, [.. clips.Select(clip => clip.Seed)])
        {
            _pipeline = pipeline;
            _settings = settings;
            _guided = settings.GuidanceScale > 1;
            using DisposeScope scope = NewDisposeScope();
            _prompts = new ScheduledPrompts(settings, clips);
            _embeddings =
            [
                .. _prompts.Sets.Select(set =>
                    Keep(ClipPrompts.Condition(settings, pipeline._tokenizer, pipeline.TextEncoder, set, _guided))
                ),
            ];
            int downscale = pipeline.Vae.Config.Downscale;

            // (clips, channels, frames, height, width)
            SetLatents(
                Noise.Draw(pipeline.Vae.Config.LatentChannels, settings.NumFrames, size.Height / downscale, size.Width / downscale)
                    * scheduler.InitNoiseSigma
            );
        }

        /// <summary>A preview of the middle frame.</summary>
        public override Picture? Preview(int index = 0)
        {
            using DisposeScope scope = NewDisposeScope();
            return (_pipeline._preview ??= LatentPreview.For(_pipeline.Vae)).Render(
                EvenLatents()[index].select(1, _settings.NumFrames / 2)
            );
        }

        public override PictureBatch Decode(CancellationToken token = default)
        {
            using DisposeScope scope = NewDisposeScope();
            long[] shape = Latents.shape;
            Tensor frames = _pipeline.Vae.FromDenoiser(
                Latents.permute(0, 2, 1, 3, 4).reshape(shape[0] * shape[2], shape[1], shape[3], shape[4])
            );
            var pictures = new List<Tensor>();
            for (long start = 0; start < frames.shape[0]; start += _settings.DecodeChunkSize)
            {
                token.ThrowIfCancellationRequested();
                using Tensor chunk = frames.narrow(0, start, Math.Min(_settings.DecodeChunkSize, frames.shape[0] - start));
                using Tensor decoded = _pipeline.Vae.Decode(chunk, token: token);
                pictures.Add(PictureTensors.FromDecoded(decoded));
            }

            return new PictureBatch(Latents.clone(), cat(pictures, 0), Seeds) { FramesPerClip = _settings.NumFrames };
        }

        protected override Tensor Predict(Tensor latents, int i)
        {
            Tensor input = Scheduler.ScaleModelInput(_guided ? cat([latents, latents], 0) : latents, i);
            Tensor prompts = _embeddings[_prompts.At(i, Scheduler.Timesteps.Count)];
            Tensor prediction = _pipeline.UNet.Forward(input, Scheduler.Timesteps[i], prompts);
            return _guided ? Guidance.Combine(prediction, _settings.GuidanceScale, _settings.GuidanceRescale) : prediction;
        }
    }
}
