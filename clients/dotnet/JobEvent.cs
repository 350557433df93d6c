namespace Generation.Client;

/// <summary>What is new about a job.</summary>
/// <param name="Id">Where the stream is: a listener that begins behind it is told only what is newer.</param>
public abstract record JobEvent(string? Id);

/// <summary>The job waits, or waits at another position than before.</summary>
public sealed record JobQueued(string? Id, Job Job) : JobEvent(Id);

/// <summary>A worker has begun the job.</summary>
public sealed record JobStarted(string? Id, Job Job) : JobEvent(Id);

/// <summary>A step is done.</summary>
/// <param name="Step">So many steps are done.</param>
/// <param name="Steps">Of so many.</param>
/// <param name="Preview">A small picture of how it looks now; null where there is none.</param>
public sealed record JobStepDone(string? Id, int Step, int Steps, ReadOnlyMemory<byte>? Preview) : JobEvent(Id);

/// <summary>The job has ended. There is no event after this one.</summary>
public sealed record JobFinished(string? Id, Job Job) : JobEvent(Id);
