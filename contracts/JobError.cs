namespace Generation.Contracts;

/// <summary>Why a job failed: a stable code for programs, a sentence for people, and the field at fault if one is.</summary>
public sealed record JobError(string Code, string Detail, string? Field = null);
