using System.CommandLine;
using Generation.Api.Accounts;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Database;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Api.Commands;

/// <summary>"migrate", "keys" and "audit", over the same configuration as the API itself.</summary>
internal static class OperatorCommands
{
    private const string DefaultAccount = "default";

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Generation's database and keys") { Migrate(), Keys(), Audit() };
        return root.Parse(args).InvokeAsync();
    }

    private static Command Migrate()
    {
        var keyFile = new Option<string?>("--first-key-file")
        {
            Description =
                "If there is no such file: make an admin key of the account 'default' (and the account) and write it there, mode 0600",
        };
        var command = new Command("migrate", "Bring the database to this version's schema") { keyFile };
        command.SetAction(
            (result, cancellationToken) =>
                WithOwnersServicesAsync(
                    async (services, programs) =>
                    {
                        await services.GetRequiredService<Migrator>().MigrateAsync(cancellationToken);
                        if (programs is not null)
                        {
                            await ProgramRole.EnsureAsync(
                                services.GetRequiredService<NpgsqlDataSource>(),
                                programs.Username ?? "",
                                programs.Password ?? "",
                                cancellationToken
                            );
                        }

                        await FirstKey.EnsureAsync(services, result.GetValue(keyFile), cancellationToken);
                        return 0;
                    }
                )
        );
        return command;
    }

    private static Command Keys()
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
                WithServicesAsync(async services =>
                {
                    Account owner = await AccountAsync(services, result.GetValue(account)!, cancellationToken);
                    DateTimeOffset? expires = result.GetValue(days) is { } d ? DateTimeOffset.UtcNow.AddDays(d) : null;
                    NewApiKey key = await services
                        .GetRequiredService<ApiKeyStore>()
                        .CreateAsync(owner.Id, result.GetValue(name)!, result.GetValue(scopes)!, expires, cancellationToken);
                    Console.WriteLine(key.Key);
                    return 0;
                })
        );

        var list = new Command("list", "All keys");
        list.SetAction(
            (_, cancellationToken) =>
                WithServicesAsync(async services =>
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

        var id = new Argument<Guid>("id") { Description = "As 'keys list' shows it" };
        var revoke = new Command("revoke", "Make a key void, within a second everywhere") { id };
        revoke.SetAction(
            (result, cancellationToken) =>
                WithServicesAsync(async services =>
                {
                    if (await services.GetRequiredService<ApiKeyStore>().RevokeAsync(result.GetValue(id), cancellationToken) is not null)
                    {
                        return 0;
                    }

                    await Console.Error.WriteLineAsync($"There is no key {result.GetValue(id)}.");
                    return 1;
                })
        );
        return new Command("keys", "Keys of accounts") { create, list, revoke };
    }

    private static Command Audit()
    {
        var verify = new Command("verify", "Go through the chain of the audit log; exit code 1 if it is broken");
        verify.SetAction(
            (_, cancellationToken) =>
                WithServicesAsync(async services =>
                {
                    (long entries, long? wrong) = await ActivatorUtilities
                        .CreateInstance<AuditLog>(services, TimeProvider.System)
                        .VerifyAsync(cancellationToken);
                    if (wrong is null)
                    {
                        Console.WriteLine($"{entries} entries, each as it was written.");
                        return 0;
                    }

                    await Console.Error.WriteLineAsync(
                        $"Entry {wrong} is missing or was changed; the {entries} before it are as they were written."
                    );
                    return 1;
                })
        );
        return new Command("audit", "What operators did") { verify };
    }

    private static async Task<Account> AccountAsync(IServiceProvider services, string name, CancellationToken cancellationToken)
    {
        AccountStore accounts = services.GetRequiredService<AccountStore>();
        var free = Credits.Of(services.GetRequiredService<IOptions<AccountOptions>>().Value.FreeCredits);
        return await accounts.FindByNameAsync(name, cancellationToken)
            ?? await accounts.CreateAsync(name, free, cancellationToken)
            ?? (await accounts.FindByNameAsync(name, cancellationToken))!;
    }

    /// <summary>
    /// As the database's owner, where ConnectionStrings:PostgresOwner names one; then with what the programs connect by, whose role is to
    /// have rights on the tables.
    /// </summary>
    private static Task<int> WithOwnersServicesAsync(Func<IServiceProvider, NpgsqlConnectionStringBuilder?, Task<int>> action)
    {
        NpgsqlConnectionStringBuilder? programs = null;
        return WithServicesAsync(
            services => action(services, programs),
            configuration =>
            {
                if (configuration.GetConnectionString("PostgresOwner") is { Length: > 0 } owner)
                {
                    programs = new NpgsqlConnectionStringBuilder(StorageServices.ConnectionString(configuration, "Postgres"));
                    configuration["ConnectionStrings:Postgres"] = owner;
                }
            }
        );
    }

    private static async Task<int> WithServicesAsync(Func<IServiceProvider, Task<int>> action, Action<IConfiguration>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        configure?.Invoke(builder.Configuration);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddStorage();
        builder.Services.AddOptions<AccountOptions>().BindConfiguration(AccountOptions.Section).ValidateDataAnnotations();
        await using WebApplication app = builder.Build();
        try
        {
            return await action(app.Services);
        }
        catch (Exception e)
            when (e
                    is Npgsql.NpgsqlException
                        or IOException
                        or OptionsValidationException
                        or InvalidOperationException
                        or InvalidDataException
            )
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }
}
