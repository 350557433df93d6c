using System.Text.Json;

namespace Generation.Diffusion.Weights;

/// <summary>Reads the JSON files of models, which Python wrote.</summary>
public static class JsonFile
{
    /// <summary>Reads a JSON file and returns its root.</summary>
    /// <exception cref="WeightsException">The file cannot be read, or is not JSON.</exception>
    public static JsonElement Read(string path)
    {
        try
        {
            return PythonJson.Parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new WeightsException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
