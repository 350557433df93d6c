using System.Net;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Faces.Tests.ModelsLab;

/// <summary>Words to pictures as clients of each version ask for them.</summary>
[TestFixture]
public sealed class ModelsLabText2ImgTests : ModelsLabTests
{
    // As published for v3, with its numbers in quotes
    private const string Legacy = """
        {
          "key": "KEY", "prompt": "a red apple on a blue background", "negative_prompt": "", "width": "256", "height": "256",
          "samples": "1", "num_inference_steps": "4", "seed": null, "guidance_scale": 4, "safety_checker": "yes", "multi_lingual": "no",
          "panorama": "no", "self_attention": "no", "upscale": "no", "embeddings_model": null, "webhook": null, "track_id": null
        }
        """;

    private static readonly string[] LegacyMeta =
    [
        "H",
        "W",
        "enable_attention_slicing",
        "file_prefix",
        "guidance_scale",
        "model",
        "n_samples",
        "negative_prompt",
        "outdir",
        "prompt",
        "revision",
        "safetychecker",
        "safety_checker",
        "seed",
        "steps",
        "vae",
    ];

    private static readonly string[] CommunityMeta =
    [
        "prompt",
        "model_id",
        "negative_prompt",
        "scheduler",
        "safetychecker",
        "W",
        "H",
        "guidance_scale",
        "seed",
        "steps",
        "n_samples",
        "full_url",
        "upscale",
        "multi_lingual",
        "panorama",
        "self_attention",
        "embeddings",
        "lora",
        "outdir",
        "file_prefix",
    ];

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_V3AsPublished_IsAnsweredFieldByField()
    {
        FaceAnswer answer = await DoneAsync("/api/v3/text2img", Legacy.Replace("KEY", User.Key));

        Assert.That(answer.Text("status"), Is.EqualTo("success"));
        Assert.That(answer["generationTime"].GetDouble(), Is.GreaterThan(0));
        Assert.That(answer["id"].ValueKind, Is.EqualTo(JsonValueKind.Number));
        Assert.That(answer["output"].GetArrayLength(), Is.EqualTo(1));
        JsonElement meta = answer["meta"];
        Assert.That(LegacyMeta.Where(name => !meta.TryGetProperty(name, out _)), Is.Empty);
        Assert.That((meta.GetProperty("W").GetInt32(), meta.GetProperty("H").GetInt32()), Is.EqualTo((256, 256)));
        Assert.That((meta.GetProperty("steps").GetInt32(), meta.GetProperty("n_samples").GetInt32()), Is.EqualTo((4, 1)));
        Assert.That(meta.GetProperty("seed").ValueKind, Is.EqualTo(JsonValueKind.Number));
        Assert.That(meta.GetProperty("enable_attention_slicing").GetString(), Is.EqualTo("true"));
        Assert.That(meta.GetProperty("safetychecker").GetString(), Is.EqualTo("yes"));
        Assert.That(meta.GetProperty("outdir").GetString(), Is.EqualTo("out"));

        // Without a key, as a browser would
        using HttpClient anybody = Api.Client();
        byte[] picture = await anybody.GetByteArrayAsync(answer["output"][0].GetString(), FaceStack.Limit());
        Assert.That(picture.Take(4), Is.EqualTo(new byte[] { 0x89, 0x50, 0x4E, 0x47 }));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_V4Community_HasItsMeta()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v4/dreambooth",
            JsonSerializer.Serialize(
                new
                {
                    key = User.Key,
                    model_id = "midjourney",
                    prompt = "a cat",
                    width = "256",
                    height = "256",
                    samples = "2",
                    num_inference_steps = "3",
                    safety_checker = "no",
                    enhance_prompt = "yes",
                    seed = 11,
                    guidance_scale = 4.0,
                    multi_lingual = "no",
                    lora_model = "",
                    tomesd = "yes",
                    clip_skip = "",
                    use_karras_sigmas = "yes",
                    vae = (string?)null,
                    lora_strength = "",
                    scheduler = "DDIMScheduler",
                    webhook = "",
                    track_id = "",
                }
            )
        );

