using Generation.Contracts;
using Generation.Service.Jobs;
using Generation.Service.Models;

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

/// <summary>The renderers by kind. A kind without a renderer is not registered, and the API answers that no model can do it.</summary>
internal sealed class Renderers(IServiceProvider services)
{
    /// <summary>The renderer of a kind; null if there is none.</summary>
    public IJobRenderer? Find(JobKind kind) => services.GetKeyedService<IJobRenderer>(kind);
}

internal static class RendererRegistration
{
    /// <summary>Lets this worker run jobs of a kind.</summary>
    public static IServiceCollection AddRenderer<T>(this IServiceCollection services, JobKind kind)
        where T : class, IJobRenderer => services.AddSingleton(new RenderedKind(kind)).AddKeyedSingleton<IJobRenderer, T>(kind);
}
