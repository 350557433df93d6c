using System.Text.Json;

namespace Generation.Contracts.Tests;

public sealed class JobRequestTests
{
    [Test]
    public void Serialize_RoundTrip_KeepsKindAndFieldsInAnyOrder()
    {
        JobRequest request = new Text2ImgRequest
        {
            Model = "demo",
            Prompt = "a \"red\" apple",
            Width = 256,
            Height = 256,
            NumInferenceSteps = 25,
            GuidanceScale = 4,
            Scheduler = "ddim",
            Seed = 0,
            NumImages = 1,
        };

        string json = JsonSerializer.Serialize(request, WireJson.Options);
        JsonElement element = JsonSerializer.Deserialize<JsonElement>(json);
        // As jsonb gives it back: keys by length
        string reordered =
            "{"
            + string.Join(',', element.EnumerateObject().OrderBy(p => p.Name.Length).Select(p => $"\"{p.Name}\":{p.Value.GetRawText()}"))
            + "}";

        Assert.That(element.GetProperty("num_inference_steps").GetInt32(), Is.EqualTo(25));
        Assert.That(JsonSerializer.Deserialize<JobRequest>(reordered, WireJson.Options), Is.EqualTo(request));
    }

    [Test]
    public void CanBecome_EveryPair_MatchesTheDiagram()
    {
        var allowed = new HashSet<(JobState, JobState)>
        {
            (JobState.Queued, JobState.Running),
            (JobState.Queued, JobState.Cancelled),
            (JobState.Queued, JobState.Expired),
            (JobState.Running, JobState.Succeeded),
            (JobState.Running, JobState.Failed),
            (JobState.Running, JobState.Cancelled),
            (JobState.Running, JobState.Queued),
        };

        foreach (JobState from in Enum.GetValues<JobState>())
        {
            foreach (JobState to in Enum.GetValues<JobState>())
            {
                Assert.That(from.CanBecome(to), Is.EqualTo(allowed.Contains((from, to))), $"{from} -> {to}");
            }
        }
    }

    [Test]
    public void KindsOf_EveryShapeOfRequest_AreAllKindsOnce()
    {
        IReadOnlyList<JobKind> pictures = JobKinds.Of<PictureRequest>();

        Assert.That(
            pictures.Concat(JobKinds.Of<VideoRequest>()).Concat(JobKinds.Of<SuperResolutionRequest>()),
            Is.EquivalentTo(Enum.GetValues<JobKind>())
        );
        Assert.That(pictures, Does.Contain(JobKind.Outpaint).And.Not.Contain(JobKind.Video));
        Assert.That(JobKinds.Of<Img2ImgRequest>(), Is.EqualTo([JobKind.Img2Img]));
    }

    [Test]
    public void StoredNumbers_OfStatesAndKinds_NeverChange()
    {
        Assert.That(
            Enum.GetValues<JobState>().Select(s => $"{(int)s}{s}"),
            Is.EqualTo(new[] { "0Queued", "1Running", "2Succeeded", "3Failed", "4Cancelled", "5Expired" })
        );
        Assert.That(
            Enum.GetValues<JobKind>().Select(s => $"{(int)s}{s}"),
            Is.EqualTo(new[] { "0Text2Img", "1Img2Img", "2Inpaint", "3Outpaint", "4SuperResolution", "5Edit", "6ControlNet", "7Video" })
        );
    }
}
