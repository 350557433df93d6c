using Generation.Diffusion.Networks;
using Generation.Diffusion.Tokenizers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>Prompts to embeddings with one CLIP text model, as Stable Diffusion takes them.</summary>
internal static class ClipPrompts
{
    /// <summary>Token ids of shape (texts, length), each cut or padded to the model's length.</summary>
    public static Tensor Tokenize(ClipTokenizer tokenizer, CLIPTextModel model, IEnumerable<string> texts)
    {
        int length = Math.Min(tokenizer.ModelMaxLength, model.Config.MaxPositionEmbeddings);
        long[][] ids = [.. texts.Select(text => tokenizer.EncodePadded(text, length).Select(id => (long)id).ToArray())];
        return tensor(ids.SelectMany(row => row).ToArray(), dtype: ScalarType.Int64).view(ids.Length, length).to(model.Parameters.Values.First().Value.device);
    }

    /// <summary>Hidden states of shape (texts, length, features) after the final norm.</summary>
    /// <param name="clipSkip">Layers left out at the end.</param>
    public static Tensor Embed(ClipTokenizer tokenizer, CLIPTextModel model, IEnumerable<string> texts, int? clipSkip)
    {
        using var scope = NewDisposeScope();
        ClipTextOutput output = model.Forward(Tokenize(tokenizer, model, texts));
        Tensor states = clipSkip is { } skip
            ? model.FinalLayerNorm(HiddenState(output, skip + 1))
            : output.LastHiddenState;
        return states.to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>The hidden state <paramref name="fromEnd"/> from the end, 1 being the last layer's, before the final norm.</summary>
    /// <exception cref="SettingException">There are not as many layers.</exception>
    public static Tensor HiddenState(ClipTextOutput output, int fromEnd) => fromEnd <= output.HiddenStates.Count
        ? output.HiddenStates[^fromEnd]
        : throw new SettingException("clip_skip", $"leaves out more layers than the text encoder has ({output.HiddenStates.Count - 1}).");
}
