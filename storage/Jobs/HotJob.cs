using Generation.Contracts;

namespace Generation.Storage.Jobs;

/// <summary>A job as Redis shows it.</summary>
/// <param name="Account">Whose it is.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="Revision">Revision of the row that the document is from.</param>
/// <param name="Document">The document as UTF-8 JSON, without progress.</param>
/// <param name="Progress">How far it is, while it runs.</param>
public sealed record HotJob(Guid Account, JobState State, long Revision, byte[] Document, JobProgress? Progress);
