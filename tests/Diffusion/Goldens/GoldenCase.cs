using System.Text.Json;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>
/// One reference case: a folder with case.json, and by kind config.json, io.safetensors, model.safetensors. Everything
/// that a test needs is in these files; the folder's name says nothing to it.
/// </summary>
public sealed class GoldenCase
{
    private GoldenCase(string folder)
    {
        Folder = folder;
        Case = JsonFile.Read(PathOf("case.json"));
    }

    /// <summary>The folder of groups: GOLDENS_DIR, or tests/Goldens of this repository.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("GOLDENS_DIR") is { Length: > 0 } set ? Path.GetFullPath(set) : InRepository("tests/Goldens");

    /// <summary>Where networks and pipelines run: GOLDENS_DEVICE (cuda, cuda:1, ...), or the CPU.</summary>
    public static Device Device { get; } =
        device(Environment.GetEnvironmentVariable("GOLDENS_DEVICE") is { Length: > 0 } name ? name : "cpu");

    public string Folder { get; }

    public string Name => Path.GetFileName(Folder);

    public JsonElement Case { get; }

    /// <summary>Class or function that made the numbers, as in diffusers.UNet2DConditionModel.</summary>
    public string Reference => Case.GetProperty("reference").GetString()!;

    /// <summary>Last part of <see cref="Reference"/>: the kind of the case.</summary>
    public string ReferenceClass => Reference[(Reference.LastIndexOf('.') + 1)..];

    public double Tolerance => Case.GetProperty("tolerance").GetDouble();

    /// <summary>Arguments of the call.</summary>
    public JsonElement Call => Case.GetProperty("call");

    public string? Note => Case.TryGetProperty("note", out JsonElement note) ? note.GetString() : null;

    /// <summary>config.json.</summary>
    public JsonElement Config => JsonFile.Read(PathOf("config.json"));

    /// <summary>Names of the inputs, without "in.".</summary>
    public IReadOnlyList<string> Inputs => Names("in.");

    /// <summary>Names of the outputs, without "out.".</summary>
    public IReadOnlyList<string> Outputs => Names("out.");

    /// <summary>The cases of a group, by name; none if the group is not there. For TestCaseSource.</summary>
    public static IEnumerable<GoldenCase> All(string group)
    {
        string folder = Path.Combine(Root, group);
        return Directory.Exists(folder)
            ? Directory
                .EnumerateDirectories(folder)
                .Where(path => File.Exists(Path.Combine(path, "case.json")))
                .Order(StringComparer.Ordinal)
                .Select(path => new GoldenCase(path))
            : [];
    }

    /// <summary>A group's folder: that of <see cref="Root"/>, or this repository's where that has none.</summary>
    public static string GroupFolder(string group) =>
        Path.Combine(Root, group) is var folder && Directory.Exists(folder) ? folder : InRepository("tests/Goldens/" + group);

    /// <summary>A file or folder of this repository.</summary>
    public static string InRepository(string path)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Generation.sln")))
            {
                return Path.Combine(folder.FullName, path);
            }
        }

        throw new DirectoryNotFoundException($"No Generation.sln above {AppContext.BaseDirectory}.");
    }

    public string PathOf(string file) => Path.Combine(Folder, file);

    public bool HasInput(string name) => Names("in.").Contains(name);

    public Tensor Input(string name) => Read($"in.{name}");

    public Tensor Output(string name) => Read($"out.{name}");

    /// <summary>Fails unless every |actual - expected| is at most tolerance x max(1, |expected|), and says where it is worst.</summary>
    public void AssertClose(Tensor actual, string name) => AssertClose(actual, Output(name), name);

    public void AssertClose(Tensor actual, Tensor expected, string name) => AssertClose(actual, expected, name, Tolerance);

    public static void AssertClose(Tensor actual, Tensor expected, string name, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.That(actual.shape, Is.EqualTo(expected.shape), $"shape of {name}");
        double[] found = [.. actual.to(ScalarType.Float64).cpu().contiguous().data<double>()];
        double[] wanted = [.. expected.to(ScalarType.Float64).contiguous().data<double>()];
        int worst = -1;
        double worstExcess = 1;
        int over = 0;
        for (int i = 0; i < found.Length; i++)
        {
            double excess = found[i].Equals(wanted[i])
                ? 0
                : Math.Abs(found[i] - wanted[i]) / (tolerance * Math.Max(1, Math.Abs(wanted[i])));
            if (!(excess <= 1))
            {
                over++;
                if (!(excess <= worstExcess))
                {
                    (worst, worstExcess) = (i, excess);
                }
            }
        }

        Assert.That(over, Is.Zero, () =>
            $"{name}: {over} of {found.Length} values are off; worst at {worst}: {found[worst]:R} instead of {wanted[worst]:R}, "
            + $"{worstExcess:F1} times the tolerance {tolerance}"
        );
    }

    /// <summary>Fails: no code here runs cases of this kind.</summary>
    public void Unknown(string kind) => Assert.Fail($"{Name}: {kind} is not known here.");

    public override string ToString() => Name;

    private string[] Names(string prefix)
    {
        using var file = SafetensorsFile.Open(PathOf("io.safetensors"));
        return [.. file.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..])];
    }

    private Tensor Read(string name)
    {
        using var file = SafetensorsFile.Open(PathOf("io.safetensors"));
        return file.Read(name);
    }
}
