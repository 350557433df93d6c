using System.Text.Json;
using Generation.TestSupport;

namespace Generation.Faces.Tests.Clients;

/// <summary>Replicate's library for JavaScript against a real stack.</summary>
public sealed class ReplicateNodeTests
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
            "replicate.mjs",
            ("HOLD", string.Join(':', hold.Files)),
            ("REPLICATE_URL", new Uri(api.Address, "/replicate/v1").ToString()),
            ("REPLICATE_KEY", (await api.NewUserAsync()).Key),
            ("IMAGE", image)
        );
    }

    [OneTimeTearDown]
    public void Clear() => Directory.Delete(_folder, recursive: true);

    [TestCase("run", """["png","png"]""")]
    [TestCase("versioned", "\"png\"")]
    [TestCase("drawn", "\"png\"")]
    public void Run_Outputs_AreFiles(string name, string expected) =>
        Assert.That(_seen.GetProperty(name).GetRawText(), Is.EqualTo(expected));

    [Test]
    public void Run_Polled_ShowsItsProgress()
    {
        string?[] states = [.. _seen.GetProperty("states").EnumerateArray().Select(s => s.GetString())];
        Assert.That(states, Is.SupersetOf(new[] { "processing", "succeeded" }));
        Assert.That(_seen.GetProperty("progress").EnumerateArray().Select(p => p.GetInt32()), Is.Not.Empty.And.All.EqualTo(30));
    }

    [Test]
    public void Stream_EndsWithOutputAndDone()
    {
        string?[] events = [.. _seen.GetProperty("events").EnumerateArray().Select(e => e.GetString())];
        Assert.That(events[0], Is.EqualTo("logs"));
        Assert.That(events[^2..], Is.EqualTo(new[] { "output", "done" }));
    }

    [TestCase("cancelled", "\"canceled\"")]
    [TestCase("webhook", """{"valid":true,"status":"succeeded"}""")]
    [TestCase("file", """{"type":"image/png","purpose":"test","deleted":true}""")]
    [TestCase("files", "1")]
    [TestCase("account", "\"organization\"")]
    [TestCase("hardware", "1")]
    [TestCase("model", "64")]
    [TestCase("versions", "1")]
    [TestCase("deployed", "\"succeeded\"")]
    [TestCase("predictions", "7")]
    public void Calls_AreUnderstood(string name, string expected) =>
        Assert.That(_seen.GetProperty(name).GetRawText(), Is.EqualTo(expected));

    [Test]
    public void Lists_HaveWhatThereIs()
    {
        Assert.That(_seen.GetProperty("collections").EnumerateArray().Select(c => c.GetString()), Does.Contain("text-to-video"));
        Assert.That(_seen.GetProperty("collection").GetInt32(), Is.Positive);
        Assert.That(_seen.GetProperty("found").EnumerateArray().Select(m => m.GetString()), Does.Contain("black-forest-labs/flux-schnell"));
    }

    [TestCase("invalid", 422, "Input validation failed")]
    [TestCase("unknown", 404, "There is no model 'nobody/nothing'.")]
    [TestCase("stranger", 401, "Unauthenticated")]
    public void Errors_AreTheLibrarysOwn(string name, int status, string text)
    {
        JsonElement error = _seen.GetProperty(name);
        Assert.That(error.GetProperty("status").GetInt32(), Is.EqualTo(status));
        Assert.That(error.GetProperty("message").GetString(), Does.Contain(text));
    }
}
