namespace Generation.Api.Faces.Stablecog;

/// <summary>What this face maps, and its limits: table.json, with the configuration section "Faces:Stablecog" over it.</summary>
internal sealed record StablecogTable
{
    public const string Section = "Stablecog";

    /// <summary>Which of the published sets of limits holds.</summary>
    public string Version { get; init; } = "";

    /// <summary>The published sets of limits, by year.</summary>
    public Dictionary<string, StablecogLimits> Limits { get; init; } = [];

    /// <summary>Model of the catalogue for requests that name none; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>Id of the scheduler of requests that name none.</summary>
    public Guid DefaultScheduler { get; init; }

    public List<StablecogModel> Models { get; init; } = [];

    public List<StablecogModel> Upscalers { get; init; } = [];

    public List<StablecogScheduler> Schedulers { get; init; } = [];

    public int DefaultSteps { get; init; }

    public double DefaultGuidance { get; init; }

    public int DefaultOutputs { get; init; }

    public double DefaultStrength { get; init; }

    /// <summary>Quality of pictures in formats with loss, of which JPEG is the default.</summary>
    public int DefaultQuality { get; init; }

    public long MaxUploadBytes { get; init; }

    /// <summary>Largest picture that is enlarged, in pixels.</summary>
    public long MaxUpscalePixels { get; init; }

    /// <summary>How many times pictures are enlarged.</summary>
    public int UpscaleScale { get; init; }

    /// <summary>A call waits so long for its pictures, and then fails with TIMEOUT.</summary>
    public double WaitSeconds { get; init; }

    /// <summary>Whether pictures that are submitted to the gallery are in it at once; else they stay submitted.</summary>
    public bool GalleryApproves { get; init; }

    public StablecogLimits Limit =>
        Limits.GetValueOrDefault(Version)
        ?? throw new InvalidOperationException(
            $"Faces:Stablecog:Version is '{Version}', and there are {string.Join(", ", Limits.Keys.Order())}."
        );
}

/// <summary>What a request may ask for; 0 does not bind.</summary>
internal sealed record StablecogLimits
{
    public int MinSide { get; init; }

    public int MaxSide { get; init; }

    public int MultipleOf { get; init; }

    public int MinSteps { get; init; }

    public int MaxSteps { get; init; }

    public double MinGuidance { get; init; }

    public double MaxGuidance { get; init; }

    public int MaxOutputs { get; init; }

    /// <summary>Width times height times steps.</summary>
    public long MaxPixelSteps { get; init; }
}

/// <summary>A model by its public id.</summary>
internal sealed record StablecogModel
{
    public Guid Id { get; init; }

    public string Name { get; init; } = "";

    /// <summary>A name of the catalogue, "family:NAME" for its first model of that family, or "" for the default.</summary>
    public string Model { get; init; } = "";
}

/// <summary>A scheduler by its public id.</summary>
internal sealed record StablecogScheduler
{
    public Guid Id { get; init; }

    public string Name { get; init; } = "";

    /// <summary>Its native name.</summary>
    public string Scheduler { get; init; } = "";
}
