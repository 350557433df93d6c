using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Generation.Storage.Database;

/// <summary>
/// The database as EF Core sees it: its migrations, which are written by hand in SQL. There are no entities: what is read and written, is
/// by the statements of storage/Sql and of the classes around it.
/// </summary>
public sealed class GenerationDb(DbContextOptions<GenerationDb> options) : DbContext(options);

/// <summary>Brings a database to this version's schema. Several processes may do so at once: one works, the others wait.</summary>
public sealed class Migrator(NpgsqlDataSource source, IDbContextFactory<GenerationDb> databases)
{
    // Any number that nothing else in this database locks
    private const long LockId = 0x67656e_65726174;

    /// <summary>The names of this version's migrations, the oldest first.</summary>
    private static readonly string[] All =
    [
        .. typeof(Migrator)
            .Assembly.GetTypes()
            .Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id)
            .OfType<string>()
            .Order(StringComparer.Ordinal),
    ];

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection holder = await source.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(holder, "SELECT pg_advisory_lock($1)", cancellationToken);
        try
        {
            await using GenerationDb db = await databases.CreateDbContextAsync(cancellationToken);
            // An index over many rows takes as long as it takes; half of it would be rolled back and begun anew
            db.Database.SetCommandTimeout(0);
            await db.Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            await ExecuteAsync(holder, "SELECT pg_advisory_unlock($1)", CancellationToken.None);
        }
    }

    /// <summary>Names of the migrations that this database still lacks; empty when it is of this version.</summary>
    /// <remarks>
    /// It asks EF Core's table without EF Core: a program that only looks whether its database is right starts a quarter sooner.
    /// </remarks>
    public async Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken)
    {
        var applied = new HashSet<string>();
        try
        {
            await using NpgsqlCommand command = source.CreateCommand("SELECT \"MigrationId\" FROM \"__EFMigrationsHistory\"");
            await using NpgsqlDataReader rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                applied.Add(rows.GetString(0));
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // No migration was ever applied
        }

        return [.. All.Where(name => !applied.Contains(name))];
    }

    /// <summary>This version's newest migration.</summary>
    public static string Newest() => All[^1];

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = LockId } } };
        // Another process may be at a long migration
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
