using Generation.Contracts;
using Generation.Diffusion.Vision;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Jobs;

namespace Generation.Service.Tests;

/// <summary>Inpainting inside a mask that is found from words, by the small random network of the reference case.</summary>
public sealed class MaskPromptTests
{
    private ServiceScope _scope = null!;
    private MediaModels _models = null!;
    private Picture _picture = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _models = new MediaModels();
        _scope = await ServiceScope.CreateAsync();
        await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder));
        _picture = new Picture(64, 64, 3);
        new Random(5).NextBytes(_picture.Bytes);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        _models.Dispose();
    }

    [Test]
    public async Task Run_WithMaskPrompt_IsAsWithTheMaskThatTheNetworkFinds()
    {
        using var finder = MaskFinder.FromPretrained(Path.Combine(_models.Folder, "mask-finder"));
        Picture mask = finder.Find(_picture, "a cat");
        Assert.That(mask.Bytes.Distinct().Count(), Is.EqualTo(2), "it covers a part of the picture");
        StoredPicture image = await MediaModels.StoreAsync(_scope.Results, _picture);

        Picture found = await RunAsync(Request(image) with { MaskPrompt = "a cat" });
        Picture given = await RunAsync(Request(image) with { Mask = await MediaModels.StoreAsync(_scope.Results, mask) });
        Assert.That(found.Bytes, Is.EqualTo(given.Bytes));
        for (int i = 0; i < mask.Bytes.Length; i++)
        {
            if (mask.Bytes[i] == 0)
            {
                Assert.That(
                    found.Bytes.AsSpan(i * 3, 3).SequenceEqual(_picture.Bytes.AsSpan(i * 3, 3)),
                    $"pixel {i} lies outside the mask"
                );
            }
        }
    }

    [Test]
    public async Task Run_WithoutANetworkForIt_FailsByFieldAndCostsNothing()
    {
        JobRow row = await _scope.RunAsync(
            Request(await MediaModels.StoreAsync(_scope.Results, _picture)) with
            {
                Model = "demo",
                MaskPrompt = "a cat",
            }
        );
        Assert.That((row.State, row.Error!.Field, row.Charged), Is.EqualTo((JobState.Failed, "mask_prompt", Credits.Zero)));
    }

    private async Task<Picture> RunAsync(InpaintRequest request)
    {
        JobRow row = await _scope.RunAsync(request);
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        return PictureCodec.Decode(await _scope.ReadAsync(row.Outputs.Single().Sha256));
    }

    private static InpaintRequest Request(StoredPicture image) =>
        new()
        {
            Model = "finder",
            Image = image,
            Prompt = "a red apple",
            Strength = 1,
            Width = 64,
            Height = 64,
            NumInferenceSteps = 3,
            GuidanceScale = 4,
            Scheduler = "ddim",
            Seed = 1,
            NumImages = 1,
        };
}
