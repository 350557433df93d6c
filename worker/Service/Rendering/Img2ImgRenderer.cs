using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>A picture and words to pictures.</summary>
internal sealed class Img2ImgRenderer(JobPlans plans, PictureLoop loop, StoredFiles files) : PictureRenderer<Img2ImgRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(Img2ImgRequest request, JobPlan plan, RunningJob job) =>
        new FromPictureRecipe<Img2ImgSettings>(
            request,
            plan,
            await files.ReadPictureAsync(job, "image", request.Image),
            (image, pass) => new Img2ImgSettings { Image = image, Strength = pass.Strength },
            (model, settings) => model.Encode(settings)
        );
}
