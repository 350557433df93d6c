using System.Globalization;
using System.Text.RegularExpressions;
using Generation.Imaging;
using Generation.Imaging.Control;
using Generation.Imaging.Masks;
using Generation.Imaging.Resizing;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>
/// Pictures resized, prepared and searched for edges by Pillow, diffusers, transformers and OpenCV. What was done, and the sizes, are in
/// the outputs' names.
/// </summary>
[TestFixture]
public sealed partial class ImagesTests
{
    public static IEnumerable<TestCaseData> Outputs() =>
        GoldenCase
            .All("images")
            .SelectMany(golden => golden.Outputs.Select(name => new TestCaseData(golden, name).SetArgDisplayNames(golden.Name, name)));

    [TestCaseSource(nameof(Outputs))]
    public void Compute_ReferencePicture_EqualsReference(GoldenCase golden, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor expected = golden.Output(name);
        if (EdgesName().Match(name) is { Success: true } edges)
        {
            Picture picture = ToPicture(golden.Input(edges.Groups["gray"].Success ? "gray" : "image"));
            Picture found = Canny.Detect(picture, Number(edges, "low"), Number(edges, "high"));
            // The case allows 0.5 % of the pixels to differ; none does
            Assert.That(found.Bytes, Is.EqualTo(ToPicture(expected).Bytes));
        }
        else if (ResizeName().Match(name) is { Success: true } resize)
        {
            ResamplingFilter filter = Enum.Parse<ResamplingFilter>(resize.Groups["filter"].Value, ignoreCase: true);
            Picture found = ToPicture(golden.Input("image")).Resize((int)Number(resize, "width"), (int)Number(resize, "height"), filter);
            // The case allows one level; the arithmetic is the same to the bit
            Assert.That(found.Bytes, Is.EqualTo(ToPicture(expected).Bytes));
        }
        else if (PreprocessName().Match(name) is { Success: true } preprocess)
        {
            bool isMask = preprocess.Groups["kind"].Value == "mask";
            Picture fitted = ToPicture(golden.Input(isMask ? "mask" : "image"))
                .Fit((int)Number(preprocess, "width"), (int)Number(preprocess, "height"));
            float[] values = isMask ? [.. fitted.ToGrey().Binarize().Bytes.Select(value => value / 255f)] : Planes(fitted.DropAlpha());
            GoldenCase.AssertClose(tensor(values).view(expected.shape), expected, name, golden.Tolerance / 127);
        }
        else if (ClipName().Match(name) is { Success: true } clip)
        {
            float[] values = ClipImageProcessor.Prepare(ToPicture(golden.Input("image")), (int)Number(clip, "size"));
            GoldenCase.AssertClose(tensor(values).view(expected.shape), expected, name, golden.Tolerance / 127);
        }
        else if (name == "postprocess_uint8")
        {
            Tensor decoded = (golden.Input("decoded") / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1);
            Tensor bytes = (decoded * 255).round().to(ScalarType.Float32).view(expected.shape);
            GoldenCase.AssertClose(bytes, expected, name, 0);
        }
        else
        {
            golden.Unknown(name);
        }
    }

    [GeneratedRegex(
        "^(?<gray>gray_)?low(?<low>[0-9.]+)_high(?<high>[0-9.]+)$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex EdgesName();

    [GeneratedRegex(
        "_(?<filter>nearest|box|bilinear|hamming|bicubic|lanczos)_(?<width>[0-9]+)x(?<height>[0-9]+)$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex ResizeName();

    [GeneratedRegex(
        "^(?<kind>vae|mask)_preprocess_(?<width>[0-9]+)x(?<height>[0-9]+)$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex PreprocessName();

    [GeneratedRegex("^clip_image_processor_(?<size>[0-9]+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ClipName();

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    private static Picture ToPicture(Tensor tensor)
    {
        long[] shape = tensor.shape;
        return new Picture((int)shape[1], (int)shape[0], shape.Length == 3 ? (int)shape[2] : 1, [.. tensor.contiguous().data<byte>()]);
    }

    /// <summary>(3, height, width) from -1 to 1.</summary>
    private static float[] Planes(Picture picture)
    {
        int plane = picture.Width * picture.Height;
        return [.. Enumerable.Range(0, 3 * plane).Select(i => (picture.Bytes[(i % plane * 3) + (i / plane)] / 255f * 2) - 1)];
    }
}
