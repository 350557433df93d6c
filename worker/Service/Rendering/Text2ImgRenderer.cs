using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>Generates pictures from a prompt.</summary>
internal sealed class Text2ImgRenderer(JobPlans plans, PictureLoop loop) : PictureRenderer<Text2ImgRequest>(plans, loop)
{
    protected override Task<PictureRecipe> PrepareAsync(Text2ImgRequest request, JobPlan plan, RunningJob job) =>
        Task.FromResult<PictureRecipe>(new Recipe(request, plan));

    private sealed class Recipe(Text2ImgRequest request, JobPlan plan) : PictureRecipe(request, plan)
    {
        public override bool NeedsTextEncodersOnly => true;

        public override DenoisingRun Encode(LoadedModel model, int picture) =>
            model.Model.Encode(Common(new Text2ImgSettings(), model, picture, Draw));

        public override Picture Finish(Picture drawn) => drawn.Fit(Request.Width, Request.Height, FitMode.Crop);
    }
}
