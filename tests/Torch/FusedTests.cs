using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch.Tests;

/// <summary>Each fused form equals the operations that it stands for.</summary>
public sealed class FusedTests
{
    private DisposeScope _scope = null!;

    [SetUp]
    public void Open()
    {
        manual_seed(7);
        _scope = NewDisposeScope();
    }

    [TearDown]
    public void Close() => _scope.Dispose();

    [TestCase(2, 3, 1, 1, 8)]
    [TestCase(1, 2, 77, 77, 64)]
    [TestCase(2, 8, 64, 77, 40)]
    [TestCase(1, 1, 100, 333, 512)]
    [TestCase(1, 5, 33, 65, 7)]
    [TestCase(1, 2, 256, 256, 160)]
    [TestCase(1, 2, 70, 701, 40)]
    [TestCase(1, 2, 40, 1024, 80)]
    public void Attention_AnyShape_EqualsTheComposedOne(int batch, int heads, int length, int keys, int size)
    {
        Tensor q = randn(batch, heads, length, size);
        Tensor k = randn(batch, heads, keys, size);
        Tensor v = randn(batch, heads, keys, size);
        Tensor fused = TorchExtras.scaled_dot_product_attention(q, k, v);
        Assert.That(fused.shape, Is.EqualTo(q.shape));
        Near(fused, TorchExtras.ComposedAttention(q, k, v), 2e-5);
        Tensor narrow = TorchExtras.scaled_dot_product_attention(q.bfloat16(), k.bfloat16(), v.bfloat16());
        Assert.That(narrow.dtype, Is.EqualTo(bfloat16));
        Near(narrow.@float(), TorchExtras.ComposedAttention(q.bfloat16().@float(), k.bfloat16().@float(), v.bfloat16().@float()), 0.03);
    }

    [Test]
    public void Attention_HeadsSideBySideInMemory_EqualsTheComposedOne()
    {
        Tensor qkv = randn([2, 50, 3, 4, 24]);
        Tensor[] parts = qkv.unbind(2);
        Tensor q = parts[0].transpose(1, 2);
        Tensor k = parts[1].transpose(1, 2);
        Tensor v = parts[2].transpose(1, 2);
        Tensor fused = TorchExtras.scaled_dot_product_attention(q, k, v, scale: 0.3);
        Near(fused, TorchExtras.ComposedAttention(q, k, v, scale: 0.3), 2e-5);
        Assert.That(fused.transpose(1, 2).is_contiguous(), Is.True, "heads join without a copy");
    }

    [Test]
    public void Attention_Masks_AreAddedOrLeaveOut()
    {
        Tensor q = randn(2, 3, 70, 16);
        Tensor k = randn(2, 3, 130, 16);
        Tensor v = randn(2, 3, 130, 16);
        Tensor added = randn(1, 3, 70, 130) * 2;
        Tensor padding = (arange(130) < 100).reshape(1, 1, 1, 130);
        Near(TorchExtras.scaled_dot_product_attention(q, k, v, added), TorchExtras.ComposedAttention(q, k, v, added), 2e-5);
        Near(TorchExtras.scaled_dot_product_attention(q, k, v, padding), TorchExtras.ComposedAttention(q, k, v, padding), 2e-5);
        Near(
            TorchExtras.scaled_dot_product_attention(q, k, v, padding),
            TorchExtras.ComposedAttention(q, k.narrow(2, 0, 100), v.narrow(2, 0, 100)),
            2e-5
        );
        Near(
            TorchExtras.scaled_dot_product_attention(q, q, q, is_causal: true),
            TorchExtras.ComposedAttention(q, q, q, is_causal: true),
            2e-5
        );
    }

    [Test]
    public void Attention_LargeScores_StayFinite()
    {
        Tensor q = randn(1, 1, 64, 32) * 60;
        Tensor v = randn(1, 1, 64, 32);
        Tensor fused = TorchExtras.scaled_dot_product_attention(q, q, v);
        Assert.That(fused.isfinite().all().item<bool>(), Is.True);
        Near(fused, TorchExtras.ComposedAttention(q, q, v), 1e-3);
        Tensor key = (randn(1, 1, 700, 40) * 4).bfloat16();
        Tensor value = randn(1, 1, 700, 40).bfloat16();
        Tensor query = (randn(1, 1, 100, 40) * 4).bfloat16();
        Near(
            TorchExtras.scaled_dot_product_attention(query, key, value).@float(),
            TorchExtras.ComposedAttention(query.@float(), key.@float(), value.@float()),
            0.05
        );
    }

