using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Replicate;

/// <summary>Predictions: made, listed, looked at, cancelled.</summary>
internal sealed partial class ReplicatePredictions(
    ReplicateTable table,
    ReplicateModels models,
    ReplicateAnswers answers,
    ReplicateDeadlines deadlines,
    ModelDirectory directory,
    FaceCalls calls,
    OwnPictures own,
    JobStore jobs,
    JobQueries queries,
    JobViews views,
    TimeProvider time,
    IOptions<FaceOptions> options
)
{
    private const int PageSize = 100;

    /// <summary>An answer is on its way so long before a client gives up.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(0.3);

    private static readonly Dictionary<string, string> Events = new()
    {
        ["start"] = "started",
        ["output"] = "finished",
        ["logs"] = "finished",
        ["completed"] = "finished",
    };

    /// <summary>POST /v1/predictions: the body names the version.</summary>
    public async Task<IResult> CreateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await ReadAsync(http, cancellationToken);
        string? version = body.Text("version");
        if (version is null)
        {
            body.Fail("version", "is required");
            body.Errors.ThrowIfAny();
        }

        ReplicateModel model = await models.OfVersionAsync(version!, cancellationToken)
            ?? throw new ProblemException(
                422,
                "invalid_version",
                $"The specified version does not exist (or perhaps you don't have permission to use it?): '{ErrorText.Shown(version!)}'."
            );
        // A client that splits owner/name:id looks for the id again
        string id = version!.Contains('/') && !version.Contains(':') ? "hidden" : model.Version;
        return await CreateAsync(http, body, model, version.Contains('/') ? id : version, cancellationToken);
    }

    /// <summary>POST /v1/models/{owner}/{name}/predictions.</summary>
    public async Task<IResult> CreateOfModelAsync(string owner, string name, HttpContext http, CancellationToken cancellationToken) =>
        await CreateAsync(
            http,
            await ReadAsync(http, cancellationToken),
            await models.FindAsync(owner, name, cancellationToken),
            "hidden",
            cancellationToken
        );

    /// <summary>POST /v1/models/{owner}/{name}/versions/{id}/predictions, as old clients call it.</summary>
    public async Task<IResult> CreateOfVersionAsync(
        string owner,
        string name,
        string id,
        HttpContext http,
        CancellationToken cancellationToken
    ) =>
        await CreateAsync(
            http,
            await ReadAsync(http, cancellationToken),
            await models.FindAsync(owner, name, cancellationToken),
            id,
            cancellationToken
        );

    /// <summary>POST /v1/deployments/{owner}/{name}/predictions.</summary>
    public async Task<IResult> CreateOfDeploymentAsync(string owner, string name, HttpContext http, CancellationToken cancellationToken)
    {
        ReplicateModel model = await models.DeployedAsync(owner, name, cancellationToken);
        return await CreateAsync(http, await ReadAsync(http, cancellationToken), model, "dp-" + model.Version[..32], cancellationToken);
    }

    /// <summary>GET /v1/predictions: the account's, the newest first.</summary>
    public async Task<IResult> ListAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var query = new QueryReader(http.Request.Query, ["cursor", "created_after", "created_before", "source"]);
        var filter = new JobFilter
        {
            AccountId = http.Caller().AccountId,
            CreatedAfter = query.Time("created_after"),
            CreatedBefore = query.Time("created_before"),
            After = query.Text("cursor") is { } cursor ? query.JobCursor(cursor) : null,
            Limit = PageSize + 1,
        };
        string source = query.Choice("source", "api", "web");
        query.Finish();
        ReplicateAddress address = ReplicateFace.AddressOf(http);
        IReadOnlyList<JobRow> rows = source == "web" ? [] : await queries.ListAsync(filter, cancellationToken);
        var results = new JsonArray();
        foreach (JobRow row in rows.Take(PageSize))
        {
            results.Add((JsonNode)answers.Prediction(await views.DocumentAsync(row, cancellationToken), address));
        }

        string? next = rows.Count > PageSize ? QueryReader.CursorOf(rows[PageSize - 1].Id) : null;
        return ReplicateFace.Page(results, next is null ? null : Next(http, address, next));
    }

    /// <summary>GET /v1/predictions/{id}.</summary>
    public async Task<IResult> GetAsync(string id, HttpContext http, CancellationToken cancellationToken)
    {
        Guid account = http.Caller().AccountId;
        JobDocument job = await FindAsync(id, account, cancellationToken);
        if (ReplicateNote.Read(job.Metadata)?.Deadline is { } deadline && deadline <= time.GetUtcNow() && !job.State.IsFinal())
        {
            await jobs.CancelAsync(job.Id, account, cancellationToken);
            job = await FindAsync(id, account, cancellationToken);
        }

        http.Response.Headers.CacheControl = "private, no-cache";
        return ReplicateFace.Json(await AnswerAsync(job, ReplicateFace.AddressOf(http), isWaited: false, cancellationToken));
    }

    /// <summary>POST /v1/predictions/{id}/cancel; what is over stays as it is.</summary>
    public async Task<IResult> CancelAsync(string id, HttpContext http, CancellationToken cancellationToken)
    {
        Guid account = http.Caller().AccountId;
        JobDocument job = await FindAsync(id, account, cancellationToken);
        await jobs.CancelAsync(job.Id, account, cancellationToken);
        return ReplicateFace.Json(answers.Prediction(await FindAsync(id, account, cancellationToken), ReplicateFace.AddressOf(http)));
    }

    private Task<FaceBody> ReadAsync(HttpContext http, CancellationToken cancellationToken) =>
        FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);

    private async Task<IResult> CreateAsync(
        HttpContext http,
        FaceBody body,
        ReplicateModel model,
        string version,
        CancellationToken cancellationToken
    )
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan? wait = Preferences.Of(http.Request).Wait;
        ReplicateAddress address = ReplicateFace.AddressOf(http);
        MappedInput input = InputOf(body, model);
        http.Features.Set(input);
        JobBody native = await BodyAsync(input, model, http.Caller().AccountId, cancellationToken);
        ReadWebhook(body, native);
        DateTimeOffset? deadline = DeadlineOf(http.Request);
        if (deadline is { } end)
        {
            native.ExpiresIn = (int)Math.Ceiling((end - time.GetUtcNow()).TotalSeconds);
        }

        string? prompt = input.NameOf(InputMeaning.Prompt);
        string? negative = input.NameOf(InputMeaning.NegativePrompt);
        native.Metadata = new ReplicateNote
        {
            Site = address.Site,
            Base = address.Base,
            Model = model.Name,
            Version = ErrorText.Shown(version.Length > 64 ? version[..64] : version),
            Prompt = input.IsGiven(InputMeaning.Prompt) ? prompt : null,
            NegativePrompt = input.IsGiven(InputMeaning.NegativePrompt) ? negative : null,
            Input = ReplicateNote.Kept(input.Body, prompt, negative),
            Warnings = [.. input.Warnings],
            Single = model.Mapped.Single,
            Deadline = deadline,
        }.Write();
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobId id = await call.SubmitAsync(0, native, null, cancellationToken);
        if (deadline is { } at)
        {
            await deadlines.AddAsync(id, call.Caller.AccountId, at, cancellationToken);
        }

        // A client that does not wait, or is told elsewhere, need not hear this answer: its job is not cancelled when it hangs up
        bool isHeard = wait is null || native.WebhookUrl is not null;
        if (isHeard)
        {
            call.Answered();
        }

        if (wait is { } limit)
        {
            TimeSpan left = limit - Stopwatch.GetElapsedTime(began) - AnswerTime;
            if (left > TimeSpan.Zero)
            {
                await call.WaitAsync(id, left, cancellationToken);
            }

            http.Response.Headers["Preference-Applied"] = string.Create(CultureInfo.InvariantCulture, $"wait={limit.TotalSeconds:0}");
        }

        JobDocument job = await calls.FindAsync(id, call.Caller.AccountId, cancellationToken)
            ?? throw new ProblemException(410, "job_gone", $"Prediction {ReplicateAnswers.IdOf(id)} has been deleted.");
        JsonObject answer = await AnswerAsync(job, address, isWaited: wait is not null, cancellationToken);
        if (!isHeard)
        {
            call.Answered();
        }

        return ReplicateFace.Json(answer, StatusCodes.Status201Created);
    }

    /// <summary>The prediction, with its outputs in it where their addresses would be of no use to the service's libraries.</summary>
    private async Task<JsonObject> AnswerAsync(
        JobDocument job,
        ReplicateAddress address,
        bool isWaited,
        CancellationToken cancellationToken
    )
    {
        bool isHttps = address.Site.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        JobOutputLink[] outputs = table.DataUris ?? !isHttps ? [.. ReplicateAnswers.Given(job) ?? []] : [];
        if (outputs.Length == 0 || outputs.Sum(output => output.Bytes) > table.MaxDataUriBytes)
        {
            return answers.Prediction(job, address, isWaited);
        }

        var files = new Dictionary<int, string>();
        foreach (JobOutputLink output in outputs)
        {
            byte[] bytes = await calls.ReadAsync(output, cancellationToken);
            files[output.Index] = $"data:{output.ContentType};base64,{Convert.ToBase64String(bytes)}";
        }

        return answers.Prediction(job, address, isWaited, files);
    }

    private MappedInput InputOf(FaceBody body, ReplicateModel model)
    {
        const string Field = "input";
        FaceValue? given = body.Value(Field);
        if (given is null)
        {
            body.Fail(Field, "is required");
        }
        else if (!given.IsObject)
        {
            body.Mistyped(Field, "an object", given);
        }

        FaceBody fields = body.Nested(Field, given ?? FaceValue.Of("{}"));
        var input = new MappedInput(fields, Field + ".", models.InputsOf(model), ownDefaults: model.Mapped.Native.Length > 0);
        if (given is { IsObject: true })
        {
            input.Check(models.IsInput);
        }

        return input;
    }

    private async Task<JobBody> BodyAsync(MappedInput input, ReplicateModel model, Guid account, CancellationToken cancellationToken)
    {
        JobBody native = new MappedBodies(
            input,
            model.Mapped,
            table.Sizes.GetValueOrDefault(model.Mapped.Sizes) ?? [],
            table.Schedulers,
            "flag",
            await directory.ModelsAsync(cancellationToken),
            await directory.SchedulersAsync(cancellationToken)
        ).Read();
        await own.ResolveAsync(native, account, cancellationToken);
        return native;
    }

    private static void ReadWebhook(FaceBody body, JobBody native)
    {
        native.WebhookUrl = body.Text("webhook");
        string[] told =
        [
            .. body.Texts("webhook_events_filter")
                .Select(name =>
                {
                    if (!Events.ContainsKey(name))
                    {
                        body.Fail("webhook_events_filter", $"takes {string.Join(", ", Events.Keys)}, and has '{ErrorText.Shown(name)}'");
                    }

                    return Events.GetValueOrDefault(name, "finished");
                })
                .Distinct(),
        ];
        if (native.WebhookUrl is not null)
        {
            native.WebhookEvents = told.Length > 0 ? told : ["started", "finished"];
        }
    }

    /// <summary>When the prediction is to be cancelled, by the header Cancel-After: 30, 90s, 5m, 1h30m45s.</summary>
    private DateTimeOffset? DeadlineOf(HttpRequest request)
    {
        const int Least = 5;
        const int Most = 24 * 3600;
        string header = request.Headers["Cancel-After"].ToString();
        if (header.Length == 0)
        {
            return null;
        }

        long seconds = -1;
        if (header.Length <= 20 && Duration().Match(header.Trim()) is { Success: true } match)
        {
            seconds = (3600 * Part(match, "h")) + (60 * Part(match, "m")) + Part(match, "s");
        }

        return seconds is >= Least and <= Most
            ? time.GetUtcNow() + TimeSpan.FromSeconds(seconds)
            : throw new ProblemException(
                422,
                "invalid_header",
                $"The header Cancel-After takes {Least} to {Most} seconds, as 30, 90s, 5m or 1h30m45s, and has '{ErrorText.Shown(header)}'."
            );

        static long Part(Match match, string name) =>
            match.Groups[name] is { Success: true, Value: var digits } ? long.Parse(digits, CultureInfo.InvariantCulture) : 0;
    }

    private async Task<JobDocument> FindAsync(string id, Guid account, CancellationToken cancellationToken) =>
        (ReplicateAnswers.JobOf(id) is { } job ? await calls.FindAsync(job, account, cancellationToken) : null)
        ?? throw new ProblemException(404, "job_not_found", $"You have no prediction '{ErrorText.Shown(id)}'.");

    private static string Next(HttpContext http, ReplicateAddress address, string cursor)
    {
        var query = QueryString.Create(
            http.Request.Query.Where(q => q.Key != "cursor")
                .Append(new("cursor", cursor))
                .Select(q => KeyValuePair.Create(q.Key, (string?)q.Value))
        );
        return $"{address.Base}/predictions{query}";
    }

    [GeneratedRegex("^((?<h>[0-9]{1,5})h)?((?<m>[0-9]{1,6})m)?((?<s>[0-9]{1,8})s?)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Duration();
}
