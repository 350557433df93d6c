using Generation.Imaging;

namespace Generation.Worker.Rendering;

/// <summary>Resizes with a Lanczos filter of three lobes, widened when the picture becomes smaller. Turkowski, 1990.</summary>
internal static class Lanczos
{
    private const double Lobes = 3;

    public static Picture Resize(Picture picture, int width, int height)
    {
        int channels = picture.Channels;
        float[] rows = new float[picture.Height * width * channels];
        Taps across = Taps.Of(picture.Width, width);
        for (int y = 0; y < picture.Height; y++)
        {
            ReadOnlySpan<byte> from = picture.Row(y);
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < channels; c++)
                {
                    float sum = 0;
                    for (int k = 0; k < across.Count[x]; k++)
                    {
                        sum += across.Weights[x][k] * from[((across.First[x] + k) * channels) + c];
                    }

                    rows[(((y * width) + x) * channels) + c] = sum;
                }
            }
        }

        var resized = new Picture(width, height, channels);
        Taps down = Taps.Of(picture.Height, height);
        for (int y = 0; y < height; y++)
        {
            Span<byte> to = resized.Row(y);
            for (int i = 0; i < to.Length; i++)
            {
                float sum = 0;
                for (int k = 0; k < down.Count[y]; k++)
                {
                    sum += down.Weights[y][k] * rows[((down.First[y] + k) * to.Length) + i];
                }

                to[i] = (byte)Math.Clamp(MathF.Round(sum), 0, 255);
            }
        }

        return resized;
    }

    private sealed record Taps(int[] First, int[] Count, float[][] Weights)
    {
        public static Taps Of(int from, int to)
        {
            double scale = (double)from / to;
            double support = Lobes * Math.Max(scale, 1);
            var span = new Taps(new int[to], new int[to], new float[to][]);
            for (int i = 0; i < to; i++)
            {
                double centre = (i + 0.5) * scale;
                int first = Math.Max(0, (int)Math.Floor(centre - support + 0.5));
                int last = Math.Min(from, (int)Math.Floor(centre + support + 0.5));
                double[] weights = [.. Enumerable.Range(first, last - first).Select(k => Filter((k + 0.5 - centre) / Math.Max(scale, 1)))];
                double sum = weights.Sum();
                (span.First[i], span.Count[i]) = (first, last - first);
                span.Weights[i] = [.. weights.Select(w => (float)(w / sum))];
            }

            return span;
        }

        private static double Filter(double x) => Math.Abs(x) < Lobes ? Sinc(x) * Sinc(x / Lobes) : 0;

        private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
    }
}
