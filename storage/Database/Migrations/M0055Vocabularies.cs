using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>The vocabularies of models' tokenizers, by which the API counts the tokens of prompts.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0055_Vocabularies")]
public sealed class M0055Vocabularies : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE vocabularies (
                -- the hash of the tokenizer's files, by which models name them
                sha256   text PRIMARY KEY,
                -- the files, packed
                files    bytea NOT NULL CHECK (octet_length(files) <= 33554432),
                -- when a worker last registered a model that has it
                named_at timestamptz NOT NULL DEFAULT now()
            );
            """
        );
}
