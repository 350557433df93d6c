using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>What is said of single outputs: whether they are shown to everybody, and which job enlarged them.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0031_OutputMarks")]
public sealed class M0031OutputMarks : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE output_marks (
                job_id      uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
                index       integer NOT NULL,
                -- 0 not submitted, 1 submitted, 2 approved, 3 rejected
                gallery     smallint NOT NULL DEFAULT 0 CHECK (gallery BETWEEN 0 AND 3),
                upscaled_by uuid REFERENCES jobs ON DELETE SET NULL,
                PRIMARY KEY (job_id, index)
            );
            CREATE INDEX output_marks_gallery ON output_marks (job_id, index) WHERE gallery = 2;
            """
        );
}
