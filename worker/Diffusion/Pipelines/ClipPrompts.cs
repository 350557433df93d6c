using Generation.Diffusion.Networks;
using Generation.Diffusion.Prompts;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>Encodes prompts with one CLIP text model, as Stable Diffusion takes them.</summary>
internal static class ClipPrompts
{
    /// <summary>The token ids of texts, (texts, length), each truncated or padded to the model's length.</summary>
    public static Tensor Tokenize(ClipTokenizer tokenizer, CLIPTextModel model, IEnumerable<string> texts)
    {
        int length = Math.Min(tokenizer.ModelMaxLength, model.Config.MaxPositionEmbeddings);
        long[][] ids = [.. texts.Select(text => tokenizer.EncodePadded(text, length).Select(id => (long)id).ToArray())];
        return tensor(ids.SelectMany(row => row).ToArray(), dtype: ScalarType.Int64).view(ids.Length, length).to(model.Parameters.Device);
    }

    /// <summary>
    /// Encodes the prompts of a run with one text encoder: (n, length, features); with guidance (2 n, length, features), the negative
    /// prompts first.
    /// </summary>
    /// <exception cref="SettingException">A text's syntax exceeds a limit, or clip_skip leaves out more layers than there are.</exception>
    public static Tensor Condition(
        DiffusionSettings settings,
        ClipTokenizer tokenizer,
        CLIPTextModel model,
        IReadOnlyList<PictureItem> pictures,
        bool guided
    )
    {
        using DisposeScope scope = NewDisposeScope();
        PromptEncoder encoder = Encoder(settings, tokenizer, model);
        IReadOnlyList<IReadOnlyList<PromptChunk>> texts = encoder.Split(settings, "prompt", pictures.Select(picture => picture.Prompt));
        if (!guided)
        {
            return encoder
                .Encode(texts, texts.Max(text => text.Count), settings.ClipSkip, TextState.Normed)
                .States.MoveToOuterDisposeScope();
        }

        IReadOnlyList<IReadOnlyList<PromptChunk>> negativeTexts = encoder.Split(
            settings,
            "negative_prompt",
            pictures.Select(picture => picture.NegativePrompt ?? "")
        );
        int chunks = texts.Concat(negativeTexts).Max(text => text.Count);
        Tensor prompts = encoder.Encode(texts, chunks, settings.ClipSkip, TextState.Normed).States;

        // The reference leaves layers out of the prompt's encoding only.
        Tensor negatives = encoder.Encode(negativeTexts, chunks, clipSkip: null, TextState.Normed).States;
        return cat([negatives, prompts], 0).MoveToOuterDisposeScope();
    }

    /// <summary>Makes an encoder for one run's prompts.</summary>
    /// <param name="place">0 for the first text encoder, 1 for SDXL's second.</param>
    /// <exception cref="SettingException">An embedding is not for this model.</exception>
    public static PromptEncoder Encoder(DiffusionSettings settings, ClipTokenizer tokenizer, CLIPTextModel model, int place = 0) =>
        Named("embeddings", () => new PromptEncoder(tokenizer, model, settings.Embeddings, place));

    /// <summary>Splits each text into chunks.</summary>
    /// <param name="field">The setting that the texts are from, for errors.</param>
    /// <exception cref="SettingException">A text's syntax exceeds a limit, or the text is too long.</exception>
    public static IReadOnlyList<IReadOnlyList<PromptChunk>> Split(
        this PromptEncoder encoder,
        DiffusionSettings settings,
        string field,
        IEnumerable<string> texts
    ) => Named(field, () => encoder.Split(texts, settings.PromptSyntax));

    /// <summary>Encodes texts, each filled up to a number of chunks.</summary>
    /// <exception cref="SettingException">More layers are left out than there are.</exception>
    public static EncodedPrompts Encode(
        this PromptEncoder encoder,
        IReadOnlyList<IReadOnlyList<PromptChunk>> texts,
        int chunks,
        int? clipSkip,
        TextState state
    ) => Named("clip_skip", () => encoder.Encode(texts, chunks, state, clipSkip));

    private static T Named<T>(string field, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (PromptException e)
        {
            throw new SettingException(field, e.Message);
        }
    }
}
