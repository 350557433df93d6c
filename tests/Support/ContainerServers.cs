using System.Security.Cryptography;
using DotNet.Testcontainers.Containers;
using Generation.Hosting.Servers;
using Microsoft.Extensions.Logging.Abstractions;
using Testcontainers.PostgreSql;
using Testcontainers.RabbitMq;
using Testcontainers.Redis;

namespace Generation.TestSupport;

/// <summary>PostgreSQL, Redis and RabbitMQ in three containers. Disposing removes the containers and their data.</summary>
internal sealed class ContainerServers : IServers, IAsyncDisposable
{
    private const string Account = "generation";

    // One for each, as the private servers have them: who knows the one server's knows no other's
    private readonly string _postgresPassword = NewPassword();
    private readonly string _redisPassword = NewPassword();
    private readonly string _rabbitMqPassword = NewPassword();
    private readonly ContainerServer _postgres;
    private readonly ContainerServer _redis;
    private readonly ContainerBroker _rabbitMq;

    public ContainerServers()
    {
        _postgres = new ContainerServer("postgres", NewPostgres(), ["pg_isready", "-q", "-h", "localhost"], at =>
            $"Host={at.Host};Port={at.Port};Database={Account};Username={Account};Password={_postgresPassword}"
        );
        _redis = new ContainerServer("redis", NewRedis(), ["redis-cli", "ping"], at => $"{at.Address},password={_redisPassword}");
        _rabbitMq = new ContainerBroker(NewRabbitMq(), at => $"amqp://{Account}:{_rabbitMqPassword}@{at.Address}/{Account}");
    }

    public IReadOnlyList<IServer> All => [_postgres, _redis, _rabbitMq];

    public IServer Postgres => _postgres;

    public IServer Redis => _redis;

    public IBroker RabbitMq => _rabbitMq;

    public async Task<IReadOnlyList<ProcessHealth>> CheckAsync(CancellationToken token) =>
        await Task.WhenAll(All.Select(server => server.CheckAsync(token)));

    public async ValueTask DisposeAsync()
    {
        await _postgres.DisposeAsync();
        await _redis.DisposeAsync();
        await _rabbitMq.DisposeAsync();
    }

    private static string NewPassword() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    private RestartableContainer NewPostgres() =>
        new(ContainerImages.Postgres, port =>
            new PostgreSqlBuilder(ContainerImages.Postgres)
                .WithDatabase(Account)
                .WithUsername(Account)
                .WithPassword(_postgresPassword)
                .WithPortBinding(port, PostgreSqlBuilder.PostgreSqlPort)
                .WithCommand("-c", "max_connections=300", "-c", "autovacuum_naptime=10s", "-c", "timezone=UTC")
                .WithCreateParameterModifier(create => create.StopSignal = RestartableContainer.StopSignal)
                .WithLogger(NullLogger.Instance)
                .Build()
        );

    private RestartableContainer NewRedis() =>
        new(ContainerImages.Redis, port =>
            new RedisBuilder(ContainerImages.Redis)
                .WithPortBinding(port, RedisBuilder.RedisPort)
                .WithCommand("redis-server", "--requirepass", _redisPassword, "--save", "", "--databases", "1024")
                .WithEnvironment("REDISCLI_AUTH", _redisPassword)
                .WithCreateParameterModifier(create => create.StopSignal = RestartableContainer.StopSignal)
                .WithLogger(NullLogger.Instance)
                .Build()
        );

    private RestartableContainer NewRabbitMq() =>
        new(ContainerImages.RabbitMq, port =>
            new RabbitMqBuilder(ContainerImages.RabbitMq)
                .WithUsername(Account)
                .WithPassword(_rabbitMqPassword)
                .WithEnvironment("RABBITMQ_DEFAULT_VHOST", Account)
                .WithPortBinding(port, RabbitMqBuilder.RabbitMqPort)
                .WithCreateParameterModifier(create => create.StopSignal = RestartableContainer.StopSignal)
                .WithLogger(NullLogger.Instance)
                .Build()
        );

    /// <param name="name">Its name in the stack.</param>
    /// <param name="container">What it runs in.</param>
    /// <param name="check">A command inside the container that ends with 0 where the server serves.</param>
    /// <param name="connectionString">What a client is given, once the container was started.</param>
    private class ContainerServer(
        string name,
        RestartableContainer container,
        string[] check,
        Func<RestartableContainer, string> connectionString
    ) : IServer, IAsyncDisposable
    {
        public string Name => name;

        public string ConnectionString => connectionString(container);

        public bool IsRunning => container.IsRunning;

        public Task EnsureAsync(CancellationToken token) => container.StartAsync(token);

        public async Task<ProcessHealth> CheckAsync(CancellationToken token)
        {
            if (!IsRunning)
            {
                return new ProcessHealth(Name, Pid: null, Port: null, Address: null, ProcessHealth.NotRunning, Log: null);
            }

            ExecResult answer = await RunAsync(token, check);
            return new ProcessHealth(
                Name,
                Pid: null,
                container.Port,
                container.Address,
                answer.ExitCode == 0 ? null : "does not answer",
                Log: null
            );
        }

        public Task StopAsync(CancellationToken token) => container.KillAsync(token);

        public Task KillAsync(CancellationToken token) => container.KillAsync(token);

        public ValueTask DisposeAsync() => container.DisposeAsync();

        protected Task<ExecResult> RunAsync(CancellationToken token, params string[] command) => container.ExecAsync(token, command);
    }

    private sealed class ContainerBroker(RestartableContainer container, Func<RestartableContainer, string> connectionString)
        : ContainerServer("rabbitmq", container, ["rabbitmq-diagnostics", "-q", "check_running"], connectionString),
            IBroker
    {
        public async Task AddVirtualHostAsync(string name, CancellationToken token)
        {
            await ControlAsync(token, "add_vhost", name);
            await ControlAsync(token, "set_permissions", "-p", name, Account, ".*", ".*", ".*");
        }

        public async Task SetUserAsync(string virtualHost, BrokerUser user, CancellationToken token)
        {
            try
            {
                await ControlAsync(token, "add_user", user.Name, user.Password);
            }
            catch (ServerException e) when (e.Message.Contains("already exists", StringComparison.Ordinal))
            {
                await ControlAsync(token, "change_password", user.Name, user.Password);
            }

            await ControlAsync(token, "set_permissions", "-p", virtualHost, user.Name, user.Configure, user.Write, user.Read);
        }

        public async Task DropVirtualHostAsync(string name, CancellationToken token)
        {
            try
            {
                await ControlAsync(token, "delete_vhost", name);
            }
            catch (ServerException e) when (e.Message.Contains("does not exist", StringComparison.Ordinal))
            {
                // It is as it shall be
            }
        }

        private async Task ControlAsync(CancellationToken token, params string[] command)
        {
            ExecResult result = await RunAsync(token, ["rabbitmqctl", "-q", .. command]);
            if (result.ExitCode != 0)
            {
                throw new ServerException($"rabbitmqctl {command[0]} ended with {result.ExitCode}: {result.Stderr}");
            }
        }
    }
}
