using Generation.Imaging.Masks;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Control;

/// <summary>The ways to make a control picture from a picture without a network.</summary>
public enum ControlPreprocessor
{
    /// <summary>None: the picture is a control picture already.</summary>
    None,

    /// <summary>Edges, white on black.</summary>
    Canny,

    /// <summary>Inverted: drawings on white become lines on black, as scribble and line art networks take them.</summary>
    Invert,

    /// <summary>Blurred, for networks that add detail.</summary>
    Blur,

    /// <summary>Reduced and enlarged again, for tile networks.</summary>
    Tile,
}

/// <summary>Makes control pictures: resizes them to the size of the picture to be made, and preprocesses them at that size.</summary>
public static class ControlPictures
{
    // The thresholds that ControlNet's canny networks were trained around
    private const double CannyLow = 100;
    private const double CannyHigh = 200;

    // Of the larger side, so that a picture and the same picture enlarged come to the same
    private const double BlurShare = 9.0 / 512;
    private const int TileShrink = 4;

    /// <summary>The names of the preprocessors in requests.</summary>
    public static IReadOnlyList<string> PreprocessorNames { get; } = ["none", "canny", "invert", "blur", "tile"];

    /// <summary>
    /// The names in requests of the ways to bring a picture to another aspect ratio: crop what is outside, fit the picture inside and
    /// extend its edges, or stretch it.
    /// </summary>
    public static IReadOnlyList<string> ResizeModeNames { get; } = ["crop", "fit", "stretch"];

    /// <summary>The preprocessor of a name in requests; null where none has that name.</summary>
    public static ControlPreprocessor? FindPreprocessor(string name) =>
        name.ToLowerInvariant() switch
        {
            "none" => ControlPreprocessor.None,
            "canny" => ControlPreprocessor.Canny,
            "invert" => ControlPreprocessor.Invert,
            "blur" => ControlPreprocessor.Blur,
            "tile" => ControlPreprocessor.Tile,
            _ => null,
        };

    /// <summary>The way to fit of a name in requests; null where none has that name.</summary>
    public static FitMode? FindResizeMode(string name) =>
        name.ToLowerInvariant() switch
        {
            "crop" => FitMode.Crop,
            "fit" => FitMode.Fill,
            "stretch" => FitMode.Stretch,
            _ => null,
        };

    /// <summary>
    /// Makes a control picture of <paramref name="width"/> x <paramref name="height"/> pixels, in colour. Transparent parts become white.
    /// </summary>
    public static Picture Prepare(Picture picture, ControlPreprocessor preprocessor, int width, int height, FitMode mode = FitMode.Crop)
    {
        Picture sized = picture.ToRgb().Fit(width, height, mode);
        return preprocessor switch
        {
            ControlPreprocessor.None => sized,
            ControlPreprocessor.Canny => Canny.Detect(sized, CannyLow, CannyHigh).ToRgb(),
            ControlPreprocessor.Invert => sized.Invert(),
            ControlPreprocessor.Blur => sized.Blur(Math.Max(width, height) * BlurShare),
            ControlPreprocessor.Tile => sized
                .Resize(Math.Max(1, width / TileShrink), Math.Max(1, height / TileShrink), ResamplingFilter.Box)
                .Resize(width, height),
            _ => throw new ArgumentOutOfRangeException(nameof(preprocessor), preprocessor, "Not a preprocessor."),
        };
    }
}