    [Test]
    public void Attention_KeysOfAnotherSize_IsAnError()
    {
        TorchException? error = Assert.Throws<TorchException>(() =>
            TorchExtras.scaled_dot_product_attention(randn(1, 1, 4, 8), randn(1, 1, 4, 9), randn(1, 1, 4, 9))
        );
        Assert.That(error!.Message, Does.StartWith("scaled_dot_product_attention(float32[1, 1, 4, 8], float32[1, 1, 4, 9]"));
    }

    [TestCase(1, 32, 5, 3, 8, false)]
    [TestCase(2, 64, 64, 64, 32, true)]
    [TestCase(3, 48, 1, 1, 4, true)]
    [TestCase(2, 40, 17, 9, 40, false)]
    public void GroupNorm_BothLayoutsAndTypes_EqualTheComposedOne(int batch, int channels, int height, int width, int groups, bool silu)
    {
        Tensor x = (randn(batch, channels, height, width) * 2) + 3;
        Tensor weight = randn(channels);
        Tensor bias = randn(channels);
        Tensor added = randn(batch, channels);
        Tensor plain = F.group_norm(x, groups, weight, bias, 1e-6);
        Tensor shifted = F.group_norm(x + added.reshape(batch, channels, 1, 1), groups, weight, bias, 1e-6);
        if (silu)
        {
            plain = F.silu(plain);
            shifted = F.silu(shifted);
        }

        foreach (Tensor input in new[] { x, TorchExtras.channels_last(x) })
        {
            Near(TorchExtras.group_norm(input, groups, weight, bias, 1e-6, silu), plain, 1e-4);
            Near(TorchExtras.group_norm(input, groups, weight, bias, 1e-6, silu, added), shifted, 1e-4);
            Near(TorchExtras.group_norm(input.bfloat16(), groups, weight, bias, 1e-6, silu).@float(), plain, 0.1);
            Assert.That(TorchExtras.group_norm(input, groups, weight, bias).stride(), Is.EqualTo(input.stride()));
        }
    }

    [TestCase(1, 7, 5)]
    [TestCase(2, 77, 768)]
    [TestCase(3, 16, 37)]
    public void LayerNorm_WithAndWithoutWeights_EqualsLibtorch(int batch, int length, int features)
    {
        Tensor x = (randn(batch, length, features) * 2) + 3;
        Tensor weight = randn(features);
        Tensor bias = randn(features);
        Tensor plain = F.layer_norm(x, [features], eps: 1e-6);
        Tensor scaled = F.layer_norm(x, [features], weight, bias, 1e-6);
        foreach (Tensor input in new[] { x, x.transpose(0, 1).contiguous().transpose(0, 1) })
        {
            Near(TorchExtras.layer_norm(input, eps: 1e-6), plain, 1e-4);
            Near(TorchExtras.layer_norm(input, weight, bias, 1e-6), scaled, 1e-4);
            Near(TorchExtras.layer_norm(input.bfloat16(), weight.bfloat16(), bias.bfloat16(), 1e-6).@float(), scaled, 0.15);
        }
    }

    [Test]
    public void LayerNorm_WeightOfAnotherSize_IsAnError()
    {
        TorchException? error = Assert.Throws<TorchException>(() => TorchExtras.layer_norm(randn(2, 8), randn(9), randn(9)));
        Assert.That(error!.Message, Does.StartWith("layer_norm(float32[2, 8], float32[9]"));
    }

    [Test]
    public void Geglu_BothTypes_EqualsTheComposedOne()
    {
        Tensor x = randn(3, 50, 2 * 37) * 3;
        Tensor[] halves = x.chunk(2, -1);
        Tensor expected = halves[0] * F.gelu(halves[1]);
        Near(TorchExtras.geglu(x), expected, 1e-5);
        Tensor[] rounded = x.bfloat16().@float().chunk(2, -1);
        Near(TorchExtras.geglu(x.bfloat16()).@float(), rounded[0] * F.gelu(rounded[1]), 0.26);
    }

