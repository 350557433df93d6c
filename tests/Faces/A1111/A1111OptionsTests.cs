using System.Globalization;
using System.Net;
using System.Text.Json;
using Generation.Contracts;
using Generation.Hosting.Servers;
using Generation.Storage.Redis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Generation.Faces.Tests.A1111;

/// <summary>Options, which each account has for itself, with several models; control pictures; the port of its own.</summary>
public sealed class A1111OptionsTests : A1111Tests
{
    private protected override Task<FaceStack> StackAsync() => FaceStack.WithAllKindsAsync();

    [Test]
    public async Task Checkpoint_OfAnAccount_IsItsOwn()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using HttpClient other = ClientOf(await Api.NewUserAsync());

        foreach (string name in (string[])["edges.safetensors [0a1b2c3d4e]", "models/edges.ckpt", "EDGES", "edges"])
        {
            await PostAsync(client, Options, JsonSerializer.Serialize(new { sd_model_checkpoint = "demo" }));
            await PostAsync(client, Options, JsonSerializer.Serialize(new { sd_model_checkpoint = name, samples_format = "webp" }));
            Assert.That(
                (await GetAsync(client, Options)).GetProperty("sd_model_checkpoint").GetString(),
                Is.EqualTo("edges.safetensors"),
                name
            );
        }

        JsonElement answer = await PostAsync(client, Text2Img, """{"prompt":"a","steps":2,"width":64,"height":64}""");

