using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>How much work a job is and how long it is expected to run, for estimates of waits.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0011_RunTimes")]
public sealed class M0011RunTimes : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            ALTER TABLE jobs
                -- in the unit by which jobs of its kind compare: megapixel-steps
                ADD COLUMN work double precision,
                -- expected when it was submitted, from start to end
                ADD COLUMN seconds double precision;
            ALTER TABLE outbox ADD COLUMN seconds double precision;
            """
        );
}
