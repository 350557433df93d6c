using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Imaging;
using Generation.Imaging.Codecs;

namespace Generation.Cli.Commands;

/// <summary>
/// The pictures that a kind begins with: the caller's, or pictures made here. They are uploaded, so that the request is short.
/// </summary>
internal static class DemoInputs
{
    /// <summary>Adds "image", and "mask" for inpainting, to the request.</summary>
    /// <param name="makeFirst">
    /// Makes the picture to begin with, whose side is given in pixels, or null for the model's default size.
    /// </param>
    /// <exception cref="StepException">A file is missing or is not a picture, or the API refused it.</exception>
    public static async Task AddAsync(
        JobRun run,
        DemoKind kind,
        JsonObject request,
        string? image,
        string? mask,
        Func<int?, Task<byte[]>> makeFirst,
        CancellationToken token
    )
    {
        byte[] first = image is null ? await makeFirst(kind.FirstSide) : await PictureInput.ReadAsync(image, token);
        request["image"] = await run.UploadAsync(first, token);
        if (kind.Kind == JobKind.Inpaint)
        {
            request["mask"] = await run.UploadAsync(mask is null ? CentralMask(first) : await PictureInput.ReadAsync(mask, token), token);
        }
    }

    /// <summary>
    /// Makes a PNG file that is white over the middle of a picture, three quarters of its width and height, and black around it.
    /// </summary>
    private static byte[] CentralMask(byte[] file)
    {
        Picture picture;
        try
        {
            picture = PictureCodec.Decode(file);
        }
        catch (PictureException e)
        {
            throw new StepException(PictureInput.Step, e.Message, null, "Name a PNG, JPEG or WebP picture with --image.", e);
        }

        var mask = new Picture(picture.Width, picture.Height, 1);
        for (int y = picture.Height / 8; y < picture.Height * 7 / 8; y++)
        {
            mask.Row(y)[(picture.Width / 8)..(picture.Width * 7 / 8)].Fill(255);
        }

        return PictureCodec.Encode(mask, PictureFormat.Png);
    }
}
