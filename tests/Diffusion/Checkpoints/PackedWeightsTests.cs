using Generation.Diffusion.Layers;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Kernels;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Checkpoints;

/// <summary>A layer that has packed its weight does not keep the weight itself where the file can give it again.</summary>
public sealed class PackedWeightsTests
{
    private const int Features = 256;

    private readonly string _folder = Directory.CreateTempSubdirectory("packed-weights-").FullName;

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(ScalarType.Float16)]
    [TestCase(ScalarType.Float32)]
    public void Forward_WeightOfAFile_LetsGoAndReadsAgain(ScalarType stored)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        (Linear linear, ParameterStore store, Tensor written) = Load(stored);
        using (store)
        {
            Tensor x = randn(32, Features);
            long before = TensorCount.Settled();
            Tensor first = linear.Forward(x);
            Assert.That(
                TorchExtras.LiveTensors - before,
                Is.EqualTo(PacksFloat32 ? 0 : 1),
                "the result, less the weight where it was packed"
            );

            Parameter weight = store["layer.weight"];
            Assert.Multiple(() =>
            {
                Assert.That(weight.Device.type, Is.EqualTo(TorchSharp.DeviceType.CPU));
                Assert.That(weight.Value.equal(written.to(ScalarType.Float32)).all().item<bool>(), Is.True);
                Assert.That(weight.Version, Is.EqualTo(1));
                Assert.That(linear.Forward(x).equal(first).all().item<bool>(), Is.True);
            });
        }
    }

    [Test]
    public void Value_ReplacedAndPutBack_IsPackedAnew()
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        (Linear linear, ParameterStore store, Tensor written) = Load(ScalarType.Float16);
        using (store)
        {
            Tensor x = randn(32, Features);
            Tensor first = linear.Forward(x);
            Parameter weight = store["layer.weight"];
            Tensor original = weight.Value;
            Tensor other = original * 2;
            weight.Value = other;
            Tensor second = linear.Forward(x);
            Assert.That(ReferenceEquals(weight.Value, other), Is.True, "a value that no file holds stays");
            weight.Value = original;
            other.Dispose();
            Tensor third = linear.Forward(x);
            GoldenCase.AssertClose(second, (first * 2) - store["layer.bias"].Value, "replaced", 1e-4);
            Assert.That(third.equal(first).all().item<bool>(), Is.True);
            Assert.That(weight.Value.equal(written.to(ScalarType.Float32)).all().item<bool>(), Is.True);
        }
    }

    [Test]
    public void Dispose_WeightsReleased_LeavesNoTensor()
    {
        long before = TensorCount.Settled();
        using (NewDisposeScope())
        {
            (Linear linear, ParameterStore store, _) = Load(ScalarType.Float16);
            using (store)
            {
                linear.Forward(randn(32, Features));
            }

            Assert.That(() => store["layer.weight"].Value, Throws.InvalidOperationException);
        }

        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Lasting_PieceOfAnotherKey_ReadsWhatThePieceReads()
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        string path = Write(ScalarType.Float16, out Tensor written);
        var file = WeightSource.Open(path);
        using var renamed = new RenamedWeights(
            file,
            new Dictionary<string, WeightPiece>
            {
                ["rows"] = new("layer.weight") { Rows = [(Features / 2, Features / 2)] },
                ["joined"] = new("layer.weight") { Rows = [(0, 1), (2, 1)] },
            },
            owns: true
        );
        ReloadableTensor rows = renamed.Reloadable("rows", ScalarType.Float32)!;
        Assert.That(renamed.Reloadable("joined", ScalarType.Float32), Is.Null, "pieces that are joined are no place of the file");
        renamed.Dispose();
        Tensor expected = written.narrow(0, Features / 2, Features / 2).to(ScalarType.Float32);
        for (int i = 0; i < 2; i++)
        {
            Assert.That(rows.Read().equal(expected).all().item<bool>(), Is.True);
            rows.Release();
        }
    }

    private static bool PacksFloat32 => Processor.KernelsAllowed && Processor.Vectors != InstructionSet.Baseline;

    private string Write(ScalarType stored, out Tensor weight)
    {
        weight = randn(Features, Features).to(stored);
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.safetensors");
        SafetensorsWriter.Write(path, [KeyValuePair.Create("layer.weight", weight), KeyValuePair.Create("layer.bias", randn(Features))]);
        return path;
    }

    private (Linear Layer, ParameterStore Store, Tensor Written) Load(ScalarType stored)
    {
        using var source = WeightSource.Open(Write(stored, out Tensor written));
        var weights = new NetworkWeights(source);
        var linear = new Linear(weights["layer"], Features, Features);
        return (linear, weights.Finish(), written);
    }
}
