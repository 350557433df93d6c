using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Adapters;

/// <summary>A folder for the files that a test of LoRAs writes, and what it looks at.</summary>
public abstract class LoraFiles
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("lora").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private protected static string Reference(string path) => GoldenCase.InRepository("tests/Goldens/models/" + path);

    private protected static Dictionary<string, ParameterStore> Networks(StableDiffusionModel model) =>
        new(StringComparer.Ordinal) { ["unet"] = model.UNet.Parameters, ["text_encoder"] = model.TextEncoder.Parameters };

    private protected static Dictionary<string, byte[]> Bytes(Dictionary<string, ParameterStore> networks)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        return networks
            .SelectMany(n => n.Value.Values.Select(p => (Name: $"{n.Key}.{p.Name}", p.Value)))
            .ToDictionary(p => p.Name, p => p.Value.contiguous().bytes.ToArray(), StringComparer.Ordinal);
    }

    private protected string WriteFile(IEnumerable<(string Name, Tensor Value)> tensors, Dictionary<string, string>? metadata = null)
    {
        string path = Path.Combine(_folder, "adapter.safetensors");
        SafetensorsWriter.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Value)), metadata);
        return path;
    }
}
