using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>What an account may ask for, and what is done with pictures that a safety checker flags.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0028_AccountSafety")]
public sealed class M0028AccountSafety : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE account_safety (
                account_id    uuid PRIMARY KEY REFERENCES accounts,
                -- off, flag, blur, black; null: as the model has it
                policy        text,
                blocked_words text[] NOT NULL DEFAULT '{}',
                updated_at    timestamptz NOT NULL DEFAULT now()
            );
            """
        );
}
