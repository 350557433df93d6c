using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Service.Jobs;

namespace Generation.Service.Rendering;

/// <summary>Changes a picture as an instruction says.</summary>
internal sealed class EditRenderer(JobPlans plans, PictureLoop loop, StoredFiles files) : PictureRenderer<EditRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(EditRequest request, JobPlan plan, RunningJob job) =>
        new FromPictureRecipe<EditSettings>(
            request,
            plan,
            await files.ReadPictureAsync(job, "image", request.Image),
            (image, _) => new EditSettings { Image = image, ImageGuidanceScale = request.ImageGuidanceScale },
            (model, settings) => model.Encode(settings)
        );
}
