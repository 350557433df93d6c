using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Generation.Storage;

/// <summary>
/// The database as EF Core sees it: its migrations, and the tables that people look at and edit by hand (accounts, keys,
/// ledger, workers, models). Jobs and their outbox are written by <see cref="JobStore"/> alone, in SQL of its own.
/// </summary>
public sealed class GenerationDb(DbContextOptions<GenerationDb> options) : DbContext(options)
{
    public DbSet<AccountRow> Accounts => Set<AccountRow>();

    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();

    public DbSet<LedgerLineRow> LedgerLines => Set<LedgerLineRow>();

    public DbSet<WorkerRow> Workers => Set<WorkerRow>();

    public DbSet<ModelRow> Models => Set<ModelRow>();

    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) =>
        // Migrations are written by hand; a test proves that they and this model agree
        optionsBuilder.ConfigureWarnings(w => w.Ignore(RelationalEventId.PendingModelChangesWarning));

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<AccountRow>(e =>
        {
            e.ToTable("accounts");
            e.Property(a => a.Limits).HasColumnType("jsonb");
            e.Property(a => a.CreatedAt).HasDefaultValueSql("now()");
            // The ledger alone moves money
            e.Property(a => a.Balance).HasDefaultValue(0L).ValueGeneratedOnAddOrUpdate();
            e.Property(a => a.Held).HasDefaultValue(0L).ValueGeneratedOnAddOrUpdate();
            e.Property(a => a.OpenJobs).HasDefaultValue(0).ValueGeneratedOnAddOrUpdate();
        });
        modelBuilder.Entity<ApiKeyRow>(e =>
        {
            e.ToTable("api_keys");
            e.Property(k => k.CreatedAt).HasDefaultValueSql("now()");
            e.HasOne<AccountRow>().WithMany().HasForeignKey(k => k.AccountId);
        });
        modelBuilder.Entity<LedgerLineRow>(e =>
        {
            e.ToTable("ledger_lines");
            e.Property(l => l.Id).UseIdentityAlwaysColumn();
            e.Property(l => l.At).HasDefaultValueSql("now()");
            e.Property(l => l.Entry).HasConversion<short>();
            e.Property(l => l.Book).HasConversion<short>();
        });
        modelBuilder.Entity<WorkerRow>(e =>
        {
            e.ToTable("workers");
            e.Property(w => w.Info).HasColumnType("jsonb");
        });
        modelBuilder.Entity<ModelRow>(e =>
        {
            e.ToTable("models");
            e.HasKey(m => m.Name);
            e.Property(m => m.Entry).HasColumnType("jsonb");
        });

        foreach (IMutableProperty property in modelBuilder.Model.GetEntityTypes().SelectMany(e => e.GetProperties()))
        {
            property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        }
    }
}
