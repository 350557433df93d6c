namespace Generation.Imaging.Tests;

public sealed class GenerationParametersTests
{
    private static readonly GenerationParameters Apple = new()
    {
        Prompt = "a red apple",
        Steps = 25,
        Sampler = "DDIM",
        GuidanceScale = 4.5,
        Seed = 7,
        Width = 256,
        Height = 128,
        Model = "demo",
    };

    [Test]
    public void ToString_OfAll_IsWhatImageToolsRead()
    {
        GenerationParameters parameters = Apple with
        {
            NegativePrompt = "blurry",
            Others = [new("Version", "0.1.0"), new("Hires upscaler", "a, b: \"c\"")],
        };
        Assert.That(
            parameters.ToString(),
            Is.EqualTo(
                "a red apple\nNegative prompt: blurry\nSteps: 25, Sampler: DDIM, CFG scale: 4.5, Seed: 7, Size: 256x128, Model: demo, "
                    + "Version: 0.1.0, Hires upscaler: \"a, b: \\u0022c\\u0022\""
            )
        );
    }

    [Test]
    public void ToString_WithoutNegativePrompt_HasNoLineForIt() =>
        Assert.That(
            Apple.ToString(),
            Is.EqualTo("a red apple\nSteps: 25, Sampler: DDIM, CFG scale: 4.5, Seed: 7, Size: 256x128, Model: demo")
        );
}
