using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Vision;
using Generation.Imaging;
using Generation.Imaging.Masks;
using Generation.Imaging.Outpainting;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>Paints inside a mask, which is a picture or is found from a text.</summary>
internal sealed class InpaintRenderer(JobPlans plans, PictureLoop loop, StoredFiles files, MaskFinding masks)
    : PictureRenderer<InpaintRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(InpaintRequest request, JobPlan plan, RunningJob job)
    {
        Picture image = (await files.ReadPictureAsync(job, "image", request.Image)).DropAlpha();
        Picture mask = request.Mask is { } given
            ? Grey(await files.ReadPictureAsync(job, "mask", given), request.MaskMode).Fit(image.Width, image.Height)
            : await masks.FindAsync(request.Model, image, request.MaskPrompt!, job.Stop.Token);
        mask = mask.Binarize();
        if (request.MaskMode == MaskMode.PaintBlack)
        {
            mask = mask.Invert();
        }

        (int width, int height) = (request.Width, request.Height);
        mask = mask.Fit(width, height, FitMode.Crop).Binarize().Grow(request.MaskGrow);
        Picture alpha = request.MaskBlur > 0 ? mask.Blur(request.MaskBlur) : mask;
        // What the blur lays over must have been painted, too
        Picture painted =
            request.MaskBlur > 0
                ? new Picture(width, height, 1, Array.ConvertAll(alpha.Bytes, value => value > 0 ? (byte)255 : (byte)0))
                : mask;
        var area = new PaintedArea(image.Fit(width, height, FitMode.Crop), painted, alpha, plan.Passes[0], request.Padding);
        return new InpaintRecipe(request, plan, area);
    }

    /// <summary>
    /// The mask as a greyscale picture, white where it is painted unless the mode says the contrary. A transparent pixel is not painted,
    /// whatever its colour.
    /// </summary>
    internal static Picture Grey(Picture mask, MaskMode mode)
    {
        if (mode != MaskMode.PaintTransparent)
        {
            byte kept = mode == MaskMode.PaintBlack ? (byte)255 : (byte)0;
            return mask.Channels == 1 ? mask : mask.ToRgb([kept, kept, kept]).ToGrey();
        }

        var grey = new Picture(mask.Width, mask.Height, 1);
        if (mask.Channels == 4)
        {
            for (int i = 0; i < grey.Bytes.Length; i++)
            {
                grey.Bytes[i] = (byte)(255 - mask.Bytes[(i * 4) + 3]);
            }
        }

        return grey;
    }
}

/// <summary>The recipe of inpainting, and of outpainting, which is inpainting on a larger canvas.</summary>
internal class InpaintRecipe(PictureRequest request, JobPlan plan, PaintedArea area) : PictureRecipe(request, plan)
{
    public override DenoisingRun Encode(LoadedModel model, int picture)
    {
        var settings = new InpaintSettings
        {
            Image = area.Image,
            MaskImage = area.Mask,
            Strength = Draw.Strength,
        };
        return model.Model.Encode(Common(settings, model, picture, Draw));
    }

    public override Picture Finish(Picture drawn) => area.Finish(drawn);
}

/// <summary>Finds masks from a text, with the network that the model's entry names for it.</summary>
internal sealed class MaskFinding(ModelCache models, ComputeThreads compute)
{
    /// <summary>Returns a mask of the picture's size: white where the picture shows what the text says.</summary>
    /// <exception cref="SettingException">The model has no such network, or nothing in the picture fits the text.</exception>
    public async Task<Picture> FindAsync(string model, Picture image, string words, CancellationToken cancellationToken)
    {
        using ModelLease lease = await models.AcquireAsync(model, cancellationToken);
        ModelPart<MaskFinder> finder = lease.Model.MaskFinder
            ?? throw new SettingException("mask_prompt", $"{model} has no network that finds masks from a text; send a mask.");
        Picture mask = await compute.PrepareAsync(() => finder.Get().Find(image, words), lease.Model.EncodeTurn, cancellationToken);
        return mask.Bytes.AsSpan().IndexOfAnyExcept((byte)0) >= 0
            ? mask
            : throw new SettingException("mask_prompt", "fits nothing in the picture; use other words, or send a mask.");
    }
}

/// <summary>Paints beyond the borders of a picture: inpainting on a larger canvas, into which the picture's edges are extended.</summary>
internal sealed class OutpaintRenderer(JobPlans plans, PictureLoop loop, StoredFiles files) : PictureRenderer<OutpaintRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(OutpaintRequest request, JobPlan plan, RunningJob job)
    {
        Picture image = (await files.ReadPictureAsync(job, "image", request.Image)).DropAlpha();
        // The sides were added to the size that the picture was said to have
        image = image.Fit(request.Width - request.Left - request.Right, request.Height - request.Top - request.Bottom);
        var canvas = OutpaintCanvas.Extend(image, request.Left, request.Right, request.Top, request.Bottom, request.Overlap);
        return new Recipe(request, plan, canvas);
    }

    /// <summary>Inpainting whose new area is primed with the picture's edges, and whose colours are matched at the old borders.</summary>
    private sealed class Recipe(OutpaintRequest request, JobPlan plan, OutpaintCanvas canvas)
        : InpaintRecipe(request, plan, new PaintedArea(canvas.Image, canvas.Mask, canvas.Mask, plan.Passes[0], padding: null))
    {
        public override Picture Finish(Picture drawn) => canvas.Finish(drawn);
    }
}
