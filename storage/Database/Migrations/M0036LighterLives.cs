using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>
/// Each of a job's transitions writes a new version of its row, and with it an entry in every index that holds it: a function in
/// SQL was set up anew for each of them, also for jobs that have no input pictures, and one index was read by nobody.
/// </summary>
[DbContext(typeof(GenerationDb))]
[Migration("0036_LighterLives")]
public sealed class M0036LighterLives : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            DROP INDEX jobs_inputs;
            DROP FUNCTION job_inputs;
            -- Of all kinds but text2img, the names of the files that the request has
            CREATE INDEX jobs_inputs ON jobs USING gin (jsonb_path_query_array(request,
            'strict $.**.sha256') jsonb_path_ops) WHERE kind <> 0;
            DROP INDEX jobs_finished;
            """
        );
}
