using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Worker.Jobs;
using Generation.Worker.Models;

namespace Generation.Worker.Rendering;

/// <summary>A picture and words to pictures.</summary>
internal sealed class PictureToPictures(JobPlans plans, PictureLoop loop, StoredFiles files) : PictureRenderer<Img2ImgRequest>(plans, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(Img2ImgRequest request, JobPlan plan, RunningJob job) =>
        new Recipe(request, plan, await files.ReadPictureAsync(job, "image", request.Image));

    private sealed class Recipe : PictureRecipe
    {
        private readonly Picture _image;

        public Recipe(Img2ImgRequest request, JobPlan plan, Picture image)
            : base(request, plan)
        {
            _image = AtNetworkSize(image);
        }

        public override DenoisingRun Encode(LoadedModel model, int picture) =>
            Begin(model, Common(new Img2ImgSettings { Image = _image, Strength = Draw.Strength }, model, picture, Draw));
    }

    /// <summary>Begins a picture from a picture, with whatever family the model is of.</summary>
    internal static DenoisingRun Begin(LoadedModel model, Img2ImgSettings settings) =>
        model.Flux is { } flux
            ? new FluxImg2ImgPipeline(flux).Encode(settings)
            : new StableDiffusionImg2ImgPipeline(model.Model).Encode(settings);
}
