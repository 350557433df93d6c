using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Idempotency keys of operators' movements of credits, and the few lines by which a job was refunded.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0051_CreditKeys")]
public sealed class M0051CreditKeys : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- Written in the transaction that moves the credits: a key without its movement, or a second one, cannot be
            CREATE TABLE credit_keys (
                -- the operator's account
                account_id  uuid NOT NULL,
                key         text NOT NULL,
                -- SHA-256 of method, path and body
                fingerprint bytea NOT NULL,
                answer      bytea,
                created_at  timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (account_id, key)
            );
            CREATE INDEX credit_keys_created ON credit_keys (created_at);
            CREATE INDEX ledger_lines_refunds ON ledger_lines (job_id) WHERE entry = 4;
            """
        );
}
