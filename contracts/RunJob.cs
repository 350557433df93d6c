namespace Generation.Contracts;

/// <summary>
/// The command that is sent to a model's queue: a job waits for a worker. The job's row is the truth; a worker claims the job there, and a
/// command whose claim fails is a copy that is dropped.
/// </summary>
public sealed record RunJob(JobId JobId, string Model);

/// <summary>
/// Where another worker can continue a job: <paramref name="Step"/> steps are done, and their latents are in the results store under
/// <paramref name="Sha256"/>, in a file of the worker's own format.
/// </summary>
public sealed record JobCheckpoint(int Step, string Sha256);
