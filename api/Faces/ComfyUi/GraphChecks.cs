using System.Globalization;
using Generation.Api.Web;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// Checks the part of a graph that an output node needs against the table of nodes: what is required is there, links lead to outputs of the
/// right type, values are in their limits, and no node needs itself.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="choices">The choices of an input whose list is the catalogue's; null where any text will do.</param>
internal sealed class GraphChecks(ComfyGraph graph, Func<string, string, IReadOnlyList<string>?> choices)
{
    /// <summary>Of an output's errors so many are told.</summary>
    private const int MostErrors = 20;

    private readonly Dictionary<string, List<NodeError>> _ofNode = new(StringComparer.Ordinal);

    /// <summary>What is wrong with the nodes that an output needs; none where all is in order.</summary>
    public IReadOnlyList<NodeError> Of(string output)
    {
        var errors = new List<NodeError>();
        var done = new HashSet<string>(StringComparer.Ordinal);
        Walk(output, [], done, errors);
        return errors;
    }

    private void Walk(string id, HashSet<string> path, HashSet<string> done, List<NodeError> errors)
    {
        if (!path.Add(id))
        {
            errors.Add(new NodeError(id, "dependency_cycle", "Dependency cycle", null, $"node {ErrorText.Shown(id)} needs its own output"));
            return;
        }

        if (done.Add(id) && errors.Count < MostErrors)
        {
            GraphNode node = graph.Nodes[id];
            if (!_ofNode.TryGetValue(id, out List<NodeError>? own))
            {
                _ofNode[id] = own = [.. Check(node)];
            }

            errors.AddRange(own.Take(MostErrors - errors.Count));
            foreach (NodeInput input in node.Class.Required.Concat(node.Class.Optional))
            {
                if (node.Inputs.GetValueOrDefault(input.Name)?.Link is { } link && graph.Nodes.ContainsKey(link.Node))
                {
                    Walk(link.Node, path, done, errors);
                }
            }
        }

        path.Remove(id);
    }

    private IEnumerable<NodeError> Check(GraphNode node)
    {
        foreach (NodeInput input in node.Class.Required)
        {
            if (!node.Inputs.TryGetValue(input.Name, out GraphInput? given))
            {
                yield return new NodeError(node.Id, "required_input_missing", "Required input is missing", input.Name, input.Name);
            }
            else if (Wrong(node, input, given) is { } error)
            {
                yield return error;
            }
        }

        foreach (NodeInput input in node.Class.Optional)
        {
            if (node.Inputs.TryGetValue(input.Name, out GraphInput? given) && Wrong(node, input, given) is { } error)
            {
                yield return error;
            }
        }
    }

    private NodeError? Wrong(GraphNode node, NodeInput input, GraphInput given) =>
        given.Link is { } link ? WrongLink(node, input, link)
        : input.IsValue ? WrongValue(node, input, given)
        : new NodeError(
            node.Id,
            "bad_linked_input",
            "Bad linked input, must be a length-2 list of [node_id, slot_index]",
            input.Name,
            $"{input.Name}, received {ErrorText.Shown(given.Value.GetRawText())}"
        );

    private NodeError? WrongLink(GraphNode node, NodeInput input, GraphLink link)
    {
        if (!graph.Nodes.TryGetValue(link.Node, out GraphNode? source) || link.Output < 0 || link.Output >= source.Class.Outputs.Count)
        {
            return new NodeError(
                node.Id,
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                input.Name,
                $"{input.Name}: there is no such output"
            );
        }

        string type = source.Class.Outputs[link.Output];
        return type == input.Type
            ? null
            : new NodeError(
                node.Id,
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                input.Name,
                $"{input.Name}, received_type({type}) mismatch input_type({input.Type})"
            );
    }

    private NodeError? WrongValue(GraphNode node, NodeInput input, GraphInput given)
    {
        switch (input.Type)
        {
            case "INT" or "FLOAT":
                return WrongNumber(node, input, given);
            case "BOOLEAN":
                return null;
        }

        return GraphValues.Text(given.Value) is not { } text ? Mistyped(node, input, given)
            : input.Type == NodeInput.Choice ? WrongChoice(node, input, text)
            : text.Contains('\0') ? NodeError.NotDone(node.Id, input.Name, "contains the character U+0000")
            : null;
    }

    private static NodeError Mistyped(GraphNode node, NodeInput input, GraphInput given) =>
        new(
            node.Id,
            "invalid_input_type",
            $"Failed to convert an input value to a {input.Type} value",
            input.Name,
            $"{input.Name}, {ErrorText.Shown(given.Value.GetRawText())}"
        );

    private static NodeError? WrongNumber(GraphNode node, NodeInput input, GraphInput given)
    {
        if (GraphValues.Number(given.Value) is not { } number)
        {
            return Mistyped(node, input, given);
        }

        number = input.Type == "INT" ? decimal.Truncate(number) : number;
        string shown = number.ToString(CultureInfo.InvariantCulture);
        return input.Least is { } least && number < least
                ? new NodeError(
                    node.Id,
                    "value_smaller_than_min",
                    $"Value {shown} smaller than min of {least.ToString(CultureInfo.InvariantCulture)}",
                    input.Name,
                    input.Name
                )
            : input.Most is { } most && number > most
                ? new NodeError(
                    node.Id,
                    "value_bigger_than_max",
                    $"Value {shown} bigger than max of {most.ToString(CultureInfo.InvariantCulture)}",
                    input.Name,
                    input.Name
                )
            : null;
    }

    private NodeError? WrongChoice(GraphNode node, NodeInput input, string text)
    {
        const int MostShown = 20;
        IReadOnlyList<string>? known = input.Source is { } source ? choices(source, text) : input.Choices;
        if (known is null || known.Contains(text))
        {
            return null;
        }

        string shown = known.Count > MostShown ? $"(list of length {known.Count})" : $"[{string.Join(", ", known.Select(k => $"'{k}'"))}]";
        return new NodeError(
            node.Id,
            "value_not_in_list",
            "Value not in list",
            input.Name,
            $"{input.Name}: '{ErrorText.Shown(text)}' not in {shown}"
        );
    }
}
