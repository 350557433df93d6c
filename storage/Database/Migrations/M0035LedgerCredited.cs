using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>The few lines by which credits come to an account, apart from those of its many jobs.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0035_LedgerCredited")]
public sealed class M0035LedgerCredited : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE INDEX ledger_lines_credited ON ledger_lines (account_id) INCLUDE (amount) WHERE book = 0 AND entry IN (0, 4, 5);
            """
        );
}
