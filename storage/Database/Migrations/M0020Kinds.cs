using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>What the kinds beyond text2img bring: input pictures that jobs need, and outputs that are clips.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0020_Kinds")]
public sealed class M0020Kinds : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- The files that a job's request names, so that nothing else has to be kept in step with it; null: none
            CREATE FUNCTION job_inputs(kind smallint, request jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                SELECT CASE WHEN kind = 0 THEN NULL ELSE
                    (SELECT array_agg(DISTINCT f #>> '{}') FROM jsonb_path_query(request, 'strict $.**.sha256') AS f) END $$;
            CREATE INDEX jobs_inputs ON jobs USING gin (job_inputs(kind, request)) WHERE job_inputs(kind, request) IS NOT NULL;

            ALTER TABLE job_outputs
                ADD COLUMN frames integer,
                ADD COLUMN fps double precision,
                ADD COLUMN duration_seconds double precision,
                ADD COLUMN thumbnail text;
            CREATE INDEX job_outputs_thumbnail ON job_outputs (thumbnail) WHERE thumbnail IS NOT NULL;
            """
        );
}
