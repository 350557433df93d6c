namespace Generation.Contracts;

/// <summary>
/// A model's catalogue entry, as models/NAME.json holds it: what differs between models is data here.
/// Workers register the entries of what they can run; the API checks and prices requests by them.
/// </summary>
public sealed record ModelEntry
{
    /// <summary>Lowercase letters, digits, '-', '.' and '_'; also the name of its queue.</summary>
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Model family: sd15, sd21, sdxl, flux, ...</summary>
    public required string Family { get; init; }

    public required IReadOnlyList<JobKind> Kinds { get; init; }

    /// <summary>Folder or file of the weights, relative to the entry.</summary>
    public required string Path { get; init; }

    /// <summary>Width and height, in pixels, of what the network was trained to make.</summary>
    public required int NativeWidth { get; init; }

    public required int NativeHeight { get; init; }

    /// <summary>Sides that the network makes are multiples of this many pixels.</summary>
    public required int NativeMultiple { get; init; }

    /// <summary>Smallest and largest side that the network makes, in pixels.</summary>
    public required int NativeMinSide { get; init; }

    public required int NativeMaxSide { get; init; }

    /// <summary>Size of a request that names none, in pixels.</summary>
    public required int DefaultWidth { get; init; }

    public required int DefaultHeight { get; init; }

    /// <summary>Smallest and largest side of a request, in pixels.</summary>
    public required int MinSide { get; init; }

    public required int MaxSide { get; init; }

    /// <summary>Largest width times height of a request.</summary>
    public required long MaxPixels { get; init; }

    /// <summary>A request's sides are multiples of this many pixels; 1 where outputs are resized to the pixel.</summary>
    public required int MultipleOf { get; init; }

    public required int DefaultSteps { get; init; }

    public required int MaxSteps { get; init; }

    public required double DefaultGuidanceScale { get; init; }

    public double DefaultGuidanceRescale { get; init; }

    public required string DefaultScheduler { get; init; }

    public int MaxImages { get; init; } = 4;

    /// <summary>What makes its pictures larger, or null.</summary>
    public UpscalerEntry? Upscaler { get; init; }

    /// <summary>Multiplies the price of a job.</summary>
    public decimal PriceFactor { get; init; } = 1m;
}

/// <summary>A super-resolution network that follows a model.</summary>
/// <param name="Name">Name for people and answers.</param>
/// <param name="Path">Folder or file of its weights, relative to the entry.</param>
/// <param name="Scale">How many times wider and higher it makes a picture.</param>
public sealed record UpscalerEntry(string Name, string Path, int Scale);
