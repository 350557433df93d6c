namespace Generation.Api.Faces.ModelsLab;

/// <summary>What this face maps, and its limits: table.json, with the configuration section "Faces:ModelsLab" over it.</summary>
internal sealed record ModelsLabTable
{
    public const string Name = "ModelsLab";

    /// <summary>Model of a request that names none, and of names that map to ""; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>
    /// model_id to a name of the catalogue, to "family:NAME" for its first model of that family, or to "" for the default.
    /// </summary>
    public Dictionary<string, string> Models { get; init; } = [];

    /// <summary>model_id of super_resolution to a name of the catalogue, or to "" for the first model that enlarges.</summary>
    public Dictionary<string, string> Upscalers { get; init; } = [];

    /// <summary>scheduler to a native name.</summary>
    public Dictionary<string, string> Schedulers { get; init; } = [];

    /// <summary>controlnet_type to the type as models list it, where the two differ.</summary>
    public Dictionary<string, string> Controls { get; init; } = [];

    public int MinSide { get; init; }

    public int MaxSide { get; init; }

    public int MultipleOf { get; init; }

    /// <summary>Width and height where neither is given.</summary>
    public int DefaultSide { get; init; }

    public int MaxSamples { get; init; }

    public double MinGuidance { get; init; }

    public double MaxGuidance { get; init; }

    /// <summary>More steps than this are taken as this, in v3 to v5.</summary>
    public int LegacyMaxSteps { get; init; }

    /// <summary>More steps than this are taken as this, in v6.</summary>
    public int MaxSteps { get; init; }

    /// <summary>A request is answered with its pictures if they come within so many seconds, else as being processed.</summary>
    public double WaitSeconds { get; init; }

    /// <summary>nsfw_image_check waits so long for its answer.</summary>
    public double CheckSeconds { get; init; }

    /// <summary>Plan of accounts that are not in <see cref="Accounts"/>.</summary>
    public string Plan { get; init; } = "";

    /// <summary>How many jobs of an account may wait, by plan; 0: as many as its own limit says.</summary>
    public Dictionary<string, int> Plans { get; init; } = [];

    /// <summary>Names of accounts to names of plans.</summary>
    public Dictionary<string, string> Accounts { get; init; } = [];

    /// <summary>Told with a full queue.</summary>
    public int RetryAfterSeconds { get; init; }

    /// <summary>Name of what a wallet holds.</summary>
    public string Currency { get; init; } = "";

    /// <summary>How many jobs of an account may wait; null: as many as its own limit says.</summary>
    public int? QueueLimitOf(string account) =>
        Plans.GetValueOrDefault(Accounts.GetValueOrDefault(account, Plan)) is > 0 and var limit ? limit : null;
}
