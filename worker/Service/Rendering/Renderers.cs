using Generation.Contracts;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>The renderers by kind. A kind without one is not registered, and the API says that no model does it.</summary>
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
