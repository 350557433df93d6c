using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>The C# of the repository's documents, compiled as a reader would.</summary>
public static class ReadmeCode
{
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using "
        + "System.Threading;";

    /// <summary>The blocks of a document, each with the heading above it.</summary>
    /// <param name="document">Relative to the repository.</param>
    public static IEnumerable<(string Code, string Title)> In(string document)
    {
        string text = File.ReadAllText(GoldenCase.InRepository(document));
        return Regex
            .Matches(text, @"```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Select(match =>
                (
                    match.Groups["code"].Value,
                    text[..match.Index].Split('\n').Last(line => line.StartsWith("## ", StringComparison.Ordinal))[3..]
                )
            );
    }

    /// <summary>Compiles a block, which must give no warning, and hands the result on.</summary>
    public static void Run(string code, OutputKind kind, Action<Assembly> use)
    {
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            $"Readme{Guid.NewGuid():N}",
            [CSharpSyntaxTree.ParseText(ImplicitUsings), CSharpSyntaxTree.ParseText(code)],
            references,
            new CSharpCompilationOptions(kind, nullableContextOptions: NullableContextOptions.Enable)
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
            use(context.LoadFromStream(image));
        }
        finally
        {
            context.Unload();
        }
    }
}
