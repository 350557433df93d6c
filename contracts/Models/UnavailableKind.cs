namespace Generation.Contracts;

/// <summary>A kind that a model does, but that no job may ask for now.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Reason">What its worker lacks and what to do about it, for people.</param>
public sealed record UnavailableKind(JobKind Kind, string Reason);
