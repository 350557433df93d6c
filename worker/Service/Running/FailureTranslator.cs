using Generation.Contracts;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Imaging.Video;
using Generation.Service.Jobs;
using Generation.Service.Models;
using Generation.Service.Rendering;
using Generation.Storage.Jobs;
using Generation.Storage.Results;

namespace Generation.Service.Running;

/// <summary>
/// Turns an exception into a job's outcome. Faults in the request become an error that says what to change, failures that may pass are
/// tried again, and failures of this system are logged with their stack trace, and the job's owner is told that the fault is not theirs.
/// </summary>
internal sealed class FailureTranslator(ProcessRecycler recycler, ILogger<FailureTranslator> logger)
{
    private const string OutOfMemory = "out_of_memory";

    public JobOutcome Translate(ClaimedJob job, Exception e)
    {
        switch (e)
        {
            case SettingException setting:
                return new JobOutcome.Failed(new JobError("invalid_request", setting.Message, setting.Field));
            case SchedulerException scheduler:
                return new JobOutcome.Failed(new JobError("invalid_request", scheduler.Message, "scheduler"));
            case NotFiniteException numbers:
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Failed(new JobError("not_finite", NotFinite(job, numbers)));
            case InputPictureException picture:
                return new JobOutcome.Failed(new JobError("invalid_image", picture.Message, picture.Field));
            case VideoException video:
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Retry(
                    new JobError("video_not_encoded", $"The clip could not be encoded. Nothing was charged. {video.Message}")
                );
            case ModelUnavailableException model:
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Retry(new JobError("model_unavailable", model.Message, "model"));
            case WeightsException:
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Retry(
                    new JobError(
                        "model_unavailable",
                        $"The model {job.Model} cannot be run at present; its files do not fit. Nothing was charged.",
                        "model"
                    )
                );
            case { } memory when IsOutOfMemory(memory):
                WorkerLog.OutOfMemory(logger, job.Id, e);
                return new JobOutcome.Retry(
                    new JobError(
                        OutOfMemory,
                        "The worker ran out of memory on this job. Ask for a smaller size or fewer pictures. Nothing was charged."
                    )
                );
            case ResultsStoreException:
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Retry(
                    new JobError(
                        "results_unavailable",
                        "The outputs were made, but the results store did not take them. Nothing was charged; submit it again later."
                    )
                );
            case { } passing when Transient.Is(passing):
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Retry(
                    new JobError(
                        "temporarily_unavailable",
                        "A part of the system did not answer while this job ran. Nothing was charged; submit it again."
                    )
                );
            default:
                WorkerLog.JobFailed(logger, job.Id, job.Attempt, e);
                return new JobOutcome.Failed(Internal(job));
        }
    }

    /// <summary>Restarts the process after a job that ran out of native memory, because its memory cannot be trusted any more.</summary>
    public void AfterJob(JobOutcome outcome)
    {
        if (outcome is JobOutcome.Retry { Error.Code: OutOfMemory })
        {
            recycler.Request("a job ran out of memory");
        }
    }

    public static JobError Internal(ClaimedJob job) =>
        new("internal_error", $"The job failed through a fault of ours, which is logged under {job.Id}. Nothing was charged.");

    private static string NotFinite(ClaimedJob job, NotFiniteException numbers)
    {
        string cause = job.Request is PictureRequest { Loras.Count: > 0 }
            ? "Leave the LoRAs out one by one, or lower their scale"
            : "Try a lower guidance_scale or weaker weights in the prompt; where nothing helps, the model's type is too small for it";
        return $"{numbers.Message} No picture can be made of them. {cause}. Nothing was charged.";
    }

    /// <summary>
    /// Whether an exception says that memory ran out. The CPU and CUDA allocators of libtorch say so in words only, the runtime by a type
    /// of its own.
    /// </summary>
    private static bool IsOutOfMemory(Exception e) =>
        e is OutOfMemoryException or InsufficientMemoryException
        || (e.InnerException is { } inner && IsOutOfMemory(inner))
        || e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("std::bad_alloc", StringComparison.Ordinal);
}
