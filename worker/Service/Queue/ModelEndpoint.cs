using MassTransit;

namespace Generation.Service.Queue;

/// <summary>A model's receive endpoint. It consumes from when it is connected until it is stopped, and again once it is started.</summary>
internal sealed class ModelEndpoint(string model, HostReceiveEndpointHandle handle)
{
    private Task? _stop;

    public string Model { get; } = model;

    /// <summary>Whether the broker has had the model's queue at any time.</summary>
    public bool IsBound => handle.ReceiveEndpoint.Started.IsCompletedSuccessfully;

    /// <summary>Whether the broker is to send the model's commands here.</summary>
    public bool IsConsuming { get; private set; } = true;

    /// <summary>
    /// Stops consuming. Only for an endpoint that is bound: stopping one whose queue is still being declared would abandon the declaration.
    /// After a failure or <paramref name="limit"/> the endpoint counts as stopped, and the next start first completes the stop.
    /// </summary>
    public async Task StopAsync(CancellationToken limit)
    {
        IsConsuming = false;
        if (_stop is null or { IsFaulted: true } or { IsCanceled: true })
        {
            _stop = handle.ReceiveEndpoint.Stop(limit);
        }

        await _stop.WaitAsync(limit);
    }

    public async Task StartAsync(CancellationToken limit)
    {
        // A start before the stop has ended is refused, and would itself be ended by that stop
        await StopAsync(limit);
        handle.ReceiveEndpoint.Start(CancellationToken.None);
        _stop = null;
        IsConsuming = true;
    }
}
