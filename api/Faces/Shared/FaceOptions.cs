using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Generation.Api.Web;

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

    /// <summary>Largest body of a face's call that may bring pictures, in bytes: they come as base64 in it.</summary>
    [Range(1, 1L << 30)]
    public long MaxBodyBytes { get; init; } = 64 << 20;

    /// <summary>The largest body of a call; one that brings no pictures has the native calls' limit.</summary>
    public long BodyLimit(bool withPictures) => withPictures ? MaxBodyBytes : Math.Min(MaxBodyBytes, WebSetup.MaxBodyBytes);
}

/// <summary>
/// A face's mapping table: the JSON file beside its code, embedded, with the configuration section "Faces:NAME" over it,
/// value by value.
/// </summary>
internal static class FaceTable
{
    /// <summary>Reads the table of a face into its record.</summary>
    /// <param name="name">The face's folder, and its name in the configuration.</param>
    /// <param name="configuration">The program's.</param>
    public static T Read<T>(string name, IConfiguration configuration)
        where T : class
    {
        using Stream stream = typeof(FaceTable).Assembly.GetManifestResourceStream($"Faces/{name}/table.json")
            ?? throw new InvalidOperationException($"The table of the face {name} is not embedded.");
        IConfigurationRoot table = new ConfigurationBuilder()
            .AddJsonStream(stream)
            .AddConfiguration(configuration.GetSection($"{FaceOptions.Section}:{name}"))
            .Build();
        return table.Get<T>(binder => binder.ErrorOnUnknownConfiguration = true)
            ?? throw new JsonException($"The table of the face {name} is empty.");
    }
}
