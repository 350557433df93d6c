using Generation.Api.Kinds;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>The native jobs that make the pictures of a graph.</summary>
internal sealed class GraphPlan
{
    private readonly List<PlannedJob> _jobs = [];

    /// <summary>All of them; a job stands behind those whose pictures it begins with.</summary>
    public IReadOnlyList<PlannedJob> Jobs => _jobs;

    /// <summary>Adds a job, and returns its place.</summary>
    public int Add(PlannedJob job)
    {
        _jobs.Add(job);
        return _jobs.Count - 1;
    }
}

/// <summary>A native job of a graph.</summary>
internal sealed record PlannedJob
{
    /// <summary>The job; without its picture where that is another job's.</summary>
    public required JobBody Body { get; init; }

    /// <summary>The picture of another job that this one begins with; null where it needs none.</summary>
    public MadePicture? From { get; init; }

    /// <summary>The node that does the work, by which its progress is told.</summary>
    public required string Worker { get; init; }

    /// <summary>The nodes and inputs that native fields come from.</summary>
    public required IReadOnlyDictionary<string, (string Node, string? Input)> Fields { get; init; }

    /// <summary>The output nodes that show what it makes.</summary>
    public List<string> Outputs { get; } = [];

    /// <summary>What is wrong with a native field, as what is wrong with the input of a node.</summary>
    public NodeError ErrorOf(string field, string detail)
    {
        string known = field.Split('.', '[')[0];
        (string node, string? input) = Fields.TryGetValue(field, out (string, string?) exact)
            ? exact
            : Fields.GetValueOrDefault(known, (Worker, null));
        return NodeError.NotDone(node, input, input is null ? $"{field}: {detail}" : detail);
    }
}

/// <summary>A picture of a job of the same graph.</summary>
/// <param name="Place">The job's place.</param>
/// <param name="Index">The picture's, among the job's.</param>
internal sealed record MadePicture(int Place, int Index);
