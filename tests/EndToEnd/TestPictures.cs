using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Png;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>Pictures drawn by rule, and looked at by numbers.</summary>
internal static class TestPictures
{
    public static Picture Gradient(int width, int height) =>
        Draw(width, height, (x, y) => (40 + (x * 150 / width), 90 + (y * 120 / height), 160));

    public static Picture Draw(int width, int height, Func<int, int, (int R, int G, int B)> colour)
    {
        var picture = new Picture(width, height, 3);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                (int r, int g, int b) = colour(x, y);
                ((byte)r, (byte)g, (byte)b).CopyTo(picture.Pixel(x, y));
            }
        }

        return picture;
    }

    public static string Base64(Picture picture) => Convert.ToBase64String(PictureCodec.Encode(picture, PictureFormat.Png));

    /// <summary>Mean absolute difference of the values, over a part.</summary>
    public static double Distance(Picture a, Picture b, Func<int, int, bool> where)
    {
        Assert.That((b.Width, b.Height, b.Channels), Is.EqualTo((a.Width, a.Height, a.Channels)));
        double sum = 0;
        long count = 0;
        for (int y = 0; y < a.Height; y++)
        {
            for (int x = 0; x < a.Width; x++)
            {
                if (where(x, y))
                {
                    Span<byte> one = a.Pixel(x, y);
                    Span<byte> two = b.Pixel(x, y);
                    for (int c = 0; c < 3; c++)
                    {
                        sum += Math.Abs(one[c] - two[c]);
                        count++;
                    }
                }
            }
        }

        return sum / count;
    }

    public static (double R, double G, double B) Mean(Picture picture, Func<int, int, bool> where)
    {
        double[] sum = new double[3];
        int count = 0;
        for (int y = 0; y < picture.Height; y++)
        {
            for (int x = 0; x < picture.Width; x++)
            {
                if (where(x, y))
                {
                    Span<byte> pixel = picture.Pixel(x, y);
                    (sum[0], sum[1], sum[2]) = (sum[0] + pixel[0], sum[1] + pixel[1], sum[2] + pixel[2]);
                    count++;
                }
            }
        }

        return (sum[0] / count, sum[1] / count, sum[2] / count);
    }

    public static Picture Transposed(Picture picture) =>
        Draw(picture.Height, picture.Width, (x, y) => picture.Pixel(y, x) is var pixel ? (pixel[0], pixel[1], pixel[2]) : default);

    /// <summary>Size of the mean difference between column x and the one before, over all rows: noise evens out, a seam does not.</summary>
    public static double ColumnStep(Picture picture, int x)
    {
        double[] step = new double[3];
        for (int y = 0; y < picture.Height; y++)
        {
            for (int c = 0; c < 3; c++)
            {
                step[c] += picture.Pixel(x, y)[c] - picture.Pixel(x - 1, y)[c];
            }
        }

        return step.Max(s => Math.Abs(s) / picture.Height);
    }

    private static void CopyTo(this (byte R, byte G, byte B) colour, Span<byte> pixel) => (pixel[0], pixel[1], pixel[2]) = colour;

    /// <summary>Submits a job of one picture, waits for its end, which has to be a success, and reads the picture.</summary>
    public static async Task<Picture> PictureAsync(this TestStack stack, string kind, JsonObject body, CancellationToken token)
    {
        JobDocument job = await stack.EndAsync((await stack.Api.SubmitAsync(kind, body, token)).Id, token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), $"{job.Error?.Field}: {job.Error?.Detail}");
        return PngCodec.Decode(await stack.Api.OutputAsync(job.Outputs.Single(), token)).DropAlpha();
    }
}
