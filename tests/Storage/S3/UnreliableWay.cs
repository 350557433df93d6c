using System.Net;
using System.Net.Sockets;

namespace Generation.Storage.Tests.S3;

/// <summary>A way to a server whose first connections break off after so many bytes of what is sent; the ones after them last.</summary>
internal sealed class UnreliableWay : IDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _server;
    private readonly int _after;
    private readonly int _breaks;
    private int _connections;
    private int _broken;

    public UnreliableWay(string server, int breaks, int after)
    {
        (_server, _breaks, _after) = (new Uri(server), breaks, after);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>How many have broken off.</summary>
    public int Broken => Volatile.Read(ref _broken);

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        CancellationToken end = _end.Token;
        while (!end.IsCancellationRequested)
        {
            TcpClient client = await _listener.AcceptTcpClientAsync(end);
            _ = ForwardAsync(client, _connections++ < _breaks ? _after : null, end);
        }
    }

    private async Task ForwardAsync(TcpClient client, int? bytes, CancellationToken end)
    {
        using (client)
        using (var server = new TcpClient())
        {
            await server.ConnectAsync(_server.Host, _server.Port, end);
            Task sent = bytes is { } some
                ? SendAsync(client.GetStream(), server.GetStream(), some, end)
                : client.GetStream().CopyToAsync(server.GetStream(), end);
            await Task.WhenAny(sent, server.GetStream().CopyToAsync(client.GetStream(), end));
        }
    }

    private async Task SendAsync(NetworkStream from, NetworkStream to, int bytes, CancellationToken end)
    {
        byte[] buffer = new byte[64 << 10];
        for (int left = bytes; ; )
        {
            int read = await from.ReadAsync(buffer, end);
            if (read == 0)
            {
                return;
            }

            if (read > left)
            {
                Interlocked.Increment(ref _broken);
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), end);
            left -= read;
        }
    }
}
