using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>
/// Every look at an account's waiting jobs goes by those that are sent or those that are not, which have an index each.
/// </summary>
[DbContext(typeof(GenerationDb))]
[Migration("0014_OutboxIndexes")]
public sealed class M0014OutboxIndexes : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP INDEX outbox_account;");
}
