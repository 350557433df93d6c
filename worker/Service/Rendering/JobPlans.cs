using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Planning;
using Generation.Service.Models;
using Generation.Storage.Jobs;

namespace Generation.Service.Rendering;

/// <summary>
/// The plans of claimed jobs: the plan that is stored with the job or, where that is missing or of another version, one made here by the
/// same function.
/// </summary>
internal sealed class JobPlans(ModelCatalog catalog, ILogger<JobPlans> logger)
{
    /// <exception cref="SettingException">What is asked for cannot be planned with the model as it is here.</exception>
    /// <exception cref="ModelUnavailableException">The model is not on this worker.</exception>
    public JobPlan Of(ClaimedJob job)
    {
        if (job.Plan is { IsCurrent: true } plan)
        {
            return plan;
        }

        WorkerLog.PlannedHere(logger, job.Id);
        ModelEntry entry = catalog.Find(job.Request.Model)
            ?? throw new ModelUnavailableException($"The model {job.Request.Model} is not on this worker.");
        try
        {
            return JobPlanner.Plan(job.Request, entry, catalog.Find);
        }
        catch (PlanException e)
        {
            throw new SettingException(e.Field, $"{e.Message}.");
        }
    }
}
