using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using Generation.Cli.Servers;

namespace Generation.Tests;

/// <summary>A container with one server on a port of this machine that stays the same while it is stopped and started.</summary>
/// <param name="image">What it runs, for errors.</param>
/// <param name="build">Makes it, for a port of this machine.</param>
internal sealed class ServerContainer(string image, Func<int, IContainer> build) : IAsyncDisposable
{
    /// <summary>What a container is to be made with, for it to end at once when it is stopped.</summary>
    public const string StopSignal = "SIGKILL";

    private const int Attempts = 3;

    private IContainer? _container;
    private int _port;

    /// <summary>Where clients find it: host and port.</summary>
    /// <exception cref="ServerException">It was never started.</exception>
    public string Address => $"{Host}:{Port}";

    public string Host => Container.Hostname;

    public int Port => _container is null ? throw new ServerException($"{image} was not started yet.") : _port;

    public bool IsRunning => _container?.State == TestcontainersStates.Running;

    private IContainer Container => _container ?? throw new ServerException($"{image} was not started yet.");

    /// <summary>Starts it, or starts it again with the data that it had, and waits until it serves.</summary>
    public async Task StartAsync(CancellationToken token)
    {
        for (int attempt = 1; !IsRunning; attempt++)
        {
            try
            {
                if (_container is null)
                {
                    _port = Ports.Free();
                    _container = build(_port);
                }

                await _container.StartAsync(token);
            }
            catch (DockerUnavailableException e)
            {
                throw new ServerException(
                    "GENERATION_TEST_SERVERS=containers needs Docker, and none answers: start it, or say where it is by DOCKER_HOST, "
                    + "or leave GENERATION_TEST_SERVERS away for servers from this machine's packages.", inner: e);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                await DisposeAsync();
                if (attempt == Attempts || !e.Message.Contains("port is already allocated", StringComparison.Ordinal))
                {
                    throw new ServerException(
                        $"A container of {image} does not start: {e.Message.TrimEnd()} GENERATION_TEST_POSTGRES_IMAGE, _RABBITMQ_IMAGE, _REDIS_IMAGE and "
                        + "_S3_IMAGE name other images; tests/Servers/containers/make-images makes some where no registry is reached.", inner: e);
                }
            }
        }
    }

    /// <summary>Ends it as a power cut would.</summary>
    public Task KillAsync(CancellationToken token) => IsRunning ? Container.StopAsync(token) : Task.CompletedTask;

    /// <summary>Runs a program in it.</summary>
    public Task<ExecResult> ExecAsync(CancellationToken token, params string[] command) => Container.ExecAsync(command, token);

    /// <summary>Removes it, and its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_container is not null)
        {
            await _container.DisposeAsync();
            _container = null;
        }
    }
}
