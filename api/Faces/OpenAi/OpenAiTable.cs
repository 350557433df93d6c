namespace Generation.Api.Faces.OpenAi;

/// <summary>How names and sizes of this face become ours: table.json, with the configuration section "Faces:OpenAi" over it.</summary>
internal sealed record OpenAiTable
{
    /// <summary>The catalogue's name for requests that name no model; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>
    /// The catalogue's name of the model for edits without a mask; empty: the request's own where it can, else one that can.
    /// </summary>
    public string EditModel { get; init; } = "";

    /// <summary>Model names to the catalogue's; empty: the default. "*" stands for all that are not listed.</summary>
    public Dictionary<string, string> Models { get; init; } = [];

    /// <summary>
    /// Sizes of the service to sizes that are asked for; what the model cannot make becomes the nearest of the same shape.
    /// </summary>
    public Dictionary<string, string> Sizes { get; init; } = [];

    /// <summary>Quality to a factor on the model's default steps.</summary>
    public Dictionary<string, double> Quality { get; init; } = [];

    /// <summary>How much of a picture changes: by input_fidelity (low, high), and in variations.</summary>
    public Dictionary<string, double> Strength { get; init; } = [];

    /// <summary>The prompt of variations, which have none.</summary>
    public string VariationPrompt { get; init; } = "";

    /// <summary>Most pictures of a request.</summary>
    public int MaxImages { get; init; } = 10;
}
