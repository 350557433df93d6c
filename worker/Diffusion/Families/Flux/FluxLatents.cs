using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>Packs latents into the tokens of FLUX's transformer: 2x2 patches.</summary>
internal static class FluxLatents
{
    /// <summary>Packs (n, channels, height, width) to (n, height / 2 * width / 2, 4 channels).</summary>
    public static Tensor Pack(Tensor latents)
    {
        long[] s = latents.shape;

        // n, c, h/2, 2, w/2, 2 -> n, h/2, w/2, c, 2, 2
        return latents
            .reshape(s[0], s[1], s[2] / 2, 2, s[3] / 2, 2)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(s[0], s[2] / 2 * (s[3] / 2), s[1] * 4);
    }

    /// <summary>Reverses <see cref="Pack"/>; height and width are those of the latents.</summary>
    public static Tensor Unpack(Tensor packed, long height, long width)
    {
        long[] s = packed.shape;

        // n, h/2, w/2, c, 2, 2 -> n, c, h/2, 2, w/2, 2
        return packed.reshape(s[0], height / 2, width / 2, s[2] / 4, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(s[0], s[2] / 4, height, width);
    }

    /// <summary>The position of each token: (height / 2 * width / 2, 3) with 0, row, column.</summary>
    public static Tensor Positions(long height, long width)
    {
        long rows = height / 2;
        long columns = width / 2;
        Tensor row = arange(rows, dtype: ScalarType.Float32).unsqueeze(1).expand(rows, columns);
        Tensor column = arange(columns, dtype: ScalarType.Float32).unsqueeze(0).expand(rows, columns);
        return stack([zeros([rows, columns], dtype: ScalarType.Float32), row, column], -1).reshape(rows * columns, 3);
    }
}
