using Generation.Diffusion.Tests.Goldens;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Microsoft.CodeAnalysis;

namespace Generation.Diffusion.Tests.Pipelines;

/// <summary>The programs of worker/Diffusion/README.md compile, run on small models of the same families, and make pictures.</summary>
[NonParallelizable]
public sealed class ReadmeTests
{
    private string _folder = "";
    private string _before = "";

    [SetUp]
    public void SetUp()
    {
        _before = Directory.GetCurrentDirectory();
        _folder = Directory.CreateTempSubdirectory("readme").FullName;
        Directory.CreateDirectory(Path.Combine(_folder, "models"));
        foreach (
            string model in Directory
                .EnumerateDirectories(GoldenCase.InRepository("tests/Goldens/models"))
                .Append(GoldenCase.InRepository("models/demo-upscaler"))
        )
        {
            Directory.CreateSymbolicLink(Path.Combine(_folder, "models", Path.GetFileName(model)), model);
        }

        File.WriteAllBytes(
            Path.Combine(_folder, "in.png"),
            PictureCodec.Encode(Painted(3, (x, y) => (byte)((x * 3) + y)), PictureFormat.Png)
        );
        File.WriteAllBytes(
            Path.Combine(_folder, "mask.png"),
            PictureCodec.Encode(Painted(1, (x, y) => x is > 20 and < 50 && y is > 10 and < 40 ? (byte)255 : (byte)0), PictureFormat.Png)
        );
        Directory.SetCurrentDirectory(_folder);
    }

    [TearDown]
    public void TearDown()
    {
        Directory.SetCurrentDirectory(_before);
        Directory.Delete(_folder, recursive: true);
    }

    private static IEnumerable<TestCaseData> Programs()
    {
        return ReadmeCode
            .In("worker/Diffusion/README.md")
            .Select((program, i) => new TestCaseData(program.Code).SetArgDisplayNames($"{i}: {program.Title}"));
    }

    [TestCaseSource(nameof(Programs))]
    public void Program_OfTheReadme_MakesPictures(string code)
    {
        Assert.That(code.Trim().Split('\n'), Has.Length.LessThanOrEqualTo(11), "ten lines, and one that parts them");
        HashSet<string> given = [.. Directory.GetFiles(_folder)];
        Run(code);
        string[] made = [.. Directory.GetFiles(_folder, "*.png").Where(path => !given.Contains(path))];
        Assert.That(made, Is.Not.Empty);
        foreach (string path in made)
        {
            Assert.That(PictureCodec.Decode(File.ReadAllBytes(path)).Channels, Is.EqualTo(3), path);
        }
    }

    private static void Run(string code) =>
        ReadmeCode.Run(code, OutputKind.ConsoleApplication, program => program.EntryPoint!.Invoke(null, [Array.Empty<string>()]));

    private static Picture Painted(int channels, Func<int, int, byte> value)
    {
        var picture = new Picture(64, 48, channels);
        for (int i = 0; i < picture.Bytes.Length; i++)
        {
            picture.Bytes[i] = value(i / channels % 64, i / channels / 64);
        }

        return picture;
    }
}
