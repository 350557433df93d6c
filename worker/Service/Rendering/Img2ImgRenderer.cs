using Generation.Contracts;
using Generation.Diffusion.Families;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>Generates pictures from a picture and a prompt.</summary>
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

/// <summary>Changes a picture as an instruction in words says.</summary>
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

/// <summary>
/// The recipe of kinds that begin with one input picture, img2img and edit. They differ in the settings that the model gets.
/// </summary>
/// <param name="request">The job's request.</param>
/// <param name="plan">The job's plan.</param>
/// <param name="image">The picture as it was sent.</param>
/// <param name="settings">Makes the settings from the picture, at the size at which the network begins, and the first pass.</param>
/// <param name="encode">Calls the overload of the model's Encode that takes these settings.</param>
internal sealed class FromPictureRecipe<TSettings>(
    PictureRequest request,
    JobPlan plan,
    Picture image,
    Func<Picture, PlannedPass, TSettings> settings,
    Func<DiffusionModel, TSettings, DenoisingRun> encode
) : PictureRecipe(request, plan)
    where TSettings : DiffusionSettings
{
    private readonly TSettings _settings = settings(AtNetworkSize(image, request, plan.Passes[0]), plan.Passes[0]);

    public override DenoisingRun Encode(LoadedModel model, int picture) => encode(model.Model, Common(_settings, model, picture, Draw));
}
