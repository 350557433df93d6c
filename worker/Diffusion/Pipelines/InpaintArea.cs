using Generation.Imaging;
using Generation.Imaging.Masks;
using Generation.Imaging.Resizing;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>The picture and mask that an inpainting network gets, and the way to put its result back into the whole picture.</summary>
internal sealed class InpaintArea
{
    private readonly InpaintSettings _settings;
    private readonly Picture _image;
    private readonly Picture _mask;
    private readonly PictureRegion? _region;

    private InpaintArea(InpaintSettings settings, Picture image, Picture mask, PictureRegion? region)
    {
        _settings = settings;
        _image = image;
        _mask = mask;
        _region = region;
    }

    /// <summary>Resizes picture and mask to <paramref name="size"/>: as a whole, or only the masked area and its padding.</summary>
    public static InpaintArea Of(InpaintSettings settings, PictureSize size)
    {
        Picture image = settings.Image.DropAlpha();
        Picture mask = settings.MaskImage.ToGrey();
        if (settings.PaddingMaskCrop is not { } padding)
        {
            return new InpaintArea(settings, image.Fit(size.Width, size.Height), mask.Fit(size.Width, size.Height), null);
        }

        PictureRegion region = mask.CropRegion(size.Width, size.Height, padding);
        return new InpaintArea(
            settings,
            image.Crop(region.Left, region.Top, region.Width, region.Height).Fit(size.Width, size.Height, FitMode.Fill),
            mask.Crop(region.Left, region.Top, region.Width, region.Height).Fit(size.Width, size.Height, FitMode.Fill),
            region
        );
    }

    /// <summary>The picture as (1, 3, height, width) from -1 to 1.</summary>
    public Tensor Image()
    {
        using DisposeScope scope = NewDisposeScope();
        return ((PictureTensors.FromPicture(_image) * 2) - 1).MoveToOuterDisposeScope();
    }

    /// <summary>The mask as (1, 1, height, width): 1 is painted, 0 is kept.</summary>
    public Tensor Mask()
    {
        using DisposeScope scope = NewDisposeScope();
        return (PictureTensors.FromPicture(_mask) >= 0.5).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Puts the painted pictures into the original where the settings ask for it. Disposes <paramref name="batch"/> where it returns
    /// another one.
    /// </summary>
    public PictureBatch Finish(PictureBatch batch)
    {
        if (_region is null && !_settings.KeepUnmasked)
        {
            return batch;
        }

        using (batch)
        {
            Picture original = _region is null ? _settings.Image.DropAlpha().Fit(_image.Width, _image.Height) : _settings.Image;
            Picture mask = _region is null ? _settings.MaskImage.ToGrey().Fit(_image.Width, _image.Height) : _settings.MaskImage;
            using DisposeScope scope = NewDisposeScope();
            Tensor[] whole =
            [
                .. batch
                    .ToPictures()
                    .Select(painted => PictureTensors.FromPicture(MaskTools.Overlay(original, painted, mask, _region)).permute(0, 2, 3, 1)),
            ];
            return new PictureBatch(batch.Latents.clone(), cat(whole, 0), batch.Seeds);
        }
    }
}
