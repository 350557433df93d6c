using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Cli.Output;
using Generation.Client;
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
        var options = new JobOptions([.. DemoKind.All.Select(kind => kind.Name)]);
        var command = new Command("demo", "Make a picture or a clip: starts what does not run, asks the API for it, saves it.");
        options.AddTo(command);
        options.Image.Description = "The picture to begin with; without it, one is made first.";
        options.Mask.Description = "inpaint: white where the picture is to be painted; without it, its middle is.";
        command.SetAction(
            (result, token) =>
            {
                DemoKind shown = DemoKind.Find(result.GetRequiredValue(options.Kind))!;
                return RunAsync(
                    new Demo(
                        shown,
                        options.Read(result, shown.Prompt),
                        result.GetValue(options.Image),
                        result.GetValue(options.Mask),
                        result.GetValue(options.Output)
                    ),
                    token
                );
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(Demo demo, CancellationToken token)
    {
        var clock = Stopwatch.StartNew();
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        IReadOnlySet<string> started = await stack.UpAsync(new ProgressLines(), token);
        try
        {
            using GenerationClient client = stack.Client();
            var run = new JobRun(client, stack.Place());
            if (demo.Kind.NeedsPicture)
            {
                await DemoInputs.AddAsync(
                    run,
                    demo.Kind,
                    demo.Request,
                    demo.Image,
                    demo.Mask,
                    side => MakeFirstAsync(run, demo, side, token),
                    token
                );
            }

            Job job = await run.FollowAsync(await run.SubmitAsync(demo.Kind.Name, demo.Request, token), token);
            TimeSpan total = clock.Elapsed;
            IReadOnlyList<string> paths = await run.SaveAsync(job, demo.Name, demo.Output, token);
            Report(job, demo, paths, total);
            Console.WriteLine($"browser  {await client.PageLinkAsync(token)} makes more, signed in (opens once, within minutes)");
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
    private static async Task<byte[]> MakeFirstAsync(JobRun run, Demo demo, int? side, CancellationToken token)
    {
        var request = new JsonObject { ["prompt"] = DemoKind.FirstPrompt };
        if (demo.Request["seed"] is { } seed)
        {
            request["seed"] = seed.DeepClone();
        }

        if (side is not null)
        {
            request["width"] = side;
            request["height"] = side;
        }

        Job job = await run.FollowAsync(await run.SubmitAsync("text2img", request, token), token);
        string path = (await run.SaveAsync(job, DemoKind.FirstPrompt, null, token))[0];
        Console.WriteLine($"begins   {path}");
        return await File.ReadAllBytesAsync(path, token);
    }

    private static void Report(Job job, Demo demo, IReadOnlyList<string> paths, TimeSpan total)
    {
        foreach ((string path, JobOutput output) in paths.Zip(job.Outputs))
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

    private static string Plan(JobOutput output)
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
