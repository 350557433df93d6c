using Generation.Diffusion.Pipelines;
using Generation.Imaging.Codecs;

namespace Generation.Service.Rendering;

/// <summary>A small picture of a run between two steps, as its model's family makes it: a JPEG file.</summary>
internal static class StepPreview
{
    private const int MaxSide = 128;
    private const int Quality = 75;

    /// <summary>Null where the family has none.</summary>
    public static byte[]? Make(StepReport report) =>
        report.Preview() is { } picture ? PictureCodec.Encode(Thumbnail.Of(picture, MaxSide), PictureFormat.Jpeg, Quality) : null;
}
