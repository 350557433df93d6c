using Generation.Contracts;
using Generation.Worker.Models;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Generation.Worker.Queue;

/// <summary>
/// The receive endpoints of the models that this worker runs: consuming while the gate is open, stopped while it is full,
/// so that the broker gives a busy worker nothing. A short while full does not count: stopping costs more than it saves.
/// </summary>
internal sealed class JobEndpoints(
    IReceiveEndpointConnector connector,
    ModelCatalog catalog,
    SlotGate gate,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<JobEndpoints> logger) : BackgroundService
{
    /// <summary>Full for so long, the endpoints stop; a message that came meanwhile waits as long before it is sent on.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    private readonly List<HostReceiveEndpointHandle> _handles = [];

    /// <summary>Whether messages may come in now.</summary>
    public bool IsConsuming { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        int slots = options.Value.Slots;
        foreach (ModelEntry model in catalog.Entries)
        {
            _handles.Add(connector.ConnectReceiveEndpoint(JobQueue.Name(model.Name), (context, endpoint) =>
            {
                JobQueue.Configure(endpoint, slots);
                endpoint.ConfigureConsumer<RunJobConsumer>(context);
            }));
        }

        IsConsuming = true;
        while (!stoppingToken.IsCancellationRequested)
        {
            Task changed = gate.Changed;
            bool wanted = gate.IsOpen;
            if (IsConsuming && !wanted && !await IsOpenSoonAsync(stoppingToken))
            {
                await SetConsumingAsync(false, stoppingToken);
                continue;
            }

            if (!IsConsuming && wanted)
            {
                await SetConsumingAsync(true, stoppingToken);
                continue;
            }

            await changed.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> IsOpenSoonAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        while (!either.IsCancellationRequested && !gate.IsClosed)
        {
            Task changed = gate.Changed;
            if (gate.IsOpen)
            {
                return true;
            }

            await changed.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return gate.IsOpen;
    }

    private async Task SetConsumingAsync(bool consuming, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StopLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        foreach (HostReceiveEndpointHandle handle in _handles)
        {
            try
            {
                if (consuming)
                {
                    handle.ReceiveEndpoint.Start(CancellationToken.None);
                }
                else
                {
                    await handle.ReceiveEndpoint.Stop(either.Token);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // The broker is away, perhaps; the endpoint finds it again by itself, and the gate holds in any case
                WorkerLog.EndpointTrouble(logger, handle.ReceiveEndpoint.InputAddress.AbsolutePath, e);
            }
        }

        IsConsuming = consuming;
    }
}
