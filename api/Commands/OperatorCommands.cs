using System.CommandLine;
using Generation.Api.Accounts;
using Generation.Api.Web;
using Generation.Storage;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Backup;
using Generation.Storage.Database;
using Generation.Storage.Passwords;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Api.Commands;

/// <summary>
/// The commands "migrate", "keys", "audit", "results", "backup" and "restore", with the same configuration as the API itself.
/// </summary>
internal static class OperatorCommands
{
    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Generation's database and keys")
        {
            Migrate(),
            KeysCommands.Create(),
            AuditCommands.Create(),
            ResultsCommands.Create(),
            BackupCommands.Backup(),
            BackupCommands.Restore(),
        };
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
                        Migrator migrator = services.GetRequiredService<Migrator>();
                        IReadOnlyList<string> lacking = await migrator.PendingAsync(cancellationToken);
                        await migrator.MigrateAsync(cancellationToken);
                        await EnsureProgramRoleAsync(services, programs, cancellationToken);
                        await CheckSecretAsync(services, cancellationToken);
                        if (lacking.Count > 0)
                        {
                            // After it: before, there may be no log to enter it in
                            await EnterAsync(services, "database.migrate", lacking[^1], new { Migrations = lacking }, cancellationToken);
                        }

                        await FirstKey.EnsureAsync(services, result.GetValue(keyFile), cancellationToken);
                        return 0;
                    }
                )
        );
        return command;
    }

    /// <summary>
    /// Writes what an operator is about to do to the audit log, before it is done, and seals the end of the log if the results store
    /// accepts it.
    /// </summary>
    public static async Task EnterAsync(
        IServiceProvider services,
        string action,
        string target,
        object? detail,
        CancellationToken cancellationToken
    )
    {
        AuditLog audit = services.GetRequiredService<AuditLog>();
        string actor = $"command of {Environment.UserName} on {Environment.MachineName}";
        await audit.AppendAsync(actor, action, target, detail, cancellationToken);
        try
        {
            if ((await audit.SealAsync(replace: false, cancellationToken)).Problem is { } problem)
            {
                await Console.Error.WriteLineAsync(problem);
            }
        }
        catch (Exception e) when (e is IOException or OptionsValidationException or InvalidOperationException)
        {
            // No store that takes it, here or now: the API seals it when it runs
        }
    }

    /// <summary>Checks that the secret of Keys:SecretFile is the one that belongs to this database.</summary>
    /// <exception cref="InvalidDataException">It belongs to another database, or is lost.</exception>
    public static Task CheckSecretAsync(IServiceProvider services, CancellationToken cancellationToken) =>
        KeySecretFile.CheckAsync(
            services.GetRequiredService<KeySecret>(),
            services.GetRequiredService<NpgsqlDataSource>(),
            cancellationToken
        );

    /// <summary>Gives the role that the programs connect as its rights on the tables, unless that role owns them.</summary>
    internal static Task EnsureProgramRoleAsync(
        IServiceProvider services,
        NpgsqlConnectionStringBuilder? programs,
        CancellationToken cancellationToken
    ) =>
        programs is null
            ? Task.CompletedTask
            : ProgramRole.EnsureAsync(
                services.GetRequiredService<NpgsqlDataSource>(),
                programs.Username ?? "",
                programs.Password ?? services.GetRequiredService<ServerPasswords>().Find(ServerPasswords.Postgres) ?? "",
                cancellationToken
            );

    /// <summary>
    /// As the database's owner, where ConnectionStrings:PostgresOwner names one; then with what the programs connect by, whose role is to
    /// have rights on the tables.
    /// </summary>
    internal static Task<int> WithOwnersServicesAsync(Func<IServiceProvider, NpgsqlConnectionStringBuilder?, Task<int>> action)
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

    /// <summary>Runs a command with the programs' services. An error is printed as a sentence, and the exit code is then 1.</summary>
    internal static async Task<int> WithServicesAsync(Func<IServiceProvider, Task<int>> action, Action<IConfiguration>? configure = null)
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
                        or BackupException
                        or TimeoutException
            )
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }
}
