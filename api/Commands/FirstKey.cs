using Generation.Api.Accounts;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Commands;

/// <summary>The first account and the first key, so that a new system can be used at all.</summary>
internal static class FirstKey
{
    private const string DefaultAccount = "default";

    /// <summary>
    /// Makes the account "default" if there is no account yet. With <paramref name="keyFile"/>, and no file there: makes
    /// an admin key of it and writes it there, readable by its owner only. A file that is there is left as it is.
    /// </summary>
    public static async Task EnsureAsync(IServiceProvider services, string? keyFile, CancellationToken cancellationToken)
    {
        AccountStore accounts = services.GetRequiredService<AccountStore>();
        if (!await accounts.AnyAsync(cancellationToken))
        {
            var free = Credits.Of(services.GetRequiredService<IOptions<AccountOptions>>().Value.FreeCredits);
            // Null: another process was faster
            await OperatorCommands.EnterAsync(services, "account.create", DefaultAccount, null, cancellationToken);
            await accounts.CreateAsync(DefaultAccount, free, cancellationToken);
        }

        if (keyFile is null || File.Exists(keyFile) || await accounts.FindByNameAsync(DefaultAccount, cancellationToken) is not { } account)
        {
            return;
        }

        await OperatorCommands.EnterAsync(services, "key.create", account.Id.ToString(), new { Name = "first key" }, cancellationToken);
        NewApiKey key = await services
            .GetRequiredService<ApiKeyStore>()
            .CreateAsync(account.Id, "first key", [Scopes.Admin], null, cancellationToken);
        PrivateFile.Replace(keyFile, key.Key + "\n");
    }
}
