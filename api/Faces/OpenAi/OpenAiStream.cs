using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Inputs;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.OpenAi;

/// <summary>
/// Answers as server-sent events: previews as partial images, spread over the steps, and then the pictures. Fewer partial
/// images than asked for come where the picture is done before.
/// </summary>
internal sealed class OpenAiStream(FaceCalls calls, JobWaiter waiter, HotState hotState)
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Streams the end of jobs that are submitted already.</summary>
    /// <param name="call">The call.</param>
    /// <param name="name">image_generation or image_edit.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="jobs">The jobs, in order.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    public async Task WriteAsync(
        FaceCall call,
        string name,
        OpenAiRequest request,
        IReadOnlyList<JobId> jobs,
        CancellationToken cancellationToken
    )
    {
        HttpResponse response = call.Http.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        // Proxies would gather the events
        response.Headers["X-Accel-Buffering"] = "no";
        await response.Body.FlushAsync(cancellationToken);
        try
        {
            if (request.PartialImages > 0)
            {
                await WritePartialsAsync(call, name, request, jobs[0], cancellationToken);
            }

            foreach (JobId id in jobs)
            {
                JobDocument job = await call.EndAsync(id, cancellationToken);
                foreach (JobOutputLink output in job.Outputs)
                {
                    var data = new JsonObject
                    {
                        ["type"] = $"{name}.completed",
                        ["b64_json"] = Convert.ToBase64String(await calls.ReadAsync(output, cancellationToken)),
                        ["created_at"] = job.CreatedAt.ToUnixTimeSeconds(),
                    };
                    OpenAiAnswers.AddEchoes(data, request, output);
                    data["usage"] = OpenAiAnswers.Usage();
                    await SendAsync(response, $"{name}.completed", data, cancellationToken);
                }
            }

            call.Answered();
        }
        catch (ProblemException e)
        {
            // The status is gone already: the libraries raise the error object of an event
            await SendAsync(response, "error", OpenAiErrors.OfProblem(call.Http, e.Problem), cancellationToken);
        }
    }

    private async Task WritePartialsAsync(FaceCall call, string name, OpenAiRequest request, JobId id, CancellationToken cancellationToken)
    {
        BodyBudget.Of(call.Http).Release();
        int sent = 0;
        byte[]? last = null;
        long quietSince = Environment.TickCount64;
        await foreach (JobView? view in waiter.WatchAsync(id, call.Caller.AccountId, cancellationToken))
        {
            if (sent == request.PartialImages)
            {
                break;
            }

            if (Environment.TickCount64 - quietSince > KeepAlive.TotalMilliseconds)
            {
                await call.Http.Response.WriteAsync(": still there\n\n", cancellationToken);
                await call.Http.Response.Body.FlushAsync(cancellationToken);
                quietSince = Environment.TickCount64;
            }

            if (view is null || view.State != JobState.Running)
            {
                continue;
            }

            JobDocument job = JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)!;
            // Partial image k of n stands for (k + 1) / (n + 1) of the way
            if (
                job.Progress is not { } progress
                || progress.Step * (request.PartialImages + 1) < (sent + 1) * progress.Steps
                || await hotState.PreviewAsync(id, cancellationToken) is not { Length: > 0 } preview
                || (last is not null && preview.AsSpan().SequenceEqual(last))
            )
            {
                continue;
            }

            last = preview;
            var header = PictureHeader.Read(preview);
            var data = new JsonObject
            {
                ["type"] = $"{name}.partial_image",
                ["b64_json"] = Convert.ToBase64String(preview),
                ["created_at"] = job.CreatedAt.ToUnixTimeSeconds(),
                ["partial_image_index"] = sent++,
            };
            OpenAiAnswers.AddEchoes(
                data,
                request,
                header?.Width ?? 0,
                header?.Height ?? 0,
                header?.ContentType["image/".Length..] ?? request.Format
            );
            await SendAsync(call.Http.Response, $"{name}.partial_image", data, cancellationToken);
        }
    }

    private static async Task SendAsync(HttpResponse response, string name, JsonObject data, CancellationToken cancellationToken)
    {
        await response.WriteAsync($"event: {name}\ndata: {data.ToJsonString()}\n\n", cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}
