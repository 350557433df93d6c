using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>Settings for painting inside a mask.</summary>
public record InpaintSettings : Img2ImgSettings
{
    /// <summary>The mask in grey, which is resized to the picture's size: values from 128 up are painted, lower ones are kept.</summary>
    public required Picture MaskImage { get; init; }

    /// <summary>
    /// Pixels around the masked area. Where given, only that area is computed, at the full size, and pasted back into the picture; null
    /// computes the whole picture.
    /// </summary>
    public int? PaddingMaskCrop { get; init; }

    /// <summary>
    /// Whether the area that the mask keeps is the picture's own, pixel for pixel; otherwise the autoencoder changes it a little. Always so
    /// with <see cref="PaddingMaskCrop"/>.
    /// </summary>
    public bool KeepUnmasked { get; init; }

    public override void Check()
    {
        base.Check();
        if (PaddingMaskCrop is not null && (MaskImage.Width != Image.Width || MaskImage.Height != Image.Height))
        {
            throw new SettingException(
                "mask_image",
                $"is {MaskImage.Width} x {MaskImage.Height} pixels and must have the picture's size, {Image.Width} x {Image.Height}, "
                    + "where padding_mask_crop is given."
            );
        }

        if (PaddingMaskCrop < 0)
        {
            throw new SettingException("padding_mask_crop", $"is {PaddingMaskCrop} and must be 0 or more.");
        }
    }
}
