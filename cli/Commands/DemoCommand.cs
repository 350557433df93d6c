using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Generation.Cli.Output;
using Generation.Contracts;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>
/// The command `demo PROMPT --kind KIND`: makes a picture or a clip through the public REST interface, starting whatever does not run yet,
/// and saves it.
/// </summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        string kinds = string.Join(", ", DemoKind.All.Select(k => k.Name));
        var prompt = new Argument<string?>("prompt")
        {
            Description = "What the picture is to show, such as \"a red apple on a blue background\".",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var kind = new Option<string>("--kind") { Description = $"What to show: {kinds}.", DefaultValueFactory = _ => "text2img" };
        kind.AcceptOnlyFromAmong([.. DemoKind.All.Select(k => k.Name)]);
        var image = new Option<string?>("--image") { Description = "The picture to begin with; without it, one is made first." };
        var mask = new Option<string?>("--mask")
        {
            Description = "inpaint: white where the picture is to be painted; without it, its middle is.",
        };
        var strength = new Option<double?>("--strength")
        {
            Description = "img2img, inpaint: how much of the picture may change, above 0 up to 1.",
        };
        var scale = new Option<int?>("--scale") { Description = "super-resolution: how many times larger, 2 to 4." };
        var frames = new Option<int?>("--frames") { Description = "video: how many frames." };
        var fps = new Option<double?>("--fps") { Description = "video: frames a second." };
        var format = new Option<string?>("--format") { Description = "png, jpg or webp; for a clip mp4, webm, gif, webp or zip." };
        var model = new Option<string?>("--model") { Description = "A model of the catalogue (models/NAME.json)." };
        var negative = new Option<string?>("--negative") { Description = "What the picture must not show." };
        var width = new Option<int?>("--width") { Description = "In pixels." };
        var height = new Option<int?>("--height") { Description = "In pixels." };
        var steps = new Option<int?>("--steps") { Description = "Denoising steps." };
        var guidance = new Option<double?>("--guidance") { Description = "Classifier-free guidance scale." };
        var scheduler = new Option<string?>("--scheduler") { Description = "As /v1/schedulers lists them." };
        var seed = new Option<long?>("--seed") { Description = "Equal seeds give equal pictures. Without it, a seed is drawn." };
        var count = new Option<int?>("--count") { Description = "How many pictures; each has the next seed." };
        var output = new Option<string?>("--out", "-o")
        {
            Description = "Where to save; a file that is there is never overwritten. Default: pictures/PROMPT-SEED.png",
        };
        var command = new Command("demo", "Make a picture or a clip: starts what does not run, asks the API for it, saves it.")
        {
            prompt,
            kind,
            image,
            mask,
            strength,
            scale,
            frames,
            fps,
            format,
            model,
            negative,
            width,
            height,
            steps,
            guidance,
            scheduler,
            seed,
            count,
            output,
        };
        command.SetAction(
            (result, token) =>
            {
                DemoKind shown = DemoKind.Find(result.GetRequiredValue(kind))!;
                var request = new JsonObject();
                Add(request, "prompt", result.GetValue(prompt) ?? shown.Prompt);
                Add(request, "model", result.GetValue(model));
                Add(request, "negative_prompt", result.GetValue(negative));
                Add(request, "width", result.GetValue(width));
                Add(request, "height", result.GetValue(height));
                Add(request, "num_inference_steps", result.GetValue(steps));
                Add(request, "guidance_scale", result.GetValue(guidance));
                Add(request, "scheduler", result.GetValue(scheduler));
                Add(request, "seed", result.GetValue(seed));
                Add(request, "num_images", result.GetValue(count));
                Add(request, "strength", result.GetValue(strength));
                Add(request, "scale", result.GetValue(scale));
                Add(request, "num_frames", result.GetValue(frames));
                Add(request, "fps", result.GetValue(fps));
                Add(request, "output_format", result.GetValue(format));
                return RunAsync(new Demo(shown, request, result.GetValue(image), result.GetValue(mask), result.GetValue(output)), token);
            }
        );
        return command;
    }

    private static void Add<T>(JsonObject request, string field, T? value)
    {
        if (value is not null)
        {
            request[field] = JsonValue.Create(value);
        }
    }

    private static async Task<int> RunAsync(Demo demo, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        IReadOnlySet<string> started = await stack.UpAsync(new ProgressLines(), token);
        try
        {
            using var api = new RestClient(stack.Url, stack.Key);
            if (demo.Kind.NeedsPicture)
            {
                await DemoInputs.AddAsync(
                    api,
                    demo.Kind,
                    demo.Request,
                    demo.Image,
                    demo.Mask,
                    side => MakeFirstAsync(stack, api, demo, side, token),
                    token
                );
            }

            JobDocument job = await SubmitAsync(stack, api, demo.Kind.Name, demo.Request, token);
            job = await FollowAsync(stack, api, job, token);
            TimeSpan total = clock.Elapsed;
            IReadOnlyList<string> paths = await SaveAsync(stack, api, job, demo.Name, demo.Output, token);
            Report(job, demo, paths, total);
            Console.WriteLine($"browser  {await api.PageLinkAsync(token)} makes more, signed in (opens once, within minutes)");
            return 0;
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            await stack.StopAsync(started, limit.Token);
            throw;
        }
    }

    /// <summary>Makes the picture to begin with, and saves it beside the others.</summary>
    private static async Task<byte[]> MakeFirstAsync(Stack stack, RestClient api, Demo demo, int? side, CancellationToken token)
    {
        var request = new JsonObject { ["prompt"] = DemoKind.FirstPrompt };
        Add(request, "seed", demo.Request["seed"]?.GetValue<long>());
        Add(request, "width", side);
        Add(request, "height", side);
        JobDocument job = await SubmitAsync(stack, api, "text2img", request, token);
        job = await FollowAsync(stack, api, job, token);
        string path = (await SaveAsync(stack, api, job, DemoKind.FirstPrompt, null, token))[0];
        Console.WriteLine($"begins   {path}");
        return await File.ReadAllBytesAsync(path, token);
    }

    private static async Task<JobDocument> SubmitAsync(
        Stack stack,
        RestClient api,
        string kind,
        JsonObject request,
        CancellationToken token
    )
    {
        string step = $"submit the job (POST /v1/{kind})";
        try
        {
            return await api.SubmitAsync(kind, request, token);
        }
        catch (RestException e)
        {
            string advice = e.Status switch
            {
                HttpStatusCode.PaymentRequired =>
                    "Give the account credits: POST /v1/admin/accounts/{id}/credits with the first key (GET /v1/account says the id).",
                HttpStatusCode.ServiceUnavailable when e.Code == "kind_unavailable" =>
                    "Install what the answer names: the worker finds it within seconds, and all else works without it.",
                HttpStatusCode.Unauthorized =>
                    $"{stack.KeyFile} does not hold a valid key; move it away, and ./generation up makes another.",
                _ => "Change what the answer names, and run the command again.",
            };
            throw new StepException(step, e.Message, null, advice, e);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !token.IsCancellationRequested)
        {
            throw new StepException(
                step,
                e.Message,
                stack.Api.Log,
                "The log says why the API did not answer; ./generation status shows what runs.",
                e
            );
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
            throw new StepException(
                step,
                e.Message,
                stack.Api.Log,
                $"The job goes on without this command: look at {stack.Url}/v1/jobs/{job.Id}, and at ./generation status.",
                e
            );
        }

        return job.State == JobState.Succeeded
            ? job
            : throw new StepException(
                step,
                job.Error is { } error ? $"{error.Code}: {error.Detail}" : $"It is {job.State.ToString().ToLowerInvariant()}.",
                Path.Combine(stack.Folder.Logs, "worker-1.log"),
                "The worker's log has the job's id and the reason."
            );
    }

    private static async Task<IReadOnlyList<string>> SaveAsync(
        Stack stack,
        RestClient api,
        JobDocument job,
        string prompt,
        string? asked,
        CancellationToken token
    )
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
            throw new StepException(
                step,
                e.Message,
                null,
                $"Name another place with --out. The result is kept: {stack.Url}/v1/jobs/{job.Id}/outputs/0",
                e
            );
        }

        return paths;
    }

    private static void Report(JobDocument job, Demo demo, IReadOnlyList<string> paths, TimeSpan total)
    {
        foreach ((string path, JobOutputLink output) in paths.Zip(job.Outputs))
        {
            Console.WriteLine($"{(output.Frames is null ? "picture" : "clip   ")}  {path}");
            if (output.Seed is { } seed)
            {
                Console.WriteLine($"seed     {seed}");
            }

            Console.WriteLine(
                $"size     {Plan(output)}{(output.Frames is { } frames ? $", {frames} frames, {output.DurationSeconds:0.##} s" : "")}"
            );
        }

        Console.WriteLine(
            $"""
            times    queued {Seconds(job.StartedAt - job.CreatedAt)}, running {Seconds(job.FinishedAt - job.StartedAt)}, in all {Seconds(
                total
            )}
            again    {CurlLine.Setup}
                     {CurlLine.For(demo.Kind.Name, demo.Request, job.Outputs[0].Seed, PictureFile.Extension(job.Outputs[0]))}
            """
        );
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

    /// <summary>What one run of the command is asked to do.</summary>
    private sealed record Demo(DemoKind Kind, JsonObject Request, string? Image, string? Mask, string? Output)
    {
        /// <summary>The name that the file's name is made from.</summary>
        public string Name => (string?)Request["prompt"] ?? "larger";
    }
}
