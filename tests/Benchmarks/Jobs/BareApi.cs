using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Benchmarks;

/// <summary>The least that a status poll can be: a minimal API that passes one field of Redis through.</summary>
internal static class BareApi
{
    public static async Task RunAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        WebApplication app = builder.Build();
        using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(builder.Configuration.GetConnectionString("Redis")!);
        IDatabase database = redis.GetDatabase();
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/{id}", async (string id) => Results.Bytes((byte[])(await database.HashGetAsync("job:" + id, "doc"))!, "application/json"));
        await app.RunAsync();
    }
}
