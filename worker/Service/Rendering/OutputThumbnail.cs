using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>The small picture that lists and galleries show of an output.</summary>
internal static class OutputThumbnail
{
    /// <summary>Pixels of the longer side, at most.</summary>
    private const int Side = 256;

    /// <summary>Makes and stores it; returns its hash.</summary>
    public static Task<string> PutAsync(StoredFiles files, RunningJob job, Picture picture) =>
        files.PutAsync(job, PictureCodec.Encode(Thumbnail.Of(picture, Side).ToRgb(), PictureFormat.Jpeg), PictureFormat.Jpeg.ContentType());
}
