using Generation.Contracts;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>
/// Carries out jobs of one kind: from the claimed request to stored outputs. Registered by
/// <see cref="RendererRegistration.AddRenderer{T}"/>.
/// </summary>
internal interface IJobRenderer
{
    /// <summary>Makes, stores and describes the outputs; reports progress and keeps the job's snapshot on the way.</summary>
    /// <exception cref="OperationCanceledException">The job was stopped.</exception>
    public Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job);
}
