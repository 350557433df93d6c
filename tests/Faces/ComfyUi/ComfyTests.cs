using System.Globalization;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;

namespace Generation.Faces.Tests.ComfyUi;

/// <summary>Graphs as clients of ComfyUI send them, with the key as a bearer token.</summary>
public abstract class ComfyTests : FaceTests
{
    private protected const string Checkpoint = "demo.safetensors";

    /// <summary>The graph of ComfyUI's own basic_api_example.py and of its default workflow, small.</summary>
    private protected static JsonObject Graph(int seed = 7, int steps = 2, int side = 64, string text = "a red apple") =>
        JsonNode
            .Parse(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $$$"""
                    {
                      "3": {"class_type": "KSampler", "inputs": {"cfg": 8, "denoise": 1, "latent_image": ["5", 0], "model": ["4", 0],
                        "negative": ["7", 0], "positive": ["6", 0], "sampler_name": "euler", "scheduler": "normal", "seed": {{{seed}}},
                        "steps": {{{steps}}} }},
                      "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "demo.safetensors"}},
                      "5": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1, "height": {{{side}}}, "width": {{{side}}} }},
                      "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "{{{text}}}"}},
                      "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "bad hands"}},
                      "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
                      "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}, "_meta": {"title": "x"}}
                    }
                    """
                )
            )!
            .AsObject();

    private protected static string Body(JsonObject graph, string? client = null, string? id = null)
    {
        var body = new JsonObject { ["prompt"] = graph };
        if (client is not null)
        {
            body["client_id"] = client;
        }

        if (id is not null)
        {
            body["prompt_id"] = id;
        }

        return body.ToJsonString();
    }

    /// <summary>Calls, and returns the answer's JSON after its status was looked at.</summary>
    private protected static async Task<JsonElement> PostAsync(HttpClient client, string body, int status = 200)
    {
        // As urllib sends it
        FaceAnswer answer = await client.SendAsync("/prompt", body, "application/x-www-form-urlencoded");
        Assert.That((int)answer.Status, Is.EqualTo(status), answer.Json.ToString());
        return answer.Json;
    }

    private protected static async Task<JsonElement> GetAsync(HttpClient client, string path, int status = 200) =>
        await JsonAsync(await client.GetAsync(path, FaceStack.Limit()), status);

    /// <summary>The history's entry of a graph, once it is there.</summary>
    private protected static async Task<JsonElement> EndAsync(HttpClient client, string id)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            JsonElement history = await GetAsync(client, $"/history/{id}");
            if (history.TryGetProperty(id, out JsonElement entry))
            {
                return entry;
            }

            await Task.Delay(50, limit);
        }
    }

    /// <summary>Queues a graph and waits for its end.</summary>
    private protected static async Task<JsonElement> RunAsync(HttpClient client, JsonObject graph)
    {
        JsonElement answer = await PostAsync(client, Body(graph));
        return await EndAsync(client, answer.GetProperty("prompt_id").GetString()!);
    }

    private protected static JsonElement[] Images(JsonElement entry, string node) =>
        [.. entry.GetProperty("outputs").GetProperty(node).GetProperty("images").EnumerateArray()];

    private protected static Task<byte[]> ViewAsync(HttpClient client, JsonElement image) =>
        client.GetByteArrayAsync(
            $"/view?filename={Text(image, "filename")}&subfolder={Text(image, "subfolder")}&type={Text(image, "type")}",
            FaceStack.Limit()
        );

    private protected static string Text(JsonElement element, string name) => element.GetProperty(name).ToString();

    /// <summary>The requests of a user's jobs, the oldest first.</summary>
    private protected async Task<JobRequest[]> RequestsAsync(FaceUser user) =>
        [.. (await Api.JobsAsync(user)).Reverse().Select(job => job.Request!)];

    /// <summary>A picture sent to /upload/image; returns the name that graphs have for it.</summary>
    private protected static async Task<string> UploadAsync(
        HttpClient client,
        byte[] picture,
        string name,
        params (string Name, string Value)[] fields
    )
    {
        using var form = new MultipartFormDataContent();
        using var file = new ByteArrayContent(picture);
        file.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        form.Add(file, "image", name);
        foreach ((string field, string value) in fields)
        {
            form.Add(new StringContent(value), field);
        }

        FaceAnswer answer = await client.SendAsync("/api/upload/image", form);
        Assert.That((int)answer.Status, Is.EqualTo(200), answer.Json.ToString());
        return answer.Text("name");
    }

    /// <summary>A socket as scripts open it; the key goes where they can put it.</summary>
    private protected async Task<ClientWebSocket> SocketAsync(FaceUser user, string client)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{Api.Address.Authority}/ws?clientId={client}&token={user.Key}"), FaceStack.Limit());
        return socket;
    }

    /// <summary>The next frame; null where the server has closed the socket.</summary>
    private protected static async Task<Frame?> ReadAsync(ClientWebSocket socket)
    {
        CancellationToken limit = FaceStack.Limit();
        using var bytes = new MemoryStream();
        byte[] buffer = new byte[16384];
        while (true)
        {
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, limit);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            bytes.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return received.MessageType == WebSocketMessageType.Binary
                    ? new Frame("", default, bytes.ToArray())
                    : Of(Encoding.UTF8.GetString(bytes.ToArray()));
            }
        }
    }

    /// <summary>The frames up to the one that says that a graph has ended, as official scripts wait for it.</summary>
    private protected static async Task<List<Frame>> FramesAsync(ClientWebSocket socket, string id)
    {
        var frames = new List<Frame>();
        while (await ReadAsync(socket) is { } frame)
        {
            frames.Add(frame);
            if (
                frame.Type == "executing"
                && frame.Data.GetProperty("node").ValueKind == JsonValueKind.Null
                && Text(frame.Data, "prompt_id") == id
            )
            {
                return frames;
            }
        }

        throw new AssertionException($"The socket ended after {string.Join(", ", frames.Select(f => f.Type))}");
    }

    private static Frame Of(string text)
    {
        Assert.That(text, Does.StartWith("{\"type\":"), "some clients look at how frames begin");
        JsonElement json = JsonDocument.Parse(text).RootElement;
        return new Frame(Text(json, "type"), json.GetProperty("data"), []);
    }

    /// <summary>A frame: a text one with its type and data, or a binary one.</summary>
    private protected sealed record Frame(string Type, JsonElement Data, byte[] Binary);
}
