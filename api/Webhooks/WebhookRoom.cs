using Generation.Storage.Webhooks;

namespace Generation.Api.Webhooks;

/// <summary>
/// How many deliveries of a sender are under way, in all, of each account and to each server, and what there is room for. A server that did
/// not answer lately, or of which nothing is known, gets few at a time: many that hang leave room for those that answer.
/// </summary>
internal sealed class WebhookRoom(TimeSpan attemptLimit)
{
    public const int InAll = 1024;
    public const int OfAccount = 256;
    public const int ToHost = 32;
    public const int ToSilentHost = 2;

    /// <summary>So many are taken in one turn: the rooms above are multiples of these.</summary>
    private const int AccountStep = 16;

    private const int HostStep = 2;

    /// <summary>Servers of which it is known that they answer; when there are more, all are forgotten.</summary>
    private const int MostKnown = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, int> _ofAccount = [];
    private readonly Dictionary<string, int> _toHost = [];
    private readonly HashSet<string> _answering = [];
    private int _all;

    /// <summary>How many are under way.</summary>
    public int Taken
    {
        get
        {
            lock (_lock)
            {
                return _all;
            }
        }
    }

    /// <summary>What may be taken now; null: nothing.</summary>
    public WebhookTurn? Next()
    {
        lock (_lock)
        {
            return _all >= InAll
                ? null
                : new WebhookTurn(
                    InAll - _all,
                    AccountStep,
                    HostStep,
                    [.. _ofAccount.Where(account => account.Value + AccountStep > OfAccount).Select(account => account.Key)],
                    [.. _toHost.Where(host => host.Value + HostStep > RoomOf(host.Key)).Select(host => host.Key)],
                    attemptLimit
                );
        }
    }

    public void Enter(WebhookDelivery delivery)
    {
        lock (_lock)
        {
            _all++;
            _ofAccount[delivery.AccountId] = _ofAccount.GetValueOrDefault(delivery.AccountId) + 1;
            _toHost[delivery.Host] = _toHost.GetValueOrDefault(delivery.Host) + 1;
        }
    }

    /// <summary>An attempt is over.</summary>
    /// <param name="delivery">Of this message.</param>
    /// <param name="answered">
    /// Whether its server answered, whatever it said; null where nothing was sent to it, or it is not known for a reason of ours: then it
    /// counts as before.
    /// </param>
    public void Leave(WebhookDelivery delivery, bool? answered)
    {
        lock (_lock)
        {
            _all--;
            Take(_ofAccount, delivery.AccountId);
            Take(_toHost, delivery.Host);
            switch (answered)
            {
                case true:
                    if (_answering.Count >= MostKnown)
                    {
                        _answering.Clear();
                    }

                    _answering.Add(delivery.Host);
                    break;
                case false:
                    _answering.Remove(delivery.Host);
                    break;
            }
        }
    }

    private int RoomOf(string host) => _answering.Contains(host) ? ToHost : ToSilentHost;

    private static void Take<TKey>(Dictionary<TKey, int> counts, TKey key)
        where TKey : notnull
    {
        if (--counts[key] == 0)
        {
            counts.Remove(key);
        }
    }
}
