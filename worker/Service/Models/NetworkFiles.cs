using System.Text.Json;
using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;

namespace Generation.Service.Models;

/// <summary>Reads from a model's configs what its jobs are planned by; no weights are loaded.</summary>
internal static class NetworkFiles
{
    /// <summary>
    /// Reads the facts of a model. Null for networks that have no schedule, and for files that cannot be read: loading them reports what is
    /// wrong.
    /// </summary>
    /// <param name="entry">The model's entry.</param>
    /// <param name="weights">The folder or file of its weights.</param>
    /// <param name="vocabularies">Takes the packed files of its tokenizers, by their hash.</param>
    public static NetworkFacts? Of(ModelEntry entry, string weights, IDictionary<string, byte[]> vocabularies)
    {
        if (entry.IsPlainUpscaler)
        {
            return null;
        }

        try
        {
            var files = ModelFiles.Open(weights);
            ModelFamily family = ModelFamilies.Of(new ModelSource(files));
            return new NetworkFacts(
                files.Scheduler().ToJson(),
                family.SeesMask(files),
                family.PromptSyntax == PromptSyntax.Plain,
                TextEncoders(family, files, vocabularies)
            );
        }
        catch (Exception e)
            when (e is WeightsException or SchedulerException or JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The model's text encoders; null where they cannot be read, which is no reason not to plan its jobs.</summary>
    private static List<TextEncoderEntry>? TextEncoders(ModelFamily family, ModelFiles files, IDictionary<string, byte[]> vocabularies)
    {
        try
        {
            return [.. family.TextEncoders(files).Select(encoder => Describe(encoder, vocabularies))];
        }
        catch (Exception e) when (e is WeightsException or TokenizerException)
        {
            return null;
        }
    }

    // One that is too large to be packed is registered all the same: nobody has its files, and its prompts are not counted
    private static TextEncoderEntry Describe(TextEncoderFiles encoder, IDictionary<string, byte[]> vocabularies)
    {
        string? vocabulary = encoder.Tokenizer?.Sha256();
        if (vocabulary is not null && !vocabularies.ContainsKey(vocabulary) && encoder.Tokenizer!.Pack() is { } packed)
        {
            vocabularies.Add(vocabulary, packed);
        }

        return new TextEncoderEntry(encoder.Component, encoder.IsT5 ? TokenizerKind.T5 : TokenizerKind.Clip, encoder.Positions, vocabulary);
    }
}
