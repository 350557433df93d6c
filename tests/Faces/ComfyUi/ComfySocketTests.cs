using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Accounts;
using Generation.TestSupport;

namespace Generation.Faces.Tests.ComfyUi;

/// <summary>What a socket is told while graphs run, in the order that clients go by.</summary>
public sealed class ComfySocketTests : ComfyTests
{
    [Test]
    public async Task Socket_OfTheOfficialExample_TellsItsGraphInOrder()
    {
        string id = Guid.NewGuid().ToString();
        using ClientWebSocket socket = await SocketAsync(User, "script-1");
        using JobHold first = FaceStack.Holds.AtStep(3);
        using JobHold second = FaceStack.Holds.AtStep(6);
        JsonElement answer = await PostAsync(Client, Body(Graph(steps: 8), "script-1", id));
        await FaceStack.ReleaseBeforeAPreviewAsync(first);
        await second.ReachedAsync();
        second.Release();
        List<Frame> frames = await FramesAsync(socket, id);
        JsonElement history = await GetAsync(Client, $"/history/{id}");

        Assert.That(Text(answer, "prompt_id"), Is.EqualTo(id));
        Assert.That(frames[0].Type, Is.EqualTo("status"));
        Assert.That(Text(frames[0].Data, "sid"), Is.EqualTo("script-1"));
        string[] told = [.. frames.Where(f => f.Type is not ("status" or "")).Select(Name)];
        Assert.That(
            told.Where(name => name != "progress"),
            Is.EqualTo(
                (string[])
                    ["execution_start", "execution_cached", "executing 3", "executing 9", "executed", "execution_success", "executing "]
            )
        );
        Frame[] progress = [.. frames.Where(f => f.Type == "progress")];
        Assert.That(progress, Is.Not.Empty);
        Assert.That(progress.Select(p => p.Data.GetProperty("value").GetInt32()), Is.Ordered.And.All.InRange(1, 8));
        Assert.That(progress.Select(p => p.Data.GetProperty("max").GetInt32()), Is.All.EqualTo(8));
        Assert.That(frames.Where(f => f.Type.Length > 0 && f.Type != "status").Select(f => Text(f.Data, "prompt_id")), Is.All.EqualTo(id));
        byte[] preview = frames.First(f => f.Type.Length == 0).Binary;
        Assert.That(preview[..8], Is.EqualTo((byte[])[0, 0, 0, 1, 0, 0, 0, 1]), "a JPEG preview");
        Assert.That(PictureCodec.Decode(preview.AsSpan(8)).Width, Is.InRange(1, 512));
        JsonElement executed = frames.Single(f => f.Type == "executed").Data.GetProperty("output").GetProperty("images")[0];
        JsonElement entry = history.GetProperty(id);
        Assert.That(executed.ToString(), Is.EqualTo(Images(entry, "9").Single().ToString()), "the history is there before the last frame");
        Assert.That(entry.GetProperty("status").GetProperty("completed").GetBoolean(), Is.True);
        Assert.That(PictureCodec.Decode(await ViewAsync(Client, executed)).Width, Is.EqualTo(64));
    }

