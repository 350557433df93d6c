using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Generation.Cli.Output;
using Generation.Cli.Running;
using Generation.Cli.Servers;
using Generation.Contracts;

namespace Generation.Cli.Commands;

/// <summary>`demo PROMPT`: from nothing to a picture on disk, through the public REST interface.</summary>
internal static class DemoCommand
{
    private const string Kind = "text2img";

    public static Command Create()
    {
        var prompt = new Argument<string>("prompt") { Description = "What the picture shows, such as \"a red apple on a blue background\"." };
        var model = new Option<string?>("--model") { Description = "A model of the catalogue (models/NAME.json)." };
        var negative = new Option<string?>("--negative") { Description = "What the picture must not show." };
        var width = new Option<int?>("--width") { Description = "In pixels." };
        var height = new Option<int?>("--height") { Description = "In pixels." };
        var steps = new Option<int?>("--steps") { Description = "Denoising steps." };
        var guidance = new Option<double?>("--guidance") { Description = "Classifier-free guidance scale." };
        var scheduler = new Option<string?>("--scheduler") { Description = "As /v1/schedulers lists them." };
        var seed = new Option<long?>("--seed") { Description = "Equal seeds give equal pictures. Drawn where it is not given." };
        var count = new Option<int?>("--count") { Description = "How many pictures; each has the next seed." };
        var output = new Option<string?>("--out", "-o") { Description = "Where to save; a file that is there is never overwritten. Default: pictures/PROMPT-SEED.png" };
        var command = new Command("demo", "Make a picture: starts what does not run, asks the API for the picture, saves it.")
        {
            prompt, model, negative, width, height, steps, guidance, scheduler, seed, count, output,
        };
        command.SetAction((result, token) =>
        {
            var request = new JsonObject { ["prompt"] = result.GetRequiredValue(prompt) };
            Add(request, "model", result.GetValue(model));
            Add(request, "negative_prompt", result.GetValue(negative));
            Add(request, "width", result.GetValue(width));
            Add(request, "height", result.GetValue(height));
            Add(request, "num_inference_steps", result.GetValue(steps));
            Add(request, "guidance_scale", result.GetValue(guidance));
            Add(request, "scheduler", result.GetValue(scheduler));
            Add(request, "seed", result.GetValue(seed));
            Add(request, "num_images", result.GetValue(count));
            return RunAsync(request, result.GetRequiredValue(prompt), result.GetValue(output), token);
        });
        return command;
    }

    private static void Add<T>(JsonObject request, string field, T? value)
    {
        if (value is not null)
        {
            request[field] = JsonValue.Create(value);
        }
    }

    private static async Task<int> RunAsync(JsonObject request, string prompt, string? output, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        IReadOnlySet<string> started = await stack.UpAsync(new Lines(), token);
        try
        {
            using var api = new RestClient(stack.Url, stack.Key);
            JobDocument job = await SubmitAsync(stack, api, request, token);
            job = await FollowAsync(stack, api, job, token);
            TimeSpan total = clock.Elapsed;
            IReadOnlyList<string> paths = await SaveAsync(stack, api, job, prompt, output, token);
            Report(job, request, paths, total);
            return 0;
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            await stack.StopAsync(started, limit.Token);
            throw;
        }
    }

    private static async Task<JobDocument> SubmitAsync(Stack stack, RestClient api, JsonObject request, CancellationToken token)
    {
        const string step = "submit the job (POST /v1/" + Kind + ")";
        try
        {
            return await api.SubmitAsync(Kind, request, token);
        }
        catch (RestException e)
        {
            string advice = e.Status switch
            {
                HttpStatusCode.PaymentRequired => "Give the account credits: POST /v1/admin/accounts/{id}/credits with the first key (GET /v1/account says the id).",
                HttpStatusCode.Unauthorized => $"{stack.KeyFile} does not hold a valid key; move it away, and ./generation up makes another.",
                _ => "Change what the answer names, and run the command again.",
            };
            throw new StepException(step, e.Message, null, advice, e);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !token.IsCancellationRequested)
        {
            throw new StepException(step, e.Message, stack.Api.Log, "The log says why the API did not answer; ./generation status shows what runs.", e);
        }
    }

    private static async Task<JobDocument> FollowAsync(Stack stack, RestClient api, JobDocument job, CancellationToken token)
    {
        string step = $"make the picture (job {job.Id})";
        try
        {
            job = await JobProgressBar.FollowAsync(api, job, token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await api.CancelAsync(job.Id, limit.Token);
            throw;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or RestException)
        {
            throw new StepException(step, e.Message, stack.Api.Log, $"The job goes on without us: look at {stack.Url}/v1/jobs/{job.Id}, and at ./generation status.", e);
        }

        return job.State == JobState.Succeeded
            ? job
            : throw new StepException(
                step,
                job.Error is { } error ? $"{error.Code}: {error.Detail}" : $"It is {job.State.ToString().ToLowerInvariant()}.",
                Path.Combine(stack.Folder.Logs, "worker-1.log"),
                "The worker's log has the job's id and the reason.");
    }

    private static async Task<IReadOnlyList<string>> SaveAsync(
        Stack stack,
        RestClient api,
        JobDocument job,
        string prompt,
        string? asked,
        CancellationToken token)
    {
        const string step = "save the picture";
        var paths = new List<string>();
        try
        {
            foreach (JobOutputLink output in job.Outputs)
            {
                byte[] bytes = await api.OutputAsync(output, token);
                paths.Add(await PictureFile.SaveAsync(asked ?? PictureFile.DefaultPath(prompt, output), bytes, token));
            }
        }
        catch (Exception e) when (e is HttpRequestException or RestException)
        {
            throw new StepException(step, e.Message, stack.Api.Log, $"The result is kept: {stack.Url}/v1/jobs/{job.Id}/outputs/0", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StepException(step, e.Message, null, $"Name another place with --out. The result is kept: {stack.Url}/v1/jobs/{job.Id}/outputs/0", e);
        }

        return paths;
    }

    private static void Report(JobDocument job, JsonObject request, IReadOnlyList<string> paths, TimeSpan total)
    {
        foreach ((string path, JobOutputLink output) in paths.Zip(job.Outputs))
        {
            Console.WriteLine($"""
                picture  {path}
                seed     {output.Seed}
                size     {Plan(output)}
                """);
        }

        Console.WriteLine($"""
            times    queued {Seconds(job.StartedAt - job.CreatedAt)}, running {Seconds(job.FinishedAt - job.StartedAt)}, in all {Seconds(total)}
            again    {CurlLine.Setup}
                     {CurlLine.For(Kind, request, job.Outputs is [var first, ..] ? first.Seed : null)}
            """);
    }

    private static string Plan(JobOutputLink output)
    {
        string asked = $"{output.Width}x{output.Height}";
        if (output.Render is not { } render || (render.Upscaler is null && !render.Resized))
        {
            return asked;
        }

        string upscaled = render.Upscaler is null ? "" : $", made {render.Scale} times larger by {render.Upscaler}";
        string resized = render.Resized ? ", cropped and resized to the pixel" : "";
        return $"{asked}: drawn at {render.GeneratedWidth}x{render.GeneratedHeight}{upscaled}{resized}";
    }

    private static string Seconds(TimeSpan? time) => time is { } known ? $"{known.TotalSeconds:0.00} s" : "unknown";
}
