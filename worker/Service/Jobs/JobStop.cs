namespace Generation.Service.Jobs;

/// <summary>Why a running job has to stop.</summary>
public enum StopReason
{
    /// <summary>The job does not have to stop.</summary>
    None,

    /// <summary>The job's owner cancelled it.</summary>
    CancelRequested,

    /// <summary>The job has run longer than a job may.</summary>
    TimeLimit,

    /// <summary>This worker shuts down. Another worker goes on from the steps that are done.</summary>
    Shutdown,

    /// <summary>The job belongs to another worker by now, or is over: nothing may be written.</summary>
    LeaseLost,
}

/// <summary>Stops one job, with a reason. The first reason stays, except that a lost lease beats all others.</summary>
public sealed class JobStop : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _source = new();
    private StopReason _reason;

    public StopReason Reason
    {
        get
        {
            lock (_lock)
            {
                return _reason;
            }
        }
    }

    /// <summary>The token that the first request to stop cancels.</summary>
    public CancellationToken Token => _source.Token;

    public void Request(StopReason reason)
    {
        lock (_lock)
        {
            if (_reason == StopReason.None || reason == StopReason.LeaseLost)
            {
                _reason = reason;
            }
        }

        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The job is over
        }
    }

    public void Dispose() => _source.Dispose();
}
