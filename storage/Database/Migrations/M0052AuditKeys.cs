using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>
/// Audit entries chained under the server's secret, a beginning of the log that retention has moved, and which secret keys are hashed
/// under.
/// </summary>
[DbContext(typeof(GenerationDb))]
[Migration("0052_AuditKeys")]
public sealed class M0052AuditKeys : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- The secret whose key the entry's hash is made with; null: SHA-256 without a key, as entries of earlier versions are
            ALTER TABLE audit_log ADD COLUMN secret text;

            -- What retention let go: the entries up to this one, whose hash the next one is chained to
            CREATE TABLE audit_beginning (
                only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                id       bigint NOT NULL,
                hash     bytea NOT NULL,
                secret   text NOT NULL,
                -- over id and hash, under the server's secret
                mac      bytea NOT NULL
            );
            -- Deleting is for retention alone, which says so in its transaction
            CREATE OR REPLACE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF TG_OP = 'DELETE' AND current_setting('generation.audit_retention', true) = 'on' THEN
                        RETURN NULL;
                    END IF;
                    RAISE EXCEPTION 'audit_log only grows: % refused', TG_OP;
                END $$;

            -- One row, once there was a key: the secret that keys are hashed under; a server with another is told so
            CREATE TABLE key_secret (
                only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                id       text NOT NULL
            );
            ALTER TABLE api_keys ADD COLUMN secret text;
            """
        );
}
