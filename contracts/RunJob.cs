namespace Generation.Contracts;

/// <summary>
/// The command that travels to a model's queue: this job waits for a worker. The job's row is the truth;
/// a worker claims it there, and a command whose claim fails is a copy to be dropped.
/// </summary>
public sealed record RunJob(JobId JobId, string Model);
