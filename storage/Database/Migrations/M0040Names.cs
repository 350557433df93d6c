using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>
/// Names for the numbers by which states of jobs and the ledger's entries and books are stored, so that statements are written with
/// names. The planner puts the number in a call's place; a name that is not there is an error.
/// </summary>
[DbContext(typeof(GenerationDb))]
[Migration("0040_Names")]
public sealed class M0040Names : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE FUNCTION job_state(name text) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
                BEGIN
                    CASE name
                        WHEN 'queued' THEN RETURN 0;
                        WHEN 'running' THEN RETURN 1;
                        WHEN 'succeeded' THEN RETURN 2;
                        WHEN 'failed' THEN RETURN 3;
                        WHEN 'cancelled' THEN RETURN 4;
                        WHEN 'expired' THEN RETURN 5;
                    END CASE;
                END $$;
            CREATE FUNCTION job_state_name(state smallint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
                SELECT (ARRAY['queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired'])[state + 1] $$;
            CREATE FUNCTION ledger_entry(name text) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
                BEGIN
                    CASE name
                        WHEN 'grant' THEN RETURN 0;
                        WHEN 'hold' THEN RETURN 1;
                        WHEN 'charge' THEN RETURN 2;
                        WHEN 'release' THEN RETURN 3;
                        WHEN 'refund' THEN RETURN 4;
                        WHEN 'top_up' THEN RETURN 5;
                    END CASE;
                END $$;
            CREATE FUNCTION ledger_book(name text) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
                BEGIN
                    CASE name
                        WHEN 'available' THEN RETURN 0;
                        WHEN 'held' THEN RETURN 1;
                        WHEN 'revenue' THEN RETURN 2;
                        WHEN 'issued' THEN RETURN 3;
                    END CASE;
                END $$;
            """
        );
}
