using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Database;
using Generation.Storage.Jobs;
using Generation.Storage.Passwords;
using Generation.Storage.Prices;
using Generation.Storage.Redis;
using Generation.Storage.Results;
using Generation.Storage.Tls;
using Generation.Storage.Workers;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Storage;

/// <summary>Registers the services of storage by the configuration; API and workers do it the same way.</summary>
public static class StorageServices
{
    /// <summary>The key of the results store that does not check who owns it.</summary>
    private const string BareStore = "bare";

    /// <summary>
    /// Adds <see cref="JobStore"/>, <see cref="Outbox"/>, <see cref="Ledger"/>, <see cref="AccountStore"/>, <see cref="WorkerRegistry"/>,
    /// <see cref="HotState"/>, <see cref="IResultsStore"/> and their options.
    /// </summary>
    public static IServiceCollection AddGenerationStorage(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<JobsOptions>().Bind(configuration.GetSection(JobsOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services
            .AddOptions<RedisOptions>()
            .Bind(configuration.GetSection(RedisOptions.Section))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services
            .AddOptions<ResultsOptions>()
            .Bind(configuration.GetSection(ResultsOptions.Section))
            .ValidateDataAnnotations()
            .Validate(
                o => o.Kind != "files" || !string.IsNullOrWhiteSpace(o.Path),
                "Results:Path must name a folder when Results:Kind is files."
            )
            .ValidateOnStart();

        services.AddSingleton(provider => Source(provider, configuration, null));
        services.AddSingleton(provider => new DedicatedPools(connections => Source(provider, configuration, connections)));
        services.AddDbContextFactory<GenerationDb>(
            (provider, options) => options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>())
        );
        services.AddSingleton(_ => ServerTrust.Of(configuration));
        services.AddSingleton(_ => ServerPasswords.Of(configuration));
        services.AddSingleton(provider => new RedisConnection(
            ConnectionString(configuration, "Redis"),
            provider.GetRequiredService<ServerTrust>(),
            provider.GetRequiredService<ServerPasswords>()
        ));
        services.AddSingleton(provider => new HotState(
            provider.GetRequiredService<RedisConnection>(),
            provider.GetRequiredService<IOptions<RedisOptions>>().Value,
            provider.GetRequiredService<ILogger<HotState>>()
        ));
        services.AddSingleton(provider => new RateLimiter(
            provider.GetRequiredService<RedisConnection>(),
            provider.GetRequiredService<IOptions<RedisOptions>>().Value,
            TimeProvider.System,
            provider.GetRequiredService<ILogger<RateLimiter>>()
        ));
        services.AddSingleton<DispatchSignal>();
        services.AddSingleton<JobStore>();
        services.AddSingleton<Outbox>();
        services.AddSingleton<JobQueries>();
        services.AddSingleton<IdempotencyStore>();
        services.AddSingleton<LoadReader>();
        services.AddSingleton<RunTimes>();
        services.AddSingleton<MeasuredPriceStore>();
        services.AddSingleton<Ledger>();
        services.AddSingleton<AccountStore>();
        services.AddSingleton<CreditStore>();
        services.AddSingleton<VocabularyStore>();
        services.AddSingleton<WorkerRegistry>();
        services.AddSingleton<Migrator>();
        services.AddOptions<S3Options>().Bind(configuration.GetSection(S3Options.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddKeyedSingleton<IResultsStore>(BareStore, (provider, _) => Store(provider));
        services.AddSingleton(provider => new ResultsOwnership(
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredKeyedService<IResultsStore>(BareStore),
            TimeProvider.System
        ));
        services.AddSingleton<IResultsStore>(provider => new OwnedResultsStore(
            provider.GetRequiredKeyedService<IResultsStore>(BareStore),
            provider.GetRequiredService<ResultsOwnership>()
        ));
        services.AddSingleton<ResultsWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<ResultsWatch>());
        return services;
    }

    /// <summary>The results store itself, without a check of who owns it.</summary>
    private static IResultsStore Store(IServiceProvider provider)
    {
        ResultsOptions results = provider.GetRequiredService<IOptions<ResultsOptions>>().Value;
        if (results.Kind != "s3")
        {
            return new FileResultsStore(results.Path!);
        }

        S3Options s3 = provider.GetRequiredService<IOptions<S3Options>>().Value;
        return s3.Bucket.Length > 0
            ? new S3ResultsStore(s3, provider.GetRequiredService<ServerTrust>())
            : throw new InvalidOperationException("Set Results:S3:Bucket, or Results:Kind to files.");
    }

    /// <summary>Adds <see cref="ApiKeyStore"/> and <see cref="AuditLog"/>: for the API alone, which has the secret.</summary>
    public static IServiceCollection AddGenerationKeys(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<KeysOptions>().Bind(configuration.GetSection(KeysOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider =>
            KeySecretFile.Open(
                provider.GetRequiredService<IOptions<KeysOptions>>().Value.SecretFile,
                provider.GetRequiredService<NpgsqlDataSource>()
            )
        );
        services.AddSingleton<ApiKeyStore>();
        services.AddSingleton<AuditLog>();
        return services;
    }

    /// <summary>
    /// Makes a source of connections, for everything or, where <paramref name="connections"/> is given, for so many connections that run
    /// the same few statements.
    /// </summary>
    private static NpgsqlDataSource Source(IServiceProvider provider, IConfiguration configuration, int? connections)
    {
        var builder = new NpgsqlDataSourceBuilder(ConnectionString(configuration, "Postgres"));
        // A transition is one large statement: planning it anew costs more than running it
        if (builder.ConnectionStringBuilder.MaxAutoPrepare == 0)
        {
            builder.ConnectionStringBuilder.MaxAutoPrepare = 100;
            builder.ConnectionStringBuilder.AutoPrepareMinUsages = connections is null ? 2 : 1;
        }

        // Given only where the server's certificate is looked at; the client refuses it beside a mode that trusts any
        if (
            builder.ConnectionStringBuilder is { RootCertificate: null, SslMode: SslMode.VerifyCA or SslMode.VerifyFull }
            && provider.GetRequiredService<ServerTrust>().AuthorityFile is { } authorities
        )
        {
            builder.ConnectionStringBuilder.RootCertificate = authorities;
        }

        ServerPasswords passwords = provider.GetRequiredService<ServerPasswords>();
        if (string.IsNullOrEmpty(builder.ConnectionStringBuilder.Password) && passwords.Find(ServerPasswords.Postgres) is not null)
        {
            builder.UsePasswordProvider(
                address => passwords.OfPostgresAsync(address, CancellationToken.None).AsTask().GetAwaiter().GetResult(),
                passwords.OfPostgresAsync
            );
        }

        if (connections is { } few)
        {
            builder.ConnectionStringBuilder.MinPoolSize = 0;
            builder.ConnectionStringBuilder.MaxPoolSize = few;
        }

        // Nothing here changes a session, so there is nothing to put back at each return to the pool
        builder.ConnectionStringBuilder.NoResetOnClose = true;
        // Statements of milliseconds, whose costs are guessed high while tables have no statistics: compiling them takes longer than they
        // do
        string settings = "SET jit = off" + (connections is null ? "" : "; " + JobBatch.SessionSql);
        builder.UsePhysicalConnectionInitializer(connection => Run(connection, settings), connection => RunAsync(connection, settings));
        builder.UseLoggerFactory(provider.GetRequiredService<ILoggerFactory>());
        return builder.Build();
    }

    private static void Run(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The connection string with a name.</summary>
    /// <exception cref="InvalidOperationException">The configuration does not contain it.</exception>
    public static string ConnectionString(IConfiguration configuration, string name) =>
        configuration.GetConnectionString(name) is { Length: > 0 } text
            ? text
            : throw new InvalidOperationException($"Set ConnectionStrings:{name} (environment: ConnectionStrings__{name}).");
}
