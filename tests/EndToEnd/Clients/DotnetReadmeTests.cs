using System.Reflection;
using System.Runtime.Loader;
using Generation.Client;
using Generation.Hosting;
using Generation.TestSupport;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Generation.EndToEnd.Tests.Clients;

/// <summary>The examples of Generation.Client's README are compiled as they stand, and run against a running system.</summary>
[TestFixture]
public sealed class DotnetReadmeTests
{
    private const string Fence = "```";

    [Test, CancelAfter(240_000)]
    public async Task Readme_EachExample_DoesWhatItSays(CancellationToken token)
    {
        TestStack stack = await SharedStack.GetAsync();
        string readme = await File.ReadAllTextAsync(Path.Combine(Clone.Current.Root, "clients", "dotnet", "README.md"), token);
        string[] examples =
        [
            .. readme.Split(Fence + "csharp").Skip(1).Select(part => part[..part.IndexOf(Fence, StringComparison.Ordinal)]),
        ];
        Assert.That(examples, Has.Length.EqualTo(3));

        string folder = Directory.CreateTempSubdirectory("client-readme-").FullName;
        TextWriter console = Console.Out;
        var said = new StringWriter();
        Console.SetOut(said);
        try
        {
            foreach (string example in examples)
            {
                // Its files lie in a folder of the test's, and its server is the test's
                await RunAsync(
                    example
                        .Replace("http://localhost:8080", stack.Stack.Url, StringComparison.Ordinal)
                        .Replace("gk_...", stack.Stack.Key, StringComparison.Ordinal)
                        .Replace("\"apple.png\"", $"\"{Path.Combine(folder, "apple.png")}\"", StringComparison.Ordinal)
                );
            }
        }
        finally
        {
            Console.SetOut(console);
        }

        Assert.That(File.Exists(Path.Combine(folder, "apple.png")));
        Directory.Delete(folder, recursive: true);
        Assert.That(
            said.ToString(),
            Does.Contain("step ").And.Contain("Succeeded, ").And.Contain("invalid_request: ").And.Contain("width: ")
        );
    }

    private static async Task RunAsync(string code)
    {
        // What a new console project has by itself
        const string usings =
            "global using System; global using System.Collections.Generic; global using System.IO; global using System.Threading.Tasks;";
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "Example",
            [CSharpSyntaxTree.ParseText(code), CSharpSyntaxTree.ParseText(usings)],
            [
                .. assemblies
                    .Append(typeof(GenerationClient).Assembly.Location)
                    .Distinct()
                    .Select(path => MetadataReference.CreateFromFile(path)),
            ],
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable)
        );
        using var bytes = new MemoryStream();
        Assert.That(
            compilation.Emit(bytes).Diagnostics.Where(found => found.Severity >= DiagnosticSeverity.Warning).Select(found => $"{found}"),
            Is.Empty
        );
        bytes.Position = 0;
        MethodInfo main = new AssemblyLoadContext("example", isCollectible: true).LoadFromStream(bytes).EntryPoint!;
        // The entry point of top-level statements waits for them
        await Task.Run(() => main.Invoke(null, [Array.Empty<string>()]));
    }
}
