using System.Net;
using System.Threading.RateLimiting;

namespace Generation.Api.Outbound;

/// <summary>
/// Finds the addresses of hosts that callers name. The system's resolver blocks the thread that calls it, for as long as a name's servers
/// are silent, and <see cref="Dns"/> would let it block those that all requests share: each look has a thread of its own. There are so many
/// of them in all, and of each account so few, that names whose servers are silent hold up their own account alone.
/// </summary>
internal sealed class NameResolver : IDisposable
{
    /// <summary>Most looks at a time.</summary>
    public const int InAll = 64;

    /// <summary>Most looks at a time of one account.</summary>
    public const int OfAccount = 8;

    /// <summary>Most looks of one account that wait for their turn.</summary>
    private const int Waiting = 256;

    private readonly Func<string, IPAddress[]> _look;
    private readonly PartitionedRateLimiter<Guid> _turns;

    public NameResolver(Func<string, IPAddress[]>? look = null)
    {
        _look = look ?? Dns.GetHostAddresses;
        // An account's own turn first: while it waits for that it has none of those that all share
        _turns = PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<Guid, Guid>(account =>
                RateLimitPartition.GetConcurrencyLimiter(account, _ => Limits(OfAccount, Waiting))
            ),
            PartitionedRateLimiter.Create<Guid, Guid>(_ =>
                RateLimitPartition.GetConcurrencyLimiter(Guid.Empty, _ => Limits(InAll, int.MaxValue))
            )
        );
    }

    /// <summary>The addresses of a host.</summary>
    /// <param name="host">Its name, or an address.</param>
    /// <param name="account">Whose call it is.</param>
    /// <param name="cancellationToken">
    /// Ends the wait; a look that has begun goes on until the system ends it, and keeps its turn so long.
    /// </param>
    /// <exception cref="OutboundException">There was no turn for the look; nothing is known of the host.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The name has no address, or its servers do not answer.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host, Guid account, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return [address];
        }

        RateLimitLease turn = await TurnAsync(account, cancellationToken);
        return await Task
            .Factory.StartNew(() => Look(host, turn), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(cancellationToken);
    }

    public void Dispose() => _turns.Dispose();

    private async Task<RateLimitLease> TurnAsync(Guid account, CancellationToken cancellationToken)
    {
        try
        {
            RateLimitLease turn = await _turns.AcquireAsync(account, 1, cancellationToken);
            if (turn.IsAcquired)
            {
                return turn;
            }

            turn.Dispose();
        }
        catch (OperationCanceledException)
        {
            // Told as what it is: whoever was to be called has not been asked
        }

        throw new OutboundException("could not be looked up: too many other names are being looked up, and do not answer")
        {
            IsOurs = true,
        };
    }

    private IPAddress[] Look(string host, RateLimitLease turn)
    {
        using (turn)
        {
            return _look(host);
        }
    }

    private static ConcurrencyLimiterOptions Limits(int permits, int waiting) =>
        new()
        {
            PermitLimit = permits,
            QueueLimit = waiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
}
