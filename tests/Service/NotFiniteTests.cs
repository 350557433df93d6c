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
            long[] shape = unet.Entry(Layer["unet.".Length..] + ".weight").Shape;
            // Numbers in the file, and none once they are multiplied
            Write(Path.Combine(loras, "huge.safetensors"), shape, 1e30f);
            Write(Path.Combine(loras, "broken.safetensors"), shape, float.NaN);
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

    private static void Write(string path, long[] shape, float value) =>
        SafetensorsWriter.Write(
            path,
            [
                KeyValuePair.Create(Layer + ".lora_A.weight", full([2, shape[1]], value)),
                KeyValuePair.Create(Layer + ".lora_B.weight", full([shape[0], 2], value)),
            ]
        );

    private Task<JobRow> RunAsync(string? lora) =>
        _scope.RunAsync(
            ServiceScope.Apple(steps: 2, side: 64) with
            {
                Model = "tiny",
                GuidanceRescale = 0,
                Loras = lora is null ? null : [new LoraUse(lora, 1)],
            }
        );
}
