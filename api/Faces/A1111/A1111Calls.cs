using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.A1111;

/// <summary>txt2img and img2img: calls that are answered when their pictures are done.</summary>
internal sealed class A1111Calls(
    FaceCalls calls,
    A1111Options options,
    A1111Progress progress,
    ModelDirectory models,
    A1111Table table,
    IOptions<FaceOptions> faces
)
{
    private const string IdempotencyKey = "Idempotency-Key";

    /// <summary>POST /sdapi/v1/txt2img.</summary>
    public Task<IResult> Text2ImgAsync(HttpContext http, CancellationToken cancellationToken) =>
        RunAsync(http, isImg2Img: false, bodies => bodies.Text2Img(), cancellationToken);

    /// <summary>POST /sdapi/v1/img2img.</summary>
    public Task<IResult> Img2ImgAsync(HttpContext http, CancellationToken cancellationToken) =>
        RunAsync(http, isImg2Img: true, bodies => bodies.Img2Img(), cancellationToken);

    private async Task<IResult> RunAsync(
        HttpContext http,
        bool isImg2Img,
        Func<A1111Bodies, IReadOnlyList<PictureBody>> read,
        CancellationToken cancellationToken
    )
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: true), cancellationToken);
        Infotext.Fill(body);
        Guid account = http.Caller().AccountId;
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        IReadOnlyDictionary<string, string> own = await options.OfAsync(account, cancellationToken);
        var unknown = new List<string>();
        Dictionary<string, string> overrides = Overrides(body, catalogue, unknown);
        var bodies = new A1111Bodies(
            table,
            body,
            Joined(table.Options, own, overrides),
            catalogue,
            await models.SchedulersAsync(cancellationToken)
        );
        IReadOnlyList<PictureBody> jobs = read(bodies);
        bodies.WarnOfOptions(unknown);
        JsonObject echo = A1111Info.Parameters(body, overrides, table, isImg2Img);
        bool withImages = body.Flag("send_images") ?? true;
        bool isKept = body.Flag("override_settings_restore_afterwards") == false && overrides.Count > 0;
        own = isKept ? Joined(own, overrides) : own;
        string? task = UseTask(http.Request, body);
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        call.GoesOn = !call.IsKept;
        IReadOnlyList<JobId> ids = await SubmitAsync(call, jobs, task, own, cancellationToken);
        http.Response.Headers["x-job-id"] = string.Join(',', ids);
        if (isKept && !await options.SetAsync(account, overrides, cancellationToken))
        {
            bodies.Warn("override_settings: cannot be kept for later calls at present.");
        }

        var pictures = new List<A1111Picture>();
        JobDocument? first = null;
        foreach (JobId id in ids)
        {
            JobDocument job = await call.EndedAsync(id, cancellationToken);
            first ??= job;
            if (job.State == JobState.Cancelled)
            {
                // Stopped by interrupt or skip: what was there by then is the answer
                if (await progress.UnfinishedAsync(id, cancellationToken) is { } unfinished)
                {
                    pictures.Add(new A1111Picture(job, null, unfinished));
                }

                continue;
            }

            await call.SucceededAsync(job);
            pictures.AddRange(job.Outputs.Select(output => new A1111Picture(job, output, null)));
        }

        await WriteAsync(
            http,
            pictures,
            withImages,
            echo,
            texts => A1111Info.Of(pictures, texts, bodies, first!, table),
            cancellationToken
        );
        call.Answered();
        return Results.Empty;
    }

    private async Task<IReadOnlyList<JobId>> SubmitAsync(
        FaceCall call,
        IReadOnlyList<PictureBody> jobs,
        string? task,
        IReadOnlyDictionary<string, string> own,
        CancellationToken cancellationToken
    )
    {
        var ids = new List<JobId>();
        long moved = 0;
        for (int place = 0; place < jobs.Count; place++)
        {
            PictureBody native = jobs[place];
            native.Seed += moved;
            native.Metadata = new A1111Note(call.Id, place, jobs.Count, task, own).Write();
            ids.Add(await call.SubmitAsync(place, native, null, cancellationToken));
            if (
                place == 0
                && jobs.Count > 1
                && await calls.FindAsync(ids[0], call.Caller.AccountId, cancellationToken) is { Request: PictureRequest request }
            )
            {
                // A repeated call goes on from the seed that the first one drew
                moved = request.Seed - native.Seed!.Value;
            }
        }

        return ids;
    }

    /// <summary>Writes the answer, one picture after the other, so that no more than one is in memory.</summary>
    private async Task WriteAsync(
        HttpContext http,
        IReadOnlyList<A1111Picture> pictures,
        bool withImages,
        JsonObject echo,
        Func<IReadOnlyList<string>, JsonObject> info,
        CancellationToken cancellationToken
    )
    {
        http.Response.ContentType = "application/json";
        var texts = new List<string>();
        await using var writer = new Utf8JsonWriter(http.Response.Body);
        writer.WriteStartObject();
        writer.WriteStartArray("images");
        foreach (A1111Picture picture in pictures)
        {
            byte[] bytes = picture.Unfinished ?? await calls.ReadAsync(picture.Output!, cancellationToken);
            texts.Add(
                PictureTexts.Read(bytes).GetValueOrDefault(PictureTexts.Parameters)
                    ?? Infotext.Of((PictureRequest)picture.Job.Request!, picture.Seed, table)
            );
            if (withImages)
            {
                writer.WriteBase64StringValue(bytes);
                await writer.FlushAsync(cancellationToken);
            }
        }

        writer.WriteEndArray();
        writer.WritePropertyName("parameters");
        echo.WriteTo(writer);
        writer.WriteString("info", info(texts).ToJsonString());
        writer.WriteEndObject();
        await writer.FlushAsync(cancellationToken);
    }

    /// <summary>
    /// Makes force_task_id, with all that is asked for, the call's Idempotency-Key: the same call made again gets the same pictures, and
    /// another call of the same name does not. Returns the name.
    /// </summary>
    private static string? UseTask(HttpRequest request, FaceBody body)
    {
        if (body.Text("force_task_id") is not { } task)
        {
            return null;
        }

        if (!request.Headers.ContainsKey(IdempotencyKey) && !body.Errors.HasAny)
        {
            byte[] hash = SHA256.HashData([.. Encoding.UTF8.GetBytes(task), 0, .. body.Fingerprint(request)]);
            request.Headers[IdempotencyKey] = $"a1111-{Convert.ToHexStringLower(hash)}";
        }

        return ErrorText.Shown(task);
    }

    private Dictionary<string, string> Overrides(FaceBody body, IReadOnlyDictionary<string, ModelEntry> catalogue, List<string> unknown)
    {
        const string Field = "override_settings";
        const string Modules = "forge_additional_modules";
        if (body.Value(Field) is not { } given)
        {
            return [];
        }

        if (!given.IsObject)
        {
            body.Mistyped(Field, "an object", given);
            return [];
        }

        FaceBody nested = body.Nested(Field, given);
        Dictionary<string, string> values = options.Read(nested, catalogue, name =>
        {
            if (name != Modules)
            {
                unknown.Add(name);
            }
        });
        // Forge's list of autoencoders and text encoders
        if (!values.ContainsKey("sd_vae") && nested.Texts(Modules) is [var vae, ..])
        {
            values["sd_vae"] = vae;
        }

        return values;
    }

    private static Dictionary<string, string> Joined(params ReadOnlySpan<IReadOnlyDictionary<string, string>> all)
    {
        var joined = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (IReadOnlyDictionary<string, string> values in all)
        {
            foreach ((string name, string value) in values)
            {
                joined[name] = value;
            }
        }

        return joined;
    }
}
