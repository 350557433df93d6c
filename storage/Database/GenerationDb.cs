using Microsoft.EntityFrameworkCore;

namespace Generation.Storage.Database;

/// <summary>
/// The database as EF Core sees it: its migrations, which are written by hand in SQL. There are no entities: what is read and written, is
/// by the statements of storage/Sql and of the classes around it.
/// </summary>
public sealed class GenerationDb(DbContextOptions<GenerationDb> options) : DbContext(options);
