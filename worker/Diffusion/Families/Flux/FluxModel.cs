using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// The components of a FLUX.1 model (schnell, dev, Fill), loaded once and shared by the pipelines that run on it: CLIP for the prompt's
/// pooled state, T5 for the states of its tokens, and a transformer over packed latents. https://github.com/black-forest-labs/flux
/// </summary>
public sealed class FluxModel : DiffusionModel
{
    private LatentPreview? _preview;

    private FluxModel(
        ClipTokenizer tokenizer,
        CLIPTextModel textEncoder,
        T5Tokenizer tokenizer2,
        T5EncoderModel textEncoder2,
        FluxTransformer2DModel transformer,
        AutoencoderKL vae,
        SchedulerConfig scheduler,
        Device device
    )
    {
        Tokenizer = tokenizer;
        TextEncoder = textEncoder;
        Tokenizer2 = tokenizer2;
        TextEncoder2 = textEncoder2;
        Transformer = transformer;
        Vae = vae;
        Scheduler = scheduler;
        Device = device;
    }

    public ClipTokenizer Tokenizer { get; }

    public CLIPTextModel TextEncoder { get; }

    public T5Tokenizer Tokenizer2 { get; }

    public T5EncoderModel TextEncoder2 { get; }

    public FluxTransformer2DModel Transformer { get; }

    public AutoencoderKL Vae { get; }

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

    public override IReadOnlyDictionary<string, ParameterStore> Adaptable =>
        new Dictionary<string, ParameterStore>(StringComparer.Ordinal)
        {
            ["transformer"] = Transformer.Parameters,
            ["text_encoder"] = TextEncoder.Parameters,
            ["text_encoder_2"] = TextEncoder2.Parameters,
        };

    /// <summary>The number of pixels per packed patch of latents, in height and width alike.</summary>
    public override int Multiple => 2 * Vae.Config.Downscale;

    /// <summary>The size of runs whose settings give none: latents of 128 x 128, as in the reference implementation.</summary>
    public override PictureSize NativeSize => new(128 * Vae.Config.Downscale, 128 * Vae.Config.Downscale);

    public override string Family => "flux";

    public override ModelAbilities Abilities =>
        IsFill
            ? ModelAbilities.Inpaint | ModelAbilities.Outpaint
            : ModelAbilities.Text2Img | ModelAbilities.Img2Img | ModelAbilities.Inpaint;

    public override ModelDefaults Defaults => new(Steps: 28, GuidanceScale: 3.5, Scheduler: "flow_euler", RelativeCost: 10);

    /// <summary>Plain, because T5 was trained on plain text and weights of words would change what it reads.</summary>
    public override PromptSyntax PromptSyntax => FluxFamily.Syntax;

    /// <summary>Whether the transformer takes the masked picture and the mask, as that of FLUX.1 Fill does.</summary>
    private bool IsFill => Transformer.Config.InChannels > 4 * Vae.Config.LatentChannels;

    public override long[] LatentShape(PictureSize size) => [1, .. Vae.Config.LatentShape(size.Width, size.Height)];

    public override DenoisingRun Encode(Text2ImgSettings settings) => new FluxPipeline(this).Encode(settings);

    public override DenoisingRun Encode(Img2ImgSettings settings) => new FluxImg2ImgPipeline(this).Encode(settings);

    public override DenoisingRun Encode(InpaintSettings settings) =>
        IsFill ? new FluxFillPipeline(this).Encode(settings) : new FluxInpaintPipeline(this).Encode(settings);

    /// <summary>Loads a model.</summary>
    /// <param name="path">A folder in the diffusers layout, or a transformer in one file that lies in such a folder.</param>
    /// <param name="dtype">The number type that the networks compute in.</param>
    /// <param name="device">The device to load onto; null is the CPU.</param>
    /// <exception cref="WeightsException">A component is missing or does not fit; the message names file and keys.</exception>
    public static FluxModel FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        Load(ModelFiles.Open(path), dtype, device);

    /// <summary>Loads a model from opened files.</summary>
    public static FluxModel Load(ModelFiles files, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        var networks = new NetworkLoader(files, dtype, device);
        try
        {
            return new FluxModel(
                files.ClipTokenizer("tokenizer"),
                networks.ClipText("text_encoder"),
                files.T5Tokenizer("tokenizer_2"),
                networks.Load<T5EncoderModel, T5Config>("text_encoder_2", (config, weights) => new T5EncoderModel(config, weights)),
                networks.Load<FluxTransformer2DModel, FluxConfig>("transformer", (config, weights) =>
                    new FluxTransformer2DModel(config, weights)
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

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
        {
            return;
        }

        TextEncoder.Dispose();
        TextEncoder2.Dispose();
        Transformer.Dispose();
        Vae.Dispose();
    }

    /// <summary>Encodes prompts into conditions, in the caller's scope.</summary>
    internal FluxConditions Condition(IEnumerable<(string First, string Second)> prompts, int maxSequenceLength)
    {
        using DisposeScope scope = NewDisposeScope();
        (string First, string Second)[] rows = [.. prompts];
        Tensor pooled = TextEncoder.Forward(ClipPrompts.Tokenize(Tokenizer, TextEncoder, rows.Select(row => row.First))).Pooled;
        long[] ids = [.. rows.SelectMany(row => Tokenizer2.EncodePadded(row.Second, maxSequenceLength)).Select(id => (long)id)];
        Tensor states = TextEncoder2.Forward(tensor(ids, dtype: ScalarType.Int64).view(rows.Length, maxSequenceLength).to(Device));
        return new FluxConditions(
            states.to(ScalarType.Float32).MoveToOuterDisposeScope(),
            pooled.to(ScalarType.Float32).MoveToOuterDisposeScope()
        );
    }
}

/// <summary>The conditions of FLUX's transformer that come from the prompts.</summary>
/// <param name="Embeddings">(n, length, features), from T5.</param>
/// <param name="Pooled">(n, features), from CLIP.</param>
internal sealed record FluxConditions(Tensor Embeddings, Tensor Pooled);
