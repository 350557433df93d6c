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

    /// <summary>The seed with which this output is the same alone.</summary>
    public long? Seed { get; init; }

    /// <summary>Whether the safety checker flagged the output; null where it was not checked.</summary>
    public bool? Nsfw { get; init; }

    /// <summary>The number of frames of a clip.</summary>
    public int? Frames { get; init; }

    /// <summary>The frame rate of a clip, in frames per second.</summary>
    public double? Fps { get; init; }

    public double? DurationSeconds { get; init; }

    /// <summary>The hash of a thumbnail of the output in the results store.</summary>
    public string? Thumbnail { get; init; }

    /// <summary>How the picture got its size.</summary>
    public RenderPlan? Render { get; init; }
}
