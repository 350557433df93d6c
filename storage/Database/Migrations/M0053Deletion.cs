using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Accounts that are being deleted, and what finds the rows whose time is over.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0053_Deletion")]
public sealed class M0053Deletion : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            ALTER TABLE accounts
                -- an operator deleted it: it has no keys and no name any more
                ADD COLUMN deleted_at timestamptz,
                -- nothing of it is left but its ledger
                ADD COLUMN emptied_at timestamptz;
            CREATE INDEX accounts_deleted ON accounts (id) WHERE deleted_at IS NOT NULL AND emptied_at IS NULL;
            CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);
            -- A job that is deleted is looked for here
            CREATE INDEX output_marks_upscaled_by ON output_marks (upscaled_by) WHERE upscaled_by IS NOT NULL;
            """
        );
}
