using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>
/// A job's account and an outbox row's job are checked by the one statement that writes all three: a foreign key would
/// look each of them up once more, for every job.
/// </summary>
[DbContext(typeof(GenerationDb))]
[Migration("0010_JobsWrittenTogether")]
public sealed class M0010JobsWrittenTogether : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            ALTER TABLE outbox DROP CONSTRAINT outbox_job_id_fkey;
            ALTER TABLE jobs DROP CONSTRAINT jobs_account_id_fkey;
            """
        );
}
