using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>The schedulers that workers know.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0002_Schedulers")]
public sealed class M0002Schedulers : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE schedulers (
                name        text PRIMARY KEY,
                description text NOT NULL
            );
            """
        );
}
