using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Generation.Api.Web;

/// <summary>Sets up what all of the API rests on: storage, JSON, the server's limits.</summary>
internal static class WebSetup
{
    /// <summary>The largest body, in bytes, of requests whose route has no limit of its own.</summary>
    public const long MaxBodyBytes = 1 << 20;

    /// <summary>After so long it is looked at how fast a body comes.</summary>
    private static readonly TimeSpan BodyGrace = TimeSpan.FromSeconds(5);

    public static void AddStorage(this WebApplicationBuilder builder)
    {
        builder.Services.AddGenerationStorage(builder.Configuration);
        builder.Services.AddGenerationKeys(builder.Configuration);
        builder.Services.AddGenerationTelemetry(builder.Configuration, "generation-api");
    }

    public static void AddWeb(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
        });
        builder.Services.ConfigureHttpJsonOptions(json => WireJson.Configure(json.SerializerOptions));
        builder.Services.AddMemoryCache();
        builder.Services.AddOptions<BodyOptions>().BindConfiguration(BodyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<BodyBudget>();
        builder
            .Services.AddOptions<KestrelServerOptions>()
            .Configure<IOptions<BodyOptions>>(
                (kestrel, bodies) => kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bodies.Value.LeastBytesPerSecond, BodyGrace)
            );
        builder.Services.AddSingleton(TimeProvider.System);
        // A job's end is what a stopping server waits for: answers in the making, not whole jobs
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5));
    }
}
