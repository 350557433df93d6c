using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>How busy the system was, in steps that grow with age.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0054_History")]
public sealed class M0054History : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE load_history (
                -- the length of the step, and when it began
                step_seconds   integer NOT NULL,
                at             timestamptz NOT NULL,
                -- '' for all models together
                model          text NOT NULL,
                -- as they were at the step's end, or in the mean; null: nobody looked
                queued         double precision,
                running        double precision,
                workers        double precision,
                slots          double precision,
                oldest_seconds double precision,
                -- jobs that ended in the step
                succeeded      bigint NOT NULL,
                failed         bigint NOT NULL,
                cancelled      bigint NOT NULL,
                expired        bigint NOT NULL,
                -- millionths of credits
                charged        bigint NOT NULL,
                -- how many of the succeeded ran for how long: RunTimeHistogram
                run_times      bigint[] NOT NULL,
                -- how many of the failed had which error: {"code": jobs}
                failures       jsonb NOT NULL,
                PRIMARY KEY (step_seconds, model, at)
            );
            """
        );
}
