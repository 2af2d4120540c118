"""The tables, as numbered migrations that only go forward.

A migration that was released is never changed: a later one changes what it made.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Migration:
    """One step from a version of the tables to the next."""

    name: str
    """What it does."""
    postgres: str
    """Its SQL for PostgreSQL; `{schema}` stands for where the tables are."""
    sqlite: str
    """Its SQL for SQLite."""


LOCK = 0x67656E72
"""Number of the advisory lock of PostgreSQL that whoever changes the tables holds."""
STAGED = {
    "stretches": (
        "device text, started timestamptz, id text, ended timestamptz, source text, label text, "
        "windows integer, confidence real"
    ),
    "windows": (
        "device text, started timestamptz, id text, ended timestamptz, source text, label text, "
        "genre text, confidence real, level_dbfs real"
    ),
}
"""{table: its columns}; PostgreSQL takes new rows through temporary tables of these."""
COLUMNS = {
    table: tuple(part.split()[0] for part in columns.split(", "))
    for table, columns in STAGED.items()
}
"""{table: names of its columns}."""

_PLAIN = """
CREATE TABLE devices (
    device text PRIMARY KEY,
    first_seen {time} NOT NULL,
    last_seen {time},
    online boolean,
    state text,
    trouble text,
    model text,
    version text,
    clock_ahead double precision,
    windows bigint,
    dropped_seconds double precision,
    waiting integer,
    label text,
    heard_until {time}
);
CREATE TABLE changes (
    device text NOT NULL,
    noticed {time} NOT NULL,
    what text NOT NULL,
    value text
);
CREATE INDEX changes_device ON changes (device, noticed);
CREATE TABLE dead_letters (
    hash text PRIMARY KEY,
    topic text NOT NULL,
    payload text NOT NULL,
    reason text NOT NULL,
    first_seen {time} NOT NULL,
    last_seen {time} NOT NULL,
    times bigint NOT NULL
);
CREATE TABLE quarantine (
    device text NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    started double precision NOT NULL,
    row_json text NOT NULL,
    received {time} NOT NULL,
    PRIMARY KEY (device, kind, id)
);
CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL);
"""
_STRETCHES = """
CREATE TABLE stretches (
    device text NOT NULL,
    started {time} NOT NULL,
    id text NOT NULL,
    ended {time} NOT NULL,
    source text NOT NULL,
    label text NOT NULL,
    windows integer NOT NULL,
    confidence real,
    PRIMARY KEY (device, started, id)
){parts};
CREATE TABLE windows (
    device text NOT NULL,
    started {time} NOT NULL,
    id text NOT NULL,
    ended {time} NOT NULL,
    source text NOT NULL,
    label text NOT NULL,
    genre text,
    confidence real,
    level_dbfs real,
    PRIMARY KEY (device, started, id)
){parts};
"""
_POSTGRES_FUNCTIONS = """
CREATE INDEX stretches_started ON stretches USING brin (started);
CREATE INDEX windows_started ON windows USING brin (started);

-- Owned by whoever owns the tables: a collector without the right to make tables may call
-- it, and it makes no others than these.
CREATE FUNCTION genre_edge_make_month(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    first date := date_trunc('month', wanted);
    this date := date_trunc('month', now() AT TIME ZONE 'UTC');
    after date := first + interval '1 month';
    parent text;
    part text;
BEGIN
    IF first < this - interval '{most_months} months' OR first > this + interval '2 months' THEN
        RAISE EXCEPTION 'month % is out of range: is a clock wrong?', to_char(first, 'YYYY-MM');
    END IF;
    PERFORM pg_advisory_xact_lock({lock});
    FOREACH parent IN ARRAY ARRAY['stretches', 'windows'] LOOP
        part := parent || to_char(first, '_YYYY_MM');
        IF NOT EXISTS (
            SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = part
        ) THEN
            -- In two steps, for which nobody who reads or writes has to wait.
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', part, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, part, first || ' 00:00:00+00', after || ' 00:00:00+00');
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION genre_edge_make_month FROM PUBLIC;

CREATE FUNCTION genre_edge_drop_before(oldest date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp
-- Who waits for a table that is read for long holds up all who come later.
SET lock_timeout = '5s' AS $$
DECLARE
    dropped integer := 0;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    FOR part IN
        -- A table that somebody has detached, or has given such a name, is theirs.
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent IN ('stretches'::regclass, 'windows'::regclass)
        AND relname ~ '^(stretches|windows)_[0-9]{{4}}_[0-9]{{2}}$'
        AND right(relname, 7) < to_char(oldest, 'YYYY_MM')
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION genre_edge_drop_before FROM PUBLIC;
"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "devices, what they heard, and what was wrong",
        _PLAIN.replace("{time}", "timestamptz")
        + _STRETCHES.replace("{time}", "timestamptz").replace(
            "{parts}", " PARTITION BY RANGE (started)"
        )
        + _POSTGRES_FUNCTIONS,
        _PLAIN.replace("{time}", "REAL")
        + _STRETCHES.replace("{time}", "REAL").replace("{parts}", " WITHOUT ROWID")
        + "CREATE INDEX stretches_started ON stretches (started);"
        + "CREATE INDEX windows_started ON windows (started);",
    ),
)
"""In their order. The version of the tables is how many were applied."""
