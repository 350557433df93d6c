using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Worker.Jobs;
using Generation.Worker.Models;

namespace Generation.Worker.Rendering;

/// <summary>A picture and words to pictures.</summary>
internal sealed class PictureToPictures(ModelCatalog catalog, PictureLoop loop, StoredFiles files) : PictureRenderer<Img2ImgRequest>(catalog, loop)
{
    protected override async Task<PictureRecipe> PrepareAsync(Img2ImgRequest request, RenderPlan plan, RunningJob job) =>
        new Recipe(request, plan, await files.ReadPictureAsync(job, "image", request.Image));

    private sealed class Recipe : PictureRecipe
    {
        private readonly double _strength;
        private readonly Picture _image;

        public Recipe(Img2ImgRequest request, RenderPlan plan, Picture image)
            : base(request, plan)
        {
            _strength = request.Strength;
            _image = AtNetworkSize(image);
        }

        public override int Steps => (int)(Request.NumInferenceSteps * _strength);

        public override DenoisingRun Encode(LoadedModel model, int picture) =>
            Begin(model, Common(new Img2ImgSettings { Image = _image, Strength = _strength }, model, picture));
    }

    /// <summary>Begins a picture from a picture, with whatever family the model is of.</summary>
    internal static DenoisingRun Begin(LoadedModel model, Img2ImgSettings settings) =>
        model.Flux is { } flux ? new FluxImg2ImgPipeline(flux).Encode(settings) : new StableDiffusionImg2ImgPipeline(model.Model).Encode(settings);
}
