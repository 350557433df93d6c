using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Imaging.Codecs;
using Generation.TestSupport;
using static Generation.EndToEnd.Tests.TestPictures;

namespace Generation.EndToEnd.Tests;

/// <summary>What the documentation shows works as it stands there.</summary>
[TestFixture]
public sealed class DocumentationTests
{
    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await SharedStack.GetAsync();

    [Test, CancelAfter(240_000)]
    public async Task Models_Listed_TellWhatEachTakes(CancellationToken token)
    {
        JsonArray models = (await _stack.Api.GetAsync("/v1/models", token))!["data"]!.AsArray();
        JsonNode tiny = models.Single(m => (string)m!["name"]! == "tiny")!;

        Assert.That(tiny["kinds"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "text2img", "img2img", "inpaint", "controlnet" }));
        Assert.That(tiny["control_types"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "canny" }));
        Assert.That(tiny["loras"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "ink", "pen" }));
        Assert.That(tiny["embeddings"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "vecone", "vectwo" }));
        Assert.That(tiny["vaes"]!.AsArray().Select(k => (string)k!), Is.EqualTo(new[] { "same", "other" }));
    }

    [Test, CancelAfter(400_000)]
    public async Task Documentation_CurlLineOfEachKind_Works(CancellationToken token)
    {
        var files = new Dictionary<string, byte[]>
        {
            ["apple.png"] = PictureCodec.Encode(Gradient(96, 96), PictureFormat.Png),
            ["mask.png"] = PictureCodec.Encode(Draw(96, 96, (x, _) => x > 48 ? (255, 255, 255) : (0, 0, 0)), PictureFormat.Png),
        };
        string text = await File.ReadAllTextAsync(Path.Combine(Clone.Current.Root, "docs", "kinds.md"), token);
        string[] lines =
        [
            .. text.Replace("\\\n", " ", StringComparison.Ordinal)
                .Split('\n')
                .Where(line => line.StartsWith("    curl", StringComparison.Ordinal)),
        ];
        var kinds = new List<JobKind>();
        foreach (string line in lines)
        {
            using HttpRequestMessage request = CurlRequest.Parse(line, _stack.Stack.Url!, files);
            using HttpResponseMessage answer = await _stack.Api.Http.SendAsync(request, token);
            string body = await answer.Content.ReadAsStringAsync(token);
            Assert.That(answer.IsSuccessStatusCode, $"{line}\n{body}");
            JobDocument job = await _stack.EndAsync(JsonSerializer.Deserialize<JobDocument>(body, WireJson.Options)!.Id, token);
            Assert.That(job.State, Is.EqualTo(JobState.Succeeded), $"{line}\n{job.Error?.Field}: {job.Error?.Detail}");
            kinds.Add(job.Kind);
        }

        Assert.That(kinds, Is.EquivalentTo(Enum.GetValues<JobKind>()), "one line for each kind");
    }
}
