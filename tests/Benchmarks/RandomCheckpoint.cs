using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>
/// A file with random weights of a real model's component in float16, as most are published: engines load it as a worker loads a model, so
/// that they take as much memory.
/// </summary>
internal static class RandomCheckpoint
{
    /// <summary>Writes the file where it is not there yet, under artifacts/.</summary>
    /// <param name="family">A list of tests/Goldens/checkpoints, for example sd15.</param>
    /// <param name="component">Folder name of the component, for example unet.</param>
    /// <returns>Its path.</returns>
    public static string Make(string family, string component)
    {
        string path = PathOf(family, component);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var random = new RandomWeights(family, component);
            using DisposeScope scope = NewDisposeScope();
            SafetensorsWriter.Write(path, random.Names.Select(name => KeyValuePair.Create(name, random.Read(name, ScalarType.Float16))));
        }

        return path;
    }

    /// <summary>Opens the file, which is there.</summary>
    public static WeightSource Open(string family, string component) => WeightSource.Open(PathOf(family, component));

    private static string PathOf(string family, string component) =>
        Path.Combine(Repository.Root, "artifacts", "bench", $"{family}-{component}-f16.safetensors");
}
