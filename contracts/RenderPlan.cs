namespace Generation.Contracts;

/// <summary>
/// How a picture of the asked size is made: at the network's own area with the asked aspect, upscaled,
/// cropped to the aspect and resized to the pixel; or directly, where the network makes that size.
/// </summary>
public sealed record RenderPlan
{
    /// <summary>Size at which the diffusion network works, in pixels.</summary>
    public required int GeneratedWidth { get; init; }

    public required int GeneratedHeight { get; init; }

    /// <summary>Of two passes, the size of the first, in pixels; null where there is one pass.</summary>
    public int? FirstWidth { get; init; }

    public int? FirstHeight { get; init; }

    /// <summary>Name of the upscaler that follows, or null.</summary>
    public string? Upscaler { get; init; }

    /// <summary>The upscaler's factor; 1 without one.</summary>
    public int Scale { get; init; } = 1;

    /// <summary>Whether the (upscaled) picture is then cropped and resized to the asked size.</summary>
    public required bool Resized { get; init; }
}
