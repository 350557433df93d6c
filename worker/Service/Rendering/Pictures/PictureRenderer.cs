using Generation.Contracts;
using Generation.Worker.Jobs;
using Generation.Worker.Models;

namespace Generation.Worker.Rendering;

/// <summary>Jobs of one kind of picture: makes the kind's recipe, and gives it to the loop.</summary>
internal abstract class PictureRenderer<TRequest>(ModelCatalog catalog, PictureLoop loop) : IJobRenderer
    where TRequest : PictureRequest
{
    public async Task<IReadOnlyList<JobOutput>> RunAsync(RunningJob job)
    {
        var request = (TRequest)job.Claim.Request;
        ModelEntry entry = catalog.Find(request.Model) ?? throw new ModelUnavailableException($"The model {request.Model} is not on this worker.");
        PictureRecipe recipe = await PrepareAsync(request, RenderPlan.For(entry, request.Width, request.Height, request.HiresFix), job);
        return await loop.RunAsync(job, recipe);
    }

    /// <summary>Fetches the input pictures and settles what is to be made of them.</summary>
    protected abstract Task<PictureRecipe> PrepareAsync(TRequest request, RenderPlan plan, RunningJob job);
}
