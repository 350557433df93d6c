using System.Text.Json;
using Generation.Api.Accounts;
using Generation.Api.Authentication;
using Generation.Api.Jobs;
using Generation.Api.Limits;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using Microsoft.Extensions.Options;

namespace Generation.Api.Admin;

/// <summary>Fields of a new account.</summary>
public sealed record NewAccountBody
{
    public string? Name { get; set; }

    /// <summary>Credits granted at once; absent: as configured.</summary>
    public double? FreeCredits { get; set; }
}

/// <summary>Changes to an account; what is absent stays as it is.</summary>
public sealed record AccountChangeBody
{
    /// <summary>Share of the workers, 1 to 1000.</summary>
    public int? Weight { get; set; }

    public bool? Disabled { get; set; }

    /// <summary>Limits of its own, over the configured; {} takes them away.</summary>
    public JsonElement? Limits { get; set; }
}

/// <summary>/v1/admin: accounts, keys, credits, workers, jobs; each act is entered in the audit log before it is done.</summary>
internal static class AdminApi
{
    public static void AddAdmin(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AuditOptions>().BindConfiguration(AuditOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHostedService<AuditSealer>();
    }

    public static void MapAdmin(this WebApplication app)
    {
        RouteGroupBuilder admin = app.MapGroup("/v1/admin").RequireAuthorization(Scopes.Admin).WithTags("Admin");
        admin
            .MapGet("/accounts", AccountsAsync)
            .WithSummary("Accounts in the order in which they were made. limit, cursor.")
            .Produces<Page<Account>>()
            .ProducesProblems(401, 403, 422);
        admin
            .MapPost("/accounts", NewAccountAsync)
            .WithSummary("Makes an account")
            .Accepts<NewAccountBody>("application/json")
            .Produces<Account>(201)
            .ProducesProblems(401, 403, 409, 422);
        admin.MapGet("/accounts/{id:guid}", AccountAsync).WithSummary("One account").Produces<Account>().ProducesProblems(401, 403, 404);
        admin
            .MapPatch("/accounts/{id:guid}", ChangeAccountAsync)
            .WithSummary("Changes weight, limits, or whether it is disabled")
            .Accepts<AccountChangeBody>("application/json")
            .Produces<Account>()
            .ProducesProblems(401, 403, 404, 422);
        admin.MapCredits();
        admin.MapDeletions();
        admin.MapGet("/keys", KeysAsync).WithSummary("All keys; account: of one").Produces<Page<ApiKeyInfo>>().ProducesProblems(401, 403);
        admin
            .MapPost("/accounts/{id:guid}/keys", NewKeyAsync)
            .WithSummary("Makes a key; it is shown this once")
            .Accepts<NewKeyBody>("application/json")
            .Produces<NewApiKey>(201)
            .ProducesProblems(401, 403, 404, 422);
        admin
            .MapDelete("/keys/{id:guid}", RevokeKeyAsync)
            .WithSummary("Makes a key void, within a second everywhere")
            .Produces<ApiKeyInfo>()
            .ProducesProblems(401, 403, 404);
        admin.MapGet("/workers", WorkersAsync).WithSummary("The workers").Produces<Page<WorkerInfo>>().ProducesProblems(401, 403);
        admin
            .MapPost("/workers/{id}/drain", (string id, HttpContext http, WorkerRegistry workers, AuditLog audit, CancellationToken t) =>
                DrainAsync(id, true, http, workers, audit, t)
            )
            .WithSummary("The worker takes no more jobs")
            .Produces(204)
            .ProducesProblems(401, 403, 404);
        admin
            .MapPost("/workers/{id}/undrain", (string id, HttpContext http, WorkerRegistry workers, AuditLog audit, CancellationToken t) =>
                DrainAsync(id, false, http, workers, audit, t)
            )
            .WithSummary("The worker takes jobs again")
            .Produces(204)
            .ProducesProblems(401, 403, 404);
        admin
            .MapPost("/models/{name}/pause", (string name, HttpContext http, WorkerRegistry workers, AuditLog audit, CancellationToken t) =>
                PauseAsync(name, true, http, workers, audit, t)
            )
            .WithSummary("The model's jobs are taken, and wait; those that workers have are finished")
            .Produces(204)
            .ProducesProblems(401, 403, 404);
        admin
            .MapPost(
                "/models/{name}/resume",
                (string name, HttpContext http, WorkerRegistry workers, AuditLog audit, CancellationToken t) =>
                    PauseAsync(name, false, http, workers, audit, t)
            )
            .WithSummary("The model's jobs are sent to workers again")
            .Produces(204)
            .ProducesProblems(401, 403, 404);
        admin
            .MapPost("/jobs/{id}/requeue", RequeueAsync)
            .WithSummary("Takes a running job from its worker, to be run by another")
            .Produces<JobDocument>()
            .ProducesProblems(401, 403, 404, 409);
        admin
            .MapPost("/jobs/{id}/cancel", CancelAsync)
            .WithSummary("Stops any account's job")
            .Produces<JobDocument>()
            .ProducesProblems(401, 403, 404);
        admin
            .MapGet("/ledger/check", CheckAsync)
            .WithSummary("Checks all the books in one query")
            .Produces<LedgerCheck>()
            .ProducesProblems(401, 403);
        admin
            .MapGet("/audit", AuditAsync)
            .WithSummary("What operators did, the newest first. limit, cursor.")
            .Produces<Page<AuditEntry>>()
            .ProducesProblems(401, 403, 422);
        admin
            .MapGet("/audit/check", CheckAuditAsync)
            .WithSummary("Goes through the audit log's chain, and looks for its sealed end")
            .Produces<AuditCheck>()
            .ProducesProblems(401, 403);
    }

    private static async Task<IResult> AccountsAsync(HttpContext http, AccountStore accounts, CancellationToken cancellationToken)
    {
        var query = new QueryReader(http.Request.Query, ["limit", "cursor"]);
        int limit = query.Integer("limit", 100, 1, 1000);
        Guid? after = query.Text("cursor") is { } cursor && Guid.TryParse(cursor, out Guid id) ? id : null;
        query.Finish();
        IReadOnlyList<Account> rows = await accounts.ListAsync(after, limit + 1, cancellationToken);
        return Results.Ok(new Page<Account>([.. rows.Take(limit)], rows.Count > limit ? rows[limit - 1].Id.ToString() : null));
    }

    private static async Task<IResult> NewAccountAsync(
        HttpContext http,
        AccountStore accounts,
        AuditLog audit,
        IOptions<AccountOptions> options,
        CancellationToken cancellationToken
    )
    {
        var errors = new FieldErrors();
        NewAccountBody body = await BodyAsync<NewAccountBody>(http, errors, cancellationToken);
        if (string.IsNullOrWhiteSpace(body.Name) || body.Name.Length > 200)
        {
            errors.Add("name", "is required, with 200 characters at most");
        }

        if (body.FreeCredits is < 0 or > 1e9)
        {
            errors.Add("free_credits", $"must be 0 to 1000000000, and is {body.FreeCredits}");
        }

        errors.ThrowIfAny();
        await EnterAsync(http, audit, "account.create", body.Name!, body, cancellationToken);
        Account account = await accounts.CreateAsync(
            body.Name!,
            Credits.Of((decimal?)body.FreeCredits ?? options.Value.FreeCredits),
            cancellationToken
        ) ?? throw new ProblemException(409, "name_taken", $"There is an account '{ErrorText.Shown(body.Name!)}' already.");
        return Results.Created($"/v1/admin/accounts/{account.Id}", account);
    }

    private static async Task<IResult> AccountAsync(Guid id, AccountStore accounts, CancellationToken cancellationToken) =>
        Results.Ok(await accounts.FindAsync(id, cancellationToken) ?? throw NoAccount(id));

    private static async Task<IResult> ChangeAccountAsync(
        Guid id,
        HttpContext http,
        AccountStore accounts,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        var errors = new FieldErrors();
        AccountChangeBody body = await BodyAsync<AccountChangeBody>(http, errors, cancellationToken);
        if (body.Weight is < 1 or > 1000)
        {
            errors.Add("weight", $"must be 1 to 1000, and is {body.Weight}");
        }

        if (body.Limits is { } limits)
        {
            LimitsDirectory.CheckOwn(limits, errors);
        }

        errors.ThrowIfAny();
        await EnterAsync(http, audit, "account.change", id.ToString(), body, cancellationToken);
        return Results.Ok(
            await accounts.ChangeAsync(id, body.Weight, body.Disabled, body.Limits?.GetRawText(), cancellationToken) ?? throw NoAccount(id)
        );
    }

    private static async Task<IResult> KeysAsync(Guid? account, ApiKeyStore keys, CancellationToken cancellationToken) =>
        Results.Ok(new Page<ApiKeyInfo>(await keys.ListAsync(account, cancellationToken), null));

    private static async Task<IResult> NewKeyAsync(
        Guid id,
        HttpContext http,
        AccountStore accounts,
        ApiKeyStore keys,
        AuditLog audit,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        var errors = new FieldErrors();
        NewKeyBody body = await BodyAsync<NewKeyBody>(http, errors, cancellationToken);
        body.Check(errors);
        errors.ThrowIfAny();
        _ = await accounts.FindAsync(id, cancellationToken) ?? throw NoAccount(id);
        await EnterAsync(http, audit, "key.create", id.ToString(), body, cancellationToken);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Created(
            (string?)null,
            await keys.CreateAsync(id, body.NameOrDefault, body.ScopesOrDefault, body.ExpiresAt(time), cancellationToken)
        );
    }

    private static async Task<IResult> RevokeKeyAsync(
        Guid id,
        HttpContext http,
        ApiKeyStore keys,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        await EnterAsync(http, audit, "key.revoke", id.ToString(), null, cancellationToken);
        return Results.Ok(
            await keys.RevokeAsync(id, cancellationToken) ?? throw new ProblemException(404, "key_not_found", $"There is no key {id}.")
        );
    }

    private static async Task<IResult> WorkersAsync(WorkerRegistry workers, CancellationToken cancellationToken) =>
        Results.Ok(new Page<WorkerInfo>(await workers.ListAsync(cancellationToken), null));

    private static async Task<IResult> DrainAsync(
        string id,
        bool draining,
        HttpContext http,
        WorkerRegistry workers,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        await EnterAsync(http, audit, draining ? "worker.drain" : "worker.undrain", id, null, cancellationToken);
        return await workers.DrainAsync(id, draining, cancellationToken)
            ? Results.NoContent()
            : throw new ProblemException(404, "worker_not_found", $"There is no worker '{ErrorText.Shown(id)}'.");
    }

    private static async Task<IResult> PauseAsync(
        string name,
        bool paused,
        HttpContext http,
        WorkerRegistry workers,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        await EnterAsync(http, audit, paused ? "model.pause" : "model.resume", name, null, cancellationToken);
        return await workers.PauseAsync(name, paused, cancellationToken)
            ? Results.NoContent()
            : throw new ProblemException(404, "model_not_found", $"There is no model '{ErrorText.Shown(name)}'.");
    }

    private static async Task<IResult> RequeueAsync(
        string id,
        HttpContext http,
        JobStore jobs,
        JobViews views,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        JobId job = JobsApi.IdOf(id);
        await EnterAsync(http, audit, "job.requeue", id, null, cancellationToken);
        if (await jobs.RequeueAsync(job, cancellationToken) is { } row)
        {
            return Results.Json(await views.DocumentAsync(row, cancellationToken), WireJson.Options);
        }

        JobRow now = await jobs.FindAsync(job, null, cancellationToken) ?? throw JobsApi.NoJob(id);
        throw new ProblemException(
            409,
            "job_not_running",
            $"Job {id} is {now.State.ToString().ToLowerInvariant()}; only a running job can be queued again."
        );
    }

    private static async Task<IResult> CancelAsync(
        string id,
        HttpContext http,
        JobStore jobs,
        JobViews views,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        await EnterAsync(http, audit, "job.cancel", id, null, cancellationToken);
        CancelResult result = await jobs.CancelAsync(JobsApi.IdOf(id), null, cancellationToken);
        return Results.Json(await views.DocumentAsync(result.Job ?? throw JobsApi.NoJob(id), cancellationToken), WireJson.Options);
    }

    private static async Task<IResult> CheckAsync(Ledger ledger, CancellationToken cancellationToken) =>
        Results.Ok(await ledger.CheckAsync(cancellationToken));

    private static async Task<IResult> AuditAsync(HttpContext http, AuditLog audit, CancellationToken cancellationToken)
    {
        var query = new QueryReader(http.Request.Query, ["limit", "cursor"]);
        int limit = query.Integer("limit", 50, 1, 500);
        long? before = query.NumberCursor(query.Text("cursor"));
        query.Finish();
        IReadOnlyList<AuditEntry> rows = await audit.ListAsync(before, limit + 1, cancellationToken);
        return Results.Ok(new Page<AuditEntry>([.. rows.Take(limit)], rows.Count > limit ? rows[limit - 1].Id.ToString() : null));
    }

    private static async Task<IResult> CheckAuditAsync(AuditLog audit, CancellationToken cancellationToken) =>
        Results.Ok(await audit.VerifyAsync(null, cancellationToken));

    private static async Task<T> BodyAsync<T>(HttpContext http, FieldErrors errors, CancellationToken cancellationToken)
        where T : class, new() =>
        StrictReader.Read<T>(await JsonBody.ReadAsync(http.Request, WebSetup.MaxBodyBytes, cancellationToken), errors);

    /// <summary>Writes what an operator is about to do to the audit log, before it is done.</summary>
    internal static Task EnterAsync(
        HttpContext http,
        AuditLog audit,
        string action,
        string target,
        object? detail,
        CancellationToken cancellationToken
    ) => audit.AppendAsync(http.Caller().Actor, action, target, detail, cancellationToken);

    internal static ProblemException NoAccount(Guid id) => new(404, "account_not_found", $"There is no account {id}.");
}
