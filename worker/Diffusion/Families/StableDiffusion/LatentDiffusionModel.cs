using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// The components of a Stable Diffusion model of any generation, loaded once and shared by all the pipelines that run on it. The
/// generations differ in how prompts are encoded into the network's conditions.
/// </summary>
public abstract class LatentDiffusionModel : DiffusionModel
{
    private readonly StableDiffusionUpscalePipeline? _upscale;
    private LatentPreview? _preview;

    private protected LatentDiffusionModel(ModelFiles files, UNet2DConditionModel unet, AutoencoderKL vae, Device device)
    {
        UNet = unet;
        Vae = vae;
        Scheduler = files.Scheduler();
        Device = device;
        _upscale = files.PipelineClass.Contains("Upscale", StringComparison.Ordinal)
            ? new StableDiffusionUpscalePipeline(this, files)
            : null;
    }

    public UNet2DConditionModel UNet { get; }

    public AutoencoderKL Vae { get; private set; }

    public override SchedulerConfig Scheduler { get; }

    public Device Device { get; }

    /// <summary>
    /// Draws small previews of unfinished latents. Where none is set it is a linear projection, which is made at the first call.
    /// </summary>
    public LatentPreview Preview
    {
        get => _preview ??= LatentPreview.For(Vae);
        set => _preview = value;
    }

    public override PictureSize NativeSize =>
        UNet.Config.SampleSize is { } size
            ? new(size[1] * Vae.Config.Downscale, size[0] * Vae.Config.Downscale)
            : new(64 * Vae.Config.Downscale, 64 * Vae.Config.Downscale);

    public override int Multiple => Vae.Config.Downscale << (UNet.Config.BlockOutChannels.Count - 1);

    // What the UNet was trained to see beside the latents tells what it is for
    public override ModelAbilities Abilities =>
        _upscale is not null ? ModelAbilities.Upscale
        : UNet.Config.InChannels == 2 * Vae.Config.LatentChannels ? ModelAbilities.Edit
        : UNet.Config.InChannels == 2 * Vae.Config.LatentChannels + 1 ? ModelAbilities.Inpaint | ModelAbilities.Outpaint
        : Drawing;

    /// <summary>What a network of this generation can do that takes latents only.</summary>
    protected virtual ModelAbilities Drawing =>
        ModelAbilities.Text2Img | ModelAbilities.Img2Img | ModelAbilities.Inpaint | ModelAbilities.Outpaint | ModelAbilities.Control;

    /// <summary>
    /// Whether runs of these settings also predict without the prompt. Networks that were distilled for guidance take the scale as an input
    /// instead.
    /// </summary>
    public bool IsGuided(DiffusionSettings settings) => settings.GuidanceScale > 1 && UNet.Config.TimeCondProjDim is null;

    /// <summary>Loads a model of any generation of Stable Diffusion.</summary>
    /// <param name="path">A folder in the diffusers layout, or a checkpoint in one file.</param>
    /// <param name="dtype">The number type that the networks compute in.</param>
    /// <param name="device">The device to load onto; null is the CPU.</param>
    /// <exception cref="WeightsException">A component is missing or does not fit, or the model is of another family.</exception>
    public static LatentDiffusionModel FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        DiffusionModel model = ModelFamilies.FromPretrained(path, dtype, device);
        if (model is LatentDiffusionModel latent)
        {
            return latent;
        }

        using (model)
        {
            throw new WeightsException($"{path}: is of the family {model.Family}, which is none of Stable Diffusion.");
        }
    }

    public override long[] LatentShape(PictureSize size) => [1, .. Vae.Config.LatentShape(size.Width, size.Height)];

    public override DenoisingRun Encode(Text2ImgSettings settings) => new StableDiffusionPipeline(this).Encode(settings);

    public override DenoisingRun Encode(Img2ImgSettings settings) => new StableDiffusionImg2ImgPipeline(this).Encode(settings);

    public override DenoisingRun Encode(InpaintSettings settings) => new StableDiffusionInpaintPipeline(this).Encode(settings);

    public override DenoisingRun Encode(EditSettings settings) => new InstructPix2PixPipeline(this).Encode(settings);

    public override DenoisingRun Encode(ControlNetSettings settings) => new StableDiffusionControlNetPipeline(this).Encode(settings);

    public override DenoisingRun Encode(UpscaleSettings settings) => _upscale?.Encode(settings) ?? base.Encode(settings);

    public override ControlNetModel LoadControlNet(string path, ScalarType dtype = ScalarType.Float32)
    {
        ControlNetModel network = StableDiffusionControlNetPipeline.LoadControlNet(path, dtype, Device);
        int features = network.Config.CrossAttentionDim[0];
        int own = UNet.Config.CrossAttentionDim[0];
        if (features == own)
        {
            return network;
        }

        network.Dispose();
        throw new WeightsException(
            $"{path}: is for models whose prompts have {features} features; those of this model have {own}: it is of another family."
        );
    }

    public override IDisposable UseVae(AutoencoderKL other)
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

    /// <summary>Encodes prompts into the network's conditions, in the caller's scope.</summary>
    /// <param name="size">The size of the pictures that the network makes.</param>
    /// <param name="fromImage">Whether the run starts from a picture.</param>
    internal abstract LatentConditions Condition(
        DiffusionSettings settings,
        IReadOnlyList<PictureItem> pictures,
        PictureSize size,
        bool fromImage
    );

    protected override void Dispose(bool disposing)
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

/// <summary>
/// The conditions of a UNet that come from the prompts. With guidance every tensor has 2 n rows, those of the negative prompts first.
/// </summary>
/// <param name="Embeddings">(n, length, features)</param>
/// <param name="TextEmbeds">(n, features): the pooled embedding of SDXL.</param>
/// <param name="TimeIds">(n, 5 or 6): the sizes and crops of SDXL.</param>
internal sealed record LatentConditions(Tensor Embeddings, Tensor? TextEmbeds = null, Tensor? TimeIds = null);
