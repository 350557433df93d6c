using Generation.Hosting.Servers;
using Generation.TestSupport;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Generation.Service.Tests;

/// <summary>What the API's and the workers' users may do at a real RabbitMQ, and what not.</summary>
public sealed class BrokerRightsTests
{
    private TestScope _servers = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _servers = await TestServers.NewScopeAsync(migrated: false);

    [OneTimeTearDown]
    public async Task StopAsync() => await _servers.DisposeAsync();

    [Test]
    public async Task Api_SendsJobs_AndNeitherReadsThemNorReachesOtherNames()
    {
        await using IConnection api = await ConnectAsync(BrokerUser.ForApi(Name("api"), "a1"));
        await using IConnection worker = await ConnectAsync(BrokerUser.ForWorkers(Name("worker"), "b2"));
        await using (IChannel channel = await worker.CreateChannelAsync())
        {
            await channel.QueueDeclareAsync("jobs.model", durable: true, exclusive: false, autoDelete: false);
            await channel.ExchangeDeclareAsync("jobs.model", "fanout", durable: true);
            await channel.QueueBindAsync("jobs.model", "jobs.model", "");
        }

        await using (IChannel channel = await api.CreateChannelAsync())
        {
            await channel.ExchangeDeclareAsync("jobs.model", "fanout", durable: true);
            await channel.BasicPublishAsync("jobs.model", "", mandatory: true, body: new byte[] { 1, 2, 3 });
        }

        await RefusedAsync(api, channel => channel.BasicGetAsync("jobs.model", autoAck: true));
        await RefusedAsync(api, channel => channel.QueuePurgeAsync("jobs.model"));
        await RefusedAsync(api, channel => channel.ExchangeDeclareAsync("others", "fanout"));
        await RefusedAsync(api, channel => channel.QueueDeclareAsync("others", durable: true, exclusive: false, autoDelete: false));
        await RefusedAsync(worker, channel => channel.ExchangeDeclareAsync("others", "fanout"));
        await RefusedAsync(worker, channel => channel.QueueDeclareAsync("others", durable: true, exclusive: false, autoDelete: false));
        await RefusedAsync(worker, channel => channel.BasicPublishAsync("amq.fanout", "", new byte[] { 1 }).AsTask(), waits: true);

        await using IChannel reading = await worker.CreateChannelAsync();
        BasicGetResult? message = null;
        await ServiceScope.EventuallyAsync(
            async () => (message = await reading.BasicGetAsync("jobs.model", autoAck: true)) is not null,
            "the message has arrived"
        );
        Assert.That(message!.Body.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    /// <summary>A name that no other scope of the server has.</summary>
    private string Name(string program) => $"{program}-{new Uri(_servers.RabbitMq).AbsolutePath.Trim('/')}";

    private async Task<IConnection> ConnectAsync(BrokerUser user)
    {
        var server = new Uri(_servers.RabbitMq);
        string host = server.AbsolutePath.Trim('/');
        await _servers.Servers.RabbitMq.SetUserAsync(host, user, CancellationToken.None);
        // And again, as each `up` does
        await _servers.Servers.RabbitMq.SetUserAsync(host, user, CancellationToken.None);
        var factory = new ConnectionFactory
        {
            HostName = server.Host,
            Port = server.Port,
            VirtualHost = host,
            UserName = user.Name,
            Password = user.Password,
        };
        return await factory.CreateConnectionAsync();
    }

    private static async Task RefusedAsync(IConnection connection, Func<IChannel, Task> call, bool waits = false)
    {
        await using IChannel channel = await connection.CreateChannelAsync();
        ushort? reason = null;
        channel.ChannelShutdownAsync += (_, why) =>
        {
            reason = why.ReplyCode;
            return Task.CompletedTask;
        };
        try
        {
            await call(channel);
        }
        catch (OperationInterruptedException e)
        {
            reason = e.ShutdownReason!.ReplyCode;
        }

        if (waits)
        {
            // Publishing is answered later, if at all
            await ServiceScope.EventuallyAsync(() => Task.FromResult(reason is not null), "the broker closes the channel");
        }

        Assert.That(reason, Is.EqualTo(Constants.AccessRefused));
    }
}
