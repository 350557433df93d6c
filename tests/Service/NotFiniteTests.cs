using Generation.Contracts;
using Generation.Diffusion.Weights;
using Generation.Storage.Jobs;
using Generation.TestSupport;
using TorchSharp;
using static TorchSharp.torch;
using LoraUse = Generation.Contracts.LoraUse;

namespace Generation.Service.Tests;

/// <summary>A job whose values are no numbers fails, costs nothing, and says what to do; it is no black picture.</summary>
public sealed class NotFiniteTests
{
    private const string Layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_v";

    /// <summary>What it takes in is the picture, not the prompt.</summary>
    private const string LayerOfPicture = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v";

    private ServiceScope _scope = null!;
    private TestModels _models = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _models = new TestModels();
        _models.WriteEdges("tiny");
        string loras = Directory.CreateDirectory(Path.Combine(_models.Folder, "loras")).FullName;
        using (DisposeScope scope = NewDisposeScope())
        {
            using var unet = WeightSource.Open(TestModels.Golden("models", "sd15", "unet"));
            // Numbers in the file, and none once they are multiplied
            Write(unet, Path.Combine(loras, "huge.safetensors"), Layer, 1e30f);
            // Their product is a number still, and what comes of it at which strength depends on the picture
            Write(unet, Path.Combine(loras, "large.safetensors"), LayerOfPicture, 1e10f);
            Write(unet, Path.Combine(loras, "broken.safetensors"), Layer, float.NaN);
        }

        _scope = await ServiceScope.CreateAsync();
        await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        _models.Dispose();
    }

    [Test]
    public async Task Run_WithSumsThatOverflow_FailsAtNoCostAndTheNextJobIsRight()
    {
        JobRow before = await RunAsync(null);
        JobRow row = await RunAsync("huge");
        Assert.Multiple(() =>
        {
            Assert.That((row.State, row.Error?.Code, row.Charged), Is.EqualTo((JobState.Failed, "not_finite", Credits.Zero)));
            Assert.That(row.Error!.Detail, Does.Contain("LoRA").And.Contain("Nothing was charged"));
            Assert.That(row.Outputs, Is.Empty);
        });
        JobRow after = await RunAsync(null);
        Assert.That(after.Outputs.Single().Sha256, Is.EqualTo(before.Outputs.Single().Sha256));
    }

    [Test]
    public async Task Run_WithALoraThatWasCopiedByHandAndIsBroken_NamesIt()
    {
        JobRow row = await RunAsync("broken");
        Assert.That((row.State, row.Error?.Field, row.Charged), Is.EqualTo((JobState.Failed, "loras[0].model", Credits.Zero)));
        Assert.That(row.Error!.Detail, Does.Contain("no numbers"));
    }

    /// <summary>
    /// Two pictures of one job, of which one overflows and the other does not: the strength at which that is so is looked for, between one
    /// at which neither does and one at which both do.
    /// </summary>
    [Test]
    public async Task Run_OneOfTwoPicturesOverflows_TheOtherStaysAndIsAllThatIsCharged()
    {
        (double least, double most) = (-20, 18);
        for (int look = 0; look < 60; look++)
        {
            double middle = (least + most) / 2;
            JobRow row = await RunAsync("large", Math.Pow(10, middle), images: 2);
            if (row.State == JobState.Failed)
            {
                most = middle;
                continue;
            }

            if (row.Outputs.Count == 2)
            {
                least = middle;
                continue;
            }

            JobOutput made = row.Outputs.Single();
            Assert.That((row.State, row.Cost, row.Charged), Is.EqualTo((JobState.Succeeded, Credits.Of(1), Credits.Of(0.5m))));
            Assert.That(row.ToDocument().Warnings, Has.One.Contains($"Picture {2 - made.Index} of 2").And.One.Contains("was not charged"));
            JobRow alone = await RunAsync("large", Math.Pow(10, middle), seed: made.Seed!.Value);
            Assert.That(made.Sha256, Is.EqualTo(alone.Outputs.Single().Sha256), "as it is made alone");
            return;
        }

        Assert.Fail($"no strength between 1e{least} and 1e{most} lets one of the two overflow");
    }

    private static void Write(WeightSource unet, string path, string layer, float value)
    {
        long[] shape = unet.Entry(layer["unet.".Length..] + ".weight").Shape;
        SafetensorsWriter.Write(
            path,
            [
                KeyValuePair.Create(layer + ".lora_A.weight", full([2, shape[1]], value)),
                KeyValuePair.Create(layer + ".lora_B.weight", full([shape[0], 2], value)),
            ]
        );
    }

    private Task<JobRow> RunAsync(string? lora, double scale = 1, int images = 1, long seed = 1) =>
        _scope.RunAsync(
            ServiceScope.Apple(steps: 2, side: 64, images: images, seed: seed) with
            {
                Model = "tiny",
                GuidanceRescale = 0,
                Loras = lora is null ? null : [new LoraUse(lora, scale)],
            },
            // As of an API that does not know the model's scheduler: the worker makes its own
            new JobPlan
            {
                Version = JobPlan.CurrentVersion,
                IsAssumed = true,
                Passes = [],
                Width = 64,
                Height = 64,
                Outputs = images,
            }
        );
}
