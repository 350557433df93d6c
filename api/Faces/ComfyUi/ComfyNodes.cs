using System.Text.Json;
using System.Text.Json.Nodes;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>The classes of nodes that graphs may have: nodes.json, from which graphs are checked and /object_info is made.</summary>
internal sealed class ComfyNodes
{
    /// <summary>What a list of choices begins with that is the catalogue's, and not always the same.</summary>
    private const char Variable = '$';

    private readonly Dictionary<string, NodeClass> _classes = new(StringComparer.Ordinal);

    private ComfyNodes(JsonObject table)
    {
        foreach ((string name, JsonNode? node) in table)
        {
            _classes[name] = Read(name, node!.AsObject());
        }
    }

    /// <summary>All of them, by name.</summary>
    public IReadOnlyDictionary<string, NodeClass> All => _classes;

    /// <summary>The table beside this code.</summary>
    public static ComfyNodes Load()
    {
        const string Name = "Faces/ComfyUi/nodes.json";
        using Stream stream = typeof(ComfyNodes).Assembly.GetManifestResourceStream(Name)
            ?? throw new InvalidOperationException($"{Name} is not embedded.");
        return new ComfyNodes(JsonNode.Parse(stream)!.AsObject());
    }

    private static NodeClass Read(string name, JsonObject node) =>
        new()
        {
            Name = name,
            Display = (string?)node["display_name"] ?? name,
            Category = (string?)node["category"] ?? "",
            Required = Inputs(node["required"]),
            Optional = Inputs(node["optional"]),
            Outputs = Texts(node["output"]),
            OutputNames = node["output_name"] is { } names ? Texts(names) : Texts(node["output"]),
            IsOutput = (bool?)node["output_node"] ?? false,
        };

    private static NodeInput[] Inputs(JsonNode? inputs) =>
        [.. (inputs?.AsObject() ?? []).Select(input => Input(input.Key, input.Value!.AsArray()))];

    private static NodeInput Input(string name, JsonArray spec)
    {
        JsonObject options = spec.Count > 1 ? spec[1]!.AsObject() : [];
        string? type = spec[0] is JsonValue ? (string?)spec[0] : null;
        return new NodeInput
        {
            Name = name,
            Type = type is null || type[0] == Variable ? NodeInput.Choice : type,
            Source = type?[0] == Variable ? type[1..] : null,
            Choices = spec[0] is JsonArray choices ? Texts(choices) : [],
            Least = Number(options["min"]),
            Most = Number(options["max"]),
            Options = options,
        };
    }

    private static decimal? Number(JsonNode? node) => node is null ? null : node.GetValue<JsonElement>().GetDecimal();

    private static string[] Texts(JsonNode? node) => [.. (node?.AsArray() ?? []).Select(text => (string)text!)];
}

/// <summary>A class of nodes.</summary>
internal sealed record NodeClass
{
    public required string Name { get; init; }

    /// <summary>Its name for people.</summary>
    public required string Display { get; init; }

    public required string Category { get; init; }

    public required IReadOnlyList<NodeInput> Required { get; init; }

    public required IReadOnlyList<NodeInput> Optional { get; init; }

    /// <summary>Types of the outputs.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    public required IReadOnlyList<string> OutputNames { get; init; }

    /// <summary>Whether the graph is run for the sake of it.</summary>
    public required bool IsOutput { get; init; }
}

/// <summary>An input of a class of nodes.</summary>
internal sealed record NodeInput
{
    /// <summary>The type of inputs that are one of some texts.</summary>
    public const string Choice = "COMBO";

    public required string Name { get; init; }

    /// <summary>INT, FLOAT, STRING, BOOLEAN, <see cref="Choice"/>, or the type of a link.</summary>
    public required string Type { get; init; }

    /// <summary>Which of the catalogue's lists the choices are; null where they are always the same.</summary>
    public required string? Source { get; init; }

    public required IReadOnlyList<string> Choices { get; init; }

    public required decimal? Least { get; init; }

    public required decimal? Most { get; init; }

    /// <summary>Default, limits and more, as clients read them.</summary>
    public required JsonObject Options { get; init; }

    /// <summary>Whether the value stands in the graph itself, and does not come from another node.</summary>
    public bool IsValue => Type is "INT" or "FLOAT" or "STRING" or "BOOLEAN" or Choice;
}
