using Generation.Api.Faces.Shared;

namespace Generation.Api.Faces.Replicate;

/// <summary>
/// Which models this face has, with which inputs, and what they become: table.json, with the configuration section "Faces:Replicate" over
/// it.
/// </summary>
internal sealed record ReplicateTable
{
    /// <summary>Host names by which requests are this face's, whatever their path is.</summary>
    public string[] Hosts { get; init; } = [];

    /// <summary>A port of its own, at whose root this face is; null: none.</summary>
    public int? Port { get; init; }

    /// <summary>
    /// Whether outputs are data URIs in the answers to creating and getting a prediction, and not addresses. Absent: where the address of
    /// this system is not https, for the service's libraries make files of https addresses and data URIs alone.
    /// </summary>
    public bool? DataUris { get; init; }

    /// <summary>Outputs of a prediction that have more bytes than this in all are addresses all the same.</summary>
    public long MaxDataUriBytes { get; init; } = 16 << 20;

    /// <summary>Under whose name the catalogue's own models are.</summary>
    public string Owner { get; init; } = "generation";

    /// <summary>When models' versions say that they were made.</summary>
    public DateTimeOffset VersionDate { get; init; }

    /// <summary>Models by owner and name.</summary>
    public Dictionary<string, MappedModel> Models { get; init; } = [];

    /// <summary>Deployments by owner and name, to models.</summary>
    public Dictionary<string, string> Deployments { get; init; } = [];

    /// <summary>Fields of models' inputs, by the name that <see cref="MappedModel.Inputs"/> has.</summary>
    public Dictionary<string, Dictionary<string, InputField>> Inputs { get; init; } = [];

    /// <summary>Sizes in pixels by aspect, with x for its colon, by the name that <see cref="MappedModel.Sizes"/> has.</summary>
    public Dictionary<string, Dictionary<string, string>> Sizes { get; init; } = [];

    /// <summary>Schedulers to native ones.</summary>
    public Dictionary<string, string> Schedulers { get; init; } = [];

    /// <summary>Collections by slug.</summary>
    public Dictionary<string, ReplicateCollection> Collections { get; init; } = [];
}

/// <summary>A list of models.</summary>
internal sealed record ReplicateCollection
{
    public string Name { get; init; } = "";

    public string Description { get; init; } = "";

    /// <summary>What its models do.</summary>
    public string Task { get; init; } = "";
}
