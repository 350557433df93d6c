using System.CommandLine;
using System.Text.Json;
using Generation.Cli.Output;
using Generation.Client;
using Generation.Contracts;
using Spectre.Console;
using JobState = Generation.Client.JobState;

namespace Generation.Cli.Commands;

/// <summary>The commands `jobs`, `watch`, `cancel` and `get`, for jobs of any server.</summary>
internal static class JobsCommand
{
    private const int DefaultCount = 20;

    public static Command Jobs()
    {
        var server = new ServerOptions();
        var state = new Option<JobState?>("--state") { Description = "Only those in this state." };
        var kind = new Option<string?>("--kind") { Description = "Only those of this kind." };
        kind.AcceptOnlyFromAmong([.. Enum.GetValues<Contracts.JobKind>().Select(known => known.WireName())]);
        var model = new Option<string?>("--model") { Description = "Only those of this model." };
        var count = new Option<int>("--count", "-n") { Description = "How many at most.", DefaultValueFactory = _ => DefaultCount };
        count.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--count is 1 at least.");
            }
        });
        var json = new Option<bool>("--json") { Description = "For programs: one JSON document a line." };
        var command = new Command("jobs", "List your jobs on any server, the newest first.") { state, kind, model, count, json };
        server.AddTo(command);
        command.SetAction((result, token) => WithAsync(server, result, async run =>
                {
                    List<Job> jobs = await run.CallAsync("list the jobs", async client =>
                        await client
                            .JobsAsync(result.GetValue(state), result.GetValue(kind), result.GetValue(model), token)
                            .Take(result.GetValue(count))
                            .ToListAsync(token)
                    );
                    Write(jobs, result.GetValue(json));
                    return 0;
                }));
        return command;
    }

    public static Command Watch()
    {
        var server = new ServerOptions();
        Argument<Guid> id = IdArgument();
        var command = new Command("watch", "Show how far a job is, until it has ended. Exit code 0 where it has succeeded, else 1.") { id };
        server.AddTo(command);
        command.SetAction((result, token) => WithAsync(server, result, async run =>
                {
                    Job job = await run.CallAsync("find the job", client => client.JobAsync(result.GetValue(id), token));
                    job = await run.CallAsync("watch the job", client => JobProgressBar.FollowAsync(client, job, token));
                    bool succeeded = job.State == JobState.Succeeded;
                    Console.WriteLine(succeeded ? $"succeeded: ./generation get {job.Id}" : new JobException(job).Message);
                    return succeeded ? 0 : 1;
                }));
        return command;
    }

    public static Command Cancel()
    {
        var server = new ServerOptions();
        Argument<Guid> id = IdArgument();
        var command = new Command("cancel", "Stop a job; what it has not used is not charged.") { id };
        server.AddTo(command);
        command.SetAction((result, token) => WithAsync(server, result, async run =>
                {
                    Job job = await run.CallAsync("cancel the job", client => client.CancelAsync(result.GetValue(id), token));
                    Console.WriteLine(
                        job.HasEnded ? $"The job is {job.State.ToString().ToLowerInvariant()}." : "The job stops at its next step."
                    );
                    return 0;
                }));
        return command;
    }

    public static Command Get()
    {
        var server = new ServerOptions();
        Argument<Guid> id = IdArgument();
        var output = new Option<string?>("--out", "-o")
        {
            Description = "Where to save; a file that is there is never overwritten. Default: pictures/PROMPT-SEED.png",
        };
        var json = new Option<bool>("--json") { Description = "For programs: print the job as the API tells it, and save nothing." };
        var command = new Command("get", "Save what a job has made; one that has not ended is waited for.") { id, output, json };
        server.AddTo(command);
        command.SetAction((result, token) => WithAsync(server, result, async run =>
                {
                    Guid job = result.GetValue(id);
                    if (result.GetValue(json))
                    {
                        Console.WriteLine(await run.JsonAsync(job, token));
                        return 0;
                    }

                    Job ended = await run.FinishedAsync(job, token);
                    string name = PromptOf(ended) is { Length: > 0 } prompt ? prompt : $"{ended.Id}";
                    foreach (string path in await run.SaveAsync(ended, name, result.GetValue(output), token))
                    {
                        Console.WriteLine(path);
                    }

                    return 0;
                }));
        return command;
    }

    private static Argument<Guid> IdArgument() => new("job") { Description = "The job's id, as `make --detach` and `jobs` print it." };

    private static async Task<int> WithAsync(ServerOptions server, ParseResult result, Func<JobRun, Task<int>> act)
    {
        (GenerationClient client, ServerPlace place) = server.Open(result);
        using (client)
        {
            return await act(new JobRun(client, place));
        }
    }

    private static void Write(List<Job> jobs, bool asJson)
    {
        if (asJson)
        {
            foreach (Job job in jobs)
            {
                Console.WriteLine(JsonSerializer.Serialize(job, GenerationClient.Json));
            }

            return;
        }

        if (jobs.Count == 0)
        {
            Console.WriteLine("There are no such jobs.");
            return;
        }

        var table = new Table { Border = TableBorder.None };
        table.AddColumns("job", "kind", "state", "made", "credits", "prompt");
        foreach (Job job in jobs)
        {
            table.AddRow(
                $"{job.Id}",
                JsonSerializer.Serialize(job.Kind, GenerationClient.Json).Trim('"'),
                JobProgressBar.Describe(job),
                $"{job.CreatedAt.LocalDateTime:yyyy-MM-dd HH:mm}",
                $"{(job.HasEnded ? job.Cost.Charged : job.Cost.Held)}",
                Markup.Escape(Short(PromptOf(job)))
            );
        }

        AnsiConsole.Write(table);
    }

    private static string PromptOf(Job job) => job.Request?.GetValueOrDefault("prompt")?.ToString() ?? "";

    private static string Short(string text) => text.Length <= 60 ? text : $"{text[..59]}…";
}
