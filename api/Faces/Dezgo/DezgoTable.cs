namespace Generation.Api.Faces.Dezgo;

/// <summary>
/// How names, defaults and prices of this face become ours: table.json, with the configuration section "Faces:Dezgo" over it.
/// </summary>
internal sealed record DezgoTable
{
    /// <summary>Host names by which requests are this face's at the root.</summary>
    public string[] Hosts { get; init; } = [];

    /// <summary>A port of its own, at whose root this face is; null: none.</summary>
    public int? Port { get; init; }

    /// <summary>What a credit of this system is worth in the dollars that this face speaks of.</summary>
    public decimal UsdPerCredit { get; init; } = 0.001m;

    /// <summary>The catalogue's name for requests that name no model; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    public Dictionary<string, string> Models { get; init; } = [];

    public Dictionary<string, string> Samplers { get; init; } = [];

    /// <summary>SHA-256 of a LoRA's file to its name in the catalogue.</summary>
    public Dictionary<string, string> Loras { get; init; } = [];

    public Dictionary<string, DezgoControl> Controls { get; init; } = [];

    /// <summary>Which part of mask_image is painted.</summary>
    public string MaskMode { get; init; } = "paint_white";

    /// <summary>What the calls, by their last path segment, begin with and allow.</summary>
    public Dictionary<string, DezgoFunction> Functions { get; init; } = [];
}

/// <summary>A control_model: the native type of its pictures, and what makes them of any picture.</summary>
internal sealed record DezgoControl
{
    public string Type { get; init; } = "";

    public string? Preprocessor { get; init; }
}

/// <summary>A call's defaults and limits; what is null is the model's.</summary>
internal sealed record DezgoFunction
{
    /// <summary>The catalogue's model for this call where the request names none; empty: the face's default.</summary>
    public string Model { get; init; } = "";

    public int? Steps { get; init; }

    public double? Guidance { get; init; }

    public string? Sampler { get; init; }

    public double? Strength { get; init; }

    public int? MinSide { get; init; }

    public int? MaxSide { get; init; }

    /// <summary>Sides are multiples of so many pixels.</summary>
    public int Multiple { get; init; } = 1;

    public int? MaxSteps { get; init; }

    /// <summary>Whether the published formula is its price; else the system's own is.</summary>
    public bool Priced { get; init; }

    /// <summary>Families whose models /info lists with this call; empty: all that can.</summary>
    public string[] Families { get; init; } = [];
}
