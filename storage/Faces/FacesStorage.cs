using Generation.Storage.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Generation.Storage.Faces;

/// <summary>
/// Storage that only the faces use: marks of outputs (<see cref="OutputGallery"/>), numbers of objects (<see cref="ObjectNumbers"/>),
/// waiting calls (<see cref="PendingCalls"/>) and what they remember for a while (<see cref="FaceMemory"/>). It is built on the rest of
/// storage, which knows nothing of it.
/// </summary>
public static class FacesStorage
{
    public static IServiceCollection AddFacesStorage(this IServiceCollection services)
    {
        services.AddSingleton<OutputGallery>();
        services.AddSingleton<ObjectNumbers>();
        services.AddSingleton(provider => new PendingCalls(
            provider.GetRequiredService<RedisConnection>(),
            provider.GetRequiredService<IOptions<RedisOptions>>().Value,
            provider.GetRequiredService<ILogger<PendingCalls>>()
        ));
        services.AddSingleton(provider => new FaceMemory(
            provider.GetRequiredService<RedisConnection>(),
            provider.GetRequiredService<IOptions<RedisOptions>>().Value,
            provider.GetRequiredService<ILogger<FaceMemory>>()
        ));
        return services;
    }
}
