using System.Text.Json.Nodes;
using Generation.Hosting;
using NJsonSchema;
using NJsonSchema.CodeGeneration;
using NJsonSchema.CodeGeneration.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;

namespace Generation.Api.Tests;

/// <summary>The types of Generation.Client are those of the API's description: a field that the API gains, the client has.</summary>
public sealed class ClientModelsTests
{
    private const string Models = "clients/dotnet/Models.g.cs";

    /// <summary>Calls of operators and of the page, which the client has not.</summary>
    private static readonly string[] Others = ["/v1/admin", "/v1/session"];

    /// <summary>What the client names otherwise than the API's own code does.</summary>
    private static readonly Dictionary<string, string> Renamed = new()
    {
        ["JobDocument"] = "Job",
        ["JobOutputLink"] = "JobOutput",
        ["PageOfJobDocument"] = "PageOfJob",
    };

    [Test, CancelAfter(60_000)]
    public async Task ClientModels_AreThoseOfTheDescription(CancellationToken token)
    {
        await using ApiScope api = await ApiScope.CreateAsync();
        string made = await MakeAsync(await api.Client.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), token), token);
        string path = Path.Combine(Clone.Current.Root, Models);
        string there = File.Exists(path) ? await File.ReadAllTextAsync(path, token) : "";
        if (made == there)
        {
            return;
        }

        string fresh = Path.Combine(Clone.Current.Root, "artifacts", Path.GetFileName(Models));
        await File.WriteAllTextAsync(fresh, made, token);
        Assert.Fail($"The API's description has changed, and the client's types have not: cp {fresh} {path}");
    }

    private static async Task<string> MakeAsync(string description, CancellationToken token)
    {
        var generator = new CSharpClientGenerator(
            await OpenApiDocument.FromJsonAsync(WithoutOthers(description), token),
            new CSharpClientGeneratorSettings
            {
                GenerateClientClasses = false,
                GenerateExceptionClasses = false,
                AdditionalNamespaceUsages = ["System.Text.Json"],
                CSharpGeneratorSettings =
                {
                    Namespace = "Generation.Client",
                    JsonLibrary = CSharpJsonLibrary.SystemTextJson,
                    JsonLibraryVersion = 10.0m,
                    ExcludedTypeNames = ["JsonElement"],
                    GenerateDataAnnotations = false,
                    GenerateNullableReferenceTypes = true,
                    GenerateOptionalPropertiesAsNullable = true,
                    ClassStyle = CSharpClassStyle.Poco,
                    ArrayType = "System.Collections.Generic.IReadOnlyList",
                    ArrayInstanceType = "System.Collections.Generic.List",
                    ArrayBaseType = "System.Collections.Generic.List",
                    TypeNameGenerator = new TypeNames(),
                    PropertyNameGenerator = new Names(),
                    EnumNameGenerator = new Names(),
                },
            }
        );
        // Lists of names are read by the client's own options; the generator only notes that it leaves them to its users
        return string.Concat(
            generator.GenerateFile().Split(["\r\n", "\n"], StringSplitOptions.None).Where(line => !IsNote(line)).Select(line => line + "\n")
        );

        static bool IsNote(string line) => line.TrimStart().StartsWith("// TODO", StringComparison.Ordinal);
    }

    /// <summary>The description without the calls that the client has not, and without the types that only those have.</summary>
    private static string WithoutOthers(string description)
    {
        JsonObject document = JsonNode.Parse(description)!.AsObject();
        JsonObject paths = document["paths"]!.AsObject();
        foreach (string path in paths.Select(path => path.Key).Where(path => Others.Any(path.StartsWith)).ToArray())
        {
            paths.Remove(path);
        }

        JsonObject schemas = document["components"]!["schemas"]!.AsObject();
        // A job's request is shaped as its kind says, and as the server's version knows it: a client reads it by names
        schemas["JobRequest"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject() };
        foreach ((_, JsonNode? schema) in schemas)
        {
            // Without it every type would get a dictionary of the fields that a newer server has
            schema!["additionalProperties"] ??= false;
        }

        var left = new HashSet<string>(StringComparer.Ordinal);
        Find(paths);
        foreach (string name in schemas.Select(schema => schema.Key).Where(name => !left.Contains(name)).ToArray())
        {
            schemas.Remove(name);
        }

        return document.ToJsonString();

        void Find(JsonNode? node)
        {
            foreach (
                JsonNode? child in node is JsonObject item ? item.Select(member => member.Value)
                : node is JsonArray list ? list
                : []
            )
            {
                Find(child);
            }

            string? name = (node as JsonObject)?["$ref"]?.ToString().Split('/')[^1];
            if (name is not null && left.Add(name))
            {
                Find(schemas[name]);
            }
        }
    }

    /// <summary>What is sent is a request, and what is answered has the name of what it is.</summary>
    private sealed class TypeNames : ITypeNameGenerator
    {
        public string Generate(JsonSchema schema, string? typeNameHint, IEnumerable<string> reservedTypeNames)
        {
            string name = Renamed.GetValueOrDefault(typeNameHint ?? "Anonymous", typeNameHint ?? "Anonymous");
            name =
                name.EndsWith("Body", StringComparison.Ordinal) ? $"{name[..^4]}Request"
                : name.EndsWith("Answer", StringComparison.Ordinal) ? name[..^6]
                : name;
            return reservedTypeNames.Contains(name) ? $"{name}Value" : name;
        }
    }

    /// <summary>Names as C# writes them: num_inference_steps is NumInferenceSteps.</summary>
    private sealed class Names : IPropertyNameGenerator, IEnumNameGenerator
    {
        public string Generate(JsonSchemaProperty property) => Pascal(property.Name);

        public string Generate(int index, string? name, object? value, JsonSchema schema) => Pascal(name ?? $"{value}");

        private static string Pascal(string name) =>
            string.Concat(
                name.Split('_', '-', '.', ' ')
                    .Where(word => word.Length > 0)
                    .Select(word => string.Concat(word[..1].ToUpperInvariant(), word.AsSpan(1)))
            );
    }
}
