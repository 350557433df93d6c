using Generation.Imaging;
using Generation.Imaging.Resizing;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>Converts between 8-bit pictures and the tensors of networks.</summary>
public static class PictureTensors
{
    /// <summary>
    /// Converts (n, height, width, channels) from 0 to 1 to 8 bits, rounding to the nearest value, halves to the even one.
    /// </summary>
    /// <exception cref="NotFiniteException">Values are no numbers; as bytes they would be black.</exception>
    public static IReadOnlyList<Picture> ToPictures(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor values = images.cpu();
        if (!values.isfinite().all().item<bool>())
        {
            throw new NotFiniteException("The decoded pictures");
        }

        Tensor bytes = (values * 255).round().clamp(0, 255).to(ScalarType.Byte).contiguous();
        long[] shape = bytes.shape;
        return
        [
            .. Enumerable
                .Range(0, (int)shape[0])
                .Select(k => new Picture((int)shape[2], (int)shape[1], (int)shape[3], bytes[k].contiguous().bytes.ToArray())),
        ];
    }

    /// <summary>Converts a picture to (1, channels, height, width), float32 from 0 to 1.</summary>
    public static Tensor FromPicture(Picture picture)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor bytes = empty([picture.Height, picture.Width, picture.Channels], dtype: ScalarType.Byte);
        picture.Bytes.CopyTo(bytes.bytes);
        return (bytes.to(ScalarType.Float32) / 255.0f).permute(2, 0, 1).unsqueeze(0).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Converts a picture, resized, to (1, 3, height, width) from -1 to 1, as autoencoders take it.</summary>
    public static Tensor ForAutoencoder(Picture picture, PictureSize size)
    {
        using DisposeScope scope = NewDisposeScope();
        return ((FromPicture(Fit(picture, size)) * 2) - 1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Resizes a picture in colour, and stretches it where the aspect ratio differs. The filter is Lanczos, as in the reference
    /// implementation's image processor.
    /// </summary>
    public static Picture Fit(Picture picture, PictureSize size)
    {
        Picture rgb = picture.DropAlpha();
        return rgb.Width == size.Width && rgb.Height == size.Height ? rgb : rgb.Fit(size.Width, size.Height);
    }

    /// <summary>
    /// Converts (n, channels, height, width) in -1..1, as autoencoders return it, to (n, height, width, channels) in 0..1.
    /// </summary>
    public static Tensor FromDecoded(Tensor decoded)
    {
        using DisposeScope scope = NewDisposeScope();
        return (decoded.to(ScalarType.Float32) / 2 + 0.5).clamp(0, 1).cpu().permute(0, 2, 3, 1).contiguous().MoveToOuterDisposeScope();
    }
}
