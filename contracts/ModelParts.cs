using System.Text.Json.Serialization;

namespace Generation.Contracts;

/// <summary>A super-resolution network that follows a model.</summary>
/// <param name="Name">The name for people and answers.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
/// <param name="Scale">The factor by which width and height grow.</param>
public sealed record UpscalerEntry(string Name, string Path, int Scale);

/// <summary>A control network that guides a model.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Type">The type of its control pictures, as requests name it: canny, depth, pose, ...</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
public sealed record ControlNetEntry(string Name, string Type, string Path);

/// <summary>A part of a model that requests can replace by name.</summary>
/// <param name="Name">The name in requests.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
public sealed record PartEntry(string Name, string Path);

/// <summary>An adapter file: a LoRA or a textual inversion.</summary>
/// <param name="Name">The name in requests or prompts.</param>
/// <param name="Family">Family of the models that it fits.</param>
/// <param name="Vectors">The tokens' places that an embedding takes in a prompt; null for LoRAs.</param>
public sealed record AdapterEntry(string Name, string Family, int? Vectors = null);

/// <summary>A text encoder of a model, as far as prompts are counted by it.</summary>
/// <param name="Name">The component: text_encoder, text_encoder_2.</param>
/// <param name="Tokenizer">How it splits texts into tokens.</param>
/// <param name="Positions">The number of tokens that it takes at once, with the begin and end tokens.</param>
/// <param name="Vocabulary">
/// The hash of its tokenizer's files, by which workers store them; null for the vocabulary that OpenAI published for CLIP.
/// </param>
public sealed record TextEncoderEntry(string Name, TokenizerKind Tokenizer, int Positions, string? Vocabulary = null);

/// <summary>The tokenizers of text encoders.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TokenizerKind>))]
public enum TokenizerKind
{
    /// <summary>CLIP's: byte pairs of words in lower case.</summary>
    [JsonStringEnumMemberName("clip")]
    Clip = 0,

    /// <summary>T5's: a unigram model over the text as it stands.</summary>
    [JsonStringEnumMemberName("t5")]
    T5 = 1,
}

/// <summary>The price of a kind of job, in credits; where a number is absent, the next more general one applies.</summary>
public sealed record KindPrice
{
    /// <summary>The price per million pixels and step that a diffusion network computes.</summary>
    public decimal? PerMegapixelStep { get; init; }

    /// <summary>The price per million pixels of outputs.</summary>
    public decimal? PerOutputMegapixel { get; init; }

    /// <summary>The least price of an output.</summary>
    public decimal? Minimum { get; init; }
}

/// <summary>A scheduler that requests can name.</summary>
/// <param name="Name">The name in a request's scheduler field: ddim, euler_a, dpmpp_2m_karras, ...</param>
/// <param name="Description">What it is, for people.</param>
public sealed record SchedulerEntry(string Name, string Description);
