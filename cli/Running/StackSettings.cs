namespace Generation.Cli.Running;

/// <summary>What a stack is made of.</summary>
public sealed record StackSettings
{
    /// <summary>Workers to run; null keeps as many as run now, and one where none does.</summary>
    public int? Workers { get; init; }

    /// <summary>
    /// Settings for the API and the workers over the stack's own, in the environment's form (Jobs__LeaseSeconds). They are
    /// kept with the stack; null goes on with those that were kept.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Overrides { get; init; }

    /// <summary>False for data that only have to live as long as a test.</summary>
    public bool Durable { get; init; } = true;
}