    [Test]
    public async Task Socket_OfSaveImageWebsocket_BringsThePictureItself()
    {
        string id = Guid.NewGuid().ToString();
        JsonObject graph = Graph();
        graph.Remove("9");
        graph["save_image_websocket_node"] = JsonNode.Parse("""{"class_type": "SaveImageWebsocket", "inputs": {"images": ["8", 0]}}""");
        using ClientWebSocket socket = await SocketAsync(User, "script-2");
        await PostAsync(Client, Body(graph, "script-2", id));
        List<Frame> frames = await FramesAsync(socket, id);

        int node = frames.FindIndex(f => Name(f) == "executing save_image_websocket_node");
        byte[] binary = frames.Skip(node).First(f => f.Type.Length == 0).Binary;
        Assert.That(binary[..8], Is.EqualTo((byte[])[0, 0, 0, 1, 0, 0, 0, 2]), "a PNG");
        Picture picture = PictureCodec.Decode(binary.AsSpan(8));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((64, 64)));
        Assert.That(frames.Select(f => f.Type), Has.None.EqualTo("executed"));
    }

    [Test]
    public async Task Socket_OfAnInterruptedGraph_IsToldSoAndOthersAreNot()
    {
        string id = Guid.NewGuid().ToString();
        FaceUser stranger = await Api.NewUserAsync();
        using HttpClient theirs = Api.Client(stranger);
        using ClientWebSocket socket = await SocketAsync(User, "stop");
        using ClientWebSocket other = await SocketAsync(stranger, "stop");
        using JobHold hold = FaceStack.Holds.AtStep(2);
        await PostAsync(Client, Body(Graph(steps: 6), "stop", id));
        await hold.ReachedAsync();
        JsonElement queue = await GetAsync(Client, "/api/queue");
        JsonElement nothing = await GetAsync(theirs, "/queue");
        await theirs.PostAsync("/interrupt", null);
        await theirs.PostAsync("/queue", new StringContent("""{"clear":true}"""));
        JsonElement still = await GetAsync(Client, "/queue");
        HttpResponseMessage stopped = await Client.PostAsync("/interrupt", null);
        hold.Release();
        List<Frame> frames = await FramesAsync(socket, id);
        JsonElement entry = await EndAsync(Client, id);

        Assert.That(queue.GetProperty("queue_running")[0][1].GetString(), Is.EqualTo(id));
        Assert.That(
            queue.GetProperty("queue_running")[0][2].GetProperty("3").GetProperty("class_type").GetString(),
            Is.EqualTo("KSampler")
        );
        Assert.That(nothing.GetProperty("queue_running").GetArrayLength(), Is.Zero);
        Assert.That(still.GetProperty("queue_running").GetArrayLength(), Is.EqualTo(1), "nobody stops another's graph");
        Assert.That((int)stopped.StatusCode, Is.EqualTo(200));
        Assert.That(frames[^3..].Select(f => f.Type), Is.EqualTo((string[])["execution_interrupted", "status", "executing"]));
        Assert.That(entry.GetProperty("status").GetProperty("status_str").GetString(), Is.EqualTo("error"));
        Assert.That((await GetAsync(theirs, $"/history/{id}")).EnumerateObject(), Is.Empty);
        Assert.That((await ReadAsync(other))!.Type, Is.EqualTo("status"));
    }

    [Test]
    public async Task Socket_OpenedAgain_IsToldTheRestAndTakesTheFormersPlace()
    {
        string id = Guid.NewGuid().ToString();
        using ClientWebSocket former = await SocketAsync(User, "twice");
        await ReadAsync(former);
        using JobHold hold = FaceStack.Holds.AtStep(2);
        await PostAsync(Client, Body(Graph(steps: 6), "twice", id));
        await hold.ReachedAsync();
        using ClientWebSocket latter = await SocketAsync(User, "twice");
        await ReadAsync(latter);
        while (await ReadAsync(former) is not null) { }

        hold.Release();
        List<Frame> frames = await FramesAsync(latter, id);
        Assert.That(frames.Select(Name), Does.Contain("executing 3").And.Contain("execution_success"));
    }

    [Test]
    public async Task Socket_OfARevokedKey_EndsAtOnce()
    {
        FaceUser user = await Api.NewUserAsync();
        using ClientWebSocket socket = await SocketAsync(user, "revoked");
        await ReadAsync(socket);
        ApiKeyStore keys = Api.Get<ApiKeyStore>();
        Caller caller = (await keys.FindCallerAsync(user.Key, default))!;
        await keys.RevokeAsync(caller.KeyId, default);
        while (await ReadAsync(socket) is { } frame)
        {
            Assert.That(frame.Type, Is.EqualTo("status"));
        }

        Assert.That(socket.CloseStatus, Is.EqualTo(WebSocketCloseStatus.PolicyViolation));
    }

    [Test]
    public async Task Socket_ThatSaysTooMuch_IsClosedAndItsFeaturesAreAnswered()
    {
        using ClientWebSocket socket = await SocketAsync(User, "talker");
        await ReadAsync(socket);
        await SendAsync(socket, """{"type":"feature_flags","data":{"supports_preview_metadata":true}}""");
        Frame features = await NextAsync(socket, "feature_flags");
        await SendAsync(socket, new string('x', 10_000));
        while (await ReadAsync(socket) is not null) { }

        Assert.That(features.Data.GetProperty("supports_preview_metadata").GetBoolean(), Is.True);
    }

    [Test]
    public async Task Socket_WithoutKeyOrWithoutUpgrade_IsRefused()
    {
        using var socket = new ClientWebSocket();
        Assert.That(
            async () => await socket.ConnectAsync(new Uri($"ws://{Api.Address.Authority}/ws?clientId=a"), FaceStack.Limit()),
            Throws.InstanceOf<WebSocketException>()
        );
        FaceAnswer answer = await Client.FetchAsync("/ws");
        Assert.That(((int)answer.Status, answer["error"].GetProperty("type").GetString()), Is.EqualTo((400, "not_a_socket")));
    }

    private static async Task<Frame> NextAsync(ClientWebSocket socket, string type)
    {
        while (await ReadAsync(socket) is { } frame)
        {
            if (frame.Type == type)
            {
                return frame;
            }
        }

        throw new AssertionException($"The socket ended without {type}");
    }

    private static Task SendAsync(ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, FaceStack.Limit());

    private static string Name(Frame frame) => frame.Type == "executing" ? $"executing {Text(frame.Data, "node")}" : frame.Type;
}
