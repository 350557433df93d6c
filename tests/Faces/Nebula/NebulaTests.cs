using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Api.Inputs;
using Generation.Contracts;

namespace Generation.Faces.Tests.Nebula;

public sealed class NebulaTests : FaceTests
{
    private const string Path = "/api/v1/images/generation";

    // As the documents' samples send it, and as they sent it before the field was renamed
    [TestCase(
        "POST",
        """
            {"model":"stabilityai/stable-diffusion-xl-base-1.0","prompt":"a red apple","negative_prompt":null,"width":256,"height":256,
            "num_steps":5,"guidance_scale":9}
            """
    )]
    [TestCase(
        "GET",
        """
            {"model_name":"stabilityai/stable-diffusion-xl-base-1.0","prompt":"a red apple","negative_prompt":"","width":"256","height":"256",
            "num_steps":"5","guidance_scale":"9","seed":-1}
            """
    )]
    public async Task Generation_Sdxl_AnswersAsDocumented(string method, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage answer = await Client.SendAsync(request, FaceStack.Limit());

        JsonElement json = await JsonAsync(answer, 200);
        Assert.That(json.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "model", "object", "data", "message", "status" }));
        Assert.That(
            (
                json.GetProperty("model").GetString(),
                json.GetProperty("object").GetString(),
                json.GetProperty("message").GetString(),
                json.GetProperty("status").GetString()
            ),
            Is.EqualTo(("stabilityai/stable-diffusion-xl-base-1.0", "list", "Image generated successfully", "success"))
        );
        JsonElement item = json.GetProperty("data").EnumerateArray().Single();
        Assert.That(item.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "timings", "index", "b64_json" }));
        Assert.That(item.GetProperty("timings").GetProperty("inference").GetDouble(), Is.Positive);
        Assert.That(item.GetProperty("index").GetInt32(), Is.Zero);
        Assert.That(
            PictureHeader.Read(item.GetProperty("b64_json").GetBytesFromBase64()),
            Is.EqualTo(new PictureHeader("image/png", 256, 256))
        );
        var native = (Text2ImgRequest)
            (await Api.JobsAsync(User)).Single(j => j.Id.ToString() == answer.Headers.GetValues("x-job-id").Single()).Request!;
        Assert.That((native.NumInferenceSteps, native.GuidanceScale, native.NegativePrompt, native.Model), Is.EqualTo((5, 9d, "", "demo")));
    }

    [Test]
    public async Task Generation_FluxSchnell_TakesASeed()
    {
        var body = new
        {
            model = "black-forest-labs/FLUX.1-schnell",
            prompt = "a red apple",
            width = 64,
            height = 64,
            num_steps = 4,
            guidance_scale = 4.5,
            seed = 11,
        };
        using HttpResponseMessage one = await Client.PostAsJsonAsync(Path, body, FaceStack.Limit());
        using HttpResponseMessage other = await Client.PostAsJsonAsync(Path, body, FaceStack.Limit());

        Assert.That(Picture(await JsonAsync(one, 200)), Is.EqualTo(Picture(await JsonAsync(other, 200))));
    }

    [TestCase("input_image", "mask_image")]
    [TestCase("image", "mask")]
    public async Task Generation_FluxFill_PaintsWhatIsWhite(string image, string mask)
    {
        byte[] picture = TestPictures.Gradient();
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            Path,
            new Dictionary<string, object>
            {
                ["model"] = "black-forest-labs/FLUX.1-Fill-dev",
                ["prompt"] = "a green pear",
                ["width"] = 256,
                ["height"] = 256,
                ["num_steps"] = 8,
                ["guidance_scale"] = 4.5,
                [image] = Convert.ToBase64String(picture),
                [mask] = Convert.ToBase64String(TestPictures.WhiteMiddle()),
            },
            FaceStack.Limit()
        );

        (int inside, int outside) = TestPictures.Differences(picture, Picture(await JsonAsync(answer, 200)));
        Assert.That(outside, Is.Zero);
        Assert.That(inside, Is.GreaterThan(128 * 128 / 2));
    }

    [Test]
    public async Task Generation_PictureAlone_IsChangedAndResizedToSixteens()
    {
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(
            Path,
            new
            {
                prompt = "a green pear",
                width = 250,
                height = 170,
                num_steps = 8,
                input_image = Convert.ToBase64String(TestPictures.Gradient(250, 170)),
            },
            FaceStack.Limit()
        );

        Assert.That(PictureHeader.Read(Picture(await JsonAsync(answer, 200))), Is.EqualTo(new PictureHeader("image/png", 240, 160)));
    }

    [TestCase("""{"width":256}""", 400, "invalid_prompt", "prompt")]
    [TestCase("""{"prompt":"a","width":99999}""", 400, "invalid_size", "width")]
    [TestCase("""{"prompt":"a","num_steps":99999}""", 400, "invalid_request", "num_steps")]
    [TestCase("""{"prompt":"a","model":"nobody/nothing"}""", 400, "invalid_request", "model")]
    [TestCase("""{"prompt":"a","mask_image":"aGVsbG8="}""", 400, "invalid_request", "input_image")]
    [TestCase("""{"prompt":"a","input_image":"aGVsbG8="}""", 400, "invalid_request", "input_image")]
    public async Task Generation_BadInput_HasTheErrorObject(string body, int status, string code, string field)
    {
        using HttpResponseMessage answer = await Client.PostAsync(
            Path,
            new StringContent(body, Encoding.UTF8, "application/json"),
            FaceStack.Limit()
        );

        JsonElement json = await JsonAsync(answer, status);
        JsonElement error = json.GetProperty("error");
        Assert.That((json.GetProperty("status").GetString(), error.GetProperty("code").GetString()), Is.EqualTo(("error", code)));
        Assert.That(error.GetProperty("message").GetString(), Does.StartWith(field + ":"));
        Assert.That(error.GetProperty("details").TryGetProperty(field, out _), Is.True);
    }

    [Test]
    public async Task Generation_WithoutAKeyOrMoney_HasTheErrorObject()
    {
        using HttpClient stranger = Api.Client();
        using HttpResponseMessage missing = await stranger.PostAsJsonAsync(Path, new { prompt = "a" }, FaceStack.Limit());
        using HttpClient poor = Api.Client(await Api.NewUserAsync(0.0001m));
        using HttpResponseMessage unpaid = await poor.PostAsJsonAsync(Path, new { prompt = "a" }, FaceStack.Limit());

        Assert.That((await JsonAsync(missing, 401)).GetProperty("status").GetString(), Is.EqualTo("error"));
        Assert.That((await JsonAsync(unpaid, 402)).GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("insufficient_quota"));
    }

    private static byte[] Picture(JsonElement json) => json.GetProperty("data")[0].GetProperty("b64_json").GetBytesFromBase64();
}
