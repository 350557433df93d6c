namespace Generation.Kernels.Pointwise;

/// <summary>The arguments of a group norm over input + added, followed by SiLU where asked.</summary>
public readonly unsafe struct GroupNormTask
{
    /// <summary>The element type of the picture.</summary>
    public required Element Element { get; init; }

    /// <summary>The picture: dense (batch, channels, area), or (batch, area, channels) where <see cref="ChannelsLast"/>.</summary>
    public required void* Input { get; init; }

    /// <summary>The result, in the layout of the input; it may be the input's own memory.</summary>
    public required void* Output { get; init; }

    public required bool ChannelsLast { get; init; }

    public required long Batch { get; init; }

    /// <summary>A multiple of <see cref="Groups"/>.</summary>
    public required long Channels { get; init; }

    /// <summary>Height times width, or the product of whatever dimensions follow the channels.</summary>
    public required long Area { get; init; }

    public required long Groups { get; init; }

    /// <summary>One number per channel, or null for ones.</summary>
    public void* Weight { get; init; }

    /// <summary>One number per channel, or null for zeros.</summary>
    public void* Bias { get; init; }

    /// <summary>The element type of weight and bias.</summary>
    public Element Parameters { get; init; }

    /// <summary>What is added to the input before the norm: dense (batch, channels), or null for nothing.</summary>
    public void* Added { get; init; }

    /// <summary>The element type of <see cref="Added"/>.</summary>
    public Element AddedElement { get; init; }

    /// <summary>A small number that is added to the variance.</summary>
    public required double Eps { get; init; }

    /// <summary>Whether SiLU, x / (1 + e^-x), is applied to the result.</summary>
    public bool Silu { get; init; }
}
