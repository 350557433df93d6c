using System.Security.Cryptography;

namespace Generation.Imaging.Tests;

/// <summary>Pictures from a formula, so that another program can make the same.</summary>
internal static class Patterns
{
    /// <summary>In Python: bytes((i*i*31 + i*17 + (i&gt;&gt;3)*7) &gt;&gt; 2 &amp; 255 for i in range(width*height*channels)).</summary>
    public static Picture Make(int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        for (long i = 0; i < picture.Bytes.Length; i++)
        {
            picture.Bytes[i] = (byte)(((i * i * 31) + (i * 17) + ((i >> 3) * 7)) >> 2);
        }

        return picture;
    }

    /// <summary>First 16 digits of the SHA-256 of the picture's bytes.</summary>
    public static string Hash(Picture picture) => Convert.ToHexStringLower(SHA256.HashData(picture.Bytes))[..16];
}
