"""Counts, sizes and faults of a store, for ``adageo doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulations.engine.store_content import intact
from simulations.engine.store_database import Database

_CONTENTS = (
    "SELECT key, value, digest FROM rows UNION ALL "
    "SELECT key, data, digest FROM arrays WHERE shard ISNULL UNION ALL "
    "SELECT '', head, digest FROM runs"
)


def examine(folder: Path, database: Database) -> dict[str, Any]:
    """Return what ``Store.health`` reports.

    ``integrity`` is "ok" if the database is well formed, every row and every array in it matches
    its checksum, and every shard is there with its size (a shard's checksum is compared when it
    is read). A malformed database has no counts. Nothing is changed.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    files = {file: file.stat().st_size for file in folder.rglob("*") if file.is_file()}
    health: dict[str, Any] = {
        "path": str(folder),
        "schema": database.query("PRAGMA user_version")[0][0],
        "bytes": sum(files.values()),
        "set_aside": sum(".damaged-" in file.name for file in files),
        "integrity": database.integrity(),
    }
    if health["integrity"] != "ok":
        return health
    counts = {table: _count(database, table) for table in ("rows", "arrays", "runs", "damaged")}
    health["set_aside"] += counts.pop("damaged")
    recorded: dict[str, int] = dict(
        database.query("SELECT shard, bytes FROM arrays WHERE shard NOTNULL")
    )
    shards = {file.relative_to(folder / "shards").as_posix(): size
              for file, size in files.items() if file.match("shards/*/*.npz")}  # fmt: skip
    lost = sum(shards.get(name) != size for name, size in recorded.items())
    wrong = sum(not intact(data, found, key) for key, data, found in database.scan(_CONTENTS))
    if lost or wrong:
        health["integrity"] = f"{wrong} wrong checksums, {lost} shards missing or truncated"
    unreferenced = len(shards.keys() - recorded.keys())
    return {**health, **counts, "shards": len(recorded), "unreferenced_shards": unreferenced}


def _count(database: Database, table: str) -> int:
    count: int = database.query(f"SELECT count(*) FROM {table}")[0][0]
    return count
