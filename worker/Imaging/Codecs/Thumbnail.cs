using Generation.Imaging.Resizing;

namespace Generation.Imaging.Codecs;

/// <summary>Makes small pictures of large ones, for lists and galleries.</summary>
public static class Thumbnail
{
    /// <summary>
    /// Reduces a picture to fit into a square of <paramref name="maxSide"/> pixels, and keeps its aspect ratio. A picture that fits already
    /// is not enlarged.
    /// </summary>
    public static Picture Of(Picture picture, int maxSide)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSide, 1);
        int longest = Math.Max(picture.Width, picture.Height);
        return longest <= maxSide ? picture : picture.Resize(Side(picture.Width), Side(picture.Height));

        int Side(int side) => Math.Max(1, (int)Math.Round((double)side * maxSide / longest));
    }

    /// <summary>
    /// The same from file to file: a file of any format, with orientation and limits, to one of the format that is asked for.
    /// </summary>
    /// <exception cref="PictureException">The file is not a picture, or is damaged or too large.</exception>
    public static byte[] Of(
        ReadOnlySpan<byte> file,
        int maxSide,
        PictureFormat format = PictureFormat.Jpeg,
        int quality = 80,
        PictureLimits? limits = null
    ) => PictureCodec.Encode(Of(PictureCodec.Decode(file, limits), maxSide), format, quality);
}
