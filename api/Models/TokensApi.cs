using System.ComponentModel;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Prompts;
using Generation.Tokenizers;

namespace Generation.Api.Models;

/// <summary>Prompts whose tokens are counted.</summary>
public sealed record TokensBody
{
    [Description("As in a request; 4000 characters at most.")]
    public string? Prompt { get; set; }

    [Description("As in a request; 4000 characters at most.")]
    public string? NegativePrompt { get; set; }

    [Description("The request's steps, by which a prompt that changes between steps is read; absent: the model's usual number.")]
    public int? NumInferenceSteps { get; set; }
}

/// <summary>What a model's text encoders read of prompts.</summary>
/// <param name="Model">The model.</param>
/// <param name="Encoders">Its text encoders, each of which reads the whole prompt; empty where none are known.</param>
public sealed record TokenCounts(string Model, IReadOnlyList<EncoderTokens> Encoders);

/// <summary>What one text encoder reads.</summary>
public sealed record EncoderTokens
{
    /// <summary>The component: text_encoder, text_encoder_2.</summary>
    public required string Name { get; init; }

    /// <summary>clip or t5.</summary>
    public required TokenizerKind Tokenizer { get; init; }

    /// <summary>Whether its vocabulary is known here; otherwise nothing is counted.</summary>
    public required bool Counted { get; init; }

    /// <summary>The number of tokens that it reads at once.</summary>
    public int? Limit { get; init; }

    /// <summary>The most chunks of that many tokens that a longer prompt is read in; absent where it is cut instead.</summary>
    public int? MaxChunks { get; init; }

    public PromptTokens? Prompt { get; init; }

    public PromptTokens? NegativePrompt { get; init; }
}

/// <summary>How one prompt is read.</summary>
/// <param name="Tokens">All of its tokens, also those that are cut.</param>
/// <param name="Chunks">The tokens in each chunk; one chunk where it fits or is cut.</param>
/// <param name="Cut">What is not read; absent where all is.</param>
public sealed record PromptTokens(int Tokens, IReadOnlyList<int> Chunks, PromptCut? Cut);

/// <summary>The end of a prompt that is not read.</summary>
/// <param name="At">Where it begins: the index of its first character in the prompt without tags of LoRAs, in UTF-16 units.</param>
/// <param name="Text">The text from there on.</param>
public sealed record PromptCut(int At, string Text);

/// <summary>POST /v1/models/NAME/tokens: how much of a prompt a model reads.</summary>
internal static class TokensApi
{
    public static async Task<IResult> CountAsync(
        string name,
        HttpContext http,
        ModelDirectory models,
        TokenizerCache tokenizers,
        CancellationToken cancellationToken
    )
    {
        ModelEntry model = await models.GetAsync(name, cancellationToken);
        var errors = new FieldErrors();
        TokensBody body = StrictReader.Read<TokensBody>(
            await JsonBody.ReadAsync(http.Request, WebSetup.MaxBodyBytes, cancellationToken),
            errors
        );
        string prompt = Checked("prompt", body.Prompt, errors);
        string negative = Checked("negative_prompt", body.NegativePrompt, errors);
        int steps = body.NumInferenceSteps ?? model.DefaultSteps;
        if (steps < 1 || steps > model.MaxSteps)
        {
            errors.Add("num_inference_steps", $"must be 1 to {model.MaxSteps} with {model.Name}, and is {steps}");
        }

        errors.ThrowIfAny();
        var encoders = new List<EncoderTokens>();
        foreach (TextEncoderEntry encoder in model.Network?.TextEncoders ?? [])
        {
            var uncounted = new EncoderTokens
            {
                Name = encoder.Name,
                Tokenizer = encoder.Tokenizer,
                Counted = false,
            };
            PromptCounter? counter = CounterOf(model, encoder, await tokenizers.OfAsync(encoder, cancellationToken));
            encoders.Add(
                counter is null
                    ? uncounted
                    : uncounted with
                    {
                        Counted = true,
                        Limit = counter.Room,
                        MaxChunks = counter.IsChunked ? PromptChunker.MaxChunks : null,
                        Prompt = CountOf("prompt", prompt, counter, steps, errors, cancellationToken),
                        NegativePrompt = CountOf("negative_prompt", negative, counter, steps, errors, cancellationToken),
                    }
            );
        }

        errors.ThrowIfAny();
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(new TokenCounts(model.Name, encoders));
    }

    private static string Checked(string field, string? prompt, FieldErrors errors)
    {
        string text = prompt ?? "";
        if (text.Length > RequestChecks.MaxPromptLength)
        {
            errors.Add(field, $"may have {RequestChecks.MaxPromptLength} characters at most, and has {text.Length}");
        }

        return PromptTags.TakeLoras(field, text, errors).Prompt;
    }

    /// <summary>Reads prompts as the model's worker does; null where the tokenizer is not known, or the worker could read none.</summary>
    private static PromptCounter? CounterOf(ModelEntry model, TextEncoderEntry encoder, ITokenizer? tokenizer)
    {
        if (tokenizer is not ClipTokenizer clip || model.Network?.PlainPrompts == true)
        {
            return tokenizer is null ? null : PromptCounter.Cutting(tokenizer, encoder.Positions);
        }

        EmbeddingToken[] embeddings =
        [
            .. model
                .Embeddings.Where(embedding => embedding.Family == model.Family && embedding.Vectors > 0)
                .Select(embedding => new EmbeddingToken(embedding.Name, embedding.Vectors ?? 0)),
        ];
        try
        {
            return PromptCounter.Chunked(clip, encoder.Positions, embeddings);
        }
        catch (Exception e) when (e is PromptException or ArgumentException)
        {
            // An embedding is named like a word of the vocabulary, or is longer than a chunk: the worker fails by it, too
            return null;
        }
    }

    /// <summary>Counts a prompt; of one that changes between steps the text that has most tokens.</summary>
    private static PromptTokens CountOf(
        string field,
        string prompt,
        PromptCounter counter,
        int steps,
        FieldErrors errors,
        CancellationToken cancellationToken
    )
    {
        PromptCount most = new(0, [0], CutAt: null);
        string longest = prompt;
        try
        {
            IEnumerable<string> texts = counter.IsChunked ? PromptSchedule.Texts(prompt, steps).Distinct(StringComparer.Ordinal) : [prompt];
            foreach (string text in texts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                PromptCount count = counter.Count(text);
                if (count.Tokens > most.Tokens)
                {
                    (most, longest) = (count, text);
                }
            }
        }
        catch (PromptException e)
        {
            // Both encoders say the same of the same prompt
            if (!errors.Has(field))
            {
                errors.Add(field, e.Message.TrimEnd('.'));
            }
        }

        return new PromptTokens(most.Tokens, most.Chunks, most.CutAt is { } at ? new PromptCut(at, longest[at..]) : null);
    }
}
