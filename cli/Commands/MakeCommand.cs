using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Client;
using Generation.Contracts;
using JobOutput = Generation.Client.JobOutput;

namespace Generation.Cli.Commands;

/// <summary>The command `make PROMPT`: makes a picture or a clip on any server, and saves it. Nothing is started for it.</summary>
internal static class MakeCommand
{
    public static Command Create()
    {
        var options = new JobOptions([.. Enum.GetValues<Contracts.JobKind>().Select(kind => kind.WireName())]);
        var server = new ServerOptions();
        var fields = new Option<string[]>("--set")
        {
            Description = "Any other field of the request, as NAME=VALUE; the value is JSON, or a text. May be given several times.",
            DefaultValueFactory = _ => [],
        };
        var estimate = new Option<bool>("--estimate") { Description = "Only say what it would cost and how long it would take." };
        var detach = new Option<bool>("--detach", "-d")
        {
            Description = "Do not wait: print the job's id, by which `watch` and `get` know it.",
        };
        var json = new Option<bool>("--json") { Description = "For programs: print the job, or the estimate, as the API tells it." };
        var command = new Command("make", "Make a picture or a clip on any server, and save it.") { fields, estimate, detach, json };
        options.AddTo(command);
        server.AddTo(command);
        command.Validators.Add(result => Refuse(result, fields));
        command.SetAction(
            async (result, token) =>
            {
                (GenerationClient client, ServerPlace place) = server.Open(result);
                using (client)
                {
                    var run = new JobRun(client, place);
                    string kind = result.GetRequiredValue(options.Kind);
                    JsonObject request = options.Read(result);
                    foreach (string field in result.GetValue(fields) ?? [])
                    {
                        int equals = field.IndexOf('=', StringComparison.Ordinal);
                        request[field[..equals]] = ValueOf(field[(equals + 1)..]);
                    }

                    await AddPictureAsync("image", result.GetValue(options.Image));
                    await AddPictureAsync("mask", result.GetValue(options.Mask));
                    bool printsJson = result.GetValue(json);
                    if (result.GetValue(estimate))
                    {
                        await EstimateAsync(run, kind, request, printsJson, token);
                        return 0;
                    }

                    Job job = await run.SubmitAsync(kind, request, token);
                    if (!result.GetValue(detach))
                    {
                        job = await run.FollowAsync(job, token);
                        string name = (string?)request["prompt"] ?? kind;
                        IReadOnlyList<string> paths = await run.SaveAsync(job, name, result.GetValue(options.Output), token);
                        if (!printsJson)
                        {
                            Report(job, paths);
                        }
                    }
                    else if (!printsJson)
                    {
                        Console.WriteLine(job.Id);
                    }

                    if (printsJson)
                    {
                        Console.WriteLine(await run.JsonAsync(job.Id, token));
                    }

                    return 0;

                    async Task AddPictureAsync(string field, string? path)
                    {
                        if (path is not null)
                        {
                            request[field] = await run.UploadAsync(await PictureInput.ReadAsync(path, token), token);
                        }
                    }
                }
            }
        );
        return command;
    }

    private static void Refuse(CommandResult result, Option<string[]> fields)
    {
        foreach (string field in result.GetValue(fields) ?? [])
        {
            if (field.IndexOf('=', StringComparison.Ordinal) <= 0)
            {
                result.AddError($"--set takes NAME=VALUE, such as --set clip_skip=1, and not \"{field}\".");
            }
        }
    }

    /// <summary>A field's value: JSON where it is, else the text.</summary>
    private static JsonNode? ValueOf(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    private static async Task EstimateAsync(JobRun run, string kind, JsonObject request, bool printsJson, CancellationToken token)
    {
        const string step = "ask what it would cost";
        if (printsJson)
        {
            Console.WriteLine(
                await run.CallAsync(step, client => client.CallAsync(HttpMethod.Post, $"v1/{kind}/estimate", request, token))
            );
            return;
        }

        Estimate estimate = await run.CallAsync(step, client => client.EstimateAsync(kind, request, token));
        Console.WriteLine(
            $"""
            model    {estimate.Model}
            size     {estimate.Outputs} of {estimate.Width}x{estimate.Height}, {estimate.Steps} steps
            cost     {estimate.Cost} credits
            wait     {(estimate.EtaSeconds is { } eta ? $"{eta:0} s until it is there" : estimate.WaitingReason ?? "unknown")}
            """
        );
        foreach (string warning in estimate.Warnings ?? [])
        {
            Console.WriteLine($"note     {warning}");
        }
    }

    private static void Report(Job job, IReadOnlyList<string> paths)
    {
        foreach ((string path, JobOutput output) in paths.Zip(job.Outputs))
        {
            string seed = output.Seed is { } known ? $", seed {known}" : "";
            Console.WriteLine($"{path}  {output.Width}x{output.Height}{seed}");
        }

        foreach (string warning in job.Warnings ?? [])
        {
            Console.Error.WriteLine($"note: {warning}");
        }

        Console.WriteLine($"job {job.Id}, {job.Cost.Charged} credits");
    }
}
