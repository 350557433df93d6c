using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tokenizers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// The parts of a FLUX.1 model (schnell, dev, Fill), loaded once and shared by the pipelines that run on it: CLIP for
/// the pooled prompt, T5 for its words, a transformer over packed latents. https://github.com/black-forest-labs/flux
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

    /// <summary>What draws small pictures of unfinished latents: if none is set, a projection, made when first asked for.</summary>
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

    /// <summary>Pixels to one packed patch of latents, in height and width alike.</summary>
    public override int Multiple => 2 * Vae.Config.Downscale;

    /// <summary>Size that runs take whose settings give none: 128 latents on each side, as the reference.</summary>
    public override PictureSize NativeSize => new(128 * Vae.Config.Downscale, 128 * Vae.Config.Downscale);

    public override string Family => "flux";

    public override ModelAbilities Abilities =>
        IsFill
            ? ModelAbilities.Inpaint | ModelAbilities.Outpaint
            : ModelAbilities.Text2Img | ModelAbilities.Img2Img | ModelAbilities.Inpaint;

    public override ModelDefaults Defaults => new(Steps: 28, GuidanceScale: 3.5, Scheduler: "flow_euler", RelativeCost: 10);

    /// <summary>T5 was trained on plain text: weights of words would change what it reads.</summary>
    public override PromptSyntax PromptSyntax => FluxFamily.Syntax;

    /// <summary>Whether the transformer sees the kept picture and the mask: FLUX.1 Fill.</summary>
    private bool IsFill => Transformer.Config.InChannels > 4 * Vae.Config.LatentChannels;

    public override long[] LatentShape(PictureSize size) =>
        [1, Vae.Config.LatentChannels, size.Height / Vae.Config.Downscale, size.Width / Vae.Config.Downscale];

    public override DenoisingRun Encode(Text2ImgSettings settings) => new FluxPipeline(this).Encode(settings);

    public override DenoisingRun Encode(Img2ImgSettings settings) => new FluxImg2ImgPipeline(this).Encode(settings);

    public override DenoisingRun Encode(InpaintSettings settings) =>
        IsFill ? new FluxFillPipeline(this).Encode(settings) : new FluxInpaintPipeline(this).Encode(settings);

    /// <summary>Loads a model.</summary>
    /// <param name="path">Folder in the diffusers layout, or a transformer in one file that lies in such a folder.</param>
    /// <param name="dtype">Type that the networks compute in.</param>
    /// <param name="device">Null is the CPU.</param>
    /// <exception cref="WeightsException">A part is missing or does not fit; the message names file and keys.</exception>
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

    /// <summary>Prompts to conditions, in the caller's scope.</summary>
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

/// <summary>What FLUX's transformer is told about the prompts.</summary>
/// <param name="Embeddings">(n, length, features), from T5.</param>
/// <param name="Pooled">(n, features), from CLIP.</param>
internal sealed record FluxConditions(Tensor Embeddings, Tensor Pooled);
