using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Generation.Storm;

/// <summary>
/// Passes connections on to a server, and does to them what networks do: it cuts them, resets them, or lets them stand still without a
/// word.
/// </summary>
public sealed class FaultyProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Passage, bool> _open = new();
    private readonly Func<int> _server;
    private volatile TaskCompletionSource? _standing;

    /// <param name="server">The port of the server on this machine; it is asked for each connection anew.</param>
    public FaultyProxy(Func<int> server)
    {
        _server = server;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many connections are open.</summary>
    public int Connections => _open.Count;

    /// <summary>Ends every connection, in order or by a reset.</summary>
    public void Cut(bool reset)
    {
        foreach (Passage passage in _open.Keys)
        {
            passage.Close(reset);
        }
    }

    /// <summary>From now on nothing passes, in connections that are there and in new ones, until the result is disposed.</summary>
    public IDisposable Stall()
    {
        var standing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _standing = standing;
        return new Standing(this, standing);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        Cut(reset: true);
        _standing?.TrySetResult();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                _ = PassAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed
        }
    }

    private async Task PassAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        var passage = new Passage(client, server);
        _open[passage] = true;
        try
        {
            await GoOnAsync();
            await server.ConnectAsync(IPAddress.Loopback, _server(), _stop.Token);
            await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The server is away, or the connection was ended
        }
        finally
        {
            _open.TryRemove(passage, out _);
            passage.Close(reset: false);
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] some = new byte[1 << 14];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(some, _stop.Token)) > 0)
            {
                await GoOnAsync();
                for (int sent = 0; sent < read; )
                {
                    sent += await to.SendAsync(some.AsMemory(sent, read - sent), _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side has gone
        }
    }

    private Task GoOnAsync() => _standing?.Task.WaitAsync(_stop.Token) ?? Task.CompletedTask;

    private sealed record Passage(Socket Client, Socket Server)
    {
        public void Close(bool reset)
        {
            foreach (Socket socket in (Socket[])[Client, Server])
            {
                try
                {
                    if (reset)
                    {
                        // Closed without waiting for what was sent: the other side gets a reset
                        socket.LingerState = new LingerOption(true, 0);
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // It is closed already
                }

                socket.Dispose();
            }
        }
    }

    private sealed class Standing(FaultyProxy proxy, TaskCompletionSource standing) : IDisposable
    {
        public void Dispose()
        {
            proxy._standing = null;
            standing.TrySetResult();
        }
    }
}
