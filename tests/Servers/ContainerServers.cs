using System.Security.Cryptography;
using DotNet.Testcontainers.Containers;
using Generation.Cli.Servers;
using Microsoft.Extensions.Logging.Abstractions;
using Testcontainers.PostgreSql;
using Testcontainers.RabbitMq;
using Testcontainers.Redis;

namespace Generation.Tests;

/// <summary>PostgreSQL, Redis and RabbitMQ in three containers, whose data live as long as they. Disposing removes them.</summary>
internal sealed class ContainerServers : IServers, IAsyncDisposable
{
    private const string Account = "generation";

    private readonly string _password = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly ContainerServer[] _all;

    public ContainerServers()
    {
        var postgres = new ContainerServer("postgres", NewPostgres(), ["pg_isready", "-q", "-h", "localhost"],
            at => $"Host={at.Host};Port={at.Port};Database={Account};Username={Account};Password={_password}");
        var redis = new ContainerServer("redis", NewRedis(), ["redis-cli", "ping"], at => $"{at.Address},password={_password}");
        var broker = new Broker(NewRabbitMq(), at => $"amqp://{Account}:{_password}@{at.Address}/");
        (Postgres, Redis, RabbitMq) = (postgres, redis, broker);
        _all = [postgres, redis, broker];
    }

    public IReadOnlyList<IServer> All => _all;

    public IServer Postgres { get; }

    public IServer Redis { get; }

    public IBroker RabbitMq { get; }

    public async Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token) =>
        await Task.WhenAll(All.Select(server => server.CheckAsync(token)));

    public async ValueTask DisposeAsync()
    {
        foreach (ContainerServer server in _all)
        {
            await server.DisposeAsync();
        }
    }

    private ServerContainer NewPostgres() => new(ContainerImages.Postgres, port => new PostgreSqlBuilder(ContainerImages.Postgres)
        .WithDatabase(Account)
        .WithUsername(Account)
        .WithPassword(_password)
        .WithPortBinding(port, PostgreSqlBuilder.PostgreSqlPort)
        .WithCommand("-c", "max_connections=300", "-c", "autovacuum_naptime=10s", "-c", "timezone=UTC")
        .WithCreateParameterModifier(create => create.StopSignal = ServerContainer.StopSignal)
        .WithLogger(NullLogger.Instance)
        .Build());

    private ServerContainer NewRedis() => new(ContainerImages.Redis, port => new RedisBuilder(ContainerImages.Redis)
        .WithPortBinding(port, RedisBuilder.RedisPort)
        .WithCommand("redis-server", "--requirepass", _password, "--save", "", "--databases", "1024")
        .WithEnvironment("REDISCLI_AUTH", _password)
        .WithCreateParameterModifier(create => create.StopSignal = ServerContainer.StopSignal)
        .WithLogger(NullLogger.Instance)
        .Build());

    private ServerContainer NewRabbitMq() => new(ContainerImages.RabbitMq, port => new RabbitMqBuilder(ContainerImages.RabbitMq)
        .WithUsername(Account)
        .WithPassword(_password)
        .WithPortBinding(port, RabbitMqBuilder.RabbitMqPort)
        .WithCreateParameterModifier(create => create.StopSignal = ServerContainer.StopSignal)
        .WithLogger(NullLogger.Instance)
        .Build());

    private class ContainerServer(string name, ServerContainer container, string[] check, Func<ServerContainer, string> connectionString)
        : IServer, IAsyncDisposable
    {
        public string Name => name;

        public string ConnectionString => connectionString(container);

        public bool IsRunning => container.IsRunning;

        public Task EnsureAsync(CancellationToken token) => container.StartAsync(token);

        public async Task<ProcessHealth> CheckAsync(CancellationToken token)
        {
            string? problem = !IsRunning ? ProcessHealth.NotRunning
                : (await RunAsync(token, check)).ExitCode == 0 ? null
                : "does not answer";
            return IsRunning
                ? new ProcessHealth(Name, Pid: null, container.Port, container.Address, problem, Log: null)
                : new ProcessHealth(Name, Pid: null, Port: null, Address: null, problem, Log: null);
        }

        public Task StopAsync(CancellationToken token) => container.KillAsync(token);

        public Task KillAsync(CancellationToken token) => container.KillAsync(token);

        public ValueTask DisposeAsync() => container.DisposeAsync();

        protected Task<ExecResult> RunAsync(CancellationToken token, params string[] command) => container.ExecAsync(token, command);
    }

    private sealed class Broker(ServerContainer container, Func<ServerContainer, string> connectionString)
        : ContainerServer("rabbitmq", container, ["rabbitmq-diagnostics", "-q", "check_running"], connectionString), IBroker
    {
        public async Task AddVirtualHostAsync(string name, CancellationToken token)
        {
            await ControlAsync(token, "add_vhost", name);
            await ControlAsync(token, "set_permissions", "-p", name, Account, ".*", ".*", ".*");
        }

        public async Task DropVirtualHostAsync(string name, CancellationToken token) => await ControlAsync(token, "delete_vhost", name);

        private async Task ControlAsync(CancellationToken token, params string[] command)
        {
            ExecResult result = await RunAsync(token, ["rabbitmqctl", "-q", .. command]);
            if (result.ExitCode != 0 && !result.Stderr.Contains("does not exist", StringComparison.Ordinal))
            {
                throw new ServerException($"rabbitmqctl {command[0]} ended with {result.ExitCode}: {result.Stderr}");
            }
        }
    }
}
