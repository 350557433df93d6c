using System.Collections;
using System.Text.Json;
using System.Text.RegularExpressions;
using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>
/// Settings that a person gave to `up` in its environment (Jobs__LeaseSeconds=3 ./generation up). They are kept with the stack, so that a
/// later `demo` or `keys` from another shell acts on the same stack and does not undo them.
/// </summary>
public static partial class Overrides
{
    /// <summary>The settings that were kept, overridden by those in the environment; an empty variable removes a setting.</summary>
    public static IReadOnlyDictionary<string, string> KeptAndGiven(DataFolder folder)
    {
        var all = new Dictionary<string, string>(Load(folder));
        foreach ((string key, string value) in FromEnvironment())
        {
            if (value.Length == 0)
            {
                all.Remove(key);
            }
            else
            {
                all[key] = value;
            }
        }

        return all;
    }

    public static IReadOnlyDictionary<string, string> Load(DataFolder folder) =>
        File.Exists(FileOf(folder))
            ? JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(FileOf(folder))) ?? []
            : new Dictionary<string, string>();

    public static void Save(DataFolder folder, IReadOnlyDictionary<string, string> overrides) =>
        PrivateFile.Write(FileOf(folder), JsonSerializer.Serialize(overrides));

    /// <summary>
    /// The settings in the environment that have the form of .NET's configuration: Section__Key, or Logging__LogLevel__Some.Library.
    /// </summary>
    private static Dictionary<string, string> FromEnvironment() =>
        Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Where(entry => Form().IsMatch((string)entry.Key) && entry.Value is string)
            .ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);

    private static string FileOf(DataFolder folder) => Path.Combine(folder.Root, "overrides.json");

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9]*__[A-Za-z0-9._-]+$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Form();
}
