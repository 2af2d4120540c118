"""Roles of PostgreSQL with least rights, as SQL for who may make roles."""

from __future__ import annotations

SQL = """\
-- Roles for genre-edge in PostgreSQL. Run once in the database, as a role that may make
-- roles (postgres), after genre-edge collect --migrate-only. Then give each of the two a
-- password with psql's \\password.

CREATE ROLE genre_edge_collector LOGIN;
CREATE ROLE genre_edge_viewer LOGIN;

DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO genre_edge_collector, genre_edge_viewer',
        current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO genre_edge_collector', current_database());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO genre_edge_collector, genre_edge_viewer',
        current_schema());
END $$;

-- The collector adds rows and never reads or changes what was heard.
GRANT SELECT ON migrations TO genre_edge_collector;
GRANT INSERT ON stretches, windows, changes TO genre_edge_collector;
GRANT SELECT, INSERT, UPDATE ON devices, counters TO genre_edge_collector;
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters, quarantine TO genre_edge_collector;
GRANT EXECUTE ON FUNCTION genre_edge_make_month TO genre_edge_collector;
-- For --keep-months, which deletes history, it needs these two as well:
-- GRANT EXECUTE ON FUNCTION genre_edge_drop_before TO genre_edge_collector;
-- GRANT SELECT (noticed), DELETE ON changes TO genre_edge_collector;

-- The viewer (genre-edge fleet, Grafana) only reads.
GRANT SELECT ON migrations, devices, stretches, windows, changes, dead_letters, quarantine,
    counters TO genre_edge_viewer;
"""
"""What `genre-edge collect --roles` prints."""
