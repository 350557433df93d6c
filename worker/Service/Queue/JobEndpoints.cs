using Generation.Contracts;
using Generation.Worker.Models;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Generation.Worker.Queue;

/// <summary>
/// The receive endpoints of the models that this worker runs: consuming while the gate is open, stopped while it is full,
/// so that the broker gives a busy worker nothing. A short while full does not count: stopping costs more than it saves.
/// A model whose jobs are better left to another worker for now (<see cref="WarmPlaces"/>) is not consumed either.
/// </summary>
internal sealed class JobEndpoints(
    IReceiveEndpointConnector connector,
    ModelCatalog catalog,
    SlotGate gate,
    WarmPlaces warmPlaces,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<JobEndpoints> logger) : BackgroundService
{
    /// <summary>Full for so long, the endpoints stop; a message that came meanwhile waits as long before it is sent on.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan WarmthInterval = TimeSpan.FromMilliseconds(500);

    private readonly List<Endpoint> _endpoints = [];

    private volatile bool _bound;

    /// <summary>
    /// Whether the broker has had a queue for each model of this worker. Before that a command finds no place to wait in,
    /// and has to be sent again.
    /// </summary>
    public bool IsBound => _bound;

    /// <summary>Whether the broker sends a model's commands to this worker now.</summary>
    public bool IsConsuming(string model) => _endpoints.Exists(e => e.Model == model && e.IsConsuming);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        int slots = options.Value.Slots;
        foreach (ModelEntry model in catalog.Entries)
        {
            HostReceiveEndpointHandle handle = connector.ConnectReceiveEndpoint(JobQueue.Name(model.Name), (context, endpoint) =>
            {
                JobQueue.Configure(endpoint, slots);
                endpoint.ConfigureConsumer<RunJobConsumer>(context);
            });
            _endpoints.Add(new Endpoint(model.Name, handle));
        }

        Task bound = BindAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            Task changed = gate.Changed;
            bool isOpen = gate.IsOpen || (_endpoints.Exists(e => e.IsConsuming) && await IsOpenSoonAsync(stoppingToken));
            bool isWarm = warmPlaces.IsWarm;
            IReadOnlySet<string>? left = isOpen && !isWarm ? await warmPlaces.LeaveToOthersAsync(stoppingToken) : null;
            bool settled = true;
            foreach (Endpoint endpoint in _endpoints)
            {
                bool wanted = isOpen && left?.Contains(endpoint.Model) != true;
                if (wanted != endpoint.IsConsuming)
                {
                    settled = false;
                    await SetConsumingAsync(endpoint, wanted, stoppingToken);
                }
            }

            if (settled)
            {
                await WaitAsync(changed, isOpen && !isWarm, stoppingToken);
            }
        }

        await bound;
    }

    private async Task BindAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(_endpoints.Select(e => e.Handle.Ready)).WaitAsync(cancellationToken);
            _bound = true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            WorkerLog.EndpointTrouble(logger, "jobs.*", e);
        }
        catch (OperationCanceledException)
        {
            // Asked to end before the broker answered
        }
    }

    /// <summary>Until the gate changes, or until it is time to look again where the model is warm.</summary>
    private async Task WaitAsync(Task changed, bool lookAgain, CancellationToken cancellationToken)
    {
        if (lookAgain)
        {
            using var limit = new CancellationTokenSource(WarmthInterval, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            await changed.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else
        {
            await changed.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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

    private async Task SetConsumingAsync(Endpoint endpoint, bool consuming, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StopLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (consuming)
            {
                endpoint.Handle.ReceiveEndpoint.Start(CancellationToken.None);
            }
            else
            {
                await endpoint.Handle.ReceiveEndpoint.Stop(either.Token);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // The broker is away, perhaps; the endpoint finds it again by itself, and the gate holds in any case
            WorkerLog.EndpointTrouble(logger, JobQueue.Name(endpoint.Model), e);
        }

        endpoint.IsConsuming = consuming;
    }

    private sealed class Endpoint(string model, HostReceiveEndpointHandle handle)
    {
        public string Model { get; } = model;

        public HostReceiveEndpointHandle Handle { get; } = handle;

        /// <summary>An endpoint begins to consume when it is connected.</summary>
        public bool IsConsuming { get; set; } = true;
    }
}
