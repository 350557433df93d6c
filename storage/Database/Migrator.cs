using Microsoft.EntityFrameworkCore;
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
    public async Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken)
    {
        await using GenerationDb db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. await db.Database.GetPendingMigrationsAsync(cancellationToken)];
    }

    /// <summary>This version's newest migration.</summary>
    public string Newest()
    {
        using GenerationDb db = databases.CreateDbContext();
        return db.Database.GetMigrations().Last();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = LockId } } };
        // Another process may be at a long migration
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
