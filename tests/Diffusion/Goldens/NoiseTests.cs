using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>The CPU generator draws torch's numbers, bit for bit.</summary>
public sealed class NoiseTests
{
    private static IEnumerable<GoldenCase> Cases => GoldenCase.All("noise");

    [TestCaseSource(nameof(Cases))]
    public void Randn_OfEachSeedAndShape_IsTorchs(GoldenCase golden)
    {
        string[] seeded = [.. golden.Outputs.Where(name => name.StartsWith("seed", StringComparison.Ordinal))];
        Assert.That(golden.Outputs, Is.Not.Empty);
        foreach (string name in seeded)
        {
            // seed42_shape2x4x9x7
            string[] parts = name.Split('_');
            long seed = long.Parse(parts[0]["seed".Length..], CultureInfo.InvariantCulture);
            long[] shape = [.. parts[1]["shape".Length..].Split('x').Select(side => long.Parse(side, CultureInfo.InvariantCulture))];
            using DisposeScope scope = NewDisposeScope();
            using var generator = new Generator((ulong)seed, device: CPU);
            AssertSame(golden, randn(shape, dtype: ScalarType.Float32, generator: generator), name);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Randn_OneDrawAfterTheOther_IsTorchs(GoldenCase golden)
    {
        string[] drawn = [.. golden.Outputs.Where(name => name.StartsWith("seq_", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(NoteSeed(golden), device: CPU);
        foreach (string name in drawn)
        {
            long[] shape = golden.Output(name).shape;
            Tensor actual = golden.Reference.Contains($"{name["seq_".Length..]} is uniform", StringComparison.Ordinal)
                ? rand(shape, dtype: ScalarType.Float32, generator: generator)
                : randn(shape, dtype: ScalarType.Float32, generator: generator);
            AssertSame(golden, actual, name);
        }
    }

    /// <summary>The sequence's seed, from "... seq_*: seed 78, ...".</summary>
    private static ulong NoteSeed(GoldenCase golden)
    {
        const string Mark = "seq_*: seed ";
        string text = golden.Reference;
        int start = text.IndexOf(Mark, StringComparison.Ordinal);
        return start < 0
            ? 0
            : ulong.Parse(new string([.. text[(start + Mark.Length)..].TakeWhile(char.IsAsciiDigit)]), CultureInfo.InvariantCulture);
    }

    private static void AssertSame(GoldenCase golden, Tensor actual, string name) =>
        Assert.That(actual.data<float>().ToArray(), Is.EqualTo(golden.Output(name).data<float>().ToArray()), name);
}
