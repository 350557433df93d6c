using System.CommandLine;
using Generation.Api.Accounts;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Webhooks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Api.Commands;

/// <summary>The command "keys": makes, lists and revokes keys of accounts, and replaces the secret that they are stored under.</summary>
internal static class KeysCommands
{
    private const string DefaultAccount = "default";

    public static Command Create() => new("keys", "Keys of accounts") { New(), List(), Revoke(), RotateSecret(), RotatePasswords() };

    private static Command RotatePasswords()
    {
        var command = new Command(
            "rotate-passwords",
            "Replace the passwords of PostgreSQL, Redis and RabbitMQ while everything runs; by ./generation, of a clone's own servers"
        );
        command.SetAction(_ =>
        {
            Console.Error.WriteLine(
                "This program may not change its servers' passwords. ./generation keys rotate-passwords changes those of a clone's own "
                    + "servers; docs/operations.md says how it is done with others."
            );
            return 1;
        });
        return command;
    }

    private static Command New()
    {
        var account = new Option<string>("--account") { Description = "The account's name", DefaultValueFactory = _ => DefaultAccount };
        var name = new Option<string>("--name") { Description = "What the key is for", DefaultValueFactory = _ => "key" };
        var scopes = new Option<string[]>("--scope")
        {
            Description = "jobs, read or admin; may be repeated",
            DefaultValueFactory = _ => [Scopes.Jobs],
            AllowMultipleArgumentsPerToken = true,
        };
        scopes.AcceptOnlyFromAmong([.. Scopes.All]);
        var days = new Option<int?>("--expires-days") { Description = "Void after so many days; else never" };
        var create = new Command("create", "Make a key, and the account if there is none of the name; the key is shown this once")
        {
            account,
            name,
            scopes,
            days,
        };
        create.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    await OperatorCommands.CheckSecretAsync(services, cancellationToken);
                    Account owner = await AccountAsync(services, result.GetValue(account)!, cancellationToken);
                    DateTimeOffset? expires = result.GetValue(days) is { } d ? DateTimeOffset.UtcNow.AddDays(d) : null;
                    string[] allowed = result.GetValue(scopes)!;
                    await OperatorCommands.EnterAsync(
                        services,
                        "key.create",
                        owner.Id.ToString(),
                        new
                        {
                            Name = result.GetValue(name),
                            Scopes = allowed,
                            ExpiresAt = expires,
                        },
                        cancellationToken
                    );
                    NewApiKey key = await services
                        .GetRequiredService<ApiKeyStore>()
                        .CreateAsync(owner.Id, result.GetValue(name)!, allowed, expires, cancellationToken);
                    Console.WriteLine(key.Key);
                    return 0;
                })
        );
        return create;
    }

    private static Command List()
    {
        var list = new Command("list", "All keys");
        list.SetAction(
            (_, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    foreach (ApiKeyInfo key in await services.GetRequiredService<ApiKeyStore>().ListAsync(null, cancellationToken))
                    {
                        string state =
                            key.RevokedAt is not null ? "revoked"
                            : key.ExpiresAt < DateTimeOffset.UtcNow ? "expired"
                            : "valid";
                        Console.WriteLine(
                            $"{key.Id}  {key.Prefix}...  {state, -7}  {key.AccountName}  {key.Name}  {string.Join(',', key.Scopes)}  "
                                + $"last used {key.LastUsedAt?.ToString("u") ?? "never"}"
                        );
                    }

                    return 0;
                })
        );
        return list;
    }

    private static Command Revoke()
    {
        var id = new Argument<Guid>("id") { Description = "As 'keys list' shows it" };
        var revoke = new Command("revoke", "Make a key void, within a second everywhere") { id };
        revoke.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    Guid key = result.GetValue(id);
                    await OperatorCommands.EnterAsync(services, "key.revoke", key.ToString(), null, cancellationToken);
                    if (await services.GetRequiredService<ApiKeyStore>().RevokeAsync(key, cancellationToken) is not null)
                    {
                        return 0;
                    }

                    await Console.Error.WriteLineAsync($"There is no key {key}.");
                    return 1;
                })
        );
        return revoke;
    }

    private static Command RotateSecret()
    {
        var lost = new Option<bool>("--lost")
        {
            Description =
                "The secret is lost for good: make another. All keys, addresses of outputs and webhook secrets given out so far are "
                + "void then",
        };
        var command = new Command(
            "rotate-secret",
            "Replace the server's secret (Keys:SecretFile) while the API runs: keys stay valid, and are stored under the new one when "
                + "they are "
                + "next used. Where API processes do not share the file, copy it to each afterwards"
        )
        {
            lost,
        };
        command.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(services =>
                    result.GetValue(lost) ? ReplaceLostAsync(services, cancellationToken) : RotateAsync(services, cancellationToken)
                )
        );
        return command;
    }

    private static async Task<int> RotateAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        await OperatorCommands.CheckSecretAsync(services, cancellationToken);
        KeySecret secret = services.GetRequiredService<KeySecret>();
        NpgsqlDataSource source = services.GetRequiredService<NpgsqlDataSource>();
        // Of two that read the file at once, one would write over the other's secret
        await using IAsyncDisposable turn = await KeySecretFile.LockAsync(source, cancellationToken);
        await OperatorCommands.EnterAsync(services, "keys.rotate_secret", secret.Id, null, cancellationToken);
        // Whenever this process dies, the file holds every secret that something is stored under
        secret.Rotate(DateTimeOffset.UtcNow);
        await KeySecretFile.RecordAsync(secret, source, cancellationToken);
        int webhooks = await new WebhookStore(source, secret).SealAnewAsync(cancellationToken);
        long keys = await services.GetRequiredService<ApiKeyStore>().CountUnderEarlierSecretsAsync(cancellationToken);
        Console.WriteLine(
            $"The secret is {secret.Id} now. {webhooks} webhook secrets are sealed under it; {keys} keys are stored under it when they "
                + "are next "
                + "used. Earlier secrets stay in the file for them, and to verify the audit log."
        );
        return 0;
    }

    private static async Task<int> ReplaceLostAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        string path = services.GetRequiredService<IOptions<KeysOptions>>().Value.SecretFile;
        if (File.Exists(path))
        {
            await Console.Error.WriteLineAsync(
                $"{path} (Keys:SecretFile) is there. Without --lost its secret is replaced, and keys stay valid."
            );
            return 1;
        }

        // Before the services ask for it, which would say that it is lost
        var secret = KeySecret.LoadOrCreate(path);
        NpgsqlDataSource source = services.GetRequiredService<NpgsqlDataSource>();
        await KeySecretFile.RecordAsync(secret, source, cancellationToken);
        await OperatorCommands.EnterAsync(services, "keys.rotate_secret", secret.Id, new { Lost = true }, cancellationToken);
        int webhooks = await new WebhookStore(source, secret).RemoveAllSecretsAsync(cancellationToken);
        Console.WriteLine(
            $"The secret is {secret.Id} now. All keys made before are void: make new ones with 'keys create'. {webhooks} webhook "
                + "secrets were "
                + "removed; accounts get new ones when they next ask. Entries of the audit log made before can no longer be verified."
        );
        return 0;
    }

    private static async Task<Account> AccountAsync(IServiceProvider services, string name, CancellationToken cancellationToken)
    {
        AccountStore accounts = services.GetRequiredService<AccountStore>();
        if (await accounts.FindByNameAsync(name, cancellationToken) is { } account)
        {
            return account;
        }

        var free = Credits.Of(services.GetRequiredService<IOptions<AccountOptions>>().Value.FreeCredits);
        await OperatorCommands.EnterAsync(services, "account.create", name, null, cancellationToken);
        return await accounts.CreateAsync(name, free, cancellationToken) ?? (await accounts.FindByNameAsync(name, cancellationToken))!;
    }
}
