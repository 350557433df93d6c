using System.Diagnostics;
using System.Globalization;
using Generation.Contracts;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Benchmarks.Jobs;

/// <summary>
/// The least that a status poll can be: a minimal API that passes one field of Redis through. And the least that a message can be:
/// one that goes from this process over the broker to the one that asks for it.
/// </summary>
internal static class BareApi
{
    public static async Task RunAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        WebApplication app = builder.Build();
        using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(builder.Configuration.GetConnectionString("Redis")!);
        IDatabase database = redis.GetDatabase();
        IBusControl bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
            rabbit.Host(new Uri(builder.Configuration.GetConnectionString("RabbitMq")!), host => host.PublisherConfirmation = true)
        );
        await bus.StartAsync();
        ISendEndpoint echo = await bus.GetSendEndpoint(new Uri("exchange:" + NoOpWorker.EchoQueue));
        app.MapPost("/echo", async () =>
        {
            long sent = Stopwatch.GetTimestamp();
            await echo.Send(new RunJob(default, "echo"));
            return sent.ToString(CultureInfo.InvariantCulture);
        });
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/{id}", async (string id) =>
            Results.Bytes((byte[])(await database.HashGetAsync("job:" + id, "doc"))!, "application/json")
        );
        await app.RunAsync();
        await bus.StopAsync();
    }
}
