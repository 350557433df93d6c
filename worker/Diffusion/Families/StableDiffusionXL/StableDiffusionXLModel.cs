using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusionXL;

/// <summary>
/// Stable Diffusion XL and its refiner: two text encoders (the refiner has the second only), and conditions on the picture's size and crop.
/// Podell et al., SDXL, 2023.
/// </summary>
public sealed class StableDiffusionXLModel : LatentDiffusionModel
{
    private readonly bool _forceZerosForEmptyPrompt;
    private readonly bool _requiresAestheticsScore;

    private StableDiffusionXLModel(
        ModelFiles files,
        (ClipTokenizer Tokenizer, CLIPTextModel Encoder)[] texts,
        UNet2DConditionModel unet,
        AutoencoderKL vae,
        Device device
    )
        : base(files, unet, vae, device)
    {
        Texts = texts;
        _forceZerosForEmptyPrompt = files.Flag("force_zeros_for_empty_prompt", otherwise: true);
        _requiresAestheticsScore = files.Flag("requires_aesthetics_score", otherwise: false);
    }

    /// <summary>
    /// The text encoders, in the order in which their features are concatenated. The last one also gives the pooled embedding.
    /// </summary>
    public IReadOnlyList<(ClipTokenizer Tokenizer, CLIPTextModel Encoder)> Texts { get; }

    public override IReadOnlyDictionary<string, ParameterStore> Adaptable
    {
        get
        {
            var networks = new Dictionary<string, ParameterStore>(StringComparer.Ordinal)
            {
                ["unet"] = UNet.Parameters,
                ["text_encoder_2"] = Texts[^1].Encoder.Parameters,
            };
            if (Texts.Count > 1)
            {
                networks["text_encoder"] = Texts[0].Encoder.Parameters;
            }

            return networks;
        }
    }

    public override string Family => IsRefiner ? StableDiffusionXLFamily.SdxlRefiner.Name : StableDiffusionXLFamily.Sdxl.Name;

    public override ModelDefaults Defaults => base.Defaults with { GuidanceScale = 5, RelativeCost = 3 };

    protected override ModelAbilities Drawing => IsRefiner ? ModelAbilities.Img2Img : base.Drawing;

    // The refiner has the second text encoder alone
    private bool IsRefiner => Texts.Count == 1;

    /// <summary>Loads a model from opened files.</summary>
    /// <exception cref="WeightsException">A component is missing or does not fit; the message names file and keys.</exception>
    public static StableDiffusionXLModel Load(ModelFiles files, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        var networks = new NetworkLoader(files, dtype, device);
        try
        {
            var texts = new List<(ClipTokenizer, CLIPTextModel)>();
            if (files.Has("text_encoder"))
            {
                texts.Add((files.ClipTokenizer("tokenizer"), networks.ClipText("text_encoder")));
            }

            texts.Add((files.ClipTokenizer("tokenizer_2"), networks.ClipText("text_encoder_2")));
            if (!texts[^1].Item2.HasProjection)
            {
                throw new WeightsException("text_encoder_2: has no text_projection, which SDXL's second text encoder must have.");
            }

            return new StableDiffusionXLModel(files, [.. texts], networks.UNet(), networks.Vae(), device ?? CPU);
        }
        catch
        {
            networks.DisposeLoaded();
            throw;
        }
    }

