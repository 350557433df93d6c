using System.ComponentModel;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Safety;

namespace Generation.Api.Safety;

/// <summary>An account's safety rules, as a whole.</summary>
public sealed record SafetyBody
{
    [Description(
        "Least of what is done with outputs that the model's safety checker flags: off, flag, blur or black; absent: requests say, or "
            + "the model."
    )]
    public string? Policy { get; set; }

    [Description(
        "Words and phrases that no prompt may have, at most 1000 of 100 characters; one that ends in * is also found at the beginning "
            + "of longer words."
    )]
    public string[]? BlockedWords { get; set; }
}

/// <summary>/v1/admin/accounts/{id}/safety sets an account's rules; /v1/account/safety shows its owner what they are.</summary>
internal static class SafetyApi
{
    public static void AddSafety(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SafetyStore>();
        builder.Services.AddSingleton<SafetyDirectory>();
    }

    public static void MapSafety(this WebApplication app)
    {
        app.MapGet("/v1/account/safety", OwnAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("Account")
            .WithName("getAccountSafety")
            .WithSummary("The rules about what your jobs may show")
            .Produces<AccountSafety>()
            .ProducesProblems(401, 403, 503);
        RouteGroupBuilder admin = app.MapGroup("/v1/admin/accounts/{id:guid}/safety").RequireAuthorization(Scopes.Admin).WithTags("Admin");
        admin.MapGet("/", GetAsync).WithSummary("An account's safety rules").Produces<AccountSafety>().ProducesProblems(401, 403, 404);
        admin
            .MapPut("/", SetAsync)
            .WithSummary("Sets an account's safety rules, in force within a second")
            .Accepts<SafetyBody>("application/json")
            .Produces<AccountSafety>()
            .ProducesProblems(401, 403, 404, 422);
    }

    private static async Task<IResult> OwnAsync(HttpContext http, SafetyStore store, CancellationToken cancellationToken) =>
        Results.Json(await store.FindAsync(http.Caller().AccountId, cancellationToken), WireJson.Options);

    private static async Task<IResult> GetAsync(Guid id, AccountStore accounts, SafetyStore store, CancellationToken cancellationToken)
    {
        _ = await accounts.FindAsync(id, cancellationToken) ?? throw NoAccount(id);
        return Results.Json(await store.FindAsync(id, cancellationToken), WireJson.Options);
    }

    private static async Task<IResult> SetAsync(
        Guid id,
        HttpContext http,
        SafetyStore store,
        AuditLog audit,
        CancellationToken cancellationToken
    )
    {
        var errors = new FieldErrors();
        SafetyBody body = StrictReader.Read<SafetyBody>(
            await JsonBody.ReadAsync(http.Request, WebSetup.MaxBodyBytes, cancellationToken),
            errors
        );
        SafetyPolicy? policy = null;
        if (body.Policy is { } name)
        {
            policy = Enum.GetValues<SafetyPolicy>()
                .Cast<SafetyPolicy?>()
                .FirstOrDefault(p => p.ToString()!.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (policy is null)
            {
                errors.Add("policy", $"must be one of off, flag, blur, black, and is '{ErrorText.Shown(name)}'");
            }
        }

        string[] words = [.. (body.BlockedWords ?? []).Select(word => word.Trim()).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (words.Length > PromptRules.MaxWords)
        {
            errors.Add("blocked_words", $"may be {PromptRules.MaxWords} at most, and are {words.Length}");
        }

        foreach (string word in words.Where(w => w.Length > PromptRules.MaxWordLength || !w.Any(char.IsLetterOrDigit)).Take(3))
        {
            errors.Add(
                "blocked_words",
                $"have 1 to {PromptRules.MaxWordLength} characters, with a letter or digit among them; one is '{ErrorText.Shown(word)}'"
            );
        }

        errors.ThrowIfAny();
        Caller caller = http.Caller();
        var rules = new AccountSafety(policy, words);
        await audit.AppendAsync($"key {caller.KeyId} of {caller.AccountName}", "account.safety", id.ToString(), rules, cancellationToken);
        return await store.SetAsync(id, rules, cancellationToken) ? Results.Json(rules, WireJson.Options) : throw NoAccount(id);
    }

    private static ProblemException NoAccount(Guid id) => new(404, "account_not_found", $"There is no account {id}.");
}
