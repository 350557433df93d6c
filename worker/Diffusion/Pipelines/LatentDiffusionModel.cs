using Generation.Diffusion.Networks;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// The parts of a Stable Diffusion model of any generation, loaded once and shared by all the pipelines that run on
/// it. What differs between generations is how a prompt becomes the network's conditions.
/// </summary>
public abstract class LatentDiffusionModel : IDisposable
{
    private LatentPreview? _preview;

    private protected LatentDiffusionModel(UNet2DConditionModel unet, AutoencoderKL vae, SchedulerConfig scheduler, Device device)
    {
        UNet = unet;
        Vae = vae;
        Scheduler = scheduler;
        Device = device;
    }

    public UNet2DConditionModel UNet { get; }

    public AutoencoderKL Vae { get; private set; }

    /// <summary>What a run takes whose settings name no scheduler.</summary>
    public SchedulerConfig Scheduler { get; }

    public Device Device { get; }

    /// <summary>What draws small pictures of unfinished latents: if none is set, a projection, made when first asked for.</summary>
    public LatentPreview Preview
    {
        get => _preview ??= LatentPreview.For(Vae);
        set => _preview = value;
    }

    /// <summary>Size of the pictures that the model was trained on.</summary>
    public PictureSize NativeSize =>
        UNet.Config.SampleSize is { } size
            ? new(size[1] * Vae.Config.Downscale, size[0] * Vae.Config.Downscale)
            : new(64 * Vae.Config.Downscale, 64 * Vae.Config.Downscale);

    /// <summary>
    /// Whether runs of these settings also predict without the prompt. Networks distilled for guidance are told the scale instead.
    /// </summary>
    public bool IsGuided(DiffusionSettings settings) => settings.GuidanceScale > 1 && UNet.Config.TimeCondProjDim is null;

    /// <summary>The weights that adapters may change, by component: unet, text_encoder, text_encoder_2.</summary>
    public abstract IReadOnlyDictionary<string, ParameterStore> Adaptable { get; }

    /// <summary>Loads a model of the Stable Diffusion family, whichever it is.</summary>
    /// <param name="path">Folder in the diffusers layout.</param>
    /// <param name="dtype">Type that the networks compute in.</param>
    /// <param name="device">Null is the CPU.</param>
    /// <exception cref="WeightsException">A part is missing or does not fit; the message names file and keys.</exception>
    public static LatentDiffusionModel FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load(ModelFiles.Open(path), dtype, device);

    /// <summary>Loads a model from opened files.</summary>
    public static LatentDiffusionModel Load(ModelFiles files, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        files.Has("text_encoder_2") ? StableDiffusionXLModel.Load(files, dtype, device) : StableDiffusionModel.Load(files, dtype, device);

    /// <summary>Another autoencoder takes the place of the model's own until the result is disposed; it stays the caller's.</summary>
    /// <exception cref="SettingException">Its latents are not this model's.</exception>
    public IDisposable UseVae(AutoencoderKL other)
    {
        if (other.Config.LatentChannels != Vae.Config.LatentChannels || other.Config.Downscale != Vae.Config.Downscale)
        {
            throw new SettingException(
                "vae",
                $"has {other.Config.LatentChannels} channels of latents at a {other.Config.Downscale}th of the size, and the model "
                    + $"{Vae.Config.LatentChannels} at a {Vae.Config.Downscale}th."
            );
        }

        return new VaeSwap(this, other);
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Prompts to what the network is conditioned on, in the caller's scope.</summary>
    /// <param name="size">Size of the pictures that the network makes.</param>
    /// <param name="fromImage">Whether the run starts from a picture.</param>
    internal abstract LatentConditions Condition(
        DiffusionSettings settings,
        IReadOnlyList<PictureItem> pictures,
        PictureSize size,
        bool fromImage
    );

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            UNet.Dispose();
            Vae.Dispose();
        }
    }

    private sealed class VaeSwap : IDisposable
    {
        private readonly LatentDiffusionModel _model;
        private readonly AutoencoderKL _own;
        private readonly LatentPreview? _preview;

        public VaeSwap(LatentDiffusionModel model, AutoencoderKL other)
        {
            (_model, _own, _preview) = (model, model.Vae, model._preview);
            (model.Vae, model._preview) = (other, null);
        }

        public void Dispose() => (_model.Vae, _model._preview) = (_own, _preview);
    }
}

/// <summary>What a UNet is told about the prompts. With guidance every tensor has 2 n rows, those of the negative prompts first.</summary>
/// <param name="Embeddings">(n, length, features)</param>
/// <param name="TextEmbeds">(n, features): pooled, of SDXL.</param>
/// <param name="TimeIds">(n, 5 or 6): sizes and crops, of SDXL.</param>
internal sealed record LatentConditions(Tensor Embeddings, Tensor? TextEmbeds = null, Tensor? TimeIds = null);
