using System.Net;
using System.Net.Sockets;

namespace Generation.Service.Tests;

/// <summary>The way to a broker that takes connections at once, and says nothing on them until it is let.</summary>
internal sealed class LateBroker : IDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _answering = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _broker;

    public LateBroker(string broker)
    {
        _broker = new Uri(broker);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address =>
        new UriBuilder(_broker) { Host = "127.0.0.1", Port = ((IPEndPoint)_listener.LocalEndpoint).Port }.Uri.ToString();

    /// <summary>Completes with the first connection.</summary>
    public Task Asked => _asked.Task.WaitAsync(ServiceScope.Limit());

    public void Answer() => _answering.SetResult();

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
            _asked.TrySetResult();
            _ = ForwardAsync(client, end);
        }
    }

    private async Task ForwardAsync(TcpClient client, CancellationToken end)
    {
        using (client)
        using (var broker = new TcpClient())
        {
            await _answering.Task.WaitAsync(end);
            await broker.ConnectAsync(_broker.Host, _broker.Port, end);
            await Task.WhenAny(
                client.GetStream().CopyToAsync(broker.GetStream(), end),
                broker.GetStream().CopyToAsync(client.GetStream(), end)
            );
        }
    }
}
