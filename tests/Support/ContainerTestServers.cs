using System.Collections.Concurrent;
using System.Security.Cryptography;
using DotNet.Testcontainers.Builders;
using Generation.Hosting.Servers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Generation.TestSupport;

/// <summary>Servers in Docker, by Testcontainers: some for this test process, and some for each stack of a fixture.</summary>
internal sealed class ContainerTestServers : ITestServers
{
    private readonly ConcurrentBag<IAsyncDisposable> _started = [];

    public IServers Shared => field ??= New();

    public IServers NewServers(DataFolder folder) => New();

    public async Task<IS3Server> StartS3Async(CancellationToken token)
    {
        var server = new ContainerS3();
        _started.Add(server);
        await server.StartAsync(token);
        return server;
    }

    public async Task EndAsync()
    {
        while (_started.TryTake(out IAsyncDisposable? started))
        {
            await started.DisposeAsync();
        }
    }

    private ContainerServers New()
    {
        var servers = new ContainerServers();
        _started.Add(servers);
        return servers;
    }

    private sealed class ContainerS3 : IS3Server
    {
        private const ushort Port = 9000;

        private readonly RestartableContainer _container;

        public ContainerS3() =>
            _container = new RestartableContainer(ContainerImages.S3, port =>
                new ContainerBuilder(ContainerImages.S3)
                    .WithCommand("server", "/data")
                    .WithEnvironment("MINIO_ROOT_USER", AccessKey)
                    .WithEnvironment("MINIO_ROOT_PASSWORD", SecretKey)
                    .WithPortBinding(port, Port)
                    .WithWaitStrategy(
                        Wait.ForUnixContainer()
                            .UntilHttpRequestIsSucceeded(request =>
                                request.ForPort(Port).ForPath("/minio/health/ready").ForStatusCodeMatching(status => (int)status < 500)
                            )
                    )
                    .WithCreateParameterModifier(create => create.StopSignal = RestartableContainer.StopSignal)
                    .WithLogger(NullLogger.Instance)
                    .Build()
            );

        public Uri Address => new($"http://{_container.Address}");

        public string AccessKey => "tests:owner";

        public string SecretKey { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

        public bool ListsUploads => false;

        public Task StartAsync(CancellationToken token) => _container.StartAsync(token);

        public ValueTask DisposeAsync() => _container.DisposeAsync();
    }
}
