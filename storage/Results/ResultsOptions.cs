using System.ComponentModel.DataAnnotations;

namespace Generation.Storage.Results;

/// <summary>The settings of the store of outputs: configuration section "Results".</summary>
public sealed record ResultsOptions
{
    public const string Section = "Results";

    /// <summary>Where outputs are stored: files or s3.</summary>
    [AllowedValues("files", "s3")]
    public string Kind { get; init; } = "files";

    /// <summary>The folder of the files, which API and workers share.</summary>
    public string? Path { get; init; }

    /// <summary>How long the addresses of outputs are valid without a key, in seconds, at least.</summary>
    [Range(1, 5 * 24 * 3600)]
    public int UrlSeconds { get; init; } = 3600;
}

/// <summary>The settings of an S3 server for outputs, when Results:Kind is s3: configuration section "Results:S3".</summary>
public sealed record S3Options
{
    public const string Section = "Results:S3";

    /// <summary>The address of a server that is not AWS; absent for AWS.</summary>
    public string? ServiceUrl { get; init; }

    /// <summary>The region of the bucket.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The bucket that the files are in.</summary>
    public string Bucket { get; init; } = "";

    /// <summary>A prefix of every object's key.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The id of the access key; absent for what the AWS SDK finds.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The secret of the access key.</summary>
    public string? SecretKey { get; init; }

    /// <summary>The size of a file in bytes above which it is sent in parts of this size.</summary>
    [Range(5 << 20, 5L << 30)]
    public long PartBytes { get; init; } = 16 << 20;

    /// <summary>
    /// The address at which callers reach the server, where it differs from ServiceUrl; it is used in the addresses of outputs.
    /// </summary>
    public string? PublicUrl { get; init; }

    /// <summary>How long a call to the server waits for an answer, in seconds.</summary>
    [Range(1, 600)]
    public int TimeoutSeconds { get; init; } = 60;
}
