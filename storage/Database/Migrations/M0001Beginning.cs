using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Generation.Storage.Database.Migrations;

/// <summary>Accounts, keys, ledger, jobs with their outputs and outbox, workers and models.</summary>
[DbContext(typeof(GenerationDb))]
[Migration("0001_Beginning")]
public sealed class M0001Beginning : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            CREATE TABLE accounts (
                id         uuid PRIMARY KEY,
                name       text NOT NULL UNIQUE,
                created_at timestamptz NOT NULL DEFAULT now(),
                -- in millionths of a credit
                balance    bigint NOT NULL DEFAULT 0 CONSTRAINT balance_not_negative CHECK (balance >= 0),
                held       bigint NOT NULL DEFAULT 0 CONSTRAINT held_not_negative CHECK (held >= 0),
                -- share of the workers, against other accounts
                weight     integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
                disabled   boolean NOT NULL DEFAULT false,
                limits     jsonb
            ) WITH (fillfactor = 70);

            CREATE TABLE api_keys (
                id           uuid PRIMARY KEY,
                account_id   uuid NOT NULL REFERENCES accounts,
                name         text NOT NULL,
                -- the first characters, by which people tell keys apart
                prefix       text NOT NULL,
                -- HMAC-SHA256 of the key under the server's secret; the key itself is nowhere
                hash         bytea NOT NULL UNIQUE,
                scopes       text[] NOT NULL,
                created_at   timestamptz NOT NULL DEFAULT now(),
                expires_at   timestamptz,
                revoked_at   timestamptz,
                last_used_at timestamptz
            );
            CREATE INDEX api_keys_account ON api_keys (account_id);

            -- Double entry: the lines of one movement sum to zero. It only grows.
            CREATE SEQUENCE ledger_movements;
            CREATE TABLE ledger_lines (
                id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                movement   bigint NOT NULL,
                at         timestamptz NOT NULL DEFAULT now(),
                entry      smallint NOT NULL,
                book       smallint NOT NULL,
                -- null in the system's own books
                account_id uuid,
                job_id     uuid,
                amount     bigint NOT NULL CHECK (amount <> 0),
                -- the account's figures after the movement
                balance    bigint,
                held       bigint,
                note       text
            );
            CREATE INDEX ledger_lines_account ON ledger_lines (account_id, id) WHERE account_id IS NOT NULL;
            CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'ledger_lines only grows: % refused', TG_OP; END $$;
            CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
                FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows();

            CREATE TABLE jobs (
                id               uuid PRIMARY KEY,
                account_id       uuid NOT NULL REFERENCES accounts,
                kind             smallint NOT NULL,
                model            text NOT NULL,
                state            smallint NOT NULL CHECK (state BETWEEN 0 AND 5),
                request          jsonb NOT NULL,
                render           jsonb,
                priority         integer NOT NULL DEFAULT 0,
                created_at       timestamptz NOT NULL DEFAULT now(),
                started_at       timestamptz,
                finished_at      timestamptz,
                expires_at       timestamptz,
                attempt          integer NOT NULL DEFAULT 0,
                -- grows with each claim; a worker that holds an older one has lost its lease
                lease_epoch      bigint NOT NULL DEFAULT 0,
                lease_until      timestamptz,
                worker_id        text,
                -- grows with each change that people see
                revision         bigint NOT NULL DEFAULT 1,
                cancel_requested boolean NOT NULL DEFAULT false,
                cost             bigint NOT NULL CHECK (cost >= 0),
                charged          bigint NOT NULL DEFAULT 0 CHECK (charged BETWEEN 0 AND cost),
                error            jsonb,
                metadata         jsonb,
                checkpoint       jsonb,
                webhook_url      text,
                webhook_events   text[]
            ) WITH (fillfactor = 85);
            CREATE INDEX jobs_account ON jobs (account_id, id DESC);
            -- lease_until is in no index, so that a renewal changes none
            CREATE INDEX jobs_running ON jobs (worker_id) WHERE state = 1;
            CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

            CREATE TABLE job_outputs (
                job_id       uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
                index        integer NOT NULL,
                sha256       text NOT NULL CHECK (length(sha256) = 64),
                content_type text NOT NULL,
                bytes        bigint NOT NULL,
                width        integer NOT NULL,
                height       integer NOT NULL,
                seed         bigint,
                nsfw         boolean,
                render       jsonb,
                PRIMARY KEY (job_id, index)
            );
            CREATE INDEX job_outputs_sha256 ON job_outputs (sha256);

            -- A row stands here exactly while its job is queued
            CREATE TABLE outbox (
                job_id        uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
                account_id    uuid NOT NULL,
                model         text NOT NULL,
                priority      integer NOT NULL,
                enqueued_at   timestamptz NOT NULL,
                dispatched_at timestamptz,
                expires_at    timestamptz
            ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
            CREATE INDEX outbox_waiting ON outbox (model, account_id, priority DESC, enqueued_at, job_id) WHERE dispatched_at IS NULL;
            CREATE INDEX outbox_dispatched ON outbox (model, dispatched_at) WHERE dispatched_at IS NOT NULL;
            CREATE INDEX outbox_expires ON outbox (expires_at) WHERE expires_at IS NOT NULL;
            CREATE INDEX outbox_account ON outbox (account_id);

            CREATE TABLE idempotency_keys (
                account_id      uuid NOT NULL REFERENCES accounts,
                key             text NOT NULL,
                -- SHA-256 of method, path and body
                fingerprint     bytea NOT NULL,
                job_id          uuid NOT NULL,
                created_at      timestamptz NOT NULL DEFAULT now(),
                -- the first answer; null while it is being made
                status          integer,
                body            bytea,
                in_flight_until timestamptz,
                PRIMARY KEY (account_id, key)
            );
            CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

            CREATE TABLE workers (
                id         text PRIMARY KEY,
                models     text[] NOT NULL,
                -- models that lie in its memory now
                loaded     text[] NOT NULL DEFAULT '{}',
                slots      integer NOT NULL CHECK (slots > 0),
                started_at timestamptz NOT NULL DEFAULT now(),
                last_seen  timestamptz NOT NULL DEFAULT now(),
                draining   boolean NOT NULL DEFAULT false,
                info       jsonb
            ) WITH (fillfactor = 50);

            CREATE TABLE models (
                name       text PRIMARY KEY,
                entry      jsonb NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now()
            );
            """
        );
}
