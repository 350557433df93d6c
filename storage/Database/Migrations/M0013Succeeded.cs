using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>The latest succeeded jobs, which load and run times are read from twice a second, however many others ended.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0013_Succeeded")]
public sealed class M0013Succeeded : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE INDEX jobs_succeeded ON jobs (finished_at DESC) WHERE state = 2;
            """
        );
}
