using Generation.Client;
using Spectre.Console;

namespace Generation.Cli.Output;

/// <summary>Follows a job until it has ended, and shows how far it is.</summary>
internal static class JobProgressBar
{
    public static Task<Job> FollowAsync(GenerationClient client, Job job, CancellationToken token) =>
        AnsiConsole
            .Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn()
            )
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask(Describe(job));
                await foreach (JobEvent news in client.WatchAsync(job.Id, null, token))
                {
                    (job, bar.Description) = news switch
                    {
                        JobQueued queued => (queued.Job, Describe(queued.Job)),
                        JobStarted started => (started.Job, Describe(started.Job)),
                        JobFinished finished => (finished.Job, Describe(finished.Job)),
                        JobStepDone step => (job, $"step {step.Step} of {step.Steps}"),
                        _ => (job, bar.Description),
                    };
                    if (news is JobStepDone { Steps: > 0 } done)
                    {
                        bar.MaxValue = done.Steps;
                        bar.Value = done.Step;
                    }
                }

                bar.Value = job.State == JobState.Succeeded ? bar.MaxValue : bar.Value;
                return job;
            });

    /// <summary>How a job stands, in a few words.</summary>
    public static string Describe(Job job) =>
        Markup.Escape(
            job.State switch
            {
                JobState.Queued when job.WaitingReason is { } reason => $"queued: {reason}",
                JobState.Queued when job.Position is { } position => $"queued at {position}",
                JobState.Running when job.Progress is { } progress => $"step {progress.Step} of {progress.Steps}",
                _ => job.State.ToString().ToLowerInvariant(),
            }
        );
}
