using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Whose the results store is, and the files that this database has let go itself.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0050_ResultsStoreOwner")]
public sealed class M0050ResultsStoreOwner : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            -- One row: what this database knows of its results store
            CREATE TABLE results_store (
                only_one      boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                -- this database's name in the store; a copy of the database has it, too
                database      uuid NOT NULL DEFAULT gen_random_uuid(),
                -- what the store carries; null: it was never marked
                mark          uuid,
                -- what it may carry instead, if a process died while it changed the mark
                next_mark     uuid,
                -- why the last sweep deleted nothing; null: it did its work
                sweep_problem text,
                swept_at      timestamptz
            );
            INSERT INTO results_store DEFAULT VALUES;

            -- Files that outputs, uploads or deleted jobs named until their time was over or their owner deleted them: a sweep may
            -- delete any
            -- number of them
            CREATE TABLE released_files (
                sha256      text PRIMARY KEY CHECK (length(sha256) = 64),
                released_at timestamptz NOT NULL DEFAULT now()
            );
            """
        );
}
