using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Hosting.Servers;

namespace Generation.Faces.Tests.ComfyUi;

/// <summary>Pictures that are sent by a name and used by it, and graphs whose jobs begin with one another's.</summary>
public sealed class ComfyPictureTests : ComfyTests
{
    [Test]
    public async Task Upload_OfAPicture_IsUsedByItsName()
    {
        // As Open WebUI edits: the picture goes to the input folder, and its name into the graph
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        byte[] first = TestPictures.Gradient(64, 64);
        string name = await UploadAsync(client, first, "a b.png", ("type", "input"));
        string same = await UploadAsync(client, first, "a b.png");
        string other = await UploadAsync(client, TestPictures.Hole(64, 64), "a b.png");
        JsonElement entry = await RunAsync(client, FromPicture(name, 0.5));
        byte[] viewed = await client.GetByteArrayAsync("/view?filename=a b.png&type=input");

        Assert.That((name, same, other), Is.EqualTo(("a b.png", "a b.png", "a b (1).png")));
        Assert.That(viewed, Is.EqualTo(first));
        var request = (Img2ImgRequest)(await RequestsAsync(user)).Single();
        Assert.That((request.Strength, request.Width, request.Height), Is.EqualTo((0.5, 64, 64)));
        // What was made can be the beginning of another graph
        string made = Text(Images(entry, "9")[0], "filename");
        await RunAsync(client, FromPicture($"{made} [output]", 1));
        using HttpClient stranger = Api.Client(await Api.NewUserAsync());
        JsonElement refused = await PostAsync(stranger, Body(FromPicture($"{made} [output]", 1)), 400);
        Assert.That(refused.GetProperty("node_errors").TryGetProperty("10", out _), Is.True, refused.ToString());
    }

    [Test]
    public async Task Mask_SentForAPicture_SaysWhatIsMadeAnew()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        byte[] picture = TestPictures.Gradient(64, 64);
        string original = await UploadAsync(client, picture, "b.png");
        using var form = new MultipartFormDataContent();
        using var mask = new ByteArrayContent(TestPictures.Hole(64, 64));
        form.Add(mask, "image", "mask.png");
        using var reference = new StringContent($$"""{"filename":"{{original}}","subfolder":"","type":"input"}""");
        form.Add(reference, "original_ref");
        FaceAnswer answer = await client.SendAsync("/upload/mask", form);
        JsonObject graph = FromPicture(answer.Text("name"), 1);
        graph["5"] = JsonNode.Parse(
            """
            {"class_type": "VAEEncodeForInpaint",
             "inputs": {"pixels": ["10", 0], "vae": ["4", 2], "mask": ["10", 1], "grow_mask_by": 0}}
            """
        );
        JsonElement entry = await RunAsync(client, graph);

        var request = (InpaintRequest)(await RequestsAsync(user)).Single();
        Assert.That(request.MaskMode, Is.EqualTo(MaskMode.PaintTransparent));
        (int inside, int outside) = TestPictures.Differences(picture, await ViewAsync(client, Images(entry, "9")[0]));
        Assert.That((inside > 0, outside), Is.EqualTo((true, 0)));
    }

    [Test]
    public async Task SecondSampler_OfAnotherPrompt_GoesOnWithTheFirstsPicture()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        JsonObject graph = Graph();
        graph["16"] = JsonNode.Parse("""{"class_type": "CLIPTextEncode", "inputs": {"text": "a blue star", "clip": ["4", 1]}}""");
        graph["13"] = graph["3"]!.DeepClone();
        JsonNode second = graph["13"]!["inputs"]!;
        (second["latent_image"], second["positive"], second["denoise"]) = (new JsonArray("3", 0), new JsonArray("16", 0), 0.5);
        graph["8"]!["inputs"]!["samples"] = new JsonArray("13", 0);
        JsonElement entry = await RunAsync(client, graph);

        JobRequest[] requests = await RequestsAsync(user);
        Assert.That(requests.Select(r => r.Kind), Is.EqualTo((JobKind[])[JobKind.Text2Img, JobKind.Img2Img]));
        JobDocument first = (await Api.JobsAsync(user))[1];
        Assert.That(((Img2ImgRequest)requests[1]).Image.Sha256, Is.EqualTo(first.Outputs[0].Sha256));
        Assert.That(Images(entry, "9"), Has.Length.EqualTo(1));
    }

    [TestCase("/view?filename=../a.png", 400)]
    [TestCase("/view?filename=/a.png", 400)]
    [TestCase("/view", 400)]
    [TestCase("/view?filename=a.png&subfolder=../b", 403)]
    [TestCase("/view?filename=none.png", 404)]
    [TestCase("/view?filename=x_00000000000000000000000000000001_00001_.png", 404)]
    [TestCase("/view?filename=none.png&type=else", 400)]
    [TestCase("/models/none", 404)]
    public async Task Files_ThatAreNone_AreToldAsComfyUiDoes(string path, int status) =>
        Assert.That((await Client.GetAsync(path)).StatusCode, Is.EqualTo((HttpStatusCode)status));

    [Test]
    public async Task Upload_OfNothingOrOfNoPicture_IsRefused()
    {
        using var empty = new MultipartFormDataContent();
        using var type = new StringContent("input");
        empty.Add(type, "type");
        FaceAnswer nothing = await Client.SendAsync("/upload/image", empty);
        using var form = new MultipartFormDataContent();
        using var file = new ByteArrayContent([1, 2, 3]);
        form.Add(file, "image", "a.png");
        FaceAnswer none = await Client.SendAsync("/upload/image", form);

        Assert.That(((int)nothing.Status, (int)none.Status), Is.EqualTo((400, 400)));
    }

    [Test]
    public async Task Face_OnAPortOfItsOwn_HasAllPathsThere()
    {
        int port = Ports.Free();
        await using FaceApi api = (await FaceStack.GetAsync()).StartApi(
            0,
            ("Faces:ComfyUi:Port", port.ToString()),
            ("Faces:ComfyUi:Key", User.Key)
        );
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        JsonElement folders = await GetAsync(client, "/api/models");
        JsonElement none = await GetAsync(client, "/v1/jobs", 404);
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "/queue");
        foreign.Headers.Add("Origin", "https://elsewhere.example");
        HttpResponseMessage refused = await client.SendAsync(foreign);

        Assert.That(folders.EnumerateArray().Select(f => f.GetString()), Does.Contain("checkpoints"));
        Assert.That(none.GetProperty("error").GetProperty("type").GetString(), Is.EqualTo("not_found"));
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized), "another page does not act with the face's own key");
    }

    private static JsonObject FromPicture(string name, double denoise)
    {
        JsonObject graph = Graph();
        graph["10"] = new JsonObject
        {
            ["class_type"] = "LoadImage",
            ["inputs"] = new JsonObject { ["image"] = name },
        };
        graph["5"] = JsonNode.Parse("""{"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}""");
        graph["3"]!["inputs"]!["denoise"] = denoise;
        return graph;
    }
}
