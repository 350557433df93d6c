using Generation.Hosting.Servers;
using Generation.Storage;
using Generation.Storage.Database;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Generation.TestSupport;

/// <summary>
/// Databases of this version's schema, each a copy of one that the migrations have made: once for all test processes of a run, as they
/// share their servers.
/// </summary>
internal static class MigratedDatabase
{
    private const string Template = "migrated";

    // Any number that nothing else locks in the database postgres of servers for tests
    private const long LockId = 0x6d696772_61746564;

    private static readonly SemaphoreSlim Turn = new(1);

    private static bool s_isMade;

    /// <summary>Creates a database of that name.</summary>
    public static async Task CreateAsync(IServers servers, string name, CancellationToken token)
    {
        await Turn.WaitAsync(token);
        try
        {
            if (!s_isMade)
            {
                await MakeTemplateAsync(servers, token);
                s_isMade = true;
            }
        }
        finally
        {
            Turn.Release();
        }

        await TestScope.ExecuteAsync(servers, $"create database \"{name}\" template {Template}", token);
    }

    private static async Task MakeTemplateAsync(IServers servers, CancellationToken token)
    {
        // One process makes it and the others wait; the lock goes with the connection
        await using NpgsqlConnection connection = await TestScope.ConnectAsync(servers, token);
        await ExecuteAsync(connection, $"select pg_advisory_lock({LockId})", token);
        if (await ExecuteAsync(connection, $"select 1 from pg_database where datname = '{Template}'", token) is not null)
        {
            return;
        }

        // Made under another name: a template that is there is whole
        const string Unfinished = $"{Template}_unfinished";
        await ExecuteAsync(connection, $"drop database if exists {Unfinished} with (force)", token);
        await ExecuteAsync(connection, $"create database {Unfinished}", token);
        // Connections of a pool would outlive its use, and a database that someone is connected to can be neither renamed nor copied
        string address = new NpgsqlConnectionStringBuilder(servers.Postgres.ConnectionString)
        {
            Database = Unfinished,
            Pooling = false,
        }.ConnectionString;
        await using (
            ServiceProvider storage = new ServiceCollection()
                .AddLogging()
                .AddGenerationStorage(new ConfigurationManager { ["ConnectionStrings:Postgres"] = address })
                .BuildServiceProvider()
        )
        {
            await storage.GetRequiredService<Migrator>().MigrateAsync(token);
        }

        await ExecuteAsync(connection, $"alter database {Unfinished} rename to {Template}", token);
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken token)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        // Another process may be at the migrations
        command.CommandTimeout = 0;
        return await command.ExecuteScalarAsync(token);
    }
}
