using Microsoft.Extensions.Logging;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>
/// Wakes dispatchers, in this process and in others (LISTEN/NOTIFY), when a job waits or a slot is free. A signal may be lost: a dispatcher
/// also looks by itself every second.
/// </summary>
/// <remarks>
/// The notification goes out after the commit and at most every few milliseconds: inside the transactions it would make PostgreSQL commit
/// them one after another, since notifications are ordered by commit.
/// </remarks>
public sealed partial class DispatchSignal(NpgsqlDataSource source, ILogger<DispatchSignal> logger)
{
    private const string Channel = "generation_dispatch";
    private static readonly TimeSpan NotifyDelay = TimeSpan.FromMilliseconds(5);

    /// <summary>Identifies this process's own notifications, which it ignores.</summary>
    private readonly string _self = Guid.NewGuid().ToString("N");

    private int _pending;

    /// <summary>Raised at once for this process's own signals, and when another process's arrives. Handlers must not block.</summary>
#pragma warning disable MA0046 // There is no sender and nothing to say but that it happened
    public event Action? Raised;
#pragma warning restore MA0046

    public void Raise()
    {
        Raised?.Invoke();
        if (Interlocked.Exchange(ref _pending, 1) == 0)
        {
            _ = NotifySoonAsync();
        }
    }

    /// <summary>Passes on the signals of other processes until cancelled, reconnecting as needed.</summary>
    public async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
                connection.Notification += (_, notification) =>
                {
                    if (notification.Payload != _self)
                    {
                        Raised?.Invoke();
                    }
                };
                await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
                {
                    await listen.ExecuteNonQueryAsync(cancellationToken);
                }

                while (true)
                {
                    await connection.WaitAsync(cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or InvalidOperationException)
            {
                ListenLost(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task NotifySoonAsync()
    {
        await Task.Delay(NotifyDelay);
        // Before the command: what is raised from here on needs a notification of its own
        Volatile.Write(ref _pending, 0);
        try
        {
            await using NpgsqlCommand command = source.CreateCommand($"NOTIFY {Channel}, '{_self}'");
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException or TimeoutException or InvalidOperationException)
        {
            NotifyFailed(logger, e.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Lost the connection that listens for dispatch signals, trying again in 1 s: {Reason}")]
    private static partial void ListenLost(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Debug, "A dispatch signal could not be sent; dispatchers look by themselves within a second: {Reason}")]
    private static partial void NotifyFailed(ILogger logger, string reason);
}
