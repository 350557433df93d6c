using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using Generation.Hosting.Servers;

namespace Generation.TestSupport;

/// <summary>A container with one server, whose data and whose port on this machine outlive a stop.</summary>
/// <param name="image">What it runs, for errors.</param>
/// <param name="build">Builds the container for a port of this machine. One that Docker chose would change with every start.</param>
internal sealed class RestartableContainer(string image, Func<int, IContainer> build) : IAsyncDisposable
{
    /// <summary>The stop signal that a container is to be made with, so that a stop ends it at once, as a power cut would.</summary>
    public const string StopSignal = "SIGKILL";

    private const int Attempts = 3;

    private IContainer? _container;
    private int _port;

    public string Host => Container.Hostname;

    public int Port => _container is null ? throw NotStarted() : _port;

    /// <summary>Where clients find the server: host and port.</summary>
    /// <exception cref="ServerException">It was never started.</exception>
    public string Address => $"{Host}:{Port}";

    public bool IsRunning => _container?.State == TestcontainersStates.Running;

    private IContainer Container => _container ?? throw NotStarted();

    /// <summary>Starts the container, for the first time or again, and waits until the server serves.</summary>
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
                    "GENERATION_TEST_SERVERS=containers needs Docker, and none answers. Start it, or name its address in DOCKER_HOST; "
                        + "where it is "
                        + "older than version 25, name the version of its API (`docker version` shows it) in DOCKER_API_VERSION. Without "
                        + "GENERATION_TEST_SERVERS the tests run on servers from this machine's packages.",
                    inner: e
                );
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                await DisposeAsync();
                // Another program may take the port between our look and Docker's: once more, with another port
                if (attempt == Attempts || !e.Message.Contains("port is already allocated", StringComparison.Ordinal))
                {
                    throw new ServerException(
                        $"A container of {image} does not start: {e.Message.TrimEnd()} GENERATION_TEST_POSTGRES_IMAGE, _RABBITMQ_IMAGE, "
                            + "_REDIS_IMAGE and "
                            + "_S3_IMAGE name other images; tests/Support/containers/make-images makes some, and says what else to set, "
                            + "where no registry "
                            + "can be reached.",
                        inner: e
                    );
                }
            }
        }
    }

    /// <summary>Stops the container at once; its data stay.</summary>
    public Task KillAsync(CancellationToken token) => IsRunning ? Container.StopAsync(token) : Task.CompletedTask;

    /// <summary>Runs a program inside the container.</summary>
    public Task<ExecResult> ExecAsync(CancellationToken token, params string[] command) => Container.ExecAsync(command, token);

    /// <summary>Removes the container and its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_container is not null)
        {
            await _container.DisposeAsync();
            _container = null;
        }
    }

    private ServerException NotStarted() => new($"{image} was not started yet.");
}
