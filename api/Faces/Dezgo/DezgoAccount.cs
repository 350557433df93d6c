using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Faces.Dezgo;

/// <summary>Money and stored files of an account, as this face tells of them.</summary>
internal sealed class DezgoAccount(FaceCalls calls, Ledger ledger, DezgoTable table, TimeProvider time)
{
    /// <summary>What an answer with a picture says in its headers.</summary>
    /// <param name="http">The call.</param>
    /// <param name="jobs">Its jobs, the one that made the answer last.</param>
    /// <param name="isRapidApi">Whether it came through RapidAPI's interface, which tells of credits, too.</param>
    /// <param name="cancellationToken">Ends the look at the account.</param>
    public async Task AddJobHeadersAsync(
        HttpContext http,
        IReadOnlyList<JobDocument> jobs,
        bool isRapidApi,
        CancellationToken cancellationToken
    )
    {
        IHeaderDictionary headers = http.Response.Headers;
        LedgerTotals totals = await TotalsAsync(http, cancellationToken);
        decimal amount = DezgoPrices.ToUsd(jobs.Select(j => j.Cost.Charged).Aggregate((a, b) => a + b), table);
        decimal credits = DezgoPrices.ToUsd(totals.Credited, table);
        decimal debits = DezgoPrices.ToUsd(totals.Debited, table);
        JobDocument last = jobs[^1];
        headers["x-dezgo-job-id"] = last.Id.ToString();
        headers["x-dezgo-job-amount-usd"] = DezgoPrices.Text(amount);
        headers["x-dezgo-balance-credits-usd"] = DezgoPrices.Text(credits);
        headers["x-dezgo-balance-debits-usd"] = DezgoPrices.Text(debits);
        headers["x-dezgo-balance-total-usd"] = DezgoPrices.Text(credits - debits);
        headers["x-dezgo-balance-index"] = totals.LastId.ToString(CultureInfo.InvariantCulture);
        headers["x-filename"] = OutputUrls.FileNameOf(last, last.Outputs[0]);
        if (jobs[0].Outputs[0].Seed is { } seed)
        {
            headers["x-input-seed"] = seed.ToString(CultureInfo.InvariantCulture);
        }

        if (isRapidApi)
        {
            headers["x-credits-cost"] = Whole(amount * DezgoPrices.CreditsPerUsd);
            headers["x-ratelimit-credits-limit"] = Whole(credits * DezgoPrices.CreditsPerUsd);
            headers["x-ratelimit-credits-remaining"] = Whole(Math.Floor((credits - debits) * DezgoPrices.CreditsPerUsd));
            // Quotas there begin anew each month; a balance here stays
            DateTimeOffset now = time.GetUtcNow();
            var month = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
            headers["x-ratelimit-credits-reset"] = Whole((decimal)(month.AddMonths(1) - now).TotalSeconds);
        }
    }

    /// <summary>GET /account/tx/last.</summary>
    public async Task<IResult> LastTransactionAsync(HttpContext http, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        LedgerTotals totals = await TotalsAsync(http, cancellationToken);
        LedgerTransaction last = await ledger.LastAsync(caller.AccountId, cancellationToken)
            ?? throw new ProblemException(404, "no_transaction", "The account has had no transaction yet.");
        JobDocument? job = last.Job is { } id ? await calls.FindAsync(id, caller.AccountId, cancellationToken) : null;
        decimal credits = DezgoPrices.ToUsd(totals.Credited, table);
        decimal debits = DezgoPrices.ToUsd(totals.Debited, table);
        return Results.Json(
            new JsonObject
            {
                ["_id"] = last.Id.ToString(CultureInfo.InvariantCulture),
                ["userId"] = caller.AccountId.ToString("N"),
                ["amount"] = DezgoPrices.ToUsd(last.Amount, table),
                ["time"] = last.At.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
                ["type"] = last.Entry switch
                {
                    LedgerEntry.Charge => "job",
                    LedgerEntry.TopUp => "topup",
                    LedgerEntry.Refund => "refund",
                    _ => "grant",
                },
                ["meta"] = job is null ? [] : Meta(job),
                ["credits"] = credits,
                ["debits"] = debits,
                ["balance"] = credits - debits,
                ["index"] = totals.LastId,
            }
        );
    }

