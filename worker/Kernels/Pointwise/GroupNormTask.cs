namespace Generation.Kernels.Pointwise;

/// <summary>Group norm over input + added, then SiLU where asked.</summary>
public readonly unsafe struct GroupNormTask
{
    /// <summary>How the picture is stored.</summary>
    public required Element Element { get; init; }

    /// <summary>The picture: dense (batch, channels, area), or (batch, area, channels) where <see cref="ChannelsLast"/>.</summary>
    public required void* Input { get; init; }

    /// <summary>Laid out as the input; may be the input's own memory.</summary>
    public required void* Output { get; init; }

    public required bool ChannelsLast { get; init; }

    public required long Batch { get; init; }

    /// <summary>Divides into <see cref="Groups"/>.</summary>
    public required long Channels { get; init; }

    /// <summary>Height times width, or whatever else is behind the channels.</summary>
    public required long Area { get; init; }

    public required long Groups { get; init; }

    /// <summary>A number a channel, or null for ones.</summary>
    public void* Weight { get; init; }

    /// <summary>A number a channel, or null for zeros.</summary>
    public void* Bias { get; init; }

    /// <summary>How weight and bias are stored.</summary>
    public Element Parameters { get; init; }

    /// <summary>What is added to the input before the norm: dense (batch, channels), or null for nothing.</summary>
    public void* Added { get; init; }

    /// <summary>How <see cref="Added"/> is stored.</summary>
    public Element AddedElement { get; init; }

    /// <summary>Added to the variance.</summary>
    public required double Eps { get; init; }

    /// <summary>Whether the result goes through x / (1 + e^-x).</summary>
    public bool Silu { get; init; }
}
