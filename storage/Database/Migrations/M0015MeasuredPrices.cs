using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Prices by measured seconds, for kinds and models to which nobody gave one.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0015_MeasuredPrices")]
public sealed class M0015MeasuredPrices : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE measured_prices (
                model       text NOT NULL,
                kind        smallint NOT NULL,
                -- in credits: for a job, and for each unit of its work
                per_job     numeric NOT NULL CHECK (per_job >= 0),
                per_work    numeric NOT NULL CHECK (per_work >= 0),
                jobs        bigint NOT NULL,
                measured_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (model, kind)
            );
            -- One row: what a second costs, by which all of them were derived
            CREATE TABLE price_rate (
                only_one           boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                credits_per_second numeric NOT NULL CHECK (credits_per_second >= 0),
                -- whose configured price it was derived from
                model              text NOT NULL,
                measured_at        timestamptz NOT NULL DEFAULT now()
            );
            """
        );
}
