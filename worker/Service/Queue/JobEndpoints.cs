using Generation.Service.Jobs;
using Generation.Service.Models;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Generation.Service.Queue;

/// <summary>
/// The receive endpoints of this worker's models. They consume while the gate is open and are stopped while it is full, so that the broker
/// gives a busy worker nothing. A gate that is full only briefly does not stop them, because stopping costs more than it saves. A model
/// whose jobs are better left to another worker for now (<see cref="ModelAffinity"/>) is not consumed either.
/// </summary>
internal sealed class JobEndpoints(
    IReceiveEndpointConnector connector,
    ModelCatalog catalog,
    SlotGate gate,
    ModelAffinity warmPlaces,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<JobEndpoints> logger
) : BackgroundService
{
    /// <summary>
    /// How long the gate is full before the endpoints stop. A message that arrives meanwhile waits as long before it is sent on.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    private volatile ModelEndpoint[] _endpoints = [];

    /// <summary>
    /// Whether the broker has had a queue for each model of this worker. Before that a command has no queue to wait in, and has to be sent
    /// again.
    /// </summary>
    public bool IsBound => _endpoints is { Length: > 0 } connected && Array.TrueForAll(connected, e => e.IsBound);

    /// <summary>Whether this worker consumes a model's commands now.</summary>
    public bool IsConsuming(string model) => Array.Exists(_endpoints, e => e.Model == model && e.IsConsuming);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ModelEndpoint[] endpoints = [.. catalog.Entries.Select(model => Connect(model.Name))];
        _endpoints = endpoints;
        while (!stoppingToken.IsCancellationRequested)
        {
            Task changed = gate.Changed;
            bool isOpen = gate.IsOpen || (Array.Exists(endpoints, e => e.IsConsuming) && await IsOpenSoonAsync(stoppingToken));
            bool isWarm = warmPlaces.IsWarm;
            IReadOnlySet<string>? left = isOpen && !isWarm ? await warmPlaces.LeaveToOthersAsync(stoppingToken) : null;
            bool settled = true;
            bool lookAgain = isOpen && !isWarm;
            foreach (ModelEndpoint endpoint in endpoints)
            {
                bool wanted = isOpen && left?.Contains(endpoint.Model) != true;
                if (wanted == endpoint.IsConsuming)
                {
                    continue;
                }

                if (endpoint.IsBound && await SetConsumingAsync(endpoint, wanted, stoppingToken))
                {
                    settled = false;
                }
                else
                {
                    lookAgain = true;
                }
            }

            if (settled)
            {
                await WaitAsync(changed, lookAgain, stoppingToken);
            }
        }
    }

    private ModelEndpoint Connect(string model) => new(model, connector.ConnectReceiveEndpoint(JobQueue.Name(model), (context, endpoint) =>
            {
                JobQueue.Configure(endpoint, options.Value.Slots);
                endpoint.ConfigureConsumer<RunJobConsumer>(context);
            }));

    /// <summary>
    /// Waits until the gate changes, or until it is time to look again at which models are loaded elsewhere and which endpoints are bound.
    /// </summary>
    private async Task WaitAsync(Task changed, bool lookAgain, CancellationToken cancellationToken)
    {
        if (lookAgain)
        {
            using var limit = new CancellationTokenSource(LookInterval, time);
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

    /// <summary>Starts or stops an endpoint. False when the broker did not do so in time; the call is then to be repeated.</summary>
    private async Task<bool> SetConsumingAsync(ModelEndpoint endpoint, bool consuming, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StopLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await (consuming ? endpoint.StartAsync(either.Token) : endpoint.StopAsync(either.Token));
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // The broker is away, perhaps; the endpoint finds it again by itself, and the gate holds in any case
            WorkerLog.EndpointTrouble(logger, JobQueue.Name(endpoint.Model), e);
            return false;
        }
    }
}
