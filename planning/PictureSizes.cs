using Generation.Contracts;

namespace Generation.Planning;

/// <summary>At which sizes a model works for an output of the asked size.</summary>
internal static class PictureSizes
{
    /// <summary>One pass: directly where the network makes that size, else at its own area and enlarged.</summary>
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
    /// With a second pass, if one is asked for: the first at the smaller size, the second as near to the whole as the network goes.
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
