using System.Text;
using System.Text.Json;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Checkpoints;

public sealed class WeightsTests
{
    private string _folder = "";

    [SetUp]
    public void SetUp() => _folder = Directory.CreateTempSubdirectory("weights").FullName;

    [TearDown]
    public void TearDown() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Write_ThenRead_GivesTheSameTensors()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] tensors =
        [
            Ramp(7, ScalarType.Float32).reshape(7, 1),
            Ramp(3, ScalarType.Float16),
            Ramp(5, ScalarType.BFloat16),
            Ramp(4, ScalarType.Int64),
            Ramp(9, ScalarType.Byte),
            Ramp(1, ScalarType.Float64).reshape(),
            zeros([0, 3]),
        ];
        string path = Path.Combine(_folder, "a.safetensors");
        SafetensorsWriter.Write(
            path,
            tensors.Select((tensor, i) => KeyValuePair.Create($"t{i}", tensor)),
            new Dictionary<string, string> { ["format"] = "pt" }
        );

        using var file = SafetensorsFile.Open(path);
        Assert.That(file.Metadata["format"], Is.EqualTo("pt"));
        for (int i = 0; i < tensors.Length; i++)
        {
            Tensor read = file.Read($"t{i}");
            Assert.That(read.shape, Is.EqualTo(tensors[i].shape));
            Assert.That(read.dtype, Is.EqualTo(tensors[i].dtype));
            Assert.That(read.eq(tensors[i]).all().item<bool>(), Is.True, $"t{i}");
        }

        Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(1), "no part file stays");
    }

    [Test]
    public void Read_StridedTensorsWritten_KeepTheirOrder()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor turned = Ramp(6, ScalarType.Float32).reshape(2, 3).t();
        using WeightSource file = Write(("t", turned));
        Assert.That(file.Read("t").data<float>().ToArray(), Is.EqualTo(new float[] { 0, 3, 1, 4, 2, 5 }));
    }

    [Test]
    public void Read_Float8_GivesTheFormatsValues()
    {
        // 1.0, -2.0, smallest subnormal, largest, NaN in e4m3fn; 1.0, -2.0, smallest subnormal, largest, infinity in e5m2
        byte[] e4m3 = [0x38, 0xC0, 0x01, 0x7E, 0x7F];
        byte[] e5m2 = [0x3C, 0xC0, 0x01, 0x7B, 0x7C];
        string header =
            """{"a":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"F8_E5M2","shape":[5],"data_offsets":[5,10]}}""";
        string path = Path.Combine(_folder, "fp8.safetensors");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.ASCII.GetBytes(header), .. e4m3, .. e5m2]);
        using DisposeScope scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        Assert.That(file.Read("a").data<float>().ToArray(), Is.EqualTo(new[] { 1f, -2f, MathF.Pow(2, -9), 448f, float.NaN }));
        Assert.That(
            file.Read("b", ScalarType.Float32).data<float>().ToArray(),
            Is.EqualTo(new[] { 1f, -2f, MathF.Pow(2, -16), 57344f, float.PositiveInfinity })
        );
    }

    [Test]
    public void Read_UnknownName_NamesFileAndKey()
    {
        using WeightSource file = Write(("t", Ramp(2, ScalarType.Float32)));
        Assert.That(() => file.Read("u"), Throws.TypeOf<WeightsException>().With.Message.Contains("'u'").And.Message.Contains(file.Path));
    }

    [Test]
    public void Finish_KeysThatFit_ReadsThemInTheAskedType()
    {
        using WeightSource file = Write(
            ("a.0.weight", Ramp(6, ScalarType.Float16).reshape(2, 3)),
            ("a.0.bias", Ramp(2, ScalarType.Float16)),
            ("ids", Ramp(2, ScalarType.Int64))
        );
        var weights = new NetworkWeights(file);
        Parameter weight = weights["a"][0].Take("weight", 2, 3);
        Parameter bias = weights["a.0"].Take("bias", 2);
        Parameter ids = weights.Take("ids", 2);
        Assert.That(() => weight.Value, Throws.InvalidOperationException);
        using ParameterStore store = weights.Finish();
        Assert.Multiple(() =>
        {
            Assert.That(store.Keys, Is.EqualTo(new[] { "a.0.bias", "a.0.weight", "ids" }));
            Assert.That(weight.Value.dtype, Is.EqualTo(ScalarType.Float32));
            Assert.That(weight.Value.data<float>().ToArray(), Is.EqualTo(new float[] { 0, 1, 2, 3, 4, 5 }));
            Assert.That(bias.Version, Is.EqualTo(1));
            Assert.That(ids.Value.dtype, Is.EqualTo(ScalarType.Int64));
            Assert.That(store.Elements, Is.EqualTo(10));
        });
    }

    [Test]
    public void Finish_KeysThatDoNotFit_ListsAllOfThem()
    {
        using WeightSource file = Write(
            ("a.weight", Ramp(6, ScalarType.Float32).reshape(2, 3)),
            ("extra.one", Ramp(1, ScalarType.Float32)),
            ("extra.two", Ramp(1, ScalarType.Float32)),
            ("text_model.embeddings.position_ids", Ramp(1, ScalarType.Int64))
        );
        var weights = new NetworkWeights(file);
        weights["a"].Take("weight", 3, 2);
        weights["b"].Take("weight", 1);
        weights["b"].Take("bias", 1);
        WeightsException e = Assert.Throws<WeightsException>(() => weights.Finish())!;
        Assert.Multiple(() =>
        {
            Assert.That(e.Message, Does.Contain("Missing (2): b.bias, b.weight."));
            Assert.That(e.Message, Does.Contain("Unexpected (2): extra.one, extra.two."));
            Assert.That(e.Message, Does.Contain("Misshapen (1): a.weight is [2, 3] and should be [3, 2]."));
            Assert.That(e.Message, Does.Not.Contain("position_ids"));
        });
    }

    [Test]
    public void Has_NamesAndPrefixes_AreFound()
    {
        using WeightSource file = Write(("a.0.weight", Ramp(1, ScalarType.Float32)), ("a.2.weight", Ramp(1, ScalarType.Float32)));
        var weights = new NetworkWeights(file);
        Assert.Multiple(() =>
        {
            Assert.That(weights.Has("a"), Is.True);
            Assert.That(weights["a"].Has("0"), Is.True);
            Assert.That(weights["a"].Has("0.weight"), Is.True);
            Assert.That(weights["a"].Has("0.wei"), Is.False);
            Assert.That(weights["a"].Has("1"), Is.False);
            Assert.That(weights["a"].Count(), Is.EqualTo(3));
            Assert.That(weights.Count(), Is.Zero);
        });
    }

    [Test]
    public void Open_ShardsWithIndex_IsOneSource()
    {
        Shards(("a", "1.safetensors"), ("b", "2.safetensors"));
        using var source = WeightSource.Open(_folder);
        using DisposeScope scope = NewDisposeScope();
        Assert.That(source.Names, Is.EquivalentTo(new[] { "a", "b" }));
        Assert.That(source.Read("b").data<float>().ToArray(), Is.EqualTo(new float[] { 0, 1 }));
    }

    [Test]
    public void Open_IndexAndShardsDisagree_ListsTheKeys()
    {
        Shards(("a", "1.safetensors"), ("b", "2.safetensors"));
        File.WriteAllText(
            Path.Combine(_folder, "model.safetensors.index.json"),
            """{"weight_map":{"a":"1.safetensors","c":"2.safetensors"}}"""
        );
        Assert.That(
            () => WeightSource.Open(_folder),
            Throws.TypeOf<WeightsException>().With.Message.Contains("c (2.safetensors)").And.Message.Contains("b (2.safetensors)")
        );
    }

    [TestCase("""{"weight_map":{"a":"../1.safetensors"}}""", "not a file beside it")]
    [TestCase("""{"weight_map":{"a":3}}""", "is no index")]
    [TestCase("""{"weights":{}}""", "is no index")]
    [TestCase("nonsense", "is no index")]
    [TestCase("""{"weight_map":{"a":"9.safetensors"}}""", "9.safetensors")]
    public void Open_BrokenIndex_IsRefused(string json, string message)
    {
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), json);
        Assert.That(() => WeightSource.Open(_folder), Throws.TypeOf<WeightsException>().With.Message.Contains(message));
    }

    [Test]
    public void Open_FolderWithPickledFilesOnly_SaysWhyNot()
    {
        File.WriteAllText(Path.Combine(_folder, "pytorch_model.bin"), "x");
        Assert.That(
            () => WeightSource.Open(_folder),
            Throws.TypeOf<WeightsException>().With.Message.Contains("pytorch_model.bin").And.Message.Contains("pickled")
        );
    }

    private static Tensor Ramp(int count, ScalarType dtype) => arange(count).to(dtype);

    private SafetensorsFile Write(params (string Name, Tensor Tensor)[] tensors)
    {
        using DisposeScope scope = NewDisposeScope();
        string path = Path.Combine(_folder, "model.safetensors");
        SafetensorsWriter.Write(path, tensors.Select(row => KeyValuePair.Create(row.Name, row.Tensor)));
        return SafetensorsFile.Open(path);
    }

    private void Shards(params (string Name, string File)[] shards)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, string file) in shards)
        {
            SafetensorsWriter.Write(Path.Combine(_folder, file), [KeyValuePair.Create(name, Ramp(2, ScalarType.Float32))]);
        }

        File.WriteAllText(
            Path.Combine(_folder, "model.safetensors.index.json"),
            JsonSerializer.Serialize(new { weight_map = shards.ToDictionary(shard => shard.Name, shard => shard.File) })
        );
    }
}
