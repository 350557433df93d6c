using System.ComponentModel.DataAnnotations;

namespace Generation.Storage.Results;

/// <summary>An S3 server for outputs, when Results:Kind is s3: configuration section "Results:S3".</summary>
public sealed record S3Options
{
    public const string Section = "Results:S3";

    /// <summary>Address of a server that is not AWS; absent: AWS.</summary>
    public string? ServiceUrl { get; init; }

    public string Region { get; init; } = "us-east-1";

    public string Bucket { get; init; } = "";

    /// <summary>Stands before every key.</summary>
    public string Prefix { get; init; } = "";

    public string? AccessKey { get; init; }

    public string? SecretKey { get; init; }

    /// <summary>Files above this many bytes are sent in parts of this size.</summary>
    [Range(5 << 20, 5L << 30)]
    public long PartBytes { get; init; } = 16 << 20;

    /// <summary>Address at which callers reach the server, for the addresses given out to them, where it is not ServiceUrl.</summary>
    public string? PublicUrl { get; init; }

    [Range(1, 600)]
    public int TimeoutSeconds { get; init; } = 60;
}
