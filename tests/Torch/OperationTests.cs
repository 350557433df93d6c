using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch.Tests;

/// <summary>Families of operations against numbers worked out by hand, and identities.</summary>
public sealed class OperationTests
{
    private DisposeScope _scope = null!;

    [SetUp]
    public void Open() => _scope = NewDisposeScope();

    [TearDown]
    public void Close() => _scope.Dispose();

    [Test]
    public void Operators_NumbersOnEitherSide_AreAsWritten()
    {
        Tensor x = tensor(new float[] { 1, 2, 4 });
        Assert.Multiple(() =>
        {
            Assert.That(Of(x + 1), Is.EqualTo(new float[] { 2, 3, 5 }));
            Assert.That(Of(10 - x), Is.EqualTo(new float[] { 9, 8, 6 }));
            Assert.That(Of(x - 1.5), Is.EqualTo(new float[] { -0.5f, 0.5f, 2.5f }));
            Assert.That(Of(x * 3f), Is.EqualTo(new float[] { 3, 6, 12 }));
            Assert.That(Of(8 / x), Is.EqualTo(new float[] { 8, 4, 2 }));
            Assert.That(Of(x / x), Is.EqualTo(new float[] { 1, 1, 1 }));
            Assert.That(Of(-x), Is.EqualTo(new float[] { -1, -2, -4 }));
            Assert.That(Of(x % 3), Is.EqualTo(new float[] { 1, 2, 1 }));
            Assert.That(Of(pow(2, x)), Is.EqualTo(new float[] { 2, 4, 16 }));
            Assert.That(Of(x.pow(2)), Is.EqualTo(new float[] { 1, 4, 16 }));
            Assert.That((x > 1).data<bool>().ToArray(), Is.EqualTo(new[] { false, true, true }));
            Assert.That((2 >= x).data<bool>().ToArray(), Is.EqualTo(new[] { true, true, false }));
            Assert.That((x == 2).data<bool>().ToArray(), Is.EqualTo(new[] { false, true, false }));
        });
    }

    [Test]
    public void InPlace_ChangesAndReturnsTheSameTensor()
    {
        Tensor x = tensor(new float[] { 1, -2, 3 });
        Tensor same = x.mul_(2).add_(1).clamp_(0, 5);
        Assert.Multiple(() =>
        {
            Assert.That(ReferenceEquals(x, same), Is.True);
            Assert.That(Of(x), Is.EqualTo(new float[] { 3, 0, 5 }));
            Assert.That(Of(x.zero_()), Is.EqualTo(new float[] { 0, 0, 0 }));
        });
    }

    [Test]
    public void Unary_Identities_Hold()
    {
        Tensor x = linspace(0.1, 2.0, 32);
        Assert.Multiple(() =>
        {
            Near(x.exp().log(), x);
            Near(x.sqrt().square(), x);
            Near(x.rsqrt(), 1 / x.sqrt());
            Near(x.sin().square() + x.cos().square(), ones_like(x));
            Near(x.tanh(), (2 * (2 * x).sigmoid()) - 1);
            Near(F.silu(x), x * x.sigmoid());
            Near(F.gelu(x), x * 0.5 * (1 + (x / Math.Sqrt(2)).erf()));
            Near(x.log2(), x.log() / Math.Log(2));
            Near((x * 7).floor() + (x * 7).frac(), x * 7);
            Near(x.softmax(0), x.exp() / x.exp().sum());
            Near(x.reciprocal(), x.pow(-1));
        });
        Assert.That(Of(tensor(new float[] { 0.5f, 1.5f, -0.5f, 2.5f }).round()), Is.EqualTo(new float[] { 0, 2, 0, 2 }));
        Assert.That(
            tensor(new[] { 1f, float.NaN, float.PositiveInfinity }).isnan().data<bool>().ToArray(),
            Is.EqualTo(new[] { false, true, false })
        );
    }

