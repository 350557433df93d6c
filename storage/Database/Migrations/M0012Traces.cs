using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Which request's trace a job goes on with.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0012_Traces")]
public sealed class M0012Traces : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- W3C traceparent of the span that submitted it; null: it was not traced
            ALTER TABLE jobs ADD COLUMN trace text;
            ALTER TABLE outbox ADD COLUMN trace text;
            """
        );
}