        Assert.That(answer.Text("status"), Is.EqualTo("success"));
        Assert.That(answer["output"].GetArrayLength(), Is.EqualTo(2));
        JsonElement meta = answer["meta"];
        Assert.That(CommunityMeta.Where(name => !meta.TryGetProperty(name, out _)), Is.Empty);
        Assert.That(meta.GetProperty("model_id").GetString(), Is.EqualTo("midjourney"));
        Assert.That(meta.GetProperty("scheduler").GetString(), Is.EqualTo("DDIMScheduler"));
        Assert.That(meta.GetProperty("seed").GetInt64(), Is.EqualTo(11));
        JobDocument job = (await Api.JobsAsync(User)).First(j => j.Request is Text2ImgRequest { Seed: 11 });
        Assert.That((job.Model, ((Text2ImgRequest)job.Request!).Scheduler), Is.EqualTo(("demo", "ddim")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_V6WithNumbersAndBooleans_TellsEveryLink()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/images/text2img",
            JsonSerializer.Serialize(
                new
                {
                    key = User.Key,
                    model_id = "flux",
                    prompt = "a star",
                    width = 256,
                    height = 256,
                    samples = 1,
                    num_inference_steps = 31,
                    safety_checker = false,
                    enhance_prompt = false,
                    seed = 5,
                    guidance_scale = 1.5,
                    base64 = false,
                    temp = "no",
                }
            )
        );

        Assert.That(answer.Text("status"), Is.EqualTo("success"));
        Assert.That(answer["proxy_links"].GetArrayLength(), Is.EqualTo(1));
        Assert.That(answer["nsfw_content_detected"].ValueKind, Is.EqualTo(JsonValueKind.False));
        Assert.That(answer["meta"].GetProperty("steps").GetInt32(), Is.EqualTo(20), "the service caps the steps of v6");
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_Base64_GivesThePictureItself()
    {
        FaceAnswer answer = await DoneAsync(
            "/api/v6/realtime/text2img",
            JsonSerializer.Serialize(
                new
                {
                    key = User.Key,
                    prompt = "a dog",
                    width = "256",
                    height = "256",
                    num_inference_steps = 2,
                    base64 = "yes",
                }
            )
        );

        Assert.That(Convert.FromBase64String(answer["output"][0].GetString()!).Take(4), Is.EqualTo(new byte[] { 0x89, 0x50, 0x4E, 0x47 }));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_InstantResponse_IsProcessingUntilFetched()
    {
        FaceAnswer submitted = await Client.SendAsync(
            "/api/v6/images/text2img",
            new
            {
                key = User.Key,
                model_id = "midjourney",
                prompt = "a fox",
                width = 256,
                height = 256,
                num_inference_steps = 3,
                samples = 2,
                instant_response = true,
            }
        );

        Assert.That(submitted.Text("status"), Is.EqualTo("processing"));
        Assert.That(submitted["eta"].GetDouble(), Is.GreaterThanOrEqualTo(1));
        Assert.That(submitted["output"].GetArrayLength(), Is.Zero);
        Assert.That(submitted["future_links"].GetArrayLength(), Is.EqualTo(2));
        Assert.That(submitted.Text("message"), Is.EqualTo(submitted.Text("messege")));
        foreach (string name in (string[])["tip", "tip_1", "webhook_status", "meta"])
        {
            Assert.That(submitted.Json.TryGetProperty(name, out _), name);
        }

        // Where fetch_result says, with the key in the body
        string fetch = submitted.Text("fetch_result");
        Assert.That(new Uri(fetch).AbsolutePath, Is.EqualTo($"/api/v6/images/fetch/{submitted["id"]}"));
        FaceAnswer done = await FetchedAsync(fetch, JsonSerializer.Serialize(new { key = User.Key }));
        Assert.That((done.Text("status"), done["output"].GetArrayLength()), Is.EqualTo(("success", 2)));

        // And by request_id, as text
        FaceAnswer again = await Client.SendAsync("/api/v6/images/fetch", new { key = User.Key, request_id = submitted.Text("id") });
        Assert.That(again.Text("id"), Is.EqualTo(submitted.Text("id")));

        // The links that were given out before
        using HttpClient anybody = Api.Client();
        using HttpResponseMessage link = await anybody.GetAsync(submitted["future_links"][1].GetString(), FaceStack.Limit());
        Assert.That((link.StatusCode, link.Content.Headers.ContentType?.MediaType), Is.EqualTo((HttpStatusCode.OK, "image/png")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_AsAForm_AndWithoutContentType_IsTheSame()
    {
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["key"] = User.Key,
                ["prompt"] = "a tree",
                ["width"] = "256",
                ["height"] = "256",
                ["num_inference_steps"] = "2",
                ["seed"] = "",
            }
        );
        Assert.That((await Client.SendAsync("/api/v3/text2img", form)).Text("status"), Is.EqualTo("success").Or.EqualTo("processing"));

        using var multipart = new MultipartFormDataContent
        {
            { new StringContent(User.Key), "key" },
            { new StringContent("a tree"), "prompt" },
            { new StringContent("256"), "width" },
            { new StringContent("256"), "height" },
            { new StringContent("2"), "num_inference_steps" },
        };
        Assert.That((await Client.SendAsync("/api/v3/text2img", multipart)).Text("status"), Is.EqualTo("success").Or.EqualTo("processing"));

        FaceAnswer bare = await Client.SendAsync("/api/v3/text2img", Legacy.Replace("KEY", User.Key), contentType: null);
        Assert.That(bare.Text("status"), Is.EqualTo("success").Or.EqualTo("processing"));
    }

    [Test, CancelAfter(240_000)]
    public async Task Text2Img_KeyInTheHeaderOnly_IsTaken()
    {
        using HttpClient client = Api.Client(User);
        FaceAnswer answer = await client.SendAsync(
            "/api/v1/enterprise/images/text2img",
            new
            {
                prompt = "a ball",
                width = 256,
                height = 256,
                num_inference_steps = 2,
            }
        );
        Assert.That(answer.Text("status"), Is.EqualTo("success").Or.EqualTo("processing"));
    }

    [Test, CancelAfter(240_000)]
    public async Task Fetch_JobOfTheNativeApi_IsSeenByItsOwnerOnly()
    {
        using HttpClient native = Api.Client(User);
        FaceAnswer made = await native.SendAsync("/v1/text2img", new { prompt = "a boat", num_inference_steps = 2 });

        FaceAnswer seen = await FetchedAsync("/api/v3/fetch/" + made.Text("id"), JsonSerializer.Serialize(new { key = User.Key }));
        Assert.That(seen.Text("status"), Is.EqualTo("success"));
        Assert.That(seen["output"].GetArrayLength(), Is.EqualTo(1));

        FaceUser other = await Api.NewUserAsync();
        FaceAnswer unseen = await Client.SendAsync("/api/v6/images/fetch/" + seen.Text("id"), new { key = other.Key });
        Assert.That((unseen.Status, unseen.Text("status")), Is.EqualTo((HttpStatusCode.NotFound, "error")));
    }

    /// <summary>Sends, and fetches until it is done where the answer came before the pictures.</summary>
    private async Task<FaceAnswer> DoneAsync(string path, string body)
    {
        FaceAnswer answer = await Client.SendAsync(path, body);
        return answer.Text("status") == "processing"
            ? await FetchedAsync(answer.Text("fetch_result"), JsonSerializer.Serialize(new { key = User.Key }))
            : answer;
    }

    private async Task<FaceAnswer> FetchedAsync(string address, string body)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            FaceAnswer answer = await Client.SendAsync(address, body);
            if (answer.Text("status") != "processing")
            {
                return answer;
            }

            await Task.Delay(100, limit);
        }
    }
}
