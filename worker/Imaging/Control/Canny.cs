namespace Generation.Imaging.Control;

/// <summary>
/// Canny's edge detector (1986), equal to the pixel to OpenCV's Canny(image, low, high), with 3 x 3 Sobel gradients whose absolute values
/// are added.
/// </summary>
public static class Canny
{
    private const int Shift = 15;

    // tan(22.5 degrees) in fixed point
    private const int Tangent = (int)((0.4142135623730950488016887242097 * (1 << Shift)) + 0.5);

    private enum Mark : byte
    {
        Weak = 0,
        None = 1,
        Edge = 2,
    }

    /// <summary>
    /// Returns a grey picture that is 255 at edges and 0 elsewhere. An edge's gradient is above <paramref name="high"/> somewhere and above
    /// <paramref name="low"/> everywhere. In a colour picture the channel with the largest gradient counts at each pixel; alpha is ignored.
    /// </summary>
    public static Picture Detect(Picture picture, double low, double high)
    {
        if (low > high)
        {
            (low, high) = (high, low);
        }

        Picture source = picture.Channels == 4 ? picture.DropAlpha() : picture;
        var gradients = new Gradients(source);
        int width = source.Width;
        int height = source.Height;
        int stride = width + 2;

        // With a border that is never an edge
        var marks = new Mark[stride * (height + 2)];
        marks.AsSpan().Fill(Mark.None);
        var open = new Stack<int>();
        int lowest = (int)Math.Floor(low);
        int highest = (int)Math.Floor(high);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                int at = ((y + 1) * stride) + x + 1;
                int magnitude = gradients.Magnitude[at];
                if (magnitude <= lowest || !gradients.IsRidge(at))
                {
                    continue;
                }

                marks[at] = magnitude > highest ? Mark.Edge : Mark.Weak;
                if (magnitude > highest)
                {
                    open.Push(at);
                }
            }
        }

        ReadOnlySpan<int> neighbours = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1];
        while (open.TryPop(out int at))
        {
            foreach (int step in neighbours)
            {
                if (marks[at + step] == Mark.Weak)
                {
                    marks[at + step] = Mark.Edge;
                    open.Push(at + step);
                }
            }
        }

        var edges = new Picture(width, height, 1);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                edges.Bytes[(y * width) + x] = marks[((y + 1) * stride) + x + 1] == Mark.Edge ? (byte)255 : (byte)0;
            }
        }

        return edges;
    }

    /// <summary>Sobel gradients with a border of zeros. Beyond the picture its edge pixels are repeated.</summary>
    private sealed class Gradients
    {
        private readonly int _stride;
        private readonly short[] _dx;
        private readonly short[] _dy;

        public Gradients(Picture picture)
        {
            int channels = picture.Channels;
            int width = picture.Width;
            int height = picture.Height;
            _stride = width + 2;
            Magnitude = new int[_stride * (height + 2)];
            _dx = new short[Magnitude.Length];
            _dy = new short[Magnitude.Length];
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<byte> above = picture.Row(Math.Max(y - 1, 0));
                ReadOnlySpan<byte> row = picture.Row(y);
                ReadOnlySpan<byte> below = picture.Row(Math.Min(y + 1, height - 1));
                for (int x = 0; x < width; x++)
                {
                    int left = Math.Max(x - 1, 0) * channels;
                    int middle = x * channels;
                    int right = Math.Min(x + 1, width - 1) * channels;
                    int at = ((y + 1) * _stride) + x + 1;
                    for (int c = 0; c < channels; c++)
                    {
                        int dx =
                            above[right + c]
                            - above[left + c]
                            + (2 * (row[right + c] - row[left + c]))
                            + below[right + c]
                            - below[left + c];
                        int dy =
                            below[left + c]
                            - above[left + c]
                            + (2 * (below[middle + c] - above[middle + c]))
                            + below[right + c]
                            - above[right + c];
                        int magnitude = Math.Abs(dx) + Math.Abs(dy);
                        if (c == 0 || magnitude > Magnitude[at])
                        {
                            (Magnitude[at], _dx[at], _dy[at]) = (magnitude, (short)dx, (short)dy);
                        }
                    }
                }
            }
        }

        public int[] Magnitude { get; }

        /// <summary>Whether the gradient is the largest among its neighbours along its direction, which is rounded to 45 degrees.</summary>
        public bool IsRidge(int at)
        {
            int here = Magnitude[at];
            int dx = _dx[at];
            int dy = _dy[at];
            int x = Math.Abs(dx);
            int y = Math.Abs(dy) << Shift;
            int flat = x * Tangent;
            if (y < flat)
            {
                return here > Magnitude[at - 1] && here >= Magnitude[at + 1];
            }

            // tan(67.5 degrees) = 2 + tan(22.5 degrees)
            int steep = flat + (x << (Shift + 1));
            if (y > steep)
            {
                return here > Magnitude[at - _stride] && here >= Magnitude[at + _stride];
            }

            int side = (dx ^ dy) < 0 ? -1 : 1;
            return here > Magnitude[at - _stride - side] && here > Magnitude[at + _stride + side];
        }
    }
}