        Assert.That((await NewestAsync<Text2ImgRequest>(user)).Model, Is.EqualTo("edges"));
        Assert.That(Info(answer).GetProperty("sd_model_name").GetString(), Is.EqualTo("edges"));
        Assert.That(answer.GetProperty("images")[0].GetString(), Does.StartWith("UklGR"), "WebP");
        Assert.That(Info(answer).GetProperty("infotexts")[0].GetString(), Does.Contain("Steps: 2, Sampler: Euler"), "read from the file");
        Assert.That((await GetAsync(other, Options)).GetProperty("sd_model_checkpoint").GetString(), Is.EqualTo("demo.safetensors"));
    }

    [Test]
    public async Task Override_OfACall_HoldsForItAloneUnlessItIsToStay()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        const string Body = """{"prompt":"a","steps":2,"width":64,"height":64,"override_settings":{"sd_model_checkpoint":"edges"}""";

        await PostAsync(client, Text2Img, Body + "}");
        Assert.That((await NewestAsync<Text2ImgRequest>(user)).Model, Is.EqualTo("edges"));
        Assert.That((await GetAsync(client, Options)).GetProperty("sd_model_checkpoint").GetString(), Is.EqualTo("demo.safetensors"));
        await PostAsync(client, Text2Img, Body + ""","override_settings_restore_afterwards":false}""");
        Assert.That((await GetAsync(client, Options)).GetProperty("sd_model_checkpoint").GetString(), Is.EqualTo("edges.safetensors"));
    }

    [Test]
    public async Task Options_LostByRedis_ComeBackFromTheLastJob()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        await PostAsync(client, Options, """{"sd_model_checkpoint":"edges","CLIP_stop_at_last_layers":2,"enable_pnginfo":false}""");
        await PostAsync(client, Text2Img, """{"prompt":"a","steps":2,"width":64,"height":64}""");

        RedisConnection redis = Api.Get<RedisConnection>();
        IDatabase database = await redis.DatabaseAsync(FaceStack.Limit());
        string prefix = Api.Get<IOptions<RedisOptions>>().Value.KeyPrefix;
        Assert.That(await database.KeyDeleteAsync($"{prefix}face:a1111:options:{user.Account:N}"), Is.True);
        JsonElement options = await GetAsync(client, Options);

        Assert.That(options.GetProperty("sd_model_checkpoint").GetString(), Is.EqualTo("edges.safetensors"));
        Assert.That(
            (options.GetProperty("CLIP_stop_at_last_layers").GetInt32(), options.GetProperty("enable_pnginfo").GetBoolean()),
            Is.EqualTo((2, false))
        );
        Assert.That(options.GetProperty("sd_vae").GetString(), Is.EqualTo("Automatic"), "as it was never set");
    }

    [Test]
    public async Task ControlNet_OfAUnit_GuidesThePicture()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        Assert.That(
            (await GetAsync(client, "/controlnet/model_list")).GetProperty("model_list").EnumerateArray().Select(m => m.GetString()),
            Does.Contain("Edges")
        );
        Assert.That(
            (await GetAsync(client, "/controlnet/module_list")).GetProperty("module_list").EnumerateArray().Select(m => m.GetString()),
            Does.Contain("canny").And.Contain("none")
        );
        Assert.That((await GetAsync(client, "/sdapi/v1/scripts")).GetProperty("txt2img")[0].GetString(), Is.EqualTo("controlnet"));
        string picture = Base64(TestPictures.WhiteMiddle(128, 128));

        // As Python's webuiapi sends a unit
        JsonElement answer = await PostAsync(
            client,
            Text2Img,
            $$$"""
            {"prompt":"a house","steps":3,"width":128,"height":128,"override_settings":{"sd_model_checkpoint":"edges"},
             "alwayson_scripts":{"ControlNet":{"args":[
               {"image":"{{{picture}}}","mask":null,"module":"canny","model":"control_v11p_sd15_canny [d14c016b]","weight":"0.8",
                "resize_mode":"Resize and Fill","low_vram":false,"processor_res":512,"threshold_a":64,"threshold_b":64,
                "guidance_start":0.0,"guidance_end":0.9,"control_mode":"ControlNet is more important","pixel_perfect":false,
                "hr_option":"Both","enabled":true},
               {"enabled":false,"image":"","module":"none","model":"None"}]}} }
            """
        );

        ControlNetRequest request = await NewestAsync<ControlNetRequest>(user);
        ControlUse control = request.Control.Single();
        Assert.That(
            (control.Type, control.Preprocessor, control.Scale, control.ResizeMode, control.Start, control.End),
            Is.EqualTo(("canny", "canny", 0.8, "fit", 0.0, 0.9))
        );
        Assert.That((request.GuessMode, request.Model), Is.EqualTo((true, "edges")));
        Assert.That(answer.GetProperty("images").GetArrayLength(), Is.EqualTo(1));
        Assert.That(Warnings(answer), Is.Empty);
    }

    [TestCase("""{"module":"depth_midas","image":"aGk="}""", "module")]
    [TestCase("""{"module":"canny","model":"control_v11f1p_sd15_depth","image":"aGk="}""", "model")]
    [TestCase("""{"module":"canny","resize_mode":"Sideways","image":"aGk="}""", "resize_mode")]
    [TestCase("""{"module":"canny","weight":"much","image":"aGk="}""", "weight")]
    [TestCase("""{"module":"canny","weight":99,"image":"aGk="}""", "weight")]
    [TestCase("""{"module":"canny","model":"Edges"}""", "image")]
    public async Task ControlNet_WrongUnit_IsNamedByItsPlace(string unit, string field)
    {
        JsonElement answer = await PostAsync(
            Text2Img,
            $$$"""
            {"prompt":"a","override_settings":{"sd_model_checkpoint":"edges"},"alwayson_scripts":{"controlnet":{"args":[ {{{unit}}} ]}} }
            """,
            422
        );

        Assert.That(
            answer.GetProperty("detail").EnumerateArray().Select(e => e.GetProperty("loc").GetRawText()),
            Does.Contain($$"""["body","alwayson_scripts","ControlNet","args",0,"{{field}}"]""")
        );
    }

    [Test]
    public async Task Img2Img_OfAModelThatEdits_FollowsTheInstruction()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);

        await PostAsync(
            client,
            Img2Img,
            JsonSerializer.Serialize(
                new
                {
                    prompt = "make it winter",
                    init_images = new[] { "data:image/png;base64," + Base64(TestPictures.Gradient(64, 64)) },
                    width = 64,
                    height = 64,
                    steps = 2,
                    image_cfg_scale = 1.25,
                    override_settings = new { sd_model_checkpoint = "edits" },
                }
            )
        );

        Assert.That((await NewestAsync<EditRequest>(user)).ImageGuidanceScale, Is.EqualTo(1.25));
    }

    [Test]
    public async Task Port_OfItsOwn_HasTheFaceAtItsRootAndNothingElse()
    {
        int port = Ports.Free();
        FaceStack stack = await StackAsync();
        await using FaceApi api = stack.StartApi(0, ("Faces:A1111:Port", port.ToString(CultureInfo.InvariantCulture)));
        using HttpClient client = ClientOf(User);
        client.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        using HttpClient main = ClientOf(api, User);

        JsonElement options = await GetAsync(client, Options);
        using HttpResponseMessage native = await client.GetAsync("/v1/models", FaceStack.Limit());
        using HttpResponseMessage openAi = await client.PostAsync("/v1/images/generations", null, FaceStack.Limit());

        Assert.That(options.GetProperty("sd_model_checkpoint").GetString(), Is.EqualTo("demo.safetensors"));
        Assert.That(
            (native.StatusCode, openAi.StatusCode),
            Is.EqualTo((HttpStatusCode.NotFound, HttpStatusCode.NotFound)),
            "the other interfaces are at the main address"
        );
        Assert.That(await native.Content.ReadAsStringAsync(), Is.EqualTo("""{"detail":"Not Found"}"""));
        Assert.That((await GetAsync(main, Options)).ValueKind, Is.EqualTo(JsonValueKind.Object), "and so is this face");
    }

    [Test]
    public async Task Host_OfItsOwn_HasTheFaceAtItsRoot()
    {
        FaceStack stack = await StackAsync();
        await using FaceApi api = stack.StartApi(0, ("Faces:A1111:Hosts:0", "webui.example"));
        using HttpClient client = ClientOf(api, User);
        client.DefaultRequestHeaders.Host = "webui.example";

        using HttpResponseMessage native = await client.GetAsync("/v1/models", FaceStack.Limit());

        Assert.That((await GetAsync(client, "/sdapi/v1/samplers")).GetArrayLength(), Is.Positive);
        Assert.That(native.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }
}