    internal override LatentConditions Condition(
        DiffusionSettings settings,
        IReadOnlyList<PictureItem> pictures,
        PictureSize size,
        bool fromImage
    )
    {
        SdxlConditions extra = settings.Sdxl ?? new SdxlConditions();
        PromptEncoder[] encoders = [.. Texts.Select((text, place) => ClipPrompts.Encoder(settings, text.Tokenizer, text.Encoder, place))];
        var texts = new SplitTexts(
            encoders,
            settings,
            "prompt",
            pictures,
            picture => picture.Prompt,
            picture => Or(picture.Prompt2, picture.Prompt)
        );
        SplitTexts? negativeTexts = IsGuided(settings)
            ? new SplitTexts(
                encoders,
                settings,
                "negative_prompt",
                pictures,
                picture => picture.NegativePrompt ?? "",
                picture => Or(picture.NegativePrompt2, picture.NegativePrompt ?? "")
            )
            : null;
        int chunks = Math.Max(texts.Chunks, negativeTexts?.Chunks ?? 0);
        (Tensor prompts, Tensor pooled) = Embed(encoders, texts, chunks, settings.ClipSkip);
        (Tensor ids, Tensor negativeIds) = TimeIds(extra, size, fromImage);
        ids = ids.expand(pictures.Count, -1);
        if (negativeTexts is null)
        {
            return new LatentConditions(prompts, pooled, ids);
        }

        (Tensor negatives, Tensor negativePooled) = Embed(encoders, negativeTexts, chunks, clipSkip: null);
        if (_forceZerosForEmptyPrompt)
        {
            Tensor given = tensor(pictures.Select(picture => picture.NegativePrompt is null ? 0f : 1f).ToArray()).to(Device);
            negatives = negatives * given.view(-1, 1, 1);
            negativePooled = negativePooled * given.view(-1, 1);
        }

        return new LatentConditions(
            cat([negatives, prompts], 0),
            cat([negativePooled, pooled], 0),
            cat([negativeIds.expand(pictures.Count, -1), ids], 0)
        );
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach ((_, CLIPTextModel encoder) in Texts)
            {
                encoder.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    // The reference takes an empty second prompt for an absent one.
    private static string Or(string? second, string first) => string.IsNullOrEmpty(second) ? first : second;

    /// <summary>The last but one hidden states of all encoders, concatenated, and the last encoder's pooled embedding.</summary>
    private static (Tensor States, Tensor Pooled) Embed(PromptEncoder[] encoders, SplitTexts texts, int chunks, int? clipSkip)
    {
        using DisposeScope scope = NewDisposeScope();
        EncodedPrompts[] encoded =
        [
            .. encoders.Select((encoder, place) => encoder.Encode(texts.ByEncoder[place], chunks, clipSkip, TextState.Penultimate)),
        ];
        return (
            cat([.. encoded.Select(prompts => prompts.States)], -1).MoveToOuterDisposeScope(),
            encoded[^1].Pooled.MoveToOuterDisposeScope()
        );
    }

    /// <summary>The added time ids, (1, 5 or 6), for the prompt and for the negative prompt.</summary>
    private (Tensor Ids, Tensor NegativeIds) TimeIds(SdxlConditions extra, PictureSize size, bool fromImage)
    {
        PictureSize original = extra.OriginalSize ?? size;
        PictureSize target = extra.TargetSize ?? size;
        (int Top, int Left) crop = extra.CropsCoordsTopLeft;
        if (_requiresAestheticsScore)
        {
            PictureSize negative = extra.NegativeOriginalSize ?? original;
            return (
                Row(original.Height, original.Width, crop.Top, crop.Left, extra.AestheticScore),
                Row(
                    negative.Height,
                    negative.Width,
                    extra.NegativeCropsCoordsTopLeft.Top,
                    extra.NegativeCropsCoordsTopLeft.Left,
                    extra.NegativeAestheticScore
                )
            );
        }

        Tensor ids = Row(original.Height, original.Width, crop.Top, crop.Left, target.Height, target.Width);
        if (!fromImage && (extra.NegativeOriginalSize is null || extra.NegativeTargetSize is null))
        {
            return (ids, ids);
        }

        // Starting from a picture, the reference gives the negative prompt the prompt's own crop.
        (int Top, int Left) negativeCrop = fromImage ? crop : extra.NegativeCropsCoordsTopLeft;
        PictureSize negativeOriginal = extra.NegativeOriginalSize ?? original;
        PictureSize negativeTarget = extra.NegativeTargetSize ?? target;
        return (
            ids,
            Row(
                negativeOriginal.Height,
                negativeOriginal.Width,
                negativeCrop.Top,
                negativeCrop.Left,
                negativeTarget.Height,
                negativeTarget.Width
            )
        );
    }

    private Tensor Row(params double[] numbers) => tensor(numbers.Select(number => (float)number).ToArray()).unsqueeze(0).to(Device);

    /// <summary>
    /// The chunks of prompts, or of negative prompts, for each encoder. A refiner has one encoder, and it reads the first text.
    /// </summary>
    private sealed class SplitTexts(
        PromptEncoder[] encoders,
        DiffusionSettings settings,
        string field,
        IReadOnlyList<PictureItem> pictures,
        Func<PictureItem, string> first,
        Func<PictureItem, string> second
    )
    {
        public IReadOnlyList<IReadOnlyList<PromptChunk>>[] ByEncoder { get; } =
        [
            .. encoders.Select(
                (encoder, place) => encoder.Split(settings, place == 0 ? field : $"{field}_2", pictures.Select(place == 0 ? first : second))
            ),
        ];

        /// <summary>The number of chunks of the longest text.</summary>
        public int Chunks => ByEncoder.Max(texts => texts.Max(text => text.Count));
    }
}
