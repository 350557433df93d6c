using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Storage.Accounts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>From the JSON of a graph to its native jobs.</summary>
internal sealed class ComfyGraphs(ComfyTable table, ComfyNodes nodes, ModelDirectory models, ComfyFiles files, JobIntake intake)
{
    /// <summary>How graphs are read: as the bodies that they come in.</summary>
    private static readonly JsonDocumentOptions Options = new()
    {
        MaxDepth = FaceBodyReader.JsonOptions.MaxDepth,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>The jobs of a graph, with what is wrong with those of its outputs that have none.</summary>
    /// <param name="caller">Whose graph it is.</param>
    /// <param name="json">The graph.</param>
    /// <param name="targets">The output nodes that are to be run; none for all.</param>
    /// <param name="note">What the notes of its jobs have in common.</param>
    /// <param name="share">What the call takes of memory for bodies.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ComfyException">Nothing of it can be run.</exception>
    public async Task<(GraphPlan Plan, JsonObject NodeErrors)> PlanAsync(
        Caller caller,
        byte[] json,
        IReadOnlyList<string> targets,
        ComfyNote note,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        using JsonDocument document = Parse(json);
        ComfyGraph graph = Read(document);
        ComfyCatalogue catalogue = await CatalogueAsync(cancellationToken);
        GraphNode[] outputs =
        [
            .. graph.Nodes.Values.Where(node => node.Class.IsOutput && (targets.Count == 0 || targets.Contains(node.Id))),
        ];
        if (outputs.Length == 0)
        {
            throw new ComfyException("prompt_no_outputs", "Prompt has no outputs", "");
        }

        if (outputs.Length > table.MaxJobs)
        {
            throw new ComfyException("invalid_prompt", "The graph has too many outputs", $"It may have {table.MaxJobs} at most.");
        }

        var errors = new List<(NodeError Error, string Output)>();
        var checks = new GraphChecks(graph, (source, name) => catalogue.WhyNot(source, name));
        var good = new List<GraphNode>();
        foreach (GraphNode output in outputs)
        {
            IReadOnlyList<NodeError> wrong = checks.Of(output.Id);
            errors.AddRange(wrong.Select(error => (error, output.Id)));
            if (wrong.Count == 0)
            {
                good.Add(output);
            }
        }

        IReadOnlyDictionary<string, ComfyPicture> pictures = await PicturesAsync(caller.AccountId, graph, cancellationToken);
        GraphPlan? plan = null;
        while (good.Count > 0)
        {
            plan = Plan(graph, catalogue, pictures, good, errors);
            if (good.Count == 0 || !await RefusedAsync(caller, plan, good, errors, share, cancellationToken))
            {
                break;
            }
        }

        JsonObject nodeErrors = ComfyErrors.OfNodes(errors, graph);
        if (good.Count == 0 || plan is null)
        {
            throw new ComfyException(
                "prompt_outputs_failed_validation",
                "Prompt outputs failed validation",
                errors is [var first, ..] ? $"Node {first.Error.Node}: {first.Error.Details}" : "",
                null,
                nodeErrors
            );
        }

        AddNotes(plan, note, good);
        return (plan, nodeErrors);
    }

    /// <summary>The jobs of a graph that was taken before; null where it can no longer be read as it was.</summary>
    public async Task<GraphPlan?> PlanAgainAsync(Guid account, ComfyNote note, byte[] json, CancellationToken cancellationToken)
    {
        try
        {
            using JsonDocument document = Parse(json);
            ComfyGraph graph = Read(document);
            ComfyCatalogue catalogue = await CatalogueAsync(cancellationToken);
            var errors = new List<(NodeError, string)>();
            List<GraphNode> outputs = [.. graph.Nodes.Values.Where(node => node.Class.IsOutput && note.Chosen.Contains(node.Id))];
            GraphPlan plan = Plan(graph, catalogue, await PicturesAsync(account, graph, cancellationToken), outputs, errors);
            AddNotes(plan, note, outputs);
            return errors.Count == 0 ? plan : null;
        }
        catch (ComfyException)
        {
            return null;
        }
    }

    /// <summary>What there is at present.</summary>
    public async Task<ComfyCatalogue> CatalogueAsync(CancellationToken cancellationToken) =>
        new(table, await models.ModelsAsync(cancellationToken), await models.SchedulersAsync(cancellationToken));

    private static JsonDocument Parse(byte[] json) => JsonDocument.Parse(json, Options);

    private ComfyGraph Read(JsonDocument document) => ComfyGraph.Read(document.RootElement, nodes, table.MaxNodes);

    private GraphPlan Plan(
        ComfyGraph graph,
        ComfyCatalogue catalogue,
        IReadOnlyDictionary<string, ComfyPicture> pictures,
        List<GraphNode> good,
        List<(NodeError, string)> errors
    )
    {
        while (true)
        {
            var reader = new GraphReader(graph, catalogue, pictures);
            var planner = new JobPlanner(catalogue, table.MaxJobs);
            int count = good.Count;
            foreach (GraphNode output in good.ToArray())
            {
                try
                {
                    planner.AddOutput(output.Id, reader.Image(output));
                }
                catch (NodeException e)
                {
                    errors.Add((e.Error, output.Id));
                    good.Remove(output);
                }
            }

            // What was planned for an output that failed in the middle is not to be made
            if (good.Count == count)
            {
                return planner.Plan;
            }
        }
    }

    /// <summary>Whether native checks refuse some of the jobs; their outputs are no longer good then.</summary>
    private async Task<bool> RefusedAsync(
        Caller caller,
        GraphPlan plan,
        List<GraphNode> good,
        List<(NodeError, string)> errors,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        int count = good.Count;
        foreach (PlannedJob job in plan.Jobs.Where(job => job.From is null))
        {
            try
            {
                await intake.CheckAsync(caller, job.Body, new FieldErrors(), share, cancellationToken);
            }
            catch (ProblemException e) when (e.Problem.Errors is { Count: > 0 } fields)
            {
                string[] outputs = [.. OutputsOf(plan, job)];
                errors.AddRange(
                    fields
                        .SelectMany(field => field.Value.Select(detail => job.ErrorOf(field.Key, detail)))
                        .SelectMany(error => outputs.Select(output => (error, output)))
                );
                good.RemoveAll(node => outputs.Contains(node.Id));
            }
        }

        return good.Count < count;
    }

    /// <summary>The output nodes that need a job.</summary>
    private static IEnumerable<string> OutputsOf(GraphPlan plan, PlannedJob job)
    {
        var places = new HashSet<int> { plan.Jobs.Index().First(j => ReferenceEquals(j.Item, job)).Index };
        foreach ((int place, PlannedJob other) in plan.Jobs.Index())
        {
            // Those that a job begins with stand before it
            if (other.From is { } from && places.Contains(from.Place))
            {
                places.Add(place);
            }
        }

        return places.SelectMany(place => plan.Jobs[place].Outputs).Distinct();
    }

    private static void AddNotes(GraphPlan plan, ComfyNote note, IReadOnlyList<GraphNode> outputs)
    {
        var all = outputs.ToDictionary(node => node.Id, OutputOf);
        foreach ((int place, PlannedJob job) in plan.Jobs.Index())
        {
            job.Body.Metadata = (
                note with
                {
                    Place = place,
                    Places = plan.Jobs.Count,
                    Worker = job.Worker,
                    Outputs = [.. job.Outputs.Select(output => all[output])],
                    Chosen = place == 0 ? [.. all.Keys] : [],
                }
            ).Write();
        }
    }

    private static ComfyOutput OutputOf(GraphNode node) =>
        node.Class.Name switch
        {
            "SaveImage" => new ComfyOutput(
                node.Id,
                "output",
                ComfyFileNames.Prefix(GraphValues.Text(node.Inputs["filename_prefix"].Value) ?? "")
            ),
            "PreviewImage" => new ComfyOutput(node.Id, "temp", "ComfyUI_temp"),
            _ => new ComfyOutput(node.Id, ComfyOutput.Socket, ""),
        };

    private async Task<IReadOnlyDictionary<string, ComfyPicture>> PicturesAsync(
        Guid account,
        ComfyGraph graph,
        CancellationToken cancellationToken
    )
    {
        var pictures = new Dictionary<string, ComfyPicture>(StringComparer.Ordinal);
        foreach (GraphNode node in graph.Nodes.Values.Where(node => node.Class.Name is "LoadImage" or "LoadImageMask"))
        {
            if (
                node.Inputs.GetValueOrDefault("image") is { Link: null } input
                && GraphValues.Text(input.Value) is { } name
                && !pictures.ContainsKey(name)
                && await files.FindAsync(account, name, cancellationToken) is { } picture
            )
            {
                pictures[name] = picture;
            }
        }

        return pictures;
    }
}
