using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// Generates clips from a picture, with which they begin. Blattmann et al., Stable Video Diffusion, 2023. Reference: diffusers 0.35.2,
/// StableVideoDiffusionPipeline.
/// </summary>
public sealed class StableVideoDiffusionPipeline : DiffusionPipeline<Img2VideoSettings>, IDisposable
{
    private readonly Device _device;

    private StableVideoDiffusionPipeline(
        CLIPVisionModel imageEncoder,
        UNetSpatioTemporalConditionModel unet,
        AutoencoderKLTemporalDecoder vae,
        SchedulerConfig scheduler,
        Device device
    )
    {
        Scheduler = scheduler;
        _device = device;
        ImageEncoder = imageEncoder;
        UNet = unet;
        Vae = vae;
    }

    /// <summary>The size of the training clips, which is the reference implementation's default, too.</summary>
    public static PictureSize NativeSize => new(1024, 576);

    public CLIPVisionModel ImageEncoder { get; }

    public UNetSpatioTemporalConditionModel UNet { get; }

    public AutoencoderKLTemporalDecoder Vae { get; }

    /// <summary>The scheduler of runs whose settings name none.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="path">A folder in the diffusers layout.</param>
    /// <exception cref="Weights.WeightsException">A component is missing or does not fit; the message names file and keys.</exception>
    public static StableVideoDiffusionPipeline FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load(ModelFiles.Open(path), dtype, device);

