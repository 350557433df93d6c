namespace Generation.Contracts;

/// <summary>From where another worker can go on: <paramref name="Step"/> steps are done, and what they left lies in the
/// results store under <paramref name="Sha256"/> (a safetensors file; its content is the worker's affair).</summary>
public sealed record JobCheckpoint(int Step, string Sha256);