    [TestCase(ScalarType.Float32, 1e-4)]
    [TestCase(ScalarType.BFloat16, 0.15)]
    public void PackedLinear_WithAndWithoutSum_EqualsLinear(ScalarType type, double tolerance)
    {
        Tensor x = randn(2, 19, 48).to(type);
        Tensor weight = randn(72, 48).to(type);
        Tensor bias = randn(72).to(type);
        Tensor added = randn(2, 19, 72).to(type);
        Tensor expected = F.linear(x.@float(), weight.@float(), bias.@float());
        using var layer = new PackedLinear(weight, bias);
        using var bare = new PackedLinear(weight, null);
        Near(layer.Forward(x).@float(), expected, tolerance);
        Near(bare.Forward(x).@float(), expected - bias.@float(), tolerance);
        double summed = tolerance + (type == ScalarType.BFloat16 ? RoundedBeforeTheSum(layer.IsPacked, expected) : 0);
        Near(layer.Forward(x, added).@float(), expected + added.@float(), summed);
        Near(layer.Forward(x.transpose(0, 1).contiguous().transpose(0, 1)).@float(), expected, tolerance);
        Tensor sum = layer.Forward(x, added.clone(), inPlace: true);
        Near(sum.@float(), expected + added.@float(), summed);
        Near(layer.Forward(x.narrow(1, 0, 1)).@float(), expected.narrow(1, 0, 1), tolerance);
    }

    [TestCase(3, 1, 1)]
    [TestCase(3, 2, 1)]
    [TestCase(3, 2, 0)]
    [TestCase(1, 1, 0)]
    public void PackedConv2d_WithAndWithoutSum_EqualsConv2d(int kernel, int stride, int padding)
    {
        Tensor x = randn(2, 12, 11, 14);
        Tensor weight = randn(20, 12, kernel, kernel);
        Tensor bias = randn(20);
        using var layer = new PackedConv2d(weight, bias, [stride, stride], [padding, padding]);
        Tensor expected = F.conv2d(x, weight, bias, [stride, stride], [padding, padding]);
        Tensor added = randn(expected.shape);
        Near(layer.Forward(x), expected, 1e-4);
        Near(layer.Forward(TorchExtras.channels_last(x)), expected, 1e-4);
        Near(layer.Forward(x, added), expected + added, 1e-4);
        Near(layer.Forward(x, TorchExtras.channels_last(added), inPlace: true), expected + added, 1e-4);
        Near(layer.Forward(x.narrow(0, 0, 1)), expected.narrow(0, 0, 1), 1e-4);
        using var narrow = new PackedConv2d(weight.bfloat16(), bias.bfloat16(), [stride, stride], [padding, padding]);
        Near(narrow.Forward(x.bfloat16()).@float(), expected, 0.3);
        TorchException? error = Assert.Throws<TorchException>(() => layer.Forward(randn(1, 5, 11, 14)));
        Assert.That(error!.Message, Does.Contain("float32[1, 5, 11, 14]"));
    }

    // sizes that fill tiles of 16 and 32, and others that do not; long sums that are cut into parts
    [TestCase(1, 96, 48)]
    [TestCase(16, 32, 16)]
    [TestCase(37, 320, 100)]
    [TestCase(300, 64, 320)]
    [TestCase(530, 5120, 64)]
    [TestCase(1100, 96, 320)]
    public void PackedLinear_Bfloat16_EqualsFloat32(int rows, int features, int outputs)
    {
        Tensor x = randn(rows, features).bfloat16();
        Tensor weight = (randn(outputs, features) / Math.Sqrt(features)).bfloat16();
        Tensor bias = randn(outputs).bfloat16();
        Tensor added = randn(rows, outputs).bfloat16();
        Tensor expected = F.linear(x.@float(), weight.@float(), bias.@float());
        using var layer = new PackedLinear(weight, bias);
        double summed = 0.03 + RoundedBeforeTheSum(layer.IsPacked, expected);
        Near(layer.Forward(x).@float(), expected, 0.03);
        Near(layer.Forward(x, added).@float(), expected + added.@float(), summed);
        Near(layer.Forward(x, added.clone(), inPlace: true).@float(), expected + added.@float(), summed);
        Near(layer.Forward(x.narrow(0, rows - 1, 1)).@float(), expected.narrow(0, rows - 1, 1), 0.03);
    }

