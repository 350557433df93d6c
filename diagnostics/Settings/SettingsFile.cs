using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace Generation.Diagnostics.Settings;

/// <summary>
/// A file of settings for a program that is started by hand or from an editor, beside servers that `./generation up --servers-only` has
/// started: a JSON object of names as the environment has them (Jobs__LeaseSeconds) and values.
/// </summary>
public static class SettingsFile
{
    /// <summary>The environment variable that names the file, from the program's working folder.</summary>
    public const string Variable = "GENERATION_SETTINGS";

    /// <summary>Adds the file that the environment names, if it names one. Every other source of settings overrides it.</summary>
    /// <exception cref="InvalidOperationException">There is no such file.</exception>
    public static void AddSettingsFile(this IConfigurationBuilder configuration)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } given)
        {
            return;
        }

        string path = Path.GetFullPath(given);
        if (!File.Exists(path))
        {
            throw new InvalidOperationException($"{Variable} names {path}, which is not there. ./generation up --servers-only writes it.");
        }

        Dictionary<string, string?> settings = JsonSerializer.Deserialize<Dictionary<string, string?>>(File.ReadAllText(path))!;
        configuration.Sources.Insert(
            0,
            new MemoryConfigurationSource
            {
                InitialData = settings.Select(setting =>
                    KeyValuePair.Create(setting.Key.Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal), setting.Value)
                ),
            }
        );
    }
}
