using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Worker.Jobs;
using Generation.Worker.Models;

namespace Generation.Worker.Rendering;

/// <summary>Changes a picture as an instruction says.</summary>
internal sealed class EditedPictures(JobPlans plans, PictureLoop loop, StoredFiles files) : PictureRenderer<EditRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(EditRequest request, JobPlan plan, RunningJob job) =>
        new Recipe(request, plan, await files.ReadPictureAsync(job, "image", request.Image));

    private sealed class Recipe : PictureRecipe
    {
        private readonly double _scale;
        private readonly Picture _image;

        public Recipe(EditRequest request, JobPlan plan, Picture image)
            : base(request, plan)
        {
            _scale = request.ImageGuidanceScale;
            _image = AtNetworkSize(image);
        }

        public override DenoisingRun Encode(LoadedModel model, int picture) =>
            new InstructPix2PixPipeline(model.Model).Encode(
                Common(new EditSettings { Image = _image, ImageGuidanceScale = _scale }, model, picture, Draw)
            );
    }
}
