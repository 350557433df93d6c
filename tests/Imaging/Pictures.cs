using FsCheck;
using FsCheck.Fluent;

namespace Generation.Imaging.Tests;

/// <summary>Random pictures.</summary>
internal static class Pictures
{
    public static Arbitrary<Picture> Any { get; } =
        Arb.From(
            from width in Gen.Choose(1, 70)
            from height in Gen.Choose(1, 70)
            from channels in Gen.Elements(1, 3, 4)
            from smooth in Gen.Elements(true, false)
            from seed in Gen.Choose(0, int.MaxValue)
            select Make(width, height, channels, smooth, seed)
        );

    public static Picture Make(int width, int height, int channels, bool smooth, int seed)
    {
        var picture = new Picture(width, height, channels);
        if (smooth)
        {
            for (int i = 0; i < picture.Bytes.Length; i++)
            {
                picture.Bytes[i] = (byte)((i / channels % width * 3) + (i / picture.Stride * 2) + seed);
            }
        }
        else
        {
            new Random(seed).NextBytes(picture.Bytes);
        }

        return picture;
    }
}