    /// <summary>Loads the model from opened files.</summary>
    /// <inheritdoc cref="FromPretrained"/>
    internal static StableVideoDiffusionPipeline Load(ModelFiles files, ScalarType dtype, Device? device)
    {
        var networks = new NetworkLoader(files, dtype, device);
        try
        {
            return new StableVideoDiffusionPipeline(
                networks.Load<CLIPVisionModel, ClipVisionConfig>("image_encoder", (config, weights) =>
                    new CLIPVisionModel(config, weights)
                ),
                networks.Load<UNetSpatioTemporalConditionModel, UNetSpatioTemporalConfig>("unet", (config, weights) =>
                    new UNetSpatioTemporalConditionModel(config, weights)
                ),
                networks.Load<AutoencoderKLTemporalDecoder, AutoencoderConfig>("vae", (config, weights) =>
                    new AutoencoderKLTemporalDecoder(config, weights)
                ),
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

    public override DenoisingRun Encode(Img2VideoSettings settings)
    {
        settings.Check();

        var size = PictureSize.Of(settings, NativeSize, Vae.Config.Downscale);
        IReadOnlyList<PictureItem> clips = settings.Pictures();
        Schedulers.Scheduler scheduler = RunPlan.Create(settings.Scheduler ?? Scheduler, settings);
        return new Run(this, settings, clips, scheduler, new NoiseSource(clips.Select(clip => clip.Seed), _device), size);
    }

    public void Dispose()
    {
        ImageEncoder.Dispose();
        UNet.Dispose();
        Vae.Dispose();
    }

    private sealed class Run : DenoisingRun
    {
        private readonly StableVideoDiffusionPipeline _pipeline;
        private readonly Img2VideoSettings _settings;
        private readonly int _frames;
        private readonly bool _guided;
        private readonly Tensor _embeddings;
        private readonly Tensor _image;
        private readonly Tensor _timeIds;
        private readonly Tensor _guidance;

        public Run(
            StableVideoDiffusionPipeline pipeline,
            Img2VideoSettings settings,
            IReadOnlyList<PictureItem> clips,
            Schedulers.Scheduler scheduler,
            NoiseSource noise,
            PictureSize size
        )
            : base(scheduler, noise, [.. clips.Select(clip => clip.Seed)])
        {
            _pipeline = pipeline;
            _settings = settings;
            _frames = settings.NumFrames ?? pipeline.UNet.Config.NumFrames;
            _guided = settings.MaxGuidanceScale > 1;
            Device device = pipeline._device;
            using DisposeScope scope = NewDisposeScope();
            Tensor embeddings = pipeline
                .ImageEncoder.Forward(ClipImage(settings.Image, pipeline.ImageEncoder.Config.ImageSize).to(device))
                .ImageEmbeds.to(ScalarType.Float32)
                .unsqueeze(1)
                .expand(clips.Count, -1, -1);
            _embeddings = Keep(_guided ? cat([zeros_like(embeddings), embeddings], 0) : embeddings.clone());

            Tensor picture = PictureTensors.ForAutoencoder(settings.Image, size).to(device).expand(clips.Count, -1, -1, -1);
            Tensor noised = picture + (settings.NoiseAugStrength * Noise.Draw(picture.shape[1..]));
            Tensor image = pipeline.Vae.Encode(noised).Mean;

            // (clips, channels, height, width) -> (clips, frames, channels, height, width)
            _image = Keep((_guided ? cat([zeros_like(image), image], 0) : image).unsqueeze(1).expand(-1, _frames, -1, -1, -1));

            // The network was trained with one frame a second less than it was told.
            _timeIds = Keep(
                tensor(new float[] { settings.Fps - 1, settings.MotionBucketId, (float)settings.NoiseAugStrength })
                    .unsqueeze(0)
                    .expand(_embeddings.shape[0], -1)
                    .to(device)
            );
            _guidance = Keep(
                linspace(settings.MinGuidanceScale, settings.MaxGuidanceScale, _frames, dtype: ScalarType.Float32)
                    .view(1, _frames, 1, 1, 1)
                    .to(device)
            );
            int downscale = pipeline.Vae.Config.Downscale;
            SetLatents(
                Noise.Draw(_frames, pipeline.UNet.Config.InChannels / 2, size.Height / downscale, size.Width / downscale)
                    * scheduler.InitNoiseSigma
            );
        }

        /// <summary>A preview of the middle frame, where the latent space is a published one.</summary>
        public override Picture? Preview(int index = 0)
        {
            using DisposeScope scope = NewDisposeScope();
            return LatentPreview.For(_pipeline.Vae.Config)?.Render(EvenLatents()[index].select(0, _frames / 2));
        }

        public override PictureBatch Decode(CancellationToken token = default)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor frames = Latents.flatten(0, 1) / _pipeline.Vae.Config.ScalingFactor;
            int chunkSize = _settings.DecodeChunkSize ?? _frames;
            var pictures = new List<Tensor>();
            for (long start = 0; start < frames.shape[0]; start += chunkSize)
            {
                token.ThrowIfCancellationRequested();
                using Tensor chunk = frames.narrow(0, start, Math.Min(chunkSize, frames.shape[0] - start));
                using Tensor decoded = _pipeline.Vae.Decode(chunk, (int)chunk.shape[0]);
                pictures.Add(PictureTensors.FromDecoded(decoded));
            }

            return new PictureBatch(Latents.clone(), cat(pictures, 0), Seeds) { FramesPerClip = _frames };
        }

        protected override Tensor Predict(Tensor latents, int i)
        {
            Tensor input = Scheduler.ScaleModelInput(_guided ? cat([latents, latents], 0) : latents, i);
            Tensor prediction = _pipeline.UNet.Forward(cat([input, _image], 2), Scheduler.Timesteps[i], _embeddings, _timeIds);
            if (!_guided)
            {
                return prediction;
            }

            Tensor[] halves = prediction.chunk(2, 0);
            return halves[0] + (_guidance * (halves[1] - halves[0]));
        }

        // Scaled as a float picture in -1..1 with a Gaussian before, as the network's authors did, and then normalised as CLIP's.
        private static Tensor ClipImage(Picture picture, int side)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor image = (PictureTensors.FromPicture(picture.DropAlpha()) * 2) - 1;
            Tensor scaled = (AntialiasedResize.Resize(image, side, side) + 1) / 2;
            Tensor mean = tensor(new[] { 0.48145466f, 0.4578275f, 0.40821073f }).view(1, 3, 1, 1);
            Tensor deviation = tensor(new[] { 0.26862954f, 0.26130258f, 0.27577711f }).view(1, 3, 1, 1);
            return ((scaled - mean) / deviation).MoveToOuterDisposeScope();
        }
    }
}
