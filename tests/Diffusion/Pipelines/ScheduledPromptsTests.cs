using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Tests.Goldens;
using Generation.Torch;

namespace Generation.Diffusion.Tests.Pipelines;

/// <summary>A prompt that changes between two steps draws with the one text until there, and with the other from there on.</summary>
[NonParallelizable]
public sealed class ScheduledPromptsTests
{
    private const int Steps = 6;

    private static readonly Text2ImgSettings Settings = new()
    {
        PromptSyntax = PromptSyntax.Weighted,
        Width = 64,
        Height = 64,
        NumInferenceSteps = Steps,
        Seed = 3,
    };

    [TestCase("sd15")]
    [TestCase("sdxl")]
    public void Loop_WithAChange_FollowsEachTextForItsSteps(string name)
    {
        using var model = LatentDiffusionModel.FromPretrained(GoldenCase.InRepository("tests/Goldens/models/" + name));
        long live = TensorCount.Settled();
        byte[][] cat = Latents(model, "a (cat:1.2)");
        byte[][] changed = Latents(model, "a [(cat:1.2):big dog:0.5]");
        Assert.Multiple(() =>
        {
            Assert.That(changed[..(Steps / 2)], Is.EqualTo(cat[..(Steps / 2)]), "until half");
            Assert.That(changed[^1], Is.Not.EqualTo(cat[^1]));
            Assert.That(Latents(model, "a [(cat:1.2):big dog:1.0]"), Is.EqualTo(cat), "never");
            Assert.That(Latents(model, "a [big dog:(cat:1.2):0]"), Is.EqualTo(cat), "at once");
            Assert.That(Latents(model, "a [(cat:1.2)|big dog]")[0], Is.EqualTo(cat[0]), "by turns");
            Assert.That(Latents(model, "a [(cat:1.2)|big dog]")[1], Is.Not.EqualTo(cat[1]));
            Assert.That(
                Latents(model, "a (cat:1.2)", "[red:blue:0.5]")[..(Steps / 2)],
                Is.EqualTo(Latents(model, "a (cat:1.2)", "red")[..(Steps / 2)])
            );
            Assert.That(TorchExtras.LiveTensors, Is.EqualTo(live));
        });
    }

    [Test]
    public void Loop_OfSecondOrder_ChangesBetweenStepsAndNotBetweenCalls()
    {
        using var model = LatentDiffusionModel.FromPretrained(GoldenCase.InRepository("tests/Goldens/models/sd15"));
        SchedulerConfig heun = model.Scheduler.As("HeunDiscreteScheduler");
        byte[][] cat = Latents(model, "cat", scheduler: heun);
        byte[][] changed = Latents(model, "[cat:dog:0.5]", scheduler: heun);
        int same = changed.Zip(cat).TakeWhile(pair => pair.First.AsSpan().SequenceEqual(pair.Second)).Count();
        Assert.That(same, Is.InRange(cat.Length / 2, (cat.Length / 2) + 1));
    }

    private static byte[][] Latents(LatentDiffusionModel model, string prompt, string? negative = null, SchedulerConfig? scheduler = null)
    {
        var latents = new List<byte[]>();
        new StableDiffusionPipeline(model)
            .Generate(Settings with { Prompt = prompt, NegativePrompt = negative, Scheduler = scheduler }, report =>
                latents.Add(report.Latents.bytes.ToArray())
            )
            .Dispose();
        return [.. latents];
    }
}
