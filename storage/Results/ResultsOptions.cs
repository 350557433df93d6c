using System.ComponentModel.DataAnnotations;

namespace Generation.Storage.Results;

/// <summary>Where outputs lie: configuration section "Results".</summary>
public sealed record ResultsOptions
{
    public const string Section = "Results";

    /// <summary>files, or s3.</summary>
    [AllowedValues("files", "s3")]
    public string Kind { get; init; } = "files";

    /// <summary>Folder of the files; API and workers see the same one.</summary>
    public string? Path { get; init; }

    /// <summary>How long the addresses given out for outputs are good without a key, at least.</summary>
    [Range(1, 5 * 24 * 3600)]
    public int UrlSeconds { get; init; } = 3600;
}
