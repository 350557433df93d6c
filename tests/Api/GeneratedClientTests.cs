using System.Collections;
using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NJsonSchema.CodeGeneration.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;

namespace Generation.Api.Tests;

/// <summary>A client that NSwag makes of the API's description is compiled, and does a job's whole way.</summary>
public sealed class GeneratedClientTests
{
    /// <summary>
    /// What NSwag leaves to its users: that lists of enumerations travel by names, and a type of many shapes told apart by a field.
    /// </summary>
    private const string ByHand = """
        namespace Generated
        {
            public partial class GeneratedClient
            {
                static partial void UpdateJsonSerializerSettings(System.Text.Json.JsonSerializerOptions settings) =>
                    settings.Converters.Add(new System.Text.Json.Serialization.JsonStringEnumConverter());
            }

            public class JobRequest
            {
                [System.Text.Json.Serialization.JsonExtensionData]
                public System.Collections.Generic.Dictionary<string, object> Fields { get; set; }
            }
        }
        """;

    private ApiScope _api = null!;
    private Assembly _assembly = null!;
    private object _client = null!;

    [OneTimeSetUp]
    public async Task MakeClient()
    {
        _api = await ApiScope.CreateAsync();
        OpenApiDocument description = await OpenApiDocument.FromJsonAsync(await _api.Client.GetStringAsync("/openapi/v1.json"));
        var generator = new CSharpClientGenerator(
            description,
            new CSharpClientGeneratorSettings
            {
                ClassName = "GeneratedClient",
                UseBaseUrl = false,
                CSharpGeneratorSettings =
                {
                    Namespace = "Generated",
                    JsonLibrary = CSharpJsonLibrary.SystemTextJson,
                    JsonLibraryVersion = 10.0m,
                    ExcludedTypeNames = ["JobRequest"],
                    GenerateNullableReferenceTypes = true,
                    GenerateOptionalPropertiesAsNullable = true,
                },
            }
        );
        _assembly = Compile(generator.GenerateFile());
        _client = Activator.CreateInstance(_assembly.GetType("Generated.GeneratedClient", throwOnError: true)!, _api.Client)!;
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Client_SubmitsPollsListsAndFetches()
    {
        object body = New("Text2ImgBody", ("Prompt", "a red apple"), ("Seed", 7L));
        object submitted = (await CallAsync("Text2img", ("body", body), ("idempotency_Key", "generated")))!;
        var id = (Guid)Get(submitted, "Id")!;
        await _api.FinishAsync(new Contracts.JobId(id));

        object job = (await CallAsync("GetJob", ("id", id.ToString())))!;
        object page = (await CallAsync("ListJobs", ("limit", "5")))!;

        Assert.That(Get(job, "State")!.ToString(), Is.EqualTo("Succeeded").IgnoreCase);
        Assert.That(Get(submitted, "Finished_at"), Is.Null, "what is not there yet is absent");
        Assert.That(Get(job, "Finished_at"), Is.InstanceOf<DateTimeOffset>());
        Assert.That(((IEnumerable)Get(job, "Outputs")!).Cast<object>().Count(), Is.EqualTo(1));
        Assert.That(((IEnumerable)Get(page, "Data")!).Cast<object>().Select(j => Get(j, "Id")), Does.Contain(id));
        Assert.That(Get(page, "Next_cursor"), Is.Null);
    }

    [Test]
    public async Task Client_WrongRequest_GetsTheProblem()
    {
        object body = New("Text2ImgBody", ("Prompt", "a"), ("Width", 1));

        Type refusal = _assembly.GetType("Generated.ApiException", throwOnError: true)!;
        Exception error = (await Assert.ThrowsAsync(Is.InstanceOf(refusal), async () => await CallAsync("Text2img", ("body", body))))!;

        object problem = error.GetType().GetProperty("Result")!.GetValue(error)!;
        Assert.That(Get(problem, "Code"), Is.EqualTo("invalid_request"));
        Assert.That(((IDictionary)Get(problem, "Errors")!).Contains("width"));
        Assert.That(Get(problem, "Trace_id"), Is.Null);
    }

    [Test]
    public async Task Client_ReadsWhatTheApiLists()
    {
        foreach (
            string call in (string[])["ListModels", "ListSchedulers", "GetAccount", "ListTransactions", "GetLoad", "ListWebhookSecrets"]
        )
        {
            Assert.That(await CallAsync(call), Is.Not.Null, call);
        }
    }

    private object New(string type, params (string Name, object Value)[] values)
    {
        object made = Activator.CreateInstance(_assembly.GetType($"Generated.{type}", throwOnError: true)!)!;
        foreach ((string name, object value) in values)
        {
            made.GetType().GetProperty(name)!.SetValue(made, value);
        }

        return made;
    }

    private static object? Get(object of, string name) =>
        (of.GetType().GetProperty(name) ?? throw new InvalidOperationException($"{of.GetType().Name} has no {name}.")).GetValue(of);

    private async Task<object?> CallAsync(string name, params (string Name, object Value)[] arguments)
    {
        MethodInfo method = _client
            .GetType()
            .GetMethods()
            .First(m => m.Name == name + "Async" && m.GetParameters() is [.., { ParameterType.Name: nameof(CancellationToken) }]);
        object?[] values =
        [
            .. method
                .GetParameters()
                .Select(parameter =>
                    parameter.ParameterType == typeof(CancellationToken)
                        ? CancellationToken.None
                        : arguments.FirstOrDefault(a => a.Name.Equals(parameter.Name, StringComparison.OrdinalIgnoreCase)).Value
                ),
        ];
        Assert.That(arguments.Select(a => a.Value), Is.SubsetOf(values), "every argument has its parameter");
        var call = (Task)method.Invoke(_client, values)!;
        await call;
        return call.GetType().GetProperty("Result")?.GetValue(call);
    }

    private static Assembly Compile(string code)
    {
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "Generated",
            [CSharpSyntaxTree.ParseText(code), CSharpSyntaxTree.ParseText(ByHand)],
            assemblies.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
        );
        using var bytes = new MemoryStream();
        Assert.That(
            compilation.Emit(bytes).Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString()),
            Is.Empty
        );
        bytes.Position = 0;
        return new AssemblyLoadContext("generated", isCollectible: false).LoadFromStream(bytes);
    }
}
