using System.Text.Json;
using Generation.TestSupport;

namespace Generation.Faces.Tests.Clients;

/// <summary>OpenAI's library for JavaScript against a real stack.</summary>
public sealed class OpenAiNodeTests
{
    private string _folder = null!;
    private JsonElement _seen;

    [OneTimeSetUp]
    public async Task Run()
    {
        FaceApi api = (await FaceStack.GetAsync()).Api;
        _folder = Directory.CreateTempSubdirectory("face-clients-").FullName;
        string image = Path.Combine(_folder, "image.png");
        string mask = Path.Combine(_folder, "mask.png");
        await File.WriteAllBytesAsync(image, TestPictures.Gradient());
        await File.WriteAllBytesAsync(mask, TestPictures.Hole());
        // The streamed job, which alone has so many steps, is in the middle until the script has seen a partial image
        using JobHold early = FaceStack.Holds.AtStep(29);
        using JobHold hold = FaceStack.Holds.AtStep(30);
        Task shown = FaceStack.ReleaseBeforeAPreviewAsync(early);
        _seen = await NodeClient.RunAsync(
            "openai.mjs",
            ("HOLD", string.Join(':', hold.Files)),
            ("OPENAI_BASE_URL", new Uri(api.Address, "/v1").ToString()),
            ("OPENAI_API_KEY", (await api.NewUserAsync()).Key),
            ("IMAGE", image),
            ("MASK", mask)
        );
        await shown;
    }

    [OneTimeTearDown]
    public void Clear() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Models_List_HasTheCatalogue() =>
        Assert.That(_seen.GetProperty("models").EnumerateArray().Select(m => m.GetString()), Does.Contain("demo"));

    [Test]
    public void Generate_Url_IsFetched()
    {
        Assert.That(_seen.GetProperty("url").GetProperty("format").GetString(), Is.EqualTo("png"));
        Assert.That(_seen.GetProperty("revised_prompt").GetString(), Is.EqualTo("a red apple"));
        Assert.That(_seen.GetProperty("created").GetInt64(), Is.Positive);
    }

    [Test]
    public void Generate_GptImage_HasBase64AndEchoes()
    {
        Assert.That(
            _seen.GetProperty("base64").EnumerateArray().Select(p => p.GetProperty("format").GetString()),
            Is.EqualTo(new[] { "jpeg", "jpeg" })
        );
        Assert.That(
            _seen.GetProperty("echo").GetRawText(),
            Is.EqualTo("""{"size":"256x256","quality":"low","output_format":"jpeg","background":"opaque","tokens":0}""")
        );
    }

    [Test]
    public void Generate_Stream_EndsWithThePicture()
    {
        JsonElement[] events = [.. _seen.GetProperty("events").EnumerateArray()];
        Assert.That(events.Length - 1, Is.InRange(1, 2));
        Assert.That(events.SkipLast(1).Select(e => e.GetProperty("type").GetString()), Is.All.EqualTo("image_generation.partial_image"));
        Assert.That(events[^1].GetProperty("type").GetString(), Is.EqualTo("image_generation.completed"));
        Assert.That(events.Select(e => e.GetProperty("bytes").GetInt32()), Is.All.Positive);
    }

    [Test]
    public void Edit_WithAMask_PaintsWhatIsTransparent()
    {
        (int inside, int outside) = TestPictures.Differences(TestPictures.Gradient(), _seen.GetProperty("edited").GetBytesFromBase64());
        Assert.That(outside, Is.Zero, "what is opaque in the mask stays as it was");
        Assert.That(inside, Is.GreaterThan(128 * 128 / 2));
    }

    [Test]
    public void EditWithoutAMaskAndVariation_GivePictures()
    {
        Assert.That(_seen.GetProperty("whole").GetProperty("format").GetString(), Is.EqualTo("png"));
        Assert.That(_seen.GetProperty("varied").GetProperty("format").GetString(), Is.EqualTo("png"));
    }

    [TestCase("invalid", "BadRequestError", 400, "invalid_value", "n")]
    [TestCase("unknown", "NotFoundError", 404, "model_not_found", "model")]
    [TestCase("stranger", "AuthenticationError", 401, "invalid_api_key", null)]
    public void Errors_AreTheLibrarysOwn(string name, string type, int status, string code, string? param)
    {
        JsonElement error = _seen.GetProperty(name);
        Assert.That(
            (
                error.GetProperty("name").GetString(),
                error.GetProperty("status").GetInt32(),
                error.GetProperty("code").GetString(),
                error.GetProperty("param").GetString()
            ),
            Is.EqualTo((type, status, code, param))
        );
        Assert.That(error.GetProperty("id").GetString(), Is.Not.Null.And.Not.Empty, "x-request-id");
    }
}
