using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Generation.Faces.Tests.A1111;

/// <summary>Keys in every form, and errors as the web UI's clients know them.</summary>
public sealed class A1111ErrorTests : A1111Tests
{
    [Test]
    public async Task Key_InEveryForm_IsTaken()
    {
        AuthenticationHeaderValue[] forms =
        [
            Basic("", User.Key),
            Basic("anybody", User.Key),
            Basic(User.Key, ""),
            Basic(User.Key, "x"),
            new("Bearer", User.Key),
        ];
        foreach (AuthenticationHeaderValue form in forms)
        {
            using HttpClient client = Api.Client();
            client.DefaultRequestHeaders.Authorization = form;
            Assert.That((await GetAsync(client, Options)).TryGetProperty("sd_model_checkpoint", out _), Is.True, form.ToString());
            Assert.That((await GetAsync(client, "/faces/a1111" + Options)).ValueKind, Is.EqualTo(JsonValueKind.Object));
        }
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("Basic dW5kZWZpbmVk")]
    [TestCase("Basic Og==")]
    [TestCase("Basic ====")]
    [TestCase("Basic dXNlcjpwYXNz")]
    [TestCase("Bearer nothing")]
    public async Task Key_None_IsRefusedBeforeAnythingIsRead(string? authorization)
    {
        using HttpClient client = Api.Client();
        if (authorization is not null)
        {
            client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        }

        FaceAnswer answer = await client.SendAsync(Text2Img, "not even JSON");

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(answer.Json.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "error", "detail", "body", "errors" }));
        Assert.That(answer.Text("detail"), Is.EqualTo("Incorrect username or password"));
        Assert.That(answer.Message.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Basic"));
        Assert.That((await GetAsync(client, "/internal/ping")).GetRawText(), Is.EqualTo("{}"), "needs none");
    }

    [TestCase(Text2Img, """{"steps":2}""", "prompt")]
    [TestCase(Text2Img, """{"prompt":"a","steps":"many"}""", "steps")]
    [TestCase(Text2Img, """{"prompt":"a","steps":2.5}""", "steps")]
    [TestCase(Text2Img, """{"prompt":"a","steps":100000}""", "steps")]
    [TestCase(Text2Img, """{"prompt":"a","width":100000}""", "width")]
    [TestCase(Text2Img, """{"prompt":"a","height":-1}""", "height")]
    [TestCase(Text2Img, """{"prompt":"a","cfg_scale":900}""", "cfg_scale")]
    [TestCase(Text2Img, """{"prompt":"a","seed":-7}""", "seed")]
    [TestCase(Text2Img, """{"prompt":"a","batch_size":0}""", "batch_size")]
    [TestCase(Text2Img, """{"prompt":"a","batch_size":8,"n_iter":1000000}""", "batch_size")]
    [TestCase(Text2Img, """{"prompt":"a","enable_hr":true,"hr_upscaler":"no such"}""", "hr_upscaler")]
    [TestCase(Text2Img, """{"prompt":"a","enable_hr":true,"hr_scale":900}""", "hr_scale")]
    [TestCase(Text2Img, """{"prompt":"a","refiner_checkpoint":"no such"}""", "refiner_checkpoint")]
    [TestCase(
        Text2Img,
        """{"prompt":"a","override_settings":{"sd_model_checkpoint":"no such"}}""",
        "override_settings",
        "sd_model_checkpoint"
    )]
    [TestCase(Text2Img, """{"prompt":"a","override_settings":{"sd_vae":"no such"}}""", "sd_vae")]
    [TestCase(Text2Img, """{"prompt":"a","override_settings":[1]}""", "override_settings")]
    [TestCase(Text2Img, """{"prompt":"a <lora:nothing:1>"}""", "prompt")]
    [TestCase(Options, """{"sd_model_checkpoint":"no such"}""", "sd_model_checkpoint")]
    [TestCase(Options, """{"no_such_option":1}""", "no_such_option")]
    [TestCase(Options, """{"enable_pnginfo":"perhaps"}""", "enable_pnginfo")]
    [TestCase("/sdapi/v1/png-info", "{}", "image")]
    [TestCase("/sdapi/v1/png-info", """{"image":"aGVsbG8="}""", "image")]
    [TestCase("/sdapi/v1/extra-single-image", """{"upscaler_1":"demo-upscaler"}""", "image")]
    [TestCase("/sdapi/v1/extra-single-image", """{"image":"aGVsbG8=","upscaler_1":"no such"}""", "upscaler_1")]
    [TestCase("/sdapi/v1/extra-single-image", """{"image":"aGVsbG8=","gfpgan_visibility":7}""", "gfpgan_visibility")]
    [TestCase("/sdapi/v1/extra-batch-images", """{"imageList":[]}""", "imageList")]
    [TestCase("/sdapi/v1/extra-batch-images", """{"imageList":[{"name":"a"}]}""", "imageList")]
    [TestCase("/internal/progress", "{}", "id_task")]
    [TestCase(Img2Img, """{"prompt":"a","init_images":["aGVsbG8="]}""", "init_images")]
    [TestCase(Img2Img, """{"prompt":"a","init_images":["aGVsbG8="],"denoising_strength":7}""", "denoising_strength")]
    [TestCase(Img2Img, """{"prompt":"a","init_images":["aGVsbG8="],"resize_mode":9}""", "resize_mode")]
    public async Task Field_AtFault_IsNamedInFastApisList(string path, string body, params string[] field)
    {
        JsonElement answer = await PostAsync(path, body, 422);

        JsonElement[] errors = [.. answer.GetProperty("detail").EnumerateArray()];
        Assert.That(errors.Select(e => string.Join(',', e.EnumerateObject().Select(p => p.Name))), Is.All.EqualTo("type,loc,msg"));
        Assert.That(
            errors.Select(e =>
                string.Join('.', e.GetProperty("loc").EnumerateArray().Skip(1).Take(field.Length).Select(l => l.ToString()))
            ),
            Does.Contain(string.Join('.', field))
        );
        Assert.That(errors[0].GetProperty("loc")[0].GetString(), Is.EqualTo("body"));
    }

    [TestCase("{", 422)]
    [TestCase("[]", 422)]
    [TestCase("nonsense", 422)]
    public async Task Body_NotReadable_IsRefusedAsFastApiDoes(string body, int status)
    {
        JsonElement answer = await PostAsync(Text2Img, body, status);

        JsonElement error = answer.GetProperty("detail")[0];
        Assert.That(error.GetProperty("loc").GetRawText(), Is.EqualTo("""["body"]"""));
        Assert.That(error.GetProperty("type").GetString(), Is.EqualTo("json_invalid"));
    }

    [TestCase(Text2Img, """{"prompt":"a","sampler_name":"Quantum"}""", 404, "Sampler not found")]
    [TestCase(Text2Img, """{"prompt":"a","script_name":"X/Y/Z plot"}""", 422, "Script 'X/Y/Z plot' not found")]
    [TestCase(
        Text2Img,
        """{"prompt":"a","alwayson_scripts":{"ADetailer":{"args":[true,{"ad_model":"face_yolov8n.pt"}]}}}""",
        422,
        "always on script ADetailer not found"
    )]
    [TestCase(Img2Img, """{"prompt":"a"}""", 404, "Init image not found")]
    [TestCase(Img2Img, """{"prompt":"a","init_images":[]}""", 404, "Init image not found")]
    [TestCase("/sdapi/v1/interrogate", """{"image":"","model":"clip"}""", 404, "Model not found")]
    public async Task Fault_OfNoField_HasTheWebUisShape(string path, string body, int status, string detail)
    {
        JsonElement answer = await PostAsync(path, body, status);

        Assert.That(answer.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "error", "detail", "body", "errors" }));
        Assert.That(
            (answer.GetProperty("error").GetString(), answer.GetProperty("detail").GetString()),
            Is.EqualTo(("HTTPException", detail))
        );
    }

    [TestCase("/sdapi/v1/nothing")]
    [TestCase("/controlnet/detect")]
    [TestCase("/internal/nothing")]
    public async Task Path_Unknown_IsNotFound(string path) =>
        Assert.That((await PostAsync(path, "{}", 404)).GetRawText(), Is.EqualTo("""{"detail":"Not Found"}"""));

    [Test]
    public async Task Money_NotThere_IsToldInTheWebUisShape()
    {
        using HttpClient poor = ClientOf(await Api.NewUserAsync(0));

        JsonElement answer = await PostAsync(poor, Text2Img, """{"prompt":"a","steps":2,"width":64,"height":64}""", 402);

        Assert.That(answer.GetProperty("error").GetString(), Is.EqualTo("HTTPException"));
        Assert.That(answer.GetProperty("errors").GetString(), Does.StartWith("402: "));
    }
}