    [Test]
    public void Matmul_AllForms_Agree()
    {
        Tensor a = arange(6, float32).reshape(2, 3);
        Tensor b = arange(12, float32).reshape(3, 4);
        float[] expected = [20, 23, 26, 29, 56, 68, 80, 92];
        Assert.Multiple(() =>
        {
            Assert.That(Of(TorchExtras.product(a, b)), Is.EqualTo(expected));
            Assert.That(Of(a.mm(b)), Is.EqualTo(expected));
            Assert.That(Of(a.unsqueeze(0).bmm(b.unsqueeze(0))), Is.EqualTo(expected));
            Assert.That(Of(einsum("ij,jk->ik", a, b)), Is.EqualTo(expected));
            Assert.That(Of(F.linear(a, b.t())), Is.EqualTo(expected));
            Assert.That(Of(zeros(2, 4).addmm(a, b)), Is.EqualTo(expected));
        });
    }

    [Test]
    public void Convolution_OnesKernel_SumsTheNeighbours()
    {
        Tensor x = arange(9, float32).reshape(1, 1, 3, 3);
        Tensor kernel = ones(1, 1, 3, 3);
        Assert.Multiple(() =>
        {
            Assert.That(Of(F.conv2d(x, kernel)), Is.EqualTo(new float[] { 36 }));
            Assert.That(
                Of(F.conv2d(x, kernel, tensor(new float[] { 1 }), padding: [1, 1])),
                Is.EqualTo(new float[] { 9, 16, 13, 22, 37, 28, 21, 34, 25 })
            );
            Assert.That(Of(F.conv2d(x, kernel, strides: [2, 2], padding: [1, 1])), Is.EqualTo(new float[] { 8, 12, 20, 24 }));
            Assert.That(
                Of(F.conv1d(arange(5, float32).reshape(1, 1, 5), ones(1, 1, 3), padding: 1)),
                Is.EqualTo(new float[] { 1, 3, 6, 9, 7 })
            );
            Assert.That(Of(F.conv3d(ones([1, 1, 2, 2, 2]), ones([1, 1, 2, 2, 2]))), Is.EqualTo(new float[] { 8 }));
            Assert.That(Of(F.conv_transpose2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2))), Is.EqualTo(new float[] { 1, 2, 1, 2, 4, 2, 1, 2, 1 }));
        });
    }

    [Test]
    public void Norms_OfRandomNumbers_HaveMeanZeroAndDeviationOne()
    {
        Tensor x = (randn(2, 8, 5, 5) * 3) + 7;
        Tensor group = F.group_norm(x, 4).reshape(2, 4, -1);
        Tensor layer = F.layer_norm(x.reshape(2, 8, 25), [25]);
        Assert.Multiple(() =>
        {
            Near(group.mean([2]), zeros(2, 4), 1e-5);
            Near(group.std([2], unbiased: false), ones(2, 4), 1e-4);
            Near(layer.mean([2]), zeros(2, 8), 1e-5);
            Near(layer.var([2], unbiased: false), ones(2, 8), 1e-3);
        });
    }

    [Test]
    public void Shapes_Views_AreAsInTorch()
    {
        Tensor x = arange(24, float32).reshape(2, 3, 4);
        Assert.Multiple(() =>
        {
            Assert.That(x.permute(2, 0, 1).shape, Is.EqualTo(new long[] { 4, 2, 3 }));
            Assert.That(x.transpose(0, 2).contiguous().stride(), Is.EqualTo(new long[] { 6, 2, 1 }));
            Assert.That(x.flatten(1).shape, Is.EqualTo(new long[] { 2, 12 }));
            Assert.That(x.unflatten(2, 2, -1).shape, Is.EqualTo(new long[] { 2, 3, 2, 2 }));
            Assert.That(x.unsqueeze(0).squeeze(0).shape, Is.EqualTo(x.shape));
            Assert.That(x.expand(5, 2, 3, 4).stride()[0], Is.Zero);
            Assert.That(x.repeat(2, 1, 1).shape, Is.EqualTo(new long[] { 4, 3, 4 }));
            Assert.That(Of(tensor(new float[] { 1, 2 }).repeat_interleave(2)), Is.EqualTo(new float[] { 1, 1, 2, 2 }));
            Assert.That(Of(x[0, 1]), Is.EqualTo(new float[] { 4, 5, 6, 7 }));
            Assert.That(Of(x[TensorIndex.Ellipsis, 0]), Is.EqualTo(new float[] { 0, 4, 8, 12, 16, 20 }));
            Assert.That(Of(x[1, TensorIndex.Slice(0, 2), TensorIndex.Slice(null, null, 2)]), Is.EqualTo(new float[] { 12, 14, 16, 18 }));
            Assert.That(Of(x.narrow(1, 1, 1).select(0, 0)), Is.EqualTo(new float[] { 4, 5, 6, 7 }));
            Assert.That(x.chunk(2, -1).Select(part => part.shape[2]), Is.EqualTo(new long[] { 2, 2 }));
            Assert.That(x.split([1, 2], 1).Select(part => part.shape[1]), Is.EqualTo(new long[] { 1, 2 }));
            Assert.That(cat([x, x], 1).shape, Is.EqualTo(new long[] { 2, 6, 4 }));
            Assert.That(stack([x, x]).shape, Is.EqualTo(new long[] { 2, 2, 3, 4 }));
            Assert.That(Of(tensor(new float[] { 1, 2, 3 }).flip(0)), Is.EqualTo(new float[] { 3, 2, 1 }));
            Assert.That(Of(tensor(new float[] { 1, 2, 3 }).roll(1)), Is.EqualTo(new float[] { 3, 1, 2 }));
        });
    }

    [Test]
    public void Indexing_TablesAndMasks_SelectAndChange()
    {
        Tensor x = arange(6, float32).reshape(2, 3);
        Tensor mask = x > 2;
        Assert.Multiple(() =>
        {
            Assert.That(Of(x.masked_fill(mask, -1)), Is.EqualTo(new float[] { 0, 1, 2, -1, -1, -1 }));
            Assert.That(Of(where(mask, x, zeros_like(x))), Is.EqualTo(new float[] { 0, 0, 0, 3, 4, 5 }));
            Assert.That(Of(x.index_select(1, tensor(new long[] { 2, 0 }))), Is.EqualTo(new float[] { 2, 0, 5, 3 }));
            Assert.That(Of(x.gather(1, tensor(new long[] { 2, 0 }, [2, 1]))), Is.EqualTo(new float[] { 2, 3 }));
            Assert.That(Of(x[mask]), Is.EqualTo(new float[] { 3, 4, 5 }));
            Assert.That(Of(ones(3, 3).tril()), Is.EqualTo(new float[] { 1, 0, 0, 1, 1, 0, 1, 1, 1 }));
        });
        x[0] = zeros(3);
        x[1, 2] = 9f;
        Assert.That(Of(x), Is.EqualTo(new float[] { 0, 0, 0, 3, 4, 9 }));
    }

    [Test]
    public void Reductions_AreAsInTorch()
    {
        Tensor x = tensor(
            new float[,]
            {
                { 3, 1, 2 },
                { 6, 5, 4 },
            }
        );
        (Tensor values, Tensor indices) = x.sort(1, descending: true);
        (Tensor highest, Tensor at) = x.max(0);
        Assert.Multiple(() =>
        {
            Assert.That(x.sum().item<float>(), Is.EqualTo(21));
            Assert.That(Of(x.sum(1)), Is.EqualTo(new float[] { 6, 15 }));
            Assert.That(Of(x.mean([0], keepdim: true)), Is.EqualTo(new[] { 4.5f, 3, 3 }));
            Assert.That(x.std().item<float>(), Is.EqualTo(1.8708287f).Within(1e-6));
            Assert.That(Of(values), Is.EqualTo(new float[] { 3, 2, 1, 6, 5, 4 }));
            Assert.That(indices.data<long>().ToArray(), Is.EqualTo(new long[] { 0, 2, 1, 0, 1, 2 }));
            Assert.That(Of(highest), Is.EqualTo(new float[] { 6, 5, 4 }));
            Assert.That(at.data<long>().ToArray(), Is.EqualTo(new long[] { 1, 1, 1 }));
            Assert.That(x.argmax().item<long>(), Is.EqualTo(3));
            Assert.That(Of(x.cumsum(1)), Is.EqualTo(new float[] { 3, 4, 6, 6, 11, 15 }));
            Assert.That(Of(x.cumprod(1)), Is.EqualTo(new float[] { 3, 3, 6, 6, 30, 120 }));
            Assert.That(x.quantile(tensor(0.5f), 1).data<float>().ToArray(), Is.EqualTo(new float[] { 2, 5 }));
            Assert.That((x > 0).all().item<bool>(), Is.True);
            Assert.That((x > 6).any().item<bool>(), Is.False);
        });
    }

    [Test]
    public void Interpolate_Modes_AreAsInTorch()
    {
        Tensor x = tensor(new float[] { 1, 2, 3, 4 }, [1, 1, 2, 2]);
        Assert.Multiple(() =>
        {
            Assert.That(
                Of(F.interpolate(x, scale_factor: [2, 2])),
                Is.EqualTo(new float[] { 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4 })
            );
            Assert.That(Of(F.interpolate(x, size: [1, 1], mode: InterpolationMode.Area)), Is.EqualTo(new[] { 2.5f }));
            Assert.That(
                Of(F.interpolate(x, size: [3, 3], mode: InterpolationMode.Bilinear, align_corners: true)),
                Is.EqualTo(new[] { 1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4 })
            );
        });
    }

    [Test]
    public void Pad_Modes_FillTheBorder()
    {
        Tensor x = tensor(new float[] { 1, 2, 3 }, [1, 1, 3]);
        Assert.Multiple(() =>
        {
            Assert.That(Of(F.pad(x, [1, 2], value: 9)), Is.EqualTo(new float[] { 9, 1, 2, 3, 9, 9 }));
            Assert.That(Of(F.pad(x, [2, 0], PaddingModes.Reflect)), Is.EqualTo(new float[] { 3, 2, 1, 2, 3 }));
            Assert.That(Of(F.pad(x, [1, 1], PaddingModes.Replicate)), Is.EqualTo(new float[] { 1, 1, 2, 3, 3 }));
        });
    }

    [Test]
    public void PixelShuffle_AndBack_IsTheSame()
    {
        Tensor x = randn(1, 8, 3, 3);
        Assert.That(Of(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2)), Is.EqualTo(Of(x)));
    }

    [Test]
    public void Factories_FillAsSaid()
    {
        Assert.Multiple(() =>
        {
            Assert.That(arange(3).dtype, Is.EqualTo(int64));
            Assert.That(arange(0.5).dtype, Is.EqualTo(float32));
            Assert.That(Of(arange(1.0, 2.0, 0.5)), Is.EqualTo(new[] { 1, 1.5f }));
            Assert.That(Of(linspace(0, 1, 3)), Is.EqualTo(new[] { 0, 0.5f, 1 }));
            Assert.That(Of(full(2, 2, 7f)), Is.EqualTo(new float[] { 7, 7, 7, 7 }));
            Assert.That(Of(eye(2)), Is.EqualTo(new float[] { 1, 0, 0, 1 }));
            Assert.That(tensor(3).dtype, Is.EqualTo(int32));
            Assert.That(zeros(Array.Empty<long>(), float32).item<float>(), Is.Zero);
        });
    }

    [Test]
    public void Linalg_SolveAndSvd_InvertAndRebuild()
    {
        Tensor a = randn(4, 4) + (4 * eye(4));
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(a);
        Assert.Multiple(() =>
        {
            Near(TorchExtras.product(linalg.inv(a), a), eye(4), 1e-4);
            Near(TorchExtras.product(a, linalg.solve(a, ones(4, 1))), ones(4, 1), 1e-4);
            Near(TorchExtras.product(TorchExtras.product(u, s.diag()), vh), a, 1e-4);
            Assert.That(linalg.vector_norm(tensor(new float[] { 3, 4 })).item<float>(), Is.EqualTo(5));
        });
    }

    private static float[] Of(Tensor tensor) => tensor.to(float32).data<float>().ToArray();

    private static void Near(Tensor actual, Tensor expected, double tolerance = 1e-5) =>
        Assert.That((actual - expected).abs().max().ToSingle(), Is.LessThan(tolerance));
}
