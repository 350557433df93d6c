using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>Paints beyond the borders of a picture.</summary>
public sealed record OutpaintSettings : DiffusionSettings
{
    public required Picture Image { get; init; }

    /// <summary>Pixels to add on each side. The whole is widened on the right and at the bottom to what the model can make, and cut again.</summary>
    public int Left { get; init; }

    public int Top { get; init; }

    public int Right { get; init; }

    public int Bottom { get; init; }

    /// <summary>Pixels inside the old border that are painted too and blend into the old picture.</summary>
    public int Overlap { get; init; } = 16;

    /// <summary>As for inpainting; 1 forgets the colours that the new area is primed with.</summary>
    public double Strength { get; init; } = 1;

    public override void Check()
    {
        base.Check();
        foreach ((string field, int value) in new[] { ("left", Left), ("top", Top), ("right", Right), ("bottom", Bottom), ("overlap", Overlap) })
        {
            if (value < 0)
            {
                throw new SettingException(field, $"is {value} and must be 0 or more.");
            }
        }

        if (Left + Top + Right + Bottom == 0)
        {
            throw new SettingException("left", "and top, right and bottom are all 0; at least one side must grow.");
        }

        CheckRange("strength", Strength, 0, 1);
    }

    /// <summary>The inpainting that it comes to: the picture on a larger canvas, its edges drawn out, and a mask over what is new.</summary>
    /// <param name="multiple">Sides of the canvas are multiples of this.</param>
    internal InpaintSettings ToInpaint(int multiple)
    {
        Check();
        Picture old = Image.DropAlpha();
        PictureSize size = CanvasSize(multiple);
        var canvas = new Picture(size.Width, size.Height, 3);
        var mask = new Picture(size.Width, size.Height, 1);
        int keptLeft = Left + (Left > 0 ? Overlap : 0);
        int keptTop = Top + (Top > 0 ? Overlap : 0);
        int keptRight = Left + old.Width - (Right > 0 ? Overlap : 0);
        int keptBottom = Top + old.Height - (Bottom > 0 ? Overlap : 0);
        if (keptLeft >= keptRight || keptTop >= keptBottom)
        {
            throw new SettingException("overlap", $"is {Overlap} and leaves nothing of the picture, which is {old.Width} x {old.Height} pixels.");
        }

        for (int y = 0; y < size.Height; y++)
        {
            Span<byte> row = canvas.Row(y);
            Span<byte> masked = mask.Row(y);
            ReadOnlySpan<byte> from = old.Row(Math.Clamp(y - Top, 0, old.Height - 1));
            for (int x = 0; x < size.Width; x++)
            {
                from.Slice(Math.Clamp(x - Left, 0, old.Width - 1) * 3, 3).CopyTo(row[(x * 3)..]);
                masked[x] = x >= keptLeft && x < keptRight && y >= keptTop && y < keptBottom ? (byte)0 : (byte)255;
            }
        }

        return new InpaintSettings
        {
            Image = canvas,
            MaskImage = mask,
            Strength = Strength,
            KeepUnmasked = true,
            ResultSize = ResultSize,
            Prompt = Prompt,
            NegativePrompt = NegativePrompt,
            Prompt2 = Prompt2,
            NegativePrompt2 = NegativePrompt2,
            Items = Items,
            Width = size.Width,
            Height = size.Height,
            NumInferenceSteps = NumInferenceSteps,
            GuidanceScale = GuidanceScale,
            GuidanceRescale = GuidanceRescale,
            Seed = Seed,
            NumImages = NumImages,
            Scheduler = Scheduler,
            Eta = Eta,
            ClipSkip = ClipSkip,
            Sdxl = Sdxl,
            Flux = Flux,
        };
    }

    /// <summary>Size of the result, in pixels.</summary>
    internal PictureSize ResultSize => new(Left + Image.Width + Right, Top + Image.Height + Bottom);

    private PictureSize CanvasSize(int multiple) => new(Up(ResultSize.Width, multiple), Up(ResultSize.Height, multiple));

    private static int Up(int side, int multiple) => (side + multiple - 1) / multiple * multiple;
}
