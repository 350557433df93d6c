using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Worker.Jobs;
using Generation.Worker.Models;

namespace Generation.Worker.Rendering;

/// <summary>Paints beyond the borders of a picture: inpainting on a larger canvas, into which the picture's edges are drawn out.</summary>
internal sealed class OutpaintedPictures(ModelCatalog catalog, PictureLoop loop, StoredFiles files) : PictureRenderer<OutpaintRequest>(catalog, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(OutpaintRequest request, RenderPlan plan, RunningJob job)
    {
        Picture image = (await files.ReadPictureAsync(job, "image", request.Image)).DropAlpha();
        // The sides were added to the size that the picture was said to have
        image = image.Fit(request.Width - request.Left - request.Right, request.Height - request.Top - request.Bottom);
        OutpaintCanvas canvas = OutpaintCanvas.Extend(image, request.Left, request.Right, request.Top, request.Bottom, request.Overlap);
        return new Recipe(request, plan, canvas);
    }

    /// <summary>Inpainting whose new area is primed with the picture's edges, and whose colours are matched at the old borders.</summary>
    private sealed class Recipe(OutpaintRequest request, RenderPlan plan, OutpaintCanvas canvas)
        : InpaintRecipe(request, plan, new PaintedArea(canvas.Image, canvas.Mask, canvas.Mask, plan, padding: null), strength: 1)
    {
        /// <summary>
        /// A network that is not told of the mask begins from the drawn out edges, not from noise alone: else it draws a picture
        /// of its own beside the old one.
        /// </summary>
        private const double FromEdges = 0.8;

        public override DenoisingRun Encode(LoadedModel model, int picture)
        {
            bool seesMask = model.Flux is { } flux ? IsFill(flux) : model.Model.UNet.Config.InChannels > model.Model.Vae.Config.LatentChannels;
            return seesMask
                ? base.Encode(model, picture)
                // As many steps as were asked for, over the part of the schedule that is run
                : Encode(model, picture, FromEdges, (int)Math.Ceiling(Request.NumInferenceSteps / FromEdges));
        }

        public override Picture Finish(Picture drawn) => canvas.Finish(drawn);
    }
}
