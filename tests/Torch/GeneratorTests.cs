using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Torch.Tests;

/// <summary>The CPU generator draws what torch's draws: tests/Goldens/noise/cpu_generator.</summary>
public sealed class GeneratorTests
{
    [Test]
    public void Randn_EverySeedAndShapeOfTheReference_IsEqualWithinTheTolerance()
    {
        (Dictionary<string, float[]> reference, double tolerance) = NoiseReference.Load();
        int cases = 0;
        foreach ((string name, float[] expected) in reference)
        {
            if (!name.StartsWith("seed", StringComparison.Ordinal))
            {
                continue;
            }

            int cut = name.IndexOf("_shape", StringComparison.Ordinal);
            long seed = unchecked((long)ulong.Parse(name[4..cut], CultureInfo.InvariantCulture));
            long[] shape = Array.ConvertAll(name[(cut + 6)..].Split('x'), long.Parse);
            using DisposeScope scope = NewDisposeScope();
            using var generator = new Generator();
            float[] drawn = randn(shape, generator: generator.manual_seed(seed)).data<float>().ToArray();
            Assert.That(drawn, Is.EqualTo(expected).Within(tolerance), name);
            cases++;
        }

        Assert.That(cases, Is.GreaterThan(40));
    }

    [Test]
    public void Sequence_NormalThenUniform_ContinuesOneState()
    {
        (Dictionary<string, float[]> reference, double tolerance) = NoiseReference.Load();
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator();
        generator.manual_seed(78);
        Assert.Multiple(() =>
        {
            Assert.That(randn([5], generator: generator).data<float>().ToArray(), Is.EqualTo(reference["seq_a"]).Within(tolerance));
            Assert.That(
                randn([1, 4, 8, 8], generator: generator).data<float>().ToArray(),
                Is.EqualTo(reference["seq_b"]).Within(tolerance)
            );
            Assert.That(rand([7], generator: generator).data<float>().ToArray(), Is.EqualTo(reference["seq_c"]).Within(tolerance));
            Assert.That(randn([33], generator: generator).data<float>().ToArray(), Is.EqualTo(reference["seq_d"]).Within(tolerance));
        });
    }

    [Test]
    public void ManualSeed_Negative_IsTheUnsignedNumberOfTheSameBits()
    {
        using DisposeScope scope = NewDisposeScope();
        using var negative = new Generator();
        using var unsigned = new Generator(ulong.MaxValue);
        float[] a = randn([16], generator: negative.manual_seed(-1)).data<float>().ToArray();
        float[] b = randn([16], generator: unsigned).data<float>().ToArray();
        Assert.That(a, Is.EqualTo(b));
    }

    [Test]
    public void State_SetInAnotherGenerator_DrawsOnFromThere()
    {
        using DisposeScope scope = NewDisposeScope();
        using var first = new Generator();
        first.manual_seed(5);
        randn([19], generator: first);
        Tensor state = first.get_state();
        float[] expected = randn([40], generator: first).data<float>().ToArray();
        using var second = new Generator();
        second.set_state(state);
        Assert.That(randn([40], generator: second).data<float>().ToArray(), Is.EqualTo(expected));
    }
}

internal static class NoiseReference
{
    public static (Dictionary<string, float[]> Values, double Tolerance) Load()
    {
        string folder = Path.Combine(GoldensFolder(), "noise", "cpu_generator");
        using var description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        byte[] file = File.ReadAllBytes(Path.Combine(folder, "io.safetensors"));
        int length = (int)BitConverter.ToUInt64(file, 0);
        using var header = JsonDocument.Parse(file.AsMemory(8, length));
        var values = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (JsonProperty entry in header.RootElement.EnumerateObject())
        {
            if (entry.Name.StartsWith("out.", StringComparison.Ordinal))
            {
                int start = entry.Value.GetProperty("data_offsets")[0].GetInt32();
                int end = entry.Value.GetProperty("data_offsets")[1].GetInt32();
                float[] numbers = new float[(end - start) / 4];
                Buffer.BlockCopy(file, 8 + length + start, numbers, 0, end - start);
                values[entry.Name[4..]] = numbers;
            }
        }

        return (values, description.RootElement.GetProperty("tolerance").GetDouble());
    }

    private static string GoldensFolder()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string folder = Path.Combine(at.FullName, "tests", "Goldens");
            if (Directory.Exists(folder))
            {
                return folder;
            }
        }

        throw new DirectoryNotFoundException("tests/Goldens is not above the test assembly");
    }
}
