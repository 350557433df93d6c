using System.Text.Json;
using Generation.TestSupport;

namespace Generation.Faces.Tests.Clients;

/// <summary>fal's library for JavaScript against a real stack.</summary>
public sealed class FalNodeTests
{
    private string _folder = null!;
    private JsonElement _seen;

    [OneTimeSetUp]
    public async Task Run()
    {
        FaceApi api = (await FaceStack.GetAsync()).Api;
        _folder = Directory.CreateTempSubdirectory("face-clients-").FullName;
        string image = Path.Combine(_folder, "image.png");
        await File.WriteAllBytesAsync(image, TestPictures.Gradient(64, 64));
        // The polled job, which alone has so many steps done, stands still until the script has seen its progress
        using JobHold hold = FaceStack.Holds.AtStep(29);
        _seen = await NodeClient.RunAsync(
            "fal.mjs",
            ("HOLD", string.Join(':', hold.Files)),
            ("FAL_URL", new Uri(api.Address, "/fal").ToString()),
            ("FAL_TEST_KEY", (await api.NewUserAsync()).Key),
            ("IMAGE", image)
        );
    }

    [OneTimeTearDown]
    public void Clear() => Directory.Delete(_folder, recursive: true);

    [TestCase("polled", """{"images":2,"type":"image/jpeg","hasId":true}""")]
    [TestCase("streamed", """{"images":1,"type":"image/jpeg","hasId":true}""")]
    [TestCase("run", """{"images":1,"type":"image/jpeg","hasId":true}""")]
    [TestCase("enlarged", "128")]
    [TestCase("uploaded", "true")]
    [TestCase("logs", "true")]
    [TestCase("cancelled", """{"name":"ApiError","status":499,"fields":[],"hasId":true}""")]
    [TestCase("invalid", """{"name":"ValidationError","status":422,"fields":["body.prompt","body.num_images"],"hasId":true}""")]
    [TestCase("unknown", """{"name":"ApiError","status":404,"fields":[],"hasId":true}""")]
    [TestCase("stranger", """{"name":"ApiError","status":401,"fields":[],"hasId":true}""")]
    public void Calls_AreUnderstood(string name, string expected) =>
        Assert.That(_seen.GetProperty(name).GetRawText(), Is.EqualTo(expected));

    [Test]
    public void Subscribe_ShowsItsProgress() =>
        Assert.That(
            _seen.GetProperty("states").EnumerateArray().Select(s => s.GetString()),
            Is.SupersetOf(new[] { "IN_PROGRESS", "COMPLETED" })
        );
}
