namespace Generation.Api.Faces.Nebula;

/// <summary>How names of this face become ours: table.json, with the configuration section "Faces:Nebula" over it.</summary>
internal sealed record NebulaTable
{
    /// <summary>The catalogue's name for requests that name no model; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>Model names to the catalogue's; empty: the default. "*" stands for all that are not listed.</summary>
    public Dictionary<string, string> Models { get; init; } = [];

    /// <summary>Which part of mask_image is painted.</summary>
    public string MaskMode { get; init; } = "paint_white";

    /// <summary>How much of an input_image without a mask changes.</summary>
    public double Strength { get; init; } = 0.75;
}
