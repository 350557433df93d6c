using Generation.Contracts;
using Generation.Hosting;
using Spectre.Console;

namespace Generation.Cli.Output;

/// <summary>Polls a job until it has ended, and shows how far it is.</summary>
internal static class JobProgressBar
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(120);

    public static Task<JobDocument> FollowAsync(RestClient api, JobDocument job, CancellationToken token) =>
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
                while (!job.State.IsFinal())
                {
                    await Task.Delay(Poll, token);
                    job = await api.JobAsync(job.Id, token);
                    bar.Description = Describe(job);
                    if (job.Progress is { Steps: > 0 } progress)
                    {
                        bar.MaxValue = progress.Steps;
                        bar.Value = progress.Step;
                    }
                }

                bar.Value = job.State == JobState.Succeeded ? bar.MaxValue : bar.Value;
                return job;
            });

    private static string Describe(JobDocument job) =>
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