    [TestCase(5, 64, 16)]
    [TestCase(70, 320, 1280)]
    [TestCase(1100, 96, 64)]
    public void PackedLinear_Geglu_EqualsLinearAndGeglu(int rows, int features, int outputs)
    {
        Tensor x = randn(rows, features).bfloat16();
        Tensor weight = (randn(2 * outputs, features) / Math.Sqrt(features)).bfloat16();
        Tensor bias = randn(2 * outputs).bfloat16();
        using var layer = new PackedLinear(weight, bias);
        Tensor[] halves = F.linear(x.@float(), weight.@float(), bias.@float()).chunk(2, -1);
        Near(layer.ForwardGeglu(x).@float(), halves[0] * F.gelu(halves[1]), 0.15);
    }

    [TestCase(33, 64, 48)]
    public void PackedLinear_WithoutBias_EqualsFloat32(int rows, int features, int outputs)
    {
        Tensor x = randn(rows, features).bfloat16();
        Tensor weight = (randn(2 * outputs, features) / Math.Sqrt(features)).bfloat16();
        Tensor expected = F.linear(x.@float(), weight.@float());
        Tensor[] halves = expected.chunk(2, -1);
        using var layer = new PackedLinear(weight, null);
        Near(layer.Forward(x).@float(), expected, 0.03);
        Near(layer.ForwardGeglu(x).@float(), halves[0] * F.gelu(halves[1]), 0.15);
    }

    [TestCase(2, 64, 96, 32, 32)]
    [TestCase(3, 32, 72, 5, 7)]
    [TestCase(2, 2560, 32, 16, 16)]
    [TestCase(2, 1280, 160, 16, 16)]
    [TestCase(2, 320, 64, 64, 64)]
    [TestCase(20, 32, 16, 4, 4)]
    [TestCase(1, 32, 40, 70, 40)]
    [TestCase(1, 32, 32, 1, 1)]
    public void PackedConv2d_Bfloat16_EqualsFloat32(int batch, int channels, int outputs, int height, int width)
    {
        Tensor x = TorchExtras.channels_last(randn(batch, channels, height, width).bfloat16());
        foreach (int kernel in new[] { 1, 3 })
        {
            Tensor weight = (randn(outputs, channels, kernel, kernel) / (kernel * Math.Sqrt(channels))).bfloat16();
            Tensor bias = randn(outputs).bfloat16();
            Tensor added = TorchExtras.channels_last(randn(batch, outputs, height, width).bfloat16());
            Tensor expected = F.conv2d(x.@float(), weight.@float(), bias.@float(), padding: [kernel / 2, kernel / 2]);
            using var layer = new PackedConv2d(weight, bias, [1, 1], [kernel / 2, kernel / 2]);
            double summed = 0.04 + RoundedBeforeTheSum(layer.IsPacked, expected);
            Near(layer.Forward(x).@float(), expected, 0.04);
            Near(layer.Forward(x, added).@float(), expected + added.@float(), summed);
            Near(layer.Forward(x, added.clone(), inPlace: true).@float(), expected + added.@float(), summed);
            Near(layer.Forward(x.narrow(0, batch - 1, 1)).@float(), expected.narrow(0, batch - 1, 1), 0.04);
        }
    }

    // Packed layers round once, after the sum. Others give a bfloat16 product, half a unit in its last place off, to the sum.
    private static double RoundedBeforeTheSum(bool packed, Tensor product) => packed ? 0 : product.abs().max().ToSingle() / 256;

    private static void Near(Tensor actual, Tensor expected, double tolerance)
    {
        Assert.That(actual.shape, Is.EqualTo(expected.shape));
        Assert.That((actual - expected).abs().max().ToSingle(), Is.LessThan(tolerance));
    }
}
