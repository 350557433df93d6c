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
        (Picture canvas, Picture mask, Picture alpha) = Extend(image, request);
        return new Recipe(request, plan, canvas, new PaintedArea(canvas, mask, alpha, plan, padding: null));
    }

    /// <summary>Inpainting whose new area is primed with the picture's edges, and whose colours are matched at the old borders.</summary>
    private sealed class Recipe(OutpaintRequest request, RenderPlan plan, Picture canvas, PaintedArea area) : InpaintRecipe(request, plan, area, strength: 1)
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

        public override Picture Finish(Picture drawn)
        {
            var kept = new PictureRegion(request.Left, request.Top, canvas.Width - request.Right, canvas.Height - request.Bottom);
            return base.Finish(ColourMatch.Apply(drawn.DropAlpha().Fit(canvas.Width, canvas.Height), canvas, kept));
        }
    }

    /// <summary>The canvas, what of it is painted, and how much of that is laid over: all outside, less and less over the overlap.</summary>
    private static (Picture Canvas, Picture Mask, Picture Alpha) Extend(Picture image, OutpaintRequest request)
    {
        var canvas = new Picture(request.Width, request.Height, 3);
        var mask = new Picture(request.Width, request.Height, 1);
        var alpha = new Picture(request.Width, request.Height, 1);
        for (int y = 0; y < canvas.Height; y++)
        {
            ReadOnlySpan<byte> from = image.Row(Math.Clamp(y - request.Top, 0, image.Height - 1));
            Span<byte> to = canvas.Row(y);
            int vertical = Depth(y, request.Top, image.Height, request.Bottom);
            for (int x = 0; x < canvas.Width; x++)
            {
                from.Slice(Math.Clamp(x - request.Left, 0, image.Width - 1) * 3, 3).CopyTo(to[(x * 3)..]);
                // How deep inside the picture, counted from the sides that grow; 0 and less: outside
                int depth = Math.Min(vertical, Depth(x, request.Left, image.Width, request.Right));
                mask.Row(y)[x] = depth <= request.Overlap ? (byte)255 : (byte)0;
                alpha.Row(y)[x] = (byte)Math.Clamp(255 - (255 * depth / (request.Overlap + 1)), 0, 255);
            }
        }

        return (canvas, mask, alpha);
    }

    private static int Depth(int at, int before, int length, int after)
    {
        int fromStart = before > 0 ? at - before + 1 : int.MaxValue;
        int fromEnd = after > 0 ? before + length - at : int.MaxValue;
        return Math.Max(0, Math.Min(fromStart, fromEnd) is int.MaxValue ? short.MaxValue : Math.Min(fromStart, fromEnd));
    }
}