    /// <summary>GET /account/file?id=JOB/output&amp;offset=0, or id=JOB/input.</summary>
    public async Task<IResult> FileAsync(HttpContext http, string? id, string? offset, CancellationToken cancellationToken)
    {
        string[] parts = (id ?? "").Split('/');
        if (parts.Length != 2 || parts[1] is not ("input" or "output") || !JobId.TryParse(parts[0], null, out JobId jobId))
        {
            throw new ProblemException(400, "invalid_request", "id: must be JOB/output or JOB/input, with a job's id.");
        }

        JobDocument job = await calls.FindAsync(jobId, http.Caller().AccountId, cancellationToken)
            ?? throw new ProblemException(404, "job_not_found", $"You have no job '{jobId}'.");
        if (parts[1] == "input")
        {
            return Results.Json(
                new JsonObject(Inputs(job).Select(i => KeyValuePair.Create(i.Key, (JsonNode?)new JsonObject { ["Value"] = i.Value })))
            );
        }

        if (!job.State.IsFinal())
        {
            throw new ProblemException(409, "job_not_finished", $"Job {jobId} is not done yet.");
        }

        int index = int.TryParse(offset ?? "0", NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : -1;
        JobOutputLink output = job.Outputs.FirstOrDefault(o => o.Index == index)
            ?? throw new ProblemException(
                404,
                "output_not_found",
                $"Job {jobId} has {job.Outputs.Count} outputs, counted from 0; there is none at offset '{ErrorText.Shown(offset ?? "0")}'."
            );
        http.RequestServices.GetRequiredService<OpenAnswers>().EndWithOutputs(http, job.Id);
        return Results.Stream(await calls.OpenAsync(output, cancellationToken), output.ContentType);
    }

    private async Task<LedgerTotals> TotalsAsync(HttpContext http, CancellationToken cancellationToken) =>
        await ledger.TotalsAsync(http.Caller().AccountId, cancellationToken)
        ?? throw new InvalidOperationException("A valid key's account is there.");

    private static JsonObject Meta(JobDocument job)
    {
        var meta = new JsonObject { ["job.function"] = DezgoDescription.FunctionOf(job), ["job.id"] = job.Id.ToString() };
        foreach ((string name, JsonNode? value) in Inputs(job))
        {
            // Words stay with the job
            if (name is "model" or "control_model")
            {
                meta["job.input." + name] = value;
            }
        }

        meta["file.input"] = $"{job.Id}/input";
        meta["file.output"] = $"{job.Id}/output";
        meta["file.output.count"] = job.Outputs.Count;
        return meta;
    }

    /// <summary>What a job was given, in this face's names.</summary>
    private static IEnumerable<KeyValuePair<string, JsonNode?>> Inputs(JobDocument job)
    {
        yield return new("model", job.Model);
        switch (job.Request)
        {
            case PictureRequest r:
                yield return new("prompt", r.Prompt);
                yield return new("negative_prompt", r.NegativePrompt);
                yield return new("width", r.Width);
                yield return new("height", r.Height);
                yield return new("steps", r.NumInferenceSteps);
                yield return new("guidance", r.GuidanceScale);
                yield return new("sampler", r.Scheduler);
                yield return new("seed", r.Seed);
                yield return new("format", r.OutputFormat);
                break;
            case SuperResolutionRequest r:
                yield return new("format", r.OutputFormat);
                break;
            case VideoRequest r:
                yield return new("prompt", r.Prompt);
                yield return new("seed", r.Seed);
                yield return new("format", r.OutputFormat);
                break;
        }

        switch (job.Request)
        {
            case Img2ImgRequest r:
                yield return new("strength", r.Strength);
                break;
            case InpaintRequest { MaskPrompt: { } words }:
                yield return new("mask_prompt", words);
                break;
            case EditRequest r:
                yield return new("image_guidance", r.ImageGuidanceScale);
                break;
            case ControlNetRequest { Control: [var control, ..] }:
                yield return new("control_model", control.Type);
                yield return new("control_scale", control.Scale);
                break;
        }
    }

    private static string Whole(decimal value) => Math.Floor(value).ToString("0", CultureInfo.InvariantCulture);
}
