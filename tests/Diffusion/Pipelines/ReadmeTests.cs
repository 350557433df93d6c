using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Generation.Diffusion.Tests.Goldens;
using Generation.Imaging;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Generation.Diffusion.Tests.Pipelines;

/// <summary>The programs of worker/Diffusion/README.md compile, run on small models of the same families, and make pictures.</summary>
[NonParallelizable]
public sealed class ReadmeTests
{
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using "
        + "System.Threading;";

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
        string text = File.ReadAllText(GoldenCase.InRepository("worker/Diffusion/README.md"));
        return Regex
            .Matches(text, @"```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Select(match =>
                (
                    Code: match.Groups["code"].Value,
                    Title: text[..match.Index].Split('\n').Last(line => line.StartsWith("## ", StringComparison.Ordinal))[3..]
                )
            )
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

    private static void Run(string code)
    {
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            $"Readme{Guid.NewGuid():N}",
            [CSharpSyntaxTree.ParseText(ImplicitUsings), CSharpSyntaxTree.ParseText(code)],
            references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable)
        );
        using var image = new MemoryStream();
        string[] faults =
        [
            .. compilation
                .Emit(image)
                .Diagnostics.Where(fault => fault.Severity >= DiagnosticSeverity.Warning)
                .Select(fault => fault.ToString()),
        ];
        Assert.That(faults, Is.Empty, "it compiles without a warning");
        var context = new AssemblyLoadContext(name: null, isCollectible: true);
        try
        {
            image.Position = 0;
            MethodInfo entry = context.LoadFromStream(image).EntryPoint!;
            entry.Invoke(null, [Array.Empty<string>()]);
        }
        finally
        {
            context.Unload();
        }
    }

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
