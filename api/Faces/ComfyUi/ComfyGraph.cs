using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Web;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>A graph as its JSON has it: nodes by their ids, and what their inputs are. It is bounded, and nothing of it is checked.</summary>
internal sealed class ComfyGraph
{
    /// <summary>No text of a graph is longer, as characters.</summary>
    private const int MaxText = StrictReader.MaxTextBytes;

    /// <summary>No node's id is longer, as characters.</summary>
    private const int MaxId = 64;

    private ComfyGraph(IReadOnlyDictionary<string, GraphNode> nodes) => Nodes = nodes;

    public IReadOnlyDictionary<string, GraphNode> Nodes { get; }

    /// <summary>Reads a graph.</summary>
    /// <param name="json">The member "prompt" of a call.</param>
    /// <param name="classes">The classes that there are.</param>
    /// <param name="maxNodes">Most nodes.</param>
    /// <exception cref="ComfyException">It is none, is too large, or has a node of a class that there is not.</exception>
    public static ComfyGraph Read(JsonElement json, ComfyNodes classes, int maxNodes)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new ComfyException("no_prompt", "No prompt provided", "prompt must be an object: nodes by their ids");
        }

        var nodes = new Dictionary<string, GraphNode>(StringComparer.Ordinal);
        try
        {
            foreach (JsonProperty member in json.EnumerateObject())
            {
                if (nodes.Count >= maxNodes)
                {
                    throw new ComfyException("invalid_prompt", "The graph is too large", $"It may have {maxNodes} nodes at most.");
                }

                nodes[member.Name] = Node(member.Name, member.Value, classes);
            }
        }
        catch (InvalidOperationException)
        {
            throw new ComfyException("invalid_prompt", "The graph cannot be read", "A text in it is not valid Unicode.");
        }

        return new ComfyGraph(nodes);
    }

    private static GraphNode Node(string id, JsonElement json, ComfyNodes classes)
    {
        if (id.Length > MaxId)
        {
            throw new ComfyException("invalid_prompt", "The id of a node is too long", $"Ids may have {MaxId} characters at most.");
        }

        if (
            json.ValueKind != JsonValueKind.Object
            || !json.TryGetProperty("class_type", out JsonElement name)
            || name.ValueKind != JsonValueKind.String
        )
        {
            throw new ComfyException(
                "invalid_prompt",
                "Cannot execute because a node is missing the class_type property.",
                $"Node ID '#{ErrorText.Shown(id)}'. If this is the format that the page saves, export the graph in API format."
            );
        }

        string asked = name.GetString()!;
        if (!classes.All.TryGetValue(asked, out NodeClass? known))
        {
            string shown = ErrorText.Shown(asked);
            var extra = new JsonObject
            {
                ["node_id"] = ErrorText.Shown(id),
                ["class_type"] = shown,
                ["node_title"] = shown,
            };
            throw new ComfyException(
                "invalid_prompt",
                $"Cannot execute because node {shown} does not exist.",
                $"Node ID '#{ErrorText.Shown(id)}'. There are {string.Join(", ", classes.All.Keys)}.",
                extra
            );
        }

        var inputs = new Dictionary<string, GraphInput>(StringComparer.Ordinal);
        if (json.TryGetProperty("inputs", out JsonElement given) && given.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty input in given.EnumerateObject())
            {
                inputs[input.Name] = Input(input.Value);
            }
        }

        return new GraphNode(id, known, inputs);
    }

    private static GraphInput Input(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString()!.Length > MaxText)
        {
            throw new ComfyException("invalid_prompt", "A text of the graph is too long", $"Texts may have {MaxText} characters at most.");
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return new GraphInput(value, null);
        }

        // Every list is a link; also one that is none, which is then told of
        JsonElement[] parts = [.. value.EnumerateArray().Take(3)];
        return
            parts is [{ ValueKind: JsonValueKind.String or JsonValueKind.Number } node, { ValueKind: JsonValueKind.Number } output]
            && output.TryGetInt32(out int index)
            ? new GraphInput(value, new GraphLink(TextOf(node), index))
            : new GraphInput(value, new GraphLink("", -1));
    }

    private static string TextOf(JsonElement node) => node.ValueKind == JsonValueKind.String ? node.GetString()! : node.GetRawText();
}

/// <summary>A node of a graph.</summary>
internal sealed record GraphNode(string Id, NodeClass Class, IReadOnlyDictionary<string, GraphInput> Inputs);

/// <summary>What an input is: a value, or the output of another node.</summary>
internal sealed record GraphInput(JsonElement Value, GraphLink? Link);

/// <summary>An output of a node; an empty node where the graph names none rightly.</summary>
internal sealed record GraphLink(string Node, int Output);

/// <summary>Values of inputs, as leniently as ComfyUI reads them.</summary>
internal static class GraphValues
{
    /// <summary>A number that may be written as a text or a boolean; null where it is none.</summary>
    public static decimal? Number(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Number:
                return value.TryGetDecimal(out decimal number) ? number : null;
            case JsonValueKind.String:
                return decimal.TryParse(value.GetString()!.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal parsed)
                    ? parsed
                    : null;
            case JsonValueKind.True:
                return 1;
            case JsonValueKind.False:
                return 0;
            default:
                return null;
        }
    }

    /// <summary>A text; numbers and booleans as they are written. Null where it is none.</summary>
    public static string? Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
            _ => null,
        };

    /// <summary>Whether a value counts as true: any number but 0, any text but an empty one.</summary>
    public static bool Flag(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.String => value.GetString()!.Length > 0,
            JsonValueKind.Number => Number(value) != 0,
            _ => false,
        };
}
