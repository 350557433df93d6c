namespace Generation.Service.Jobs;

/// <summary>Why a running job is to stop.</summary>
public enum StopReason
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>Its owner wants it stopped.</summary>
    CancelRequested,

    /// <summary>It has run longer than a job may.</summary>
    TimeLimit,

    /// <summary>This worker ends: another goes on from what is done.</summary>
    Shutdown,

    /// <summary>The job is another worker's by now, or over: nothing may be written.</summary>
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

    /// <summary>Cancelled by the first request.</summary>
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
