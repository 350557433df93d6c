using System.Collections.Concurrent;
using System.Net.WebSockets;
using Generation.Api.Authentication;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Results;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// The sockets of this process. Each is told of its account's graphs that have its client id, also of those that another process takes. A
/// second socket with the same client id takes the place of the first.
/// </summary>
internal sealed class ComfySockets(
    ComfyRuns runs,
    ComfyLists lists,
    JobQueries queries,
    JobWaiter waiter,
    HotState hotState,
    IResultsStore results,
    ComfyTable table,
    IHostApplicationLifetime lifetime
)
{
    private const int MaxClientId = 128;

    private readonly ConcurrentDictionary<Guid, ComfySocket> _open = new();

    /// <summary>An account has queued a graph.</summary>
    public void Signal(Guid account)
    {
        foreach (ComfySocket socket in _open.Values.Where(socket => socket.Account == account))
        {
            socket.Signal();
        }
    }

    /// <summary>GET /ws.</summary>
    public async Task AcceptAsync(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            throw new ProblemException(400, "not_a_socket", "This is a WebSocket; open it with ws:// or wss://.");
        }

        Caller caller = http.Caller();
        string client = http.Request.Query["clientId"].ToString();
        if (client.Length > MaxClientId)
        {
            throw new ProblemException(400, "invalid_client_id", $"clientId may have {MaxClientId} characters at most.");
        }

        client = client.Length > 0 ? client : Guid.NewGuid().ToString("N");
        CheckRoom(caller.AccountId);
        // Before it is accepted: afterwards the answer has begun
        CancellationToken aborted = http.RequestAborted;
        using WebSocket socket = await http.WebSockets.AcceptWebSocketAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted, lifetime.ApplicationStopping);
        stop.CancelAfter(TimeSpan.FromSeconds(table.SocketSeconds));
        using var connection = new ComfySocket(socket, caller.AccountId, client, TimeSpan.FromSeconds(table.SendSeconds), stop);
        var id = Guid.NewGuid();
        foreach (ComfySocket former in _open.Values.Where(o => o.Account == caller.AccountId && o.Client == client))
        {
            former.End();
        }

        _open[id] = connection;
        try
        {
            var story = new ComfyStory(connection, caller, runs, queries, waiter, hotState, results);
            await connection.RunAsync(lists.FeatureFlags(), story.TellAsync, () => lifetime.ApplicationStopping.IsCancellationRequested
                    ? WebSocketCloseStatus.EndpointUnavailable
                : aborted.IsCancellationRequested ? WebSocketCloseStatus.PolicyViolation
                : WebSocketCloseStatus.NormalClosure);
        }
        finally
        {
            _open.TryRemove(id, out _);
        }
    }

    private void CheckRoom(Guid account)
    {
        if (_open.Count >= table.MaxSockets)
        {
            throw new ProblemException(503, "too_many_sockets", $"There are {table.MaxSockets} sockets at most.") { RetryAfterSeconds = 5 };
        }

        if (_open.Values.Count(socket => socket.Account == account) >= table.MaxSocketsOfAccount)
        {
            throw new ProblemException(429, "too_many_sockets", $"An account has {table.MaxSocketsOfAccount} sockets at most.")
            {
                RetryAfterSeconds = 5,
            };
        }
    }
}
