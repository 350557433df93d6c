using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>What dispatch remembers to be fair between accounts.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0004_FairShares")]
public sealed class M0004FairShares : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- Per model: the virtual time up to which an account has been served. The nil account holds the model's own clock
            CREATE TABLE fair_shares (
                model      text NOT NULL,
                account_id uuid NOT NULL,
                served     double precision NOT NULL,
                PRIMARY KEY (model, account_id)
            ) WITH (fillfactor = 50);
            CREATE INDEX outbox_dispatched_account ON outbox (account_id) WHERE dispatched_at IS NOT NULL;
            """
        );
}
