namespace Generation.Contracts;

/// <summary>One finished file of a job.</summary>
public sealed record JobOutput
{
    /// <summary>Index among the job's outputs, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>Hash of the bytes, 64 lowercase hexadecimal digits: the file's name in the results store.</summary>
    public required string Sha256 { get; init; }

    public required string ContentType { get; init; }

    public required long Bytes { get; init; }

    /// <summary>Width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The seed that makes this output alone.</summary>
    public long? Seed { get; init; }

    /// <summary>Whether the safety checker flagged it; null where none has looked.</summary>
    public bool? Nsfw { get; init; }

    /// <summary>Number of frames of a clip.</summary>
    public int? Frames { get; init; }

    /// <summary>Frames a second of a clip.</summary>
    public double? Fps { get; init; }

    public double? DurationSeconds { get; init; }

    /// <summary>Hash of a small picture of it in the results store.</summary>
    public string? Thumbnail { get; init; }

    /// <summary>How the picture came to its size.</summary>
    public RenderPlan? Render { get; init; }
}
