using Generation.Imaging;
using Generation.Imaging.Codecs;

namespace Generation.Faces.Tests;

/// <summary>Small pictures that tests send, and pixels of those that they get.</summary>
internal static class TestPictures
{
    /// <summary>A PNG: red grows to the right, green downwards.</summary>
    public static byte[] Gradient(int width = 256, int height = 256) =>
        Png(width, height, 3, (x, y) => [(byte)(x * 255 / width), (byte)(y * 255 / height), 64]);

    /// <summary>A PNG whose middle is transparent, and whose colours say nothing.</summary>
    public static byte[] Hole(int width = 256, int height = 256) =>
        Png(width, height, 4, (x, y) => [120, 40, 200, IsMiddle(x, y, width, height) ? (byte)0 : (byte)255]);

    /// <summary>A PNG: the middle white, the rest black.</summary>
    public static byte[] WhiteMiddle(int width = 256, int height = 256) =>
        Png(width, height, 3, (x, y) => IsMiddle(x, y, width, height) ? [255, 255, 255] : [0, 0, 0]);

    /// <summary>How many pixels differ between two pictures of one size, inside and outside their middle.</summary>
    public static (int Inside, int Outside) Differences(byte[] one, byte[] other)
    {
        Picture a = PictureCodec.Decode(one).ToRgb();
        Picture b = PictureCodec.Decode(other).ToRgb();
        Assert.That((b.Width, b.Height), Is.EqualTo((a.Width, a.Height)));
        (int inside, int outside) = (0, 0);
        for (int y = 0; y < a.Height; y++)
        {
            for (int x = 0; x < a.Width; x++)
            {
                if (!a.Pixel(x, y).SequenceEqual(b.Pixel(x, y)))
                {
                    _ = IsMiddle(x, y, a.Width, a.Height) ? inside++ : outside++;
                }
            }
        }

        return (inside, outside);
    }

    private static bool IsMiddle(int x, int y, int width, int height) =>
        x >= width / 4 && x < width * 3 / 4 && y >= height / 4 && y < height * 3 / 4;

    private static byte[] Png(int width, int height, int channels, Func<int, int, byte[]> pixel)
    {
        var picture = new Picture(width, height, channels);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                pixel(x, y).CopyTo(picture.Pixel(x, y));
            }
        }

        return PictureCodec.Encode(picture, PictureFormat.Png);
    }
}
