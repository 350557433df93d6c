using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Uploaded pictures, and how many open jobs an account has.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0003_Uploads")]
public sealed class M0003Uploads : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE uploads (
                id           uuid PRIMARY KEY,
                account_id   uuid NOT NULL REFERENCES accounts,
                sha256       text NOT NULL CHECK (length(sha256) = 64),
                content_type text NOT NULL,
                bytes        bigint NOT NULL,
                width        integer NOT NULL,
                height       integer NOT NULL,
                created_at   timestamptz NOT NULL DEFAULT now(),
                expires_at   timestamptz NOT NULL
            );
            CREATE INDEX uploads_sha256 ON uploads (sha256);
            CREATE INDEX uploads_expires ON uploads (expires_at);

            -- Queued and running jobs, changed with every submission and every end: what limits are checked against
            ALTER TABLE accounts ADD COLUMN open_jobs integer NOT NULL DEFAULT 0 CHECK (open_jobs >= 0);
            UPDATE accounts SET open_jobs = (SELECT count(*) FROM jobs j WHERE j.account_id = accounts.id AND j.state IN (0, 1));
            CREATE INDEX jobs_running_account ON jobs (account_id) WHERE state = 1;
            """
        );
}
