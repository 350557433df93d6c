using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Whole numbers for jobs and uploads.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0030_ObjectNumbers")]
public sealed class M0030ObjectNumbers : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- Given out when a client that knows only numbers is first told of the object
            CREATE TABLE object_numbers (
                number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                id     uuid NOT NULL UNIQUE
            );
            """
        );
}
