using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Outpainting;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>Paints beyond the borders of a picture: inpainting on a larger canvas, into which the picture's edges are drawn out.</summary>
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
