using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Imaging.Codecs;

namespace Generation.Faces.Tests.ComfyUi;

/// <summary>Graphs that clients queue without a socket, what they read afterwards, and what is refused.</summary>
public sealed class ComfyPromptTests : ComfyTests
{
    [Test]
    public async Task Prompt_OfTheOfficialExample_IsTheNativeJob()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        JsonElement entry = await RunAsync(client, Graph(seed: 41));

        var request = (Text2ImgRequest)(await RequestsAsync(user)).Single();
        Assert.That((request.Model, request.Prompt, request.NegativePrompt), Is.EqualTo(("demo", "a red apple", "bad hands")));
        Assert.That((request.Width, request.Height, request.NumInferenceSteps), Is.EqualTo((64, 64, 2)));
        Assert.That((request.GuidanceScale, request.Scheduler, request.Seed), Is.EqualTo((8.0, "euler", 41L)));
        Assert.That(entry.GetProperty("prompt")[2].GetProperty("9").GetProperty("_meta").GetProperty("title").GetString(), Is.EqualTo("x"));
        Assert.That(entry.GetProperty("prompt")[4][0].GetString(), Is.EqualTo("9"));
        Assert.That(entry.GetProperty("status").GetProperty("messages")[0][0].GetString(), Is.EqualTo("execution_start"));
    }

    [Test]
    public async Task Prompt_OfSillyTavern_IsFoundInTheWholeHistory()
    {
        // Without client_id, as text/plain; then the whole history over and over
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        JsonElement stats = await GetAsync(client, "/system_stats");
        JsonElement info = await GetAsync(client, "/object_info");
        FaceAnswer answer = await client.SendAsync("/prompt", Body(Graph()), "text/plain");
        string id = answer.Text("prompt_id");
        await EndAsync(client, id);
        JsonElement entry = (await GetAsync(client, "/history")).GetProperty(id);
        JsonElement image = entry
            .GetProperty("outputs")
            .EnumerateObject()
            .SelectMany(o => o.Value.GetProperty("images").EnumerateArray())
            .First();
        HttpResponseMessage file = await client.GetAsync($"/view?filename={Text(image, "filename")}&subfolder=&type=output");

        Assert.That(stats.GetProperty("system").GetProperty("comfyui_version").GetString(), Is.Not.Empty);
        JsonElement sampler = info.GetProperty("KSampler").GetProperty("input").GetProperty("required");
        Assert.That(sampler.GetProperty("sampler_name")[0].EnumerateArray().Select(s => s.GetString()), Does.Contain("euler"));
        Assert.That(sampler.GetProperty("scheduler")[0].EnumerateArray().Select(s => s.GetString()), Does.Contain("karras"));
        JsonElement Choices(string node, string input) =>
            info.GetProperty(node).GetProperty("input").GetProperty("required").GetProperty(input)[0];
        Assert.That(Choices("CheckpointLoaderSimple", "ckpt_name").EnumerateArray().Select(c => c.GetString()), Does.Contain(Checkpoint));
        Assert.That(Choices("UNETLoader", "unet_name").ValueKind, Is.EqualTo(JsonValueKind.Array));
        Assert.That(Choices("VAELoader", "vae_name").ValueKind, Is.EqualTo(JsonValueKind.Array));
        Assert.That(entry.GetProperty("status").GetProperty("status_str").GetString(), Is.EqualTo("success"));
        Assert.That(file.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(file.Content.Headers.NonValidated["Content-Disposition"].ToString(), Does.StartWith("filename=\"ComfyUI_"));
        Assert.That(PictureCodec.Decode(await file.Content.ReadAsByteArrayAsync()).Height, Is.EqualTo(64));

        using var deletion = new StringContent($$"""{"delete":["{{id}}"]}""");
        HttpResponseMessage deleted = await client.PostAsync("/history", deletion);
        Assert.That((await deleted.Content.ReadAsStringAsync(), (int)deleted.StatusCode), Is.EqualTo(("", 200)));
        Assert.That((await GetAsync(client, "/history")).TryGetProperty(id, out _), Is.False, "SwarmUI clears its entry after each run");
        Assert.That((await GetAsync(client, $"/history/{id}")).EnumerateObject(), Is.Empty);
    }

    [Test]
    public async Task Prompt_WithTheSameIdAgain_IsTheSameJob()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        string id = Guid.NewGuid().ToString();
        await PostAsync(client, Body(Graph(), null, id));
        await EndAsync(client, id);
        JsonElement again = await PostAsync(client, Body(Graph(), null, id));
        JsonElement other = await PostAsync(client, Body(Graph(seed: 8), null, id), 400);

        Assert.That(Text(again, "prompt_id"), Is.EqualTo(id));
        Assert.That(await Api.JobsAsync(user), Has.Count.EqualTo(1), "nothing was made and charged twice");
        Assert.That(other.GetProperty("error").GetProperty("type").GetString(), Is.EqualTo("invalid_prompt_id"));
    }

    [Test]
    public async Task Prompt_WithSeveralOutputs_IsSeveralJobsOfOneId()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        JsonObject graph = Graph();
        graph["5"]!["inputs"]!["batch_size"] = 2;
        graph["10"] = JsonNode.Parse("""{"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}""");
        graph["13"] = graph["3"]!.DeepClone();
        graph["13"]!["inputs"]!["seed"] = 18446744073709551615;
        graph["18"] = JsonNode.Parse("""{"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": ["4", 2]}}""");
        graph["19"] = JsonNode.Parse("""{"class_type": "SaveImage", "inputs": {"filename_prefix": "a/../b", "images": ["18", 0]}}""");
        JsonElement entry = await RunAsync(client, graph);

        JobRequest[] requests = await RequestsAsync(user);
        Assert.That(requests, Has.Length.EqualTo(2));
        Assert.That(Images(entry, "9"), Has.Length.EqualTo(2));
        Assert.That(Text(Images(entry, "10")[0], "type"), Is.EqualTo("temp"));
        Assert.That(Text(Images(entry, "19")[0], "subfolder"), Is.EqualTo("a"));
        Assert.That(requests.OfType<Text2ImgRequest>().Max(r => r.Seed), Is.EqualTo((1L << 53) - 1), "the lower 53 bits");
        Assert.That(await ViewAsync(client, Images(entry, "9")[1]), Is.EqualTo(await ViewAsync(client, Images(entry, "10")[1])));
        using HttpClient stranger = Api.Client(await Api.NewUserAsync());
        HttpResponseMessage theirs = await stranger.GetAsync($"/view?filename={Text(Images(entry, "9")[0], "filename")}&type=output");
        Assert.That(theirs.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private static readonly (string Change, string Type, string? Node, string Says)[] Refused =
    [
        ("""{"4":{"inputs":{"ckpt_name":"x.ckpt"}}}""", "prompt_outputs_failed_validation", "4", "'x.ckpt' not in ['demo.safetensors'"),
        ("""{"3":{"inputs":{"steps":0}}}""", "prompt_outputs_failed_validation", "3", "smaller than min of 1"),
        ("""{"3":{"inputs":{"cfg":101}}}""", "prompt_outputs_failed_validation", "3", "bigger than max of 100"),
        ("""{"3":{"inputs":{"seed":-1}}}""", "prompt_outputs_failed_validation", "3", "smaller than min of 0"),
        ("""{"3":{"inputs":{"denoise":null}}}""", "prompt_outputs_failed_validation", "3", "invalid_input_type"),
        ("""{"3":{"inputs":{"denoise":0.5}}}""", "prompt_outputs_failed_validation", "3", "must be 1 where the latent is empty"),
        ("""{"3":{"inputs":{"steps":9999}}}""", "prompt_outputs_failed_validation", "3", "steps: "),
        ("""{"3":{"inputs":{"sampler_name":"nice"}}}""", "prompt_outputs_failed_validation", "3", "value_not_in_list"),
        ("""{"3":{"inputs":{"model":["4",1]}}}""", "prompt_outputs_failed_validation", "3", "return_type_mismatch"),
        ("""{"3":{"inputs":{"model":["44",0]}}}""", "prompt_outputs_failed_validation", "3", "bad_linked_input"),
        ("""{"3":{"inputs":{"latent_image":["3",0]}}}""", "prompt_outputs_failed_validation", "3", "dependency_cycle"),
        ("""{"8":{"inputs":{"samples":["5",0]}}}""", "prompt_outputs_failed_validation", "8", "comes from no sampler"),
        ("""{"6":{"class_type":"IPAdapter"}}""", "invalid_prompt", null, "node IPAdapter does not exist"),
        ("""{"9":{"class_type":5}}""", "invalid_prompt", null, "missing the class_type"),
        ("""{"9":{"class_type":"VAEDecode"}}""", "prompt_no_outputs", null, "no outputs"),
    ];

    [TestCaseSource(nameof(RefusedNames))]
    public async Task Prompt_ThatCannotBe_IsRefusedAsComfyUiDoes(int index)
    {
        (string change, string type, string? node, string says) = Refused[index];
        JsonObject graph = Graph();
        Merge(graph, JsonNode.Parse(change)!.AsObject());
        JsonElement answer = await PostAsync(Client, Body(graph), 400);

        Assert.That(answer.GetProperty("error").GetProperty("type").GetString(), Is.EqualTo(type), answer.ToString());
        if (node is not null)
        {
            JsonElement error = answer.GetProperty("node_errors").GetProperty(node);
            Assert.That(error.GetProperty("dependent_outputs")[0].GetString(), Is.EqualTo("9"));
            Assert.That(error.GetProperty("class_type").GetString(), Is.EqualTo(graph[node]!["class_type"]!.GetValue<string>()));
            Assert.That(JsonNode.Parse(error.GetRawText())!.ToJsonString(Plain), Does.Contain(says));
        }
        else
        {
            Assert.That(JsonNode.Parse(answer.GetRawText())!.ToJsonString(Plain), Does.Contain(says));
        }
    }

    [Test]
    public async Task Prompt_WithOneGoodOutput_RunsThatAndTellsOfTheOther()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = Api.Client(user);
        JsonObject graph = Graph();
        graph["19"] = JsonNode.Parse("""{"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}""");
        JsonElement answer = await PostAsync(client, Body(graph));

        JsonElement error = answer.GetProperty("node_errors").GetProperty("19").GetProperty("errors")[0];
        Assert.That(Text(error, "type"), Is.EqualTo("required_input_missing"));
        Assert.That(error.GetProperty("extra_info").GetProperty("input_name").GetString(), Is.EqualTo("filename_prefix"));
        Assert.That(await Api.JobsAsync(user), Has.Count.EqualTo(1));
    }

    [TestCase("{", 400)]
    [TestCase("{}", 400)]
    [TestCase("""{"prompt":[]}""", 400)]
    [TestCase("""{"prompt":{"\ud800":{"class_type":"SaveImage"}}}""", 400)]
    [TestCase("""{"prompt":{"1":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"\ud800"}}}}""", 400)]
    public async Task Prompt_ThatIsNone_IsRefused(string body, int status)
    {
        JsonElement answer = await PostAsync(Client, body, status);
        Assert.That(Text(answer.GetProperty("error"), "type"), Is.Not.Empty);
    }

    [Test]
    public async Task Calls_WithoutAKey_AreRefusedBeforeTheyAreRead()
    {
        using HttpClient client = Api.Client();
        FaceAnswer answer = await client.SendAsync("/api/prompt", "{");
        Assert.That(((int)answer.Status, answer["error"].GetProperty("type").GetString()), Is.EqualTo((401, "unauthorized")));
    }

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static IEnumerable<TestCaseData> RefusedNames() =>
        Refused.Select((refused, index) => new TestCaseData(index).SetArgDisplayNames(refused.Change));

    private static void Merge(JsonObject into, JsonObject change)
    {
        foreach ((string name, JsonNode? value) in change)
        {
            if (value is JsonObject inner && into[name] is JsonObject known)
            {
                Merge(known, inner);
            }
            else
            {
                into[name] = value?.DeepClone();
            }
        }
    }
}
