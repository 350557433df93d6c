using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// One client's socket. Frames are sent one after the other and nothing is kept for it: who sends waits until the client has taken a frame,
/// and the socket is given up where that takes too long.
/// </summary>
/// <param name="socket">The connection.</param>
/// <param name="account">Whose it is.</param>
/// <param name="client">The name that the client has given itself.</param>
/// <param name="sendLimit">How long a frame may take.</param>
/// <param name="stop">Ends it.</param>
internal sealed class ComfySocket(WebSocket socket, Guid account, string client, TimeSpan sendLimit, CancellationTokenSource stop)
    : IDisposable
{
    /// <summary>Clients have little to say: a longer message ends the socket.</summary>
    private const int MaxMessage = 4096;

    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(0.5);

    /// <summary>A frame that is on its way when the socket ends may take so long still: breaking it off would break the connection.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(0.3);

    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly CancellationTokenSource _hearing = new();
    private JsonObject? _features;

    public Guid Account => account;

    public string Client => client;

    /// <summary>Whether the client has announced that it reads previews with what they belong to.</summary>
    public bool TakesMetadata { get; private set; }

    /// <summary>When a frame was last sent, in milliseconds of the system's clock.</summary>
    public long SentAt { get; private set; }

    /// <summary>There may be something to tell.</summary>
    public void Signal()
    {
        try
        {
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Two signals at once, or one after the end: both say nothing new
        }
    }

    /// <summary>Waits for a signal, or as long as this.</summary>
    public Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => _signal.WaitAsync(limit, cancellationToken);

    /// <summary>Ends it, from another call.</summary>
    public void End()
    {
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself
        }
    }

    /// <summary>Listens and tells until either ends.</summary>
    /// <param name="features">What the client is told that announces its own features.</param>
    /// <param name="tell">Sends frames until it is stopped.</param>
    /// <param name="status">Why it ended, as the client is told.</param>
    public async Task RunAsync(JsonObject features, Func<CancellationToken, Task> tell, Func<WebSocketCloseStatus> status)
    {
        Task hearing = HearAsync(features);
        try
        {
            await tell(stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // It is over: the client has gone, was too slow, or may not go on
        }
        finally
        {
            await CloseAsync(status());
            // The client answers that; to stop the hearing before breaks the connection, and the client might never learn why
            await Task.WhenAny(hearing, Task.Delay(CloseLimit, CancellationToken.None));
            await _hearing.CancelAsync();
            await hearing;
        }
    }

    public Task SendAsync(string type, JsonObject data, CancellationToken cancellationToken)
    {
        // "type" goes first: some clients look at how the text begins
        var message = new JsonObject { ["type"] = type, ["data"] = data };
        return SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, cancellationToken);
    }

    /// <summary>Sends a picture as ComfyUI does previews and SaveImageWebsocket.</summary>
    public Task SendPictureAsync(byte[] picture, bool isPng, CancellationToken cancellationToken)
    {
        const int Head = 8;
        byte[] frame = new byte[Head + picture.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, 1);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), isPng ? 2u : 1u);
        picture.CopyTo(frame, Head);
        return SendAsync(frame, WebSocketMessageType.Binary, cancellationToken);
    }

    /// <summary>Sends a preview with what it belongs to.</summary>
    public Task SendPictureAsync(byte[] picture, JsonObject metadata, CancellationToken cancellationToken)
    {
        const int Head = 8;
        byte[] about = JsonSerializer.SerializeToUtf8Bytes(metadata);
        byte[] frame = new byte[Head + about.Length + picture.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, 4);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), (uint)about.Length);
        about.CopyTo(frame, Head);
        picture.CopyTo(frame, Head + about.Length);
        return SendAsync(frame, WebSocketMessageType.Binary, cancellationToken);
    }

    public void Dispose()
    {
        _signal.Dispose();
        _hearing.Dispose();
    }

    private async Task SendAsync(ReadOnlyMemory<byte> frame, WebSocketMessageType type, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var limit = new CancellationTokenSource(sendLimit);
        await using CancellationTokenRegistration ending = cancellationToken.Register(() => limit.CancelAfter(Grace));
        await socket.SendAsync(frame, type, endOfMessage: true, limit.Token);
        SentAt = Environment.TickCount64;
    }

    private async Task HearAsync(JsonObject features)
    {
        byte[] buffer = new byte[MaxMessage];
        int length = 0;
        bool isFirst = true;
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(length), _hearing.Token);
                length += received.Count;
                if (received.MessageType == WebSocketMessageType.Close || (!received.EndOfMessage && length == buffer.Length))
                {
                    break;
                }

                if (received.EndOfMessage)
                {
                    if (
                        isFirst
                        && received.MessageType == WebSocketMessageType.Text
                        && Announces(buffer.AsSpan(0, length), out bool metadata)
                    )
                    {
                        TakesMetadata = metadata;
                        _features = features;
                        Signal();
                    }

                    isFirst = false;
                    length = 0;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException)
        {
            // It is over
        }

        End();
    }

    /// <summary>Answers the client's announcement, where there is one that was not answered.</summary>
    public async Task AnswerAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _features, null) is { } features)
        {
            await SendAsync("feature_flags", features, cancellationToken);
        }
    }

    private static bool Announces(ReadOnlySpan<byte> message, out bool metadata)
    {
        metadata = false;
        try
        {
            var reader = new Utf8JsonReader(message);
            using var json = JsonDocument.ParseValue(ref reader);
            if (
                json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("type", out JsonElement type)
                || type.ValueKind != JsonValueKind.String
                || !type.ValueEquals("feature_flags")
            )
            {
                return false;
            }

            metadata =
                json.RootElement.TryGetProperty("data", out JsonElement data)
                && data.ValueKind == JsonValueKind.Object
                && data.TryGetProperty("supports_preview_metadata", out JsonElement flag)
                && flag.ValueKind == JsonValueKind.True;
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Says that it ends, if there is still somebody to hear it.</summary>
    private async Task CloseAsync(WebSocketCloseStatus status)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        using var limit = new CancellationTokenSource(CloseLimit);
        try
        {
            await socket.CloseOutputAsync(status, null, limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException)
        {
            // It is closed already
        }
    }
}
