using Generation.Contracts;
using Generation.Service.Jobs;

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
