namespace Generation.Contracts;

/// <summary>How far a running job is: <paramref name="Step"/> of <paramref name="Steps"/> are done.</summary>
public sealed record JobProgress(int Step, int Steps);
