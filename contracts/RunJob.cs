namespace Generation.Contracts;

/// <summary>
/// The command that travels to a model's queue: this job waits for a worker. The job's row is the truth;
/// a worker claims it there, and a command whose claim fails is a copy to be dropped.
/// </summary>
public sealed record RunJob(JobId JobId, string Model);

/// <summary>From where another worker can go on: <paramref name="Step"/> steps are done, and what they left lies in the
/// results store under <paramref name="Sha256"/> (a safetensors file; its content is the worker's affair).</summary>
public sealed record JobCheckpoint(int Step, string Sha256);
