using MassTransit;

namespace Generation.Service.Queue;

/// <summary>The broker's names for a model's queue. The dispatcher sends to the exchange; the worker declares both.</summary>
internal static class JobQueue
{
    public static string Name(string model) => $"jobs.{model}";

    public static Uri Exchange(string model) => new($"exchange:{Name(model)}");

    /// <summary>
    /// Sets a quorum queue up, with <paramref name="slots"/> messages in flight. The delivery limit is so high that it is never reached: a
    /// command that comes back many times is dropped by its claim, never by the broker. Nothing is moved to error queues, because a command
    /// that is lost is sent again from the outbox.
    /// </summary>
    public static void Configure(IReceiveEndpointConfigurator endpoint, int slots)
    {
        endpoint.ConfigureConsumeTopology = false;
        endpoint.PrefetchCount = slots;
        endpoint.ConcurrentMessageLimit = slots;
        endpoint.DiscardFaultedMessages();
        endpoint.DiscardSkippedMessages();
        endpoint.PublishFaults = false;
        if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
        {
            rabbit.SetQuorumQueue();
            rabbit.SetQueueArgument("x-delivery-limit", 1_000_000);
        }
    }
}
