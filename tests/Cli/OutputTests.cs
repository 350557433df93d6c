using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Cli.Output;
using Generation.Cli.Testing;
using Generation.Client;

namespace Generation.Cli.Tests;

[TestFixture]
public sealed class OutputTests
{
    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("generation-output-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("a red apple on a blue background", "a-red-apple-on-a-blue-background-7.png")]
    [TestCase("../../etc/passwd", "etc-passwd-7.png")]
    [TestCase("  Äpfel & 'more'!  ", "pfel-more-7.png")]
    [TestCase("苹果", "picture-7.png")]
    public void DefaultPath_AnyPrompt_IsPlainNameInPictures(string prompt, string name) =>
        Assert.That(PictureFile.DefaultPath(prompt, Output()), Is.EqualTo(Path.Combine("pictures", name)));

    [Test]
    public void DefaultPath_LongPrompt_IsCut() =>
        Assert.That(PictureFile.DefaultPath(new string('x', 5000), Output()), Has.Length.LessThan(100));

    [Test, CancelAfter(240_000)]
    public async Task Save_NameTaken_TakesNextAndKeepsOld(CancellationToken token)
    {
        string asked = Path.Combine(_folder, "new", "a.png");
        string first = await PictureFile.SaveAsync(asked, [1], token);
        string second = await PictureFile.SaveAsync(asked, [2], token);
        string third = await PictureFile.SaveAsync(asked, [3], token);

        Assert.That(new[] { first, second, third }.Select(Path.GetFileName), Is.EqualTo(["a.png", "a-2.png", "a-3.png"]));
        Assert.That(await File.ReadAllBytesAsync(first, token), Is.EqualTo(new byte[] { 1 }));
        Assert.That(await File.ReadAllBytesAsync(third, token), Is.EqualTo(new byte[] { 3 }));
    }

    [Test, CancelAfter(240_000)]
    public async Task CurlLine_HostilePrompt_ReachesTheShellAsOneArgument(CancellationToken token)
    {
        const string prompt = "it's \"a\" $(touch hacked) `x` \\ apple; \n #";
        string line = CurlLine.For("text2img", new JsonObject { ["prompt"] = prompt }, seed: 3);
        // A curl that prints its arguments instead of sending them
        string script = "curl() { printf '%s\\0' \"$@\" >&2; echo '{\"id\":\"ID\"}'; }; GENERATION_URL=URL GENERATION_KEY=KEY; " + line;
        var info = new ProcessStartInfo("bash", ["-c", script])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        using Process bash = Process.Start(info)!;
        string[] arguments = (await bash.StandardError.ReadToEndAsync(token)).Split('\0');
        await bash.WaitForExitAsync(token);

        string body = arguments[Array.IndexOf(arguments, "-d") + 1];
        Assert.That((string?)JsonNode.Parse(body)!["prompt"], Is.EqualTo(prompt));
        Assert.That((long?)JsonNode.Parse(body)!["seed"], Is.EqualTo(3));
        Assert.That(arguments, Does.Contain("URL/v1/jobs/ID/outputs/0"));
        Assert.That(File.Exists(Path.Combine(_folder, "hacked")), Is.False);
    }

    [Test]
    public void Counts_NoneSkipped_SaysTwoNumbersOnly()
    {
        TestResult passed = new("a", TestOutcome.Passed, null);
        Assert.That(TestSummary.Counts([passed, passed]), Is.EqualTo("2 passed, 0 failed"));
        Assert.That(TestSummary.Counts([passed, new("b", TestOutcome.Skipped, "why")]), Is.EqualTo("1 passed, 0 failed, 1 skipped"));
    }

    private static JobOutput Output() =>
        new()
        {
            Index = 0,
            Url = "/",
            ContentType = "image/png",
            Width = 64,
            Height = 64,
            Seed = 7,
            Bytes = 1,
            Sha256 = "",
        };
}
