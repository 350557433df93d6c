using System.ComponentModel.DataAnnotations;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// What holds for all faces: configuration section "Faces". Each face's own settings stand in "Faces:NAME", over its table.
/// </summary>
internal sealed record FaceOptions
{
    public const string Section = "Faces";

    /// <summary>
    /// Whether a blocking call's job is cancelled when its client hangs up; else it runs to its end and is there for a repeated call.
    /// </summary>
    public bool CancelOnDisconnect { get; init; } = true;

    /// <summary>A blocking call waits so long for its job, and then cancels it.</summary>
    [Range(1, 24 * 3600)]
    public double WaitSeconds { get; init; } = 900;

    /// <summary>For so long a job whose answer did not reach its client is given to the same call made again.</summary>
    [Range(0, 24 * 3600)]
    public double RetrySeconds { get; init; } = 600;

    /// <summary>The address at which clients reach the API, for addresses in answers; absent: as the request came.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Largest body of a face's call, in bytes: pictures come as base64 in it.</summary>
    [Range(1, 1L << 31)]
    public long MaxBodyBytes { get; init; } = 64 << 20;
}
