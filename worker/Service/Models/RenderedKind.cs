using Generation.Contracts;

namespace Generation.Service.Models;

/// <summary>A kind that this worker has a renderer for: what the catalogue registers.</summary>
internal sealed record RenderedKind(JobKind Kind);
