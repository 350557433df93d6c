using Generation.Contracts;

namespace Generation.Planning;

/// <summary>Finds the sizes at which a model works for an output of a size.</summary>
internal static class PictureSizes
{
    /// <summary>
    /// The size of a single pass: the output's where the network can make it, else one of the network's native area, which is then
    /// enlarged.
    /// </summary>
    public static RenderPlan Of(ModelEntry model, int width, int height)
    {
        long area = (long)model.NativeWidth * model.NativeHeight;
        bool direct = model.Upscaler is null || ((long)width * height <= area && Makes(model, width) && Makes(model, height));
        if (direct)
        {
            int w = Round(model, width);
            int h = Round(model, height);
            return new RenderPlan
            {
                GeneratedWidth = w,
                GeneratedHeight = h,
                Resized = (w, h) != (width, height),
            };
        }

        double aspect = (double)width / height;
        int generatedWidth = Round(model, Math.Sqrt(area * aspect));
        int generatedHeight = Round(model, Math.Sqrt(area / aspect));
        int scale = model.Upscaler!.Scale;
        return new RenderPlan
        {
            GeneratedWidth = generatedWidth,
            GeneratedHeight = generatedHeight,
            Upscaler = model.Upscaler.Name,
            Scale = scale,
            Resized = (generatedWidth * scale, generatedHeight * scale) != (width, height),
        };
    }

    /// <summary>
    /// The sizes with a second pass, if there is one: the first pass is at the smaller size, the second as near to the output's as the
    /// network can make.
    /// </summary>
    public static RenderPlan Of(ModelEntry model, int width, int height, HiresFix? fix)
    {
        if (fix is null)
        {
            return Of(model, width, height);
        }

        RenderPlan first = Of(model, Math.Max(1, (int)Math.Round(width / fix.Scale)), Math.Max(1, (int)Math.Round(height / fix.Scale)));
        double shrink = Math.Min(1, model.NativeMaxSide / (double)Math.Max(width, height));
        int w = Round(model, width * shrink);
        int h = Round(model, height * shrink);
        bool enlarged = (w < width || h < height) && model.Upscaler is not null;
        int scale = enlarged ? model.Upscaler!.Scale : 1;
        return new RenderPlan
        {
            FirstWidth = first.GeneratedWidth,
            FirstHeight = first.GeneratedHeight,
            GeneratedWidth = w,
            GeneratedHeight = h,
            Upscaler = enlarged ? model.Upscaler!.Name : null,
            Scale = scale,
            Resized = (w * scale, h * scale) != (width, height),
        };
    }

    private static bool Makes(ModelEntry model, int side) =>
        side >= model.NativeMinSide && side <= model.NativeMaxSide && side % model.NativeMultiple == 0;

    private static int Round(ModelEntry model, double side)
    {
        int multiple = model.NativeMultiple;
        int rounded = (int)Math.Round(side / multiple, MidpointRounding.AwayFromZero) * multiple;
        return Math.Clamp(rounded, model.NativeMinSide, model.NativeMaxSide);
    }
}
