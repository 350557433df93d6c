using System.IO.Compression;
using System.Text.Json;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>Each network, built from the real family's config, takes exactly the keys and shapes of the real files.</summary>
public sealed class CheckpointKeysTests
{
    private static IEnumerable<TestCaseData> Components =>
        Directory
            .EnumerateFiles(GoldenCase.GroupFolder("checkpoints"), "*.json.gz")
            .Order(StringComparer.Ordinal)
            .SelectMany(file =>
            {
                using JsonDocument checkpoint = Read(file);
                string family = checkpoint.RootElement.GetProperty("family").GetString()!;
                return checkpoint
                    .RootElement.GetProperty("diffusers")
                    .EnumerateObject()
                    .Select(component => new TestCaseData(file, component.Name).SetArgDisplayNames(family, component.Name))
                    .ToArray();
            });

    [TestCaseSource(nameof(Components))]
    public void Network_OfRealConfig_TakesExactlyTheRealKeys(string file, string component)
    {
        using JsonDocument checkpoint = Read(file);
        string family = checkpoint.RootElement.GetProperty("family").GetString()!;
        using var shapes = ShapesOnly.Of(checkpoint.RootElement.GetProperty("diffusers").GetProperty(component), $"{family}/{component}");
        using Network network = RealConfigs.Build(family, component, new NetworkWeights(shapes));
        Assert.That(network.Parameters.Keys, Is.EquivalentTo(shapes.Names.Where(name => !IgnoredKeys.Contains(name))));
    }

    [Test]
    public void Network_OfAnotherFamilysConfig_ListsTheKeysThatDiffer()
    {
        using JsonDocument checkpoint = Read(Path.Combine(GoldenCase.InRepository("tests/Goldens/checkpoints"), "sd15.json.gz"));
        using var shapes = ShapesOnly.Of(checkpoint.RootElement.GetProperty("diffusers").GetProperty("unet"), "sd15/unet");
        WeightsException error = Assert.Throws<WeightsException>(() => RealConfigs.Build("sd21", "unet", new NetworkWeights(shapes)))!;
        Assert.That(error.Message, Does.Contain("attn2.to_k.weight").And.Contains("[320, 768]").And.Contains("[320, 1024]"));
    }

    private static JsonDocument Read(string file)
    {
        using var unpacked = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        return JsonDocument.Parse(unpacked);
    }
}
