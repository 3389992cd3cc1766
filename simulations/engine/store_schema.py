"""Tables of the store, and how a store of an older version becomes one of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

# 1: rows and arrays by key. 2: they know the claim that they belong to, and its source.
SCHEMA_VERSION = 2
APPLICATION_ID = 0x41444147  # "ADAG"
# New columns come last: that is where a migration adds them.
TABLES = {
    "rows": "key TEXT PRIMARY KEY, value BLOB NOT NULL, digest TEXT NOT NULL, "
    "claim TEXT, source TEXT",
    "arrays": "key TEXT PRIMARY KEY, data BLOB, shard TEXT, bytes INTEGER NOT NULL, "
    "digest TEXT NOT NULL, claim TEXT, source TEXT",
    "runs": "id INTEGER PRIMARY KEY AUTOINCREMENT, head BLOB NOT NULL, digest TEXT NOT NULL, "
    "report BLOB NOT NULL",
    "damaged": "source TEXT NOT NULL, key TEXT NOT NULL, content BLOB, digest TEXT",
}
# What leads from a version to the next one.
STEPS: Mapping[int, Sequence[str]] = {
    1: tuple(
        f"ALTER TABLE {table} ADD COLUMN {column} TEXT"
        for table in ("rows", "arrays")
        for column in ("claim", "source")
    ),
}


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of a database."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(connection: sqlite3.Connection, steps: Mapping[int, Sequence[str]] = STEPS) -> None:
    """Bring a database to SCHEMA_VERSION, as a whole or not at all.

    To be called inside a transaction of the writer. Another process may have been faster: the
    version counts that is found inside.
    """
    for version in range(version_of(connection), SCHEMA_VERSION):
        for statement in steps[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version + 1}")
