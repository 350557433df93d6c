namespace Generation.Benchmarks.Engines;

/// <summary>An engine does not run here; the message is the last line that it wrote.</summary>
internal sealed class EngineException : Exception
{
    public EngineException(string message)
        : base(message) { }

    public EngineException(string message, Exception inner)
        : base(message, inner) { }
}
