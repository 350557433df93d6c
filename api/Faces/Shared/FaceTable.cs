using System.Text.Json;

namespace Generation.Api.Faces.Shared;

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
