using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Upscalers;
using Generation.Imaging;
using Generation.Imaging.Png;
using Generation.Tests.Goldens;

namespace Generation.Tests.Pipelines;

/// <summary>The embedded model, through the pipeline as a worker uses it.</summary>
[NonParallelizable]
public sealed class DemoModelTests
{
    private static readonly Text2ImgSettings Apple = new()
    {
        Prompt = "a red apple on a blue background",
        NumInferenceSteps = 25,
        GuidanceScale = 4,
        GuidanceRescale = 0.5,
        Seed = 1,
    };

    private LatentDiffusionModel _model = null!;
    private StableDiffusionPipeline _pipeline = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _model = LatentDiffusionModel.FromPretrained(GoldenCase.InRepository("models/demo"));
        _pipeline = new StableDiffusionPipeline(_model);
    }

    [OneTimeTearDown]
    public void Unload() => _model.Dispose();

    [Test]
    public void Generate_RedAppleOnBlue_IsRedInTheMiddleAndBlueAtTheCorners()
    {
        using PictureBatch batch = _pipeline.Generate(Apple);
        Picture picture = batch.ToPictures()[0];
        using Upscaler upscaler = Upscaler.FromPretrained(GoldenCase.InRepository("models/demo-upscaler"));
        Picture larger = upscaler.Upscale(picture);
        if (Environment.GetEnvironmentVariable("DEMO_PICTURES") is { } folder)
        {
            File.WriteAllBytes(Path.Combine(folder, "apple.png"), PngCodec.Encode(larger));
        }

        Assert.That((larger.Width, larger.Height), Is.EqualTo((4 * picture.Width, 4 * picture.Height)));
        foreach (Picture one in new[] { picture, larger })
        {
            byte[] middle = Pixel(one, one.Width / 2, one.Height / 2);
            byte[] corner = Pixel(one, 2, 2);
            Assert.That(middle[0], Is.GreaterThan(middle[2] + 40), "red in the middle");
            Assert.That(corner[2], Is.GreaterThan(corner[0] + 40), "blue in the corner");
        }
    }

    private static byte[] Pixel(Picture picture, int x, int y) => picture.Bytes.AsSpan((y * picture.Stride) + (x * 3), 3).ToArray();
}
