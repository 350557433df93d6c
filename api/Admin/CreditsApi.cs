using System.Text.Json;
using Generation.Api.Authentication;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;

namespace Generation.Api.Admin;

/// <summary>The body of a request to give an account credits.</summary>
public sealed record CreditsBody
{
    /// <summary>grant, top_up or refund.</summary>
    public string? Entry { get; set; }

    /// <summary>The amount in credits. A refund is at most what the job cost, less what was refunded of it before.</summary>
    public double? Amount { get; set; }

    public string? Note { get; set; }

    /// <summary>The job of this account that a refund is for.</summary>
    public string? Job { get; set; }
}

/// <summary>/v1/admin/accounts/{id}/credits: grants, top-ups and refunds, each once where the request has an Idempotency-Key.</summary>
internal static class CreditsApi
{
    private const int MaxNoteLength = 1000;

    public static void MapCredits(this RouteGroupBuilder admin) =>
        admin
            .MapPost("/accounts/{id:guid}/credits", MoveAsync)
            .WithMetadata(new TakesIdempotencyKey())
            .WithSummary("Grants, tops up or refunds")
            .WithDescription(
                "With an Idempotency-Key a repeated request is answered as the first was, and moves nothing again. A refund names a job "
                    + "of the "
                    + "account, and gives back at most what it cost less what was refunded before."
            )
            .Accepts<CreditsBody>("application/json")
            .Produces<Account>()
            .ProducesProblems(400, 401, 403, 404, 422);

    private static async Task<IResult> MoveAsync(
        Guid id,
        HttpContext http,
        CreditStore credits,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        string? name = Preferences.Of(http.Request).IdempotencyKey;
        JsonBody received = await JsonBody.ReadAsync(http.Request, WebSetup.MaxBodyBytes, cancellationToken);
        CreditKey? key = name is null ? null : new CreditKey(http.Caller().AccountId, name, received.Fingerprint);
        if (key is not null && await credits.FindAsync(key, cancellationToken) is { } earlier)
        {
            return AnswerOf(http, earlier, id, null);
        }

        var errors = new FieldErrors();
        CreditsBody body = StrictReader.Read<CreditsBody>(received, errors);
        NewCredits asked = Check(id, body, key, errors);
        errors.ThrowIfAny();
        await AdminApi.EnterAsync(http, audit, "account.credits", id.ToString(), body, cancellationToken);
        CreditResult result = await credits.MoveAsync(
            asked,
            account => JsonSerializer.SerializeToUtf8Bytes(account, WireJson.Options),
            cancellationToken
        );
        return AnswerOf(http, result, id, asked);
    }

    private static NewCredits Check(Guid account, CreditsBody body, CreditKey? key, FieldErrors errors)
    {
        LedgerEntry? entry = body.Entry switch
        {
            "grant" => LedgerEntry.Grant,
            "top_up" => LedgerEntry.TopUp,
            "refund" => LedgerEntry.Refund,
            _ => null,
        };
        if (entry is null)
        {
            errors.Add("entry", "must be one of grant, top_up, refund");
        }

        if (body.Amount is not (>= 0.000001 and <= 1e9))
        {
            errors.Add("amount", $"must be 0.000001 to 1000000000, and is {body.Amount?.ToString() ?? "absent"}");
        }

        if (body.Note?.Length > MaxNoteLength)
        {
            errors.Add("note", $"must have {MaxNoteLength} characters at most, and has {body.Note.Length}");
        }

        JobId? job = null;
        if (body.Job is null)
        {
            if (entry == LedgerEntry.Refund)
            {
                errors.Add("job", "is required: a refund is for a job");
            }
        }
        else if (JobId.TryParse(body.Job, null, out JobId parsed))
        {
            job = parsed;
        }
        else
        {
            errors.Add("job", "is not a job's id");
        }

        return new NewCredits(
            account,
            entry ?? LedgerEntry.Grant,
            body.Amount is >= 0 and <= 1e9 ? Credits.Of((decimal)body.Amount.Value) : Credits.Zero,
            body.Note,
            job,
            key
        );
    }

    private static IResult AnswerOf(HttpContext http, CreditResult result, Guid id, NewCredits? asked)
    {
        switch (result.Outcome)
        {
            case CreditOutcome.NoAccount:
                throw AdminApi.NoAccount(id);
            case CreditOutcome.KeyReused:
                throw new ProblemException(
                    422,
                    "idempotency_key_reused",
                    "This Idempotency-Key was used for another request. Take a new key for a new request."
                );
            case CreditOutcome.NoJob or CreditOutcome.TooMuch:
                var errors = new FieldErrors();
                if (result.Outcome == CreditOutcome.NoJob)
                {
                    errors.Add("job", $"must be a job of this account, and is {asked!.Job}");
                }
                else
                {
                    errors.Add(
                        "amount",
                        $"must be at most {result.Most}, what the job cost less what was refunded before, and is {asked!.Amount}"
                    );
                }

                errors.ThrowIfAny();
                break;
            case CreditOutcome.Replayed:
                http.Response.Headers["Idempotent-Replayed"] = "true";
                break;
        }

        http.Response.Headers.CacheControl = "no-store";
        return Results.Bytes(result.Answer!, "application/json; charset=utf-8");
    }
}
