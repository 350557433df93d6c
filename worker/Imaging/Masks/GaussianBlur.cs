namespace Generation.Imaging.Masks;

/// <summary>
/// Blurs a picture with three passes of an extended box filter in each direction, equal to the byte to Pillow's ImageFilter.GaussianBlur.
/// Gwosdek et al., Theoretical Foundations of Gaussian Convolution by Extended Box Filtering, 2011.
/// </summary>
public static class GaussianBlur
{
    private const int Passes = 3;
    private const int One = 1 << 24;

    /// <summary>Returns the blurred picture; each channel is blurred by itself.</summary>
    /// <param name="picture">The picture, which is not changed.</param>
    /// <param name="radius">The standard deviation in pixels; 0 changes nothing.</param>
    public static Picture Blur(this Picture picture, double radius)
    {
        if (!(radius >= 0 && radius <= Picture.MaxSide))
        {
            throw new ArgumentOutOfRangeException(nameof(radius), radius, $"A blur's radius is 0 to {Picture.MaxSide} pixels.");
        }

        if (radius == 0)
        {
            return picture;
        }

        var box = new Box(BoxRadius((float)radius));
        var result = new Picture(picture.Width, picture.Height, picture.Channels, (byte[])picture.Bytes.Clone());
        byte[] line = new byte[Math.Max(picture.Width, picture.Height)];
        byte[] blurred = new byte[line.Length];
        for (int c = 0; c < picture.Channels; c++)
        {
            for (int y = 0; y < picture.Height; y++)
            {
                BlurLine(box, result.Bytes, (y * picture.Stride) + c, picture.Channels, line.AsSpan(0, picture.Width), blurred);
            }

            for (int x = 0; x < picture.Width; x++)
            {
                BlurLine(box, result.Bytes, (x * picture.Channels) + c, picture.Stride, line.AsSpan(0, picture.Height), blurred);
            }
        }

        return result;
    }

    private static void BlurLine(Box box, byte[] bytes, int start, int step, Span<byte> line, byte[] blurred)
    {
        for (int i = 0; i < line.Length; i++)
        {
            line[i] = bytes[start + (i * step)];
        }

        for (int pass = 0; pass < Passes; pass++)
        {
            box.Blur(line, blurred);
            blurred.AsSpan(0, line.Length).CopyTo(line);
        }

        for (int i = 0; i < line.Length; i++)
        {
            bytes[start + (i * step)] = line[i];
        }
    }

    /// <summary>The radius of the box, with a fraction, which applied three times is closest to the Gaussian.</summary>
    private static float BoxRadius(float radius)
    {
        float variance = radius * radius / Passes;
        float length = (float)Math.Sqrt((12.0 * variance) + 1.0);
        float whole = (float)Math.Floor((length - 1.0) / 2.0);
        float fraction = ((2 * whole) + 1) * ((whole * (whole + 1)) - (3 * variance));
        fraction /= 6 * (variance - ((whole + 1) * (whole + 1)));
        return whole + fraction;
    }

    /// <summary>
    /// A running mean whose outermost pixels have a smaller weight. Beyond the ends of the line its last pixels are repeated.
    /// </summary>
    private sealed class Box
    {
        private readonly int _radius;
        private readonly uint _weight;
        private readonly uint _outerWeight;

        public Box(float radius)
        {
            _radius = (int)radius;
            _weight = (uint)(One / ((radius * 2) + 1));
            _outerWeight = (One - ((uint)((_radius * 2) + 1) * _weight)) / 2;
        }

        public void Blur(ReadOnlySpan<byte> line, Span<byte> blurred)
        {
            int last = line.Length - 1;
            uint sum = (uint)(line[0] * (_radius + 1));
            for (int i = 0; i < _radius; i++)
            {
                sum += line[Math.Min(i, last)];
            }

            for (int i = 0; i < line.Length; i++)
            {
                // The window moves on: in comes the pixel at its right, out goes the one that was at its left
                sum += line[Math.Min(i + _radius, last)];
                sum -= line[Math.Max(i - _radius - 1, 0)];
                uint outer = (uint)(line[Math.Max(i - _radius - 1, 0)] + line[Math.Min(i + _radius + 1, last)]);
                blurred[i] = (byte)(((sum * _weight) + (outer * _outerWeight) + (1u << 23)) >> 24);
            }
        }
    }
}
