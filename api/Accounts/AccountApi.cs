using System.ComponentModel.DataAnnotations;
using Generation.Api.Authentication;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Accounts;

/// <summary>What accounts begin with: configuration section "Accounts".</summary>
internal sealed record AccountOptions
{
    public const string Section = "Accounts";

    /// <summary>Credits granted to a new account.</summary>
    [Range(0, 1e9)]
    public decimal FreeCredits { get; init; } = 25;
}

/// <summary>The caller's account.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Balance">Credits to spend.</param>
/// <param name="Held">Credits set aside for open jobs.</param>
/// <param name="KeyId">The key of this request.</param>
/// <param name="Scopes">What it allows.</param>
public sealed record AccountAnswer(
    Guid Id,
    string Name,
    DateTimeOffset CreatedAt,
    Credits Balance,
    Credits Held,
    Guid KeyId,
    IReadOnlyList<string> Scopes
);

/// <summary>/v1/account: the caller's account and its money.</summary>
internal static class AccountApi
{
    public static void AddAccounts(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AccountOptions>().BindConfiguration(AccountOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHostedService<KeySecretCheck>();
    }

    public static void MapAccount(this WebApplication app)
    {
        RouteGroupBuilder account = app.MapGroup("/v1/account").RequireAuthorization(Scopes.Read).WithTags("Account");
        account
            .MapGet("/", GetAsync)
            .WithName("getAccount")
            .WithSummary("Your account, with its balance")
            .Produces<AccountAnswer>()
            .ProducesProblems(401, 403, 503);
        account
            .MapGet("/transactions", TransactionsAsync)
            .WithName("listTransactions")
            .WithSummary("What moved your balance, the newest first. limit 1 to 100; cursor.")
            .Produces<Page<LedgerTransaction>>()
            .ProducesProblems(401, 403, 422, 503);
        account.MapKeys();
    }

    private static async Task<IResult> GetAsync(HttpContext http, AccountStore accounts, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        Account account = await accounts.FindAsync(caller.AccountId, cancellationToken)
            ?? throw new InvalidOperationException("A valid key's account is there.");
        return Results.Ok(
            new AccountAnswer(
                account.Id,
                account.Name,
                account.CreatedAt,
                account.Balance,
                account.Held,
                caller.KeyId,
                [.. caller.Scopes.Order()]
            )
        );
    }

    private static async Task<IResult> TransactionsAsync(HttpContext http, Ledger ledger, CancellationToken cancellationToken)
    {
        var query = new QueryReader(http.Request.Query, ["limit", "cursor"]);
        int limit = query.Integer("limit", 20, 1, 100);
        long? before = query.NumberCursor(query.Text("cursor"));
        query.Finish();
        IReadOnlyList<LedgerTransaction> rows = await ledger.TransactionsAsync(
            http.Caller().AccountId,
            before,
            limit + 1,
            cancellationToken
        );
        return Results.Ok(new Page<LedgerTransaction>([.. rows.Take(limit)], rows.Count > limit ? rows[limit - 1].Id.ToString() : null));
    }
}
