using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;

namespace Generation.Api.Accounts;

/// <summary>
/// /v1/account/keys: an account's keys, made and revoked by the account itself. A key gives no more than it has: a new one has no scope
/// that this one lacks and does not outlive it, and one with more scopes cannot be revoked by it.
/// </summary>
internal static class AccountKeysApi
{
    /// <summary>How many keys an account may have that are neither revoked nor expired, to make one more by itself.</summary>
    private const int MaxKeys = 100;

    /// <summary>How many keys are listed at most.</summary>
    private const int MaxListed = 500;

    public static void MapKeys(this RouteGroupBuilder account)
    {
        account
            .MapGet("/keys", ListAsync)
            .WithName("listKeys")
            .WithSummary("Your account's keys, the newest first, and those that were revoked in the last 30 days; 500 at most")
            .Produces<Page<ApiKeyInfo>>()
            .ProducesProblems(401, 403, 503);
        account
            .MapPost("/keys", CreateAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithName("createKey")
            .WithSummary("Makes a key for your account; it is shown this once")
            .WithDescription(
                "It has scopes that the key of this request has, and expires no later than that one does. An account may have "
                    + "100 valid keys."
            )
            .Accepts<NewKeyBody>("application/json")
            .Produces<NewApiKey>(201)
            .ProducesProblems(401, 403, 409, 422, 503);
        account
            .MapDelete("/keys/{id:guid}", RevokeAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithName("revokeKey")
            .WithSummary("Makes a key of your account void, within a second everywhere")
            .Produces<ApiKeyInfo>()
            .ProducesProblems(401, 403, 404, 503);
    }

    private static async Task<IResult> ListAsync(HttpContext http, ApiKeyStore keys, CancellationToken cancellationToken) =>
        Results.Ok(new Page<ApiKeyInfo>(await keys.ListRecentAsync(http.Caller().AccountId, MaxListed, cancellationToken), null));

    private static async Task<IResult> CreateAsync(
        HttpContext http,
        ApiKeyStore keys,
        AuditLog audit,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        Caller caller = http.Caller();
        var errors = new FieldErrors();
        NewKeyBody body = StrictReader.Read<NewKeyBody>(
            await JsonBody.ReadAsync(http.Request, WebSetup.MaxBodyBytes, cancellationToken),
            errors
        );
        body.Check(errors);
        foreach (string scope in body.ScopesOrDefault.Where(scope => Scopes.All.Contains(scope) && !caller.May(scope)))
        {
            errors.Add("scopes", $"may have no more than this key, which has {string.Join(", ", caller.Scopes.Order())}, and has {scope}");
        }

        DateTimeOffset? limit = (await keys.FindAsync(caller.AccountId, caller.KeyId, cancellationToken))?.ExpiresAt;
        DateTimeOffset? expires = errors.HasAny ? null : body.ExpiresAt(time);
        if (expires > limit)
        {
            errors.Add("expires_days", $"may not be beyond {limit:u}, when this key expires, and is {body.ExpiresDays}");
        }

        errors.ThrowIfAny();
        if (await keys.CountValidAsync(caller.AccountId, cancellationToken) >= MaxKeys)
        {
            throw new ProblemException(409, "too_many_keys", $"The account has {MaxKeys} valid keys, as many as it may: revoke one first.");
        }

        await EnterAsync(caller, audit, "key.create", caller.AccountId, body, cancellationToken);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Created(
            (string?)null,
            await keys.CreateAsync(caller.AccountId, body.NameOrDefault, body.ScopesOrDefault, expires ?? limit, cancellationToken)
        );
    }

    private static async Task<IResult> RevokeAsync(
        Guid id,
        HttpContext http,
        ApiKeyStore keys,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        Caller caller = http.Caller();
        ApiKeyInfo key = await keys.FindAsync(caller.AccountId, id, cancellationToken)
            ?? throw new ProblemException(404, "key_not_found", $"Your account has no key {id}.");
        if (key.Scopes.FirstOrDefault(scope => !caller.May(scope)) is { } missing)
        {
            throw new ProblemException(
                403,
                "scope_missing",
                $"Key {id} has the scope '{missing}', which this key lacks: use one that has it."
            );
        }

        await EnterAsync(caller, audit, "key.revoke", id, null, cancellationToken);
        return Results.Ok(await keys.RevokeAsync(id, cancellationToken) ?? key);
    }

    /// <summary>What an operator's key does is in the audit log, whichever call it takes.</summary>
    private static Task EnterAsync(
        Caller caller,
        AuditLog audit,
        string action,
        Guid target,
        object? detail,
        CancellationToken cancellationToken
    ) =>
        caller.May(Scopes.Admin)
            ? audit.AppendAsync(caller.Actor, action, target.ToString(), detail, cancellationToken)
            : Task.CompletedTask;
}
