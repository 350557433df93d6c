using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Generation.Storage.Results;

/// <summary>
/// Checks whether results can be stored: at the start, from time to time, and at once when storing has failed. A process whose results
/// store cannot be written to lives on, says in its log what to do, and is not ready until that is done.
/// </summary>
public sealed partial class ResultsWatch(IResultsStore results, ILogger<ResultsWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan IntervalWhileFailing = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _wake = new(0, 1);

    /// <summary>What is wrong and what to do; null for nothing.</summary>
    public string? Problem { get; private set; } = "Nobody has looked yet.";

    /// <summary>Raised when <see cref="Problem"/> appears, disappears or changes. Handlers must not block.</summary>
#pragma warning disable MA0046 // There is no sender, and what there is to know stands in the property
    public event Action? Changed;
#pragma warning restore MA0046

    /// <summary>Checks now rather than at the next time. Returns at once.</summary>
    public void Look()
    {
        try
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Somebody else was faster, or nobody looks any more
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _wake.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? told = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            string? found = await FindProblemAsync(stoppingToken);
            if (found is not null && found != told)
            {
                ResultsFail(logger, found);
            }
            else if (found is null && told is not null)
            {
                ResultsWork(logger);
            }

            told = found;
            if (found != Problem)
            {
                Problem = found;
                Changed?.Invoke();
            }

            try
            {
                await _wake.WaitAsync(found is null ? Interval : IntervalWhileFailing, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<string?> FindProblemAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            await results.CheckAsync(limit.Token);
            return null;
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested ? Problem : $"The results store did not answer within {Limit.TotalSeconds} s.";
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    [LoggerMessage(5, LogLevel.Error, "No results can be stored. {Problem}")]
    private static partial void ResultsFail(ILogger logger, string problem);

    [LoggerMessage(6, LogLevel.Information, "Results can be stored again")]
    private static partial void ResultsWork(ILogger logger);
}
