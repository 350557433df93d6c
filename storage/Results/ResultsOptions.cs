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

/// <summary>An S3 server for outputs, when Results:Kind is s3: configuration section "Results:S3".</summary>
public sealed record S3Options
{
    public const string Section = "Results:S3";

    /// <summary>Address of a server that is not AWS; absent: AWS.</summary>
    public string? ServiceUrl { get; init; }

    /// <summary>Region of the bucket.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The bucket that holds the files.</summary>
    public string Bucket { get; init; } = "";

    /// <summary>Stands before every key.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Id of the key; absent: what the AWS SDK finds.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The key's secret.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Files above this many bytes are sent in parts of this size.</summary>
    [Range(5 << 20, 5L << 30)]
    public long PartBytes { get; init; } = 16 << 20;

    /// <summary>Address at which callers reach the server, for the addresses given out to them, where it is not ServiceUrl.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>A call to the server waits this long for an answer.</summary>
    [Range(1, 600)]
    public int TimeoutSeconds { get; init; } = 60;
}
