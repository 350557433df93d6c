using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Service.Jobs;
using Generation.Service.Models;

namespace Generation.Service.Rendering;

/// <summary>Jobs of one kind of picture: makes the kind's recipe, and gives it to the loop.</summary>
internal abstract class PictureRenderer<TRequest>(JobPlans plans, PictureLoop loop) : IJobRenderer
    where TRequest : PictureRequest
{
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job)
    {
        var request = (TRequest)job.Claim.Request;
        PictureRecipe recipe = await PrepareAsync(request, plans.Of(job.Claim), job);
        return await loop.RunAsync(job, recipe);
    }

    /// <summary>Fetches the input pictures and settles what is to be made of them.</summary>
    protected abstract Task<PictureRecipe> PrepareAsync(TRequest request, JobPlan plan, RunningJob job);
}

/// <summary>
/// What one kind of job brings to the loop that all kinds of pictures share: how a picture begins, and how it is brought to its size.
/// </summary>
internal abstract class PictureRecipe(PictureRequest request, JobPlan plan)
{
    public PictureRequest Request { get; } = request;

    public JobPlan Plan { get; } = plan;

    /// <summary>The first pass, which draws.</summary>
    public PlannedPass Draw => Plan.Passes[0];

    /// <summary>Whether its beginning needs the text encoders alone, so that it may be made while another job computes.</summary>
    public virtual bool EncodesWordsOnly => false;

    /// <summary>Begins picture <paramref name="picture"/>: its words and pictures encoded, its noise drawn.</summary>
    /// <exception cref="SettingException">The model cannot do this.</exception>
    public abstract DenoisingRun Encode(LoadedModel model, int picture);

    /// <summary>The picture at the request's size, from what was drawn and enlarged.</summary>
    public virtual Picture Finish(Picture drawn) => drawn.Fit(Request.Width, Request.Height, FitMode.Stretch);

    /// <summary>Fills in what all kinds have, and what was planned for the pass.</summary>
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

    /// <summary>A picture brought to the size at which the network begins.</summary>
    protected static Picture AtNetworkSize(Picture picture, PictureRequest request, PlannedPass pass) =>
        picture.DropAlpha().Fit(request.Width, request.Height, FitMode.Crop).Fit(pass.Width, pass.Height, FitMode.Stretch);
}
