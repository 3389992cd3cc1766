"""Removing from the store what no claim in its present form will ever ask for."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from simulations.engine.store_database import Database
from simulations.engine.store_files import StoreError


def prune(shards: Path, database: Database, current: Mapping[str, str]) -> dict[str, int]:
    """Remove what belongs to another source of a claim than the current one.

    Parameters
    ----------
    shards : Path
        The directory of the store's shards.
    database : Database
    current : mapping from claim to source
        Claims that are not in it keep everything, and so does what has no claim (results of
        whole claims, and what a store of schema 1 held).

    Returns
    -------
    dict
        ``rows``, ``arrays``: how many were removed; ``shards``: how many files, those included
        that nothing refers to; ``kept_without_claim``: how many rows and arrays have no claim.

    Raises
    ------
    StoreError
        If the store cannot be written; no record that is left misses its file.
    """

    def work(connection: sqlite3.Connection) -> dict[str, int]:
        connection.execute("CREATE TEMP TABLE current (claim TEXT PRIMARY KEY, source TEXT)")
        try:
            connection.executemany("INSERT INTO current VALUES (?, ?)", current.items())
            found = {table: _delete(connection, table) for table in ("rows", "arrays")}
        finally:
            connection.execute("DROP TABLE current")
        without = (
            "SELECT (SELECT count(*) FROM rows WHERE claim ISNULL) + "
            "(SELECT count(*) FROM arrays WHERE claim ISNULL)"
        )
        found["kept_without_claim"] = connection.execute(without).fetchone()[0]
        return found

    def sweep(connection: sqlite3.Connection) -> int:
        sql = "SELECT shard FROM arrays WHERE shard NOTNULL"
        wanted = {name for (name,) in connection.execute(sql)}
        # The transaction keeps writers out: what has no record now will never get one.
        return _remove_others(shards, wanted)

    removed = database.transaction(work)
    # Files go only after the records that named them are gone for good.
    removed["shards"] = database.transaction(sweep)
    with suppress(StoreError):  # the space is given back another time
        database.query("VACUUM")
        # The log has grown by the whole database.
        database.query("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def _delete(connection: sqlite3.Connection, table: str) -> int:
    return connection.execute(
        f"DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM current "
        f"WHERE current.claim = {table}.claim AND current.source IS NOT {table}.source)"
    ).rowcount


def _remove_others(shards: Path, wanted: set[str]) -> int:
    removed = 0
    for file in shards.glob("*/*.npz"):
        if file.relative_to(shards).as_posix() not in wanted:
            with suppress(OSError):
                file.unlink()
                removed += 1
    return removed
