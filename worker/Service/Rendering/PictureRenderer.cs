using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>A renderer for one kind of picture job: makes the kind's recipe, and runs the loop with it.</summary>
internal abstract class PictureRenderer<TRequest>(JobPlans plans, PictureLoop loop) : IJobRenderer
    where TRequest : PictureRequest
{
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job)
    {
        var request = (TRequest)job.Claim.Request;
        PictureRecipe recipe = await PrepareAsync(request, plans.Of(job.Claim), job);
        return await loop.RunAsync(job, recipe);
    }

    /// <summary>Reads the input pictures and makes the recipe.</summary>
    protected abstract Task<PictureRecipe> PrepareAsync(TRequest request, JobPlan plan, RunningJob job);
}

/// <summary>
/// What a kind of job adds to the loop that all kinds of pictures share: how the denoising of a picture begins, and how the result is
/// brought to the request's size.
/// </summary>
internal abstract class PictureRecipe(PictureRequest request, JobPlan plan)
{
    public PictureRequest Request { get; } = request;

    public JobPlan Plan { get; } = plan;

    /// <summary>The first pass of the plan, which draws the picture.</summary>
    public PlannedPass Draw => Plan.Passes[0];

    /// <summary>Whether <see cref="Encode"/> needs only the text encoders, so that it may run while another job computes.</summary>
    public virtual bool NeedsTextEncodersOnly => false;

    /// <summary>Begins picture <paramref name="picture"/>: encodes the prompt and the input pictures, and draws the noise.</summary>
    /// <exception cref="SettingException">The model cannot do this.</exception>
    public abstract DenoisingRun Encode(LoadedModel model, int picture);

    /// <summary>Brings the picture that was drawn and enlarged to the request's size.</summary>
    public virtual Picture Finish(Picture drawn) => drawn.Fit(Request.Width, Request.Height, FitMode.Stretch);

    /// <summary>Fills in the settings that all kinds have, and those that were planned for the pass.</summary>
    public T Common<T>(T settings, LoadedModel model, int picture, PlannedPass pass)
        where T : DiffusionSettings
    {
        DiffusionSettings own = settings;
        return (T)(
            own with
            {
                Prompt = Request.Prompt,
                // Absent, which SDXL tells from empty
                NegativePrompt = Request.NegativePrompt.Length == 0 ? null : Request.NegativePrompt,
                PromptSyntax = model.Model.PromptSyntax,
                Embeddings = model.Embeddings,
                Width = pass.Width,
                Height = pass.Height,
                NumInferenceSteps = pass.ScheduledSteps,
                Window = new StepWindow(pass.Begin, pass.End, pass.Calls),
                GuidanceScale = Request.GuidanceScale,
                GuidanceRescale = Request.GuidanceRescale,
                Seed = unchecked(Request.Seed + picture),
                NumImages = 1,
                Scheduler = SchedulerNames.Resolve(Request.Scheduler, model.Scheduler),
                ClipSkip = Request.ClipSkip,
            }
        );
    }

    /// <summary>Resizes a picture to the size at which the network begins.</summary>
    protected static Picture AtNetworkSize(Picture picture, PictureRequest request, PlannedPass pass) =>
        picture.DropAlpha().Fit(request.Width, request.Height, FitMode.Crop).Fit(pass.Width, pass.Height, FitMode.Stretch);
}
