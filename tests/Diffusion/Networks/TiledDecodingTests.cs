using Generation.Diffusion.Networks;
using Generation.Diffusion.Tests.Goldens;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>Pictures decoded in tiles are those decoded as a whole, without seams and in less memory.</summary>
public sealed class TiledDecodingTests
{
    // The picture's values lie in -1..1; what differs is the estimate of the group norms' statistics
    [TestCase(500_000, 0.06, 0.015)]
    [TestCase(2_000_000, 0.03, 0.005)]
    public void Decode_InTiles_IsNearTheWholeWithoutSeams(long maxValues, double most, double mean)
    {
        using AutoencoderKL vae = Demo();
        using DisposeScope scope = NewDisposeScope();
        Tensor latents = vae.Encode(Scene(256, 320)).Mean;
        Tensor whole = vae.Decode(latents);
        Tensor tiled = vae.Decode(latents, maxValues);
        Tensor error = tiled - whole;
        TestContext.Out.WriteLine(
            $"TILED {maxValues}: largest {error.abs().max().item<float>():F4}, mean {error.abs().mean().item<float>():F5}, jumps "
                + $"{Jump(error, 2):F4} {Jump(error, 3):F4}"
        );
        Assert.That(error.abs().max().item<float>(), Is.LessThan(most));
        Assert.That(error.abs().mean().item<float>(), Is.LessThan(mean));
        // A seam would be a jump of the error from one row or column to the next
        Assert.That(Jump(error, 2), Is.LessThan(most / 4), "rows");
        Assert.That(Jump(error, 3), Is.LessThan(most / 4), "columns");
    }

    [Test]
    public void Decode_PictureOfOneTile_IsTheWhole()
    {
        using AutoencoderKL vae = Demo();
        using DisposeScope scope = NewDisposeScope();
        Tensor latents = vae.Encode(Scene(64, 96)).Mean;
        GoldenCase.AssertClose(vae.Decode(latents, maxValues: 1 << 20), vae.Decode(latents), "picture", 1e-5);
    }

    [Test]
    public void Decode_ManyPictures_AreTheSameInSlices()
    {
        using AutoencoderKL vae = Demo();
        using DisposeScope scope = NewDisposeScope();
        Tensor latents = cat([vae.Encode(Scene(64, 64)).Mean, vae.Encode(Scene(64, 64).flip(3)).Mean, randn(1, 4, 16, 16)], 0);
        // One picture's largest map has 4 * 48 channels at 32 x 32
        GoldenCase.AssertClose(vae.Decode(latents, maxValues: 200_000), vae.Decode(latents), "pictures", 1e-5);
    }

    [Test]
    public void Decode_InTiles_LeavesNoTensorAndStopsWhenCancelled()
    {
        using AutoencoderKL vae = Demo();
        using DisposeScope scope = NewDisposeScope();
        Tensor latents = randn(1, 4, 48, 48);
        // The first time lets go of weights that it packs
        vae.Decode(latents).Dispose();
        long before = TensorCount.Settled();
        vae.Decode(latents, maxValues: 300_000).Dispose();
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => vae.Decode(latents, token: cancelled.Token));
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public void Decode_LargePictureInTiles_TakesLessMemory()
    {
        using AutoencoderKL vae = Demo();
        // Both begin with no memory kept for tensors; the weights are packed before
        vae.Decode(zeros(1, 4, 16, 16)).Dispose();
        long tiled = PeakBytes(() => vae.Decode(zeros(1, 4, 128, 128), maxValues: 300_000).Dispose());
        long whole = PeakBytes(() => vae.Decode(zeros(1, 4, 128, 128)).Dispose());
        TestContext.Out.WriteLine($"TILED {tiled >> 20} MiB in tiles, {whole >> 20} MiB as a whole");
        Assert.That(tiled, Is.LessThan(whole * 0.8), $"{tiled >> 20} MiB in tiles, {whole >> 20} MiB as a whole");
    }

    /// <summary>How far resident memory rises above its start during an action.</summary>
    private static long PeakBytes(Action action)
    {
        using DisposeScope scope = NewDisposeScope();
        TorchRuntime.ReleaseMemory();
        // 5 sets the high-water mark back to what is resident now
        File.WriteAllText("/proc/self/clear_refs", "5");
        long start = StatusBytes("VmRSS:");
        action();
        return StatusBytes("VmHWM:") - start;
    }

    private static long StatusBytes(string field) =>
        long.Parse(
            File.ReadLines("/proc/self/status")
                .First(line => line.StartsWith(field, StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture
        ) * 1024;

    /// <summary>The largest difference between neighbouring lines, each averaged over its length.</summary>
    private static double Jump(Tensor error, int axis)
    {
        Tensor lines = error.mean([0, 1, axis == 2 ? 3 : 2]);
        long count = lines.shape[0];
        return (lines.narrow(0, 1, count - 1) - lines.narrow(0, 0, count - 1)).abs().max().item<float>();
    }

    private static AutoencoderKL Demo()
    {
        string folder = GoldenCase.InRepository("models/demo/vae");
        using var source = WeightSource.Open(folder);
        return new AutoencoderKL(ConfigJson.Load<AutoencoderConfig>(Path.Combine(folder, "config.json")), new NetworkWeights(source));
    }

    /// <summary>Discs of several colours over a gradient, (1, 3, height, width) in -1..1.</summary>
    private static Tensor Scene(long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = linspace(-1, 1, height).view(1, 1, -1, 1),
            x = linspace(-1, 1, width).view(1, 1, 1, -1);
        Tensor picture = cat([(x + y) / 2, x * 0.5 - y * 0.5, (x * 0).expand(1, 1, height, width) + 0.2 + y * 0.1], 1);
        (double X, double Y, double Radius, float[] Colour)[] discs =
        [
            (-0.5, -0.4, 0.3, [0.9f, -0.8f, -0.7f]),
            (0.4, 0.3, 0.4, [-0.8f, 0.7f, -0.6f]),
            (0.6, -0.6, 0.2, [0.9f, 0.9f, -0.9f]),
            (-0.3, 0.6, 0.25, [-0.5f, -0.6f, 0.9f]),
        ];
        foreach ((double centreX, double centreY, double radius, float[]? colour) in discs)
        {
            Tensor inside = ((x - centreX).square() + (y - centreY).square()).lt(radius * radius);
            picture = where(inside, tensor(colour).view(1, 3, 1, 1), picture);
        }
        return picture.MoveToOuterDisposeScope();
    }
}
