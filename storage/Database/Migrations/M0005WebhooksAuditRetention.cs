using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Webhooks with their secrets, the operators' audit log, and when outputs were deleted.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0005_WebhooksAuditRetention")]
public sealed class M0005WebhooksAuditRetention : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE webhook_secrets (
                id         uuid PRIMARY KEY,
                account_id uuid NOT NULL REFERENCES accounts,
                -- encrypted under the server's secret
                sealed     bytea NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now()
            );
            CREATE INDEX webhook_secrets_account ON webhook_secrets (account_id);

            CREATE TABLE webhook_deliveries (
                id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                account_id      uuid NOT NULL,
                job_id          uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
                event           text NOT NULL,
                url             text NOT NULL,
                created_at      timestamptz NOT NULL DEFAULT now(),
                attempts        integer NOT NULL DEFAULT 0,
                -- null: delivered, or given up
                next_at         timestamptz,
                last_attempt_at timestamptz,
                delivered_at    timestamptz,
                last_status     integer,
                last_error      text
            );
            CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE next_at IS NOT NULL;
            CREATE INDEX webhook_deliveries_account ON webhook_deliveries (account_id, created_at DESC);
            CREATE INDEX webhook_deliveries_job ON webhook_deliveries (job_id);

            -- Each entry's hash is over the one before: a change of the past breaks the chain
            CREATE TABLE audit_log (
                id     bigint PRIMARY KEY,
                at     text NOT NULL,
                actor  text NOT NULL,
                action text NOT NULL,
                target text NOT NULL,
                detail text NOT NULL,
                hash   bytea NOT NULL
            );
            CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'audit_log only grows: % refused', TG_OP; END $$;
            CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
                FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows();

            ALTER TABLE jobs ADD COLUMN outputs_deleted_at timestamptz;
            DROP INDEX jobs_finished;
            CREATE INDEX jobs_finished ON jobs (finished_at DESC) WHERE finished_at IS NOT NULL;
            CREATE INDEX jobs_kept ON jobs (finished_at) WHERE state = 2 AND outputs_deleted_at IS NULL;
            CREATE INDEX jobs_checkpoint ON jobs ((checkpoint ->> 'sha256')) WHERE checkpoint IS NOT NULL;
            """
        );
}
