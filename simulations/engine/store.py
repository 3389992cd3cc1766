"""The store of results: small rows and arrays under content addresses, and the runs.

A store is a directory (``.adageo/`` by default)::

    results.sqlite          rows, small arrays, runs; WAL mode, one writer at a time
    shards/ab/KEY.SUM.npz   arrays of ``INLINE_BYTES`` and more, immutable
    partial/  lock          temporary files; the lock that creation and repair take

What `put`, `put_arrays` or `save_run` returned for survives the death of the process at any
moment, SIGKILL included (after a power failure the last of them may be missing; they are then
computed again). Everything carries a checksum, which is compared at every reading. What does not
match is set aside under a name that ends in ``.damaged-N`` (a single row: in the table
``damaged``), reported in `Store.incidents`, and treated as missing.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt

from simulations.engine.store_content import (
    Arrays,
    canonical,
    decode,
    digest,
    encode,
    intact,
    to_json,
)
from simulations.engine.store_database import NAME, Database, Row
from simulations.engine.store_files import (
    StoreError,
    failures_named,
    named,
    partial_file,
    set_aside,
    sweep,
)
from simulations.engine.store_health import examine
from simulations.engine.store_prune import prune

__all__ = ["DEFAULT_STORE", "INLINE_BYTES", "Store", "StoreError"]

DEFAULT_STORE = ".adageo"
# Below this size a blob in the database is cheaper than a file of its own.
INLINE_BYTES = 65_536
# The claim that a result belongs to, and a checksum of its source.
Origin = tuple[str, str]
_KEY = re.compile(r"[0-9a-f]{64}")


class Store:
    """Results by content address; safe against kills, and against a second process.

    Parameters
    ----------
    path : path
        The directory; made if it does not exist, unless `read_only`.
    read_only : bool
        Change nothing: whatever is damaged stays where it is, and is reported all the same.

    Attributes
    ----------
    incidents : list of str
        One line for everything found damaged since opening; the command prints them.

    Raises
    ------
    StoreError
        From every method, if the directory or the database cannot be read or written.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self.incidents: list[str] = []
        self._partial = self.path / "partial"
        self._prepare()
        self._database = Database(self.path, read_only=read_only, incidents=self.incidents)
        if read_only:
            self._database.query("SELECT 1")
        else:
            self._database.check_writable()

    @classmethod
    @contextmanager
    def existing(cls, path: str | Path) -> Iterator[Store | None]:
        """Open the store for reading only; None if there is no store at `path`."""
        if not _is_store(Path(path)):
            yield None
            return
        with cls(path, read_only=True) as store:
            yield store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @staticmethod
    def content_key(**parts: object) -> str:
        """Return the sha256 of the canonical JSON of the named parts, in hexadecimal.

        Parts may be numbers, strings, None, fractions, NumPy scalars and arrays, and lists, tuples
        and mappings of them. Order of names does not matter; ``1``, ``1.0`` and ``True`` differ.

        >>> Store.content_key(a=1, b=[2.5]) == Store.content_key(b=(2.5,), a=1)
        True
        """
        return digest(canonical(parts))

    # -- rows -------------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Whether a row or arrays are stored under `key` (their checksum is not compared)."""
        sql = "SELECT 1 FROM rows WHERE key = ?1 UNION ALL SELECT 1 FROM arrays WHERE key = ?1"
        return bool(self._database.query(sql, key))

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the row stored under `key`, or None."""
        found = self._database.query("SELECT value, digest FROM rows WHERE key = ?", key)
        if not found:
            return None
        value, recorded = found[0]
        if not intact(value, recorded, key):
            self._discard("rows", "value", key, recorded)
            return None
        row: dict[str, Any] = json.loads(value)
        return row

    def put(self, key: str, row: Mapping[str, Any], *, origin: Origin | None = None) -> None:
        """Store a JSON-ready row; it replaces the former one.

        What has an `origin`, ``(claim, source)``, is removed by `prune` once the claim has another
        source.

        Raises
        ------
        ValueError
            If `key` is not a content address, or a value is not JSON-ready (NaN and infinities
            are not); the text says where in the row.
        """
        _require_key(key)
        value = to_json(row, "row")
        record = (key, value, digest(key.encode(), value), *(origin or (None, None)))
        sql = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)"
        self._database.transaction(lambda connection: connection.execute(sql, record))

    # -- arrays -----------------------------------------------------------------------------

    def get_arrays(self, key: str) -> Arrays | None:
        """Return the arrays stored under `key` by name, or None."""
        record: Row | None = None
        while True:
            found = self._database.query(
                "SELECT data, shard, digest FROM arrays WHERE key = ?", key
            )
            if not found:
                return None
            arrays, fault = self._load(key, *found[0])
            if arrays is not None:
                return arrays
            if found[0] == record:
                break
            # Another process may have replaced the shard meanwhile: look once more.
            record = found[0]
        self._discard_arrays(key, found[0], fault)
        return None

    def put_arrays(
        self, key: str, arrays: Mapping[str, npt.ArrayLike], *, origin: Origin | None = None
    ) -> None:
        """Store arrays by name; they replace the former ones.

        Below ``INLINE_BYTES`` in all they lie in the database, else in a shard of their own. For
        `origin` see `put`.

        Raises
        ------
        ValueError
            If `key` is not a content address, or an array has dtype object.
        """
        _require_key(key)
        data = encode(arrays)
        checksum = digest(key.encode(), data)
        rest = (len(data), checksum, *(origin or (None, None)))
        if len(data) < INLINE_BYTES:
            former = self._record_arrays((key, data, None, *rest))
        else:
            shard = f"{key[:2]}/{key}.{checksum[:16]}.npz"
            former = self._write_shard(data, (key, None, shard, *rest))
        if former is not None:
            self._remove_superseded(key, former)

    def _write_shard(self, data: bytes, record: Row) -> str | None:
        path = self._shard(record[2])
        with failures_named(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial_file(self._partial, data) as temporary:
                return self._record_arrays(record, (temporary, path))

    def _record_arrays(self, record: Row, move: tuple[Path, Path] | None = None) -> str | None:
        """Write the record, together with the renaming of its shard; returns the former shard."""

        def work(connection: sqlite3.Connection) -> str | None:
            sql = "SELECT shard FROM arrays WHERE key = ?"
            former = connection.execute(sql, record[:1]).fetchone()
            if move is not None and move[0].exists():
                move[0].rename(move[1])
            connection.execute("INSERT OR REPLACE INTO arrays VALUES (?, ?, ?, ?, ?, ?, ?)", record)
            return former[0] if former and former[0] != record[2] else None

        return self._database.transaction(work)

    def _remove_superseded(self, key: str, shard: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            sql = "SELECT 1 FROM arrays WHERE key = ? AND shard = ?"
            if connection.execute(sql, (key, shard)).fetchone() is None:
                self._shard(shard).unlink(missing_ok=True)

        with failures_named(self._shard(shard), "remove"):
            self._database.transaction(work)

    def _load(
        self, key: str, data: bytes | None, shard: str | None, recorded: str
    ) -> tuple[Arrays | None, str]:
        """Return the arrays, or None and what is wrong with them."""
        if shard is not None:
            try:
                data = self._shard(shard).read_bytes()
            except FileNotFoundError:
                return None, "missing"
            except OSError as error:
                raise named(self._shard(shard), "read", error) from error
        if data is None or not intact(data, recorded, key):
            return None, "damaged (its checksum does not match)"
        return decode(data), ""

    def _discard_arrays(self, key: str, record: Row, fault: str) -> None:
        _, shard, recorded = record
        if shard is None:
            self._discard("arrays", "data", key, recorded)
            return
        path = self._shard(shard)
        if self.read_only:
            self.incidents.append(f"store: {path} is {fault}; treated as missing")
            return

        def work(connection: sqlite3.Connection) -> Path | None:
            sql = "DELETE FROM arrays WHERE key = ? AND digest = ?"
            connection.execute(sql, (key, recorded))
            return set_aside(path) if path.exists() else None

        with failures_named(path, "set the damaged shard aside"):
            aside = self._database.transaction(work)
        kept = f"; set aside as {aside.name}" if aside else ""
        self.incidents.append(f"store: {path} is {fault}{kept}; it is computed again")

    def _shard(self, name: str) -> Path:
        return self.path / "shards" / name

    # -- runs -------------------------------------------------------------------------------

    def save_run(self, manifest: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """Append a run to the history: its manifest and its report, both JSON-ready.

        Raises
        ------
        ValueError
            If a value is not JSON-ready.
        """
        body = zlib.compress(to_json(report, "report"))
        head = to_json(
            {"manifest": manifest, "summary": report.get("summary"), "report": digest(body)}, "run"
        )
        record = (head, digest(b"", head), body)
        sql = "INSERT INTO runs (head, digest, report) VALUES (?, ?, ?)"
        self._database.transaction(lambda connection: connection.execute(sql, record))

    def last_run(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return manifest and report of the last run that is intact, or None."""
        for run in reversed(self.runs()):
            (body,) = self._database.query("SELECT report FROM runs WHERE id = ?", run["run"])[0]
            if digest(body) == run["report"]:
                return run["manifest"], json.loads(zlib.decompress(body))
            self._tell_damaged_run(run["run"])
        return None

    def runs(self) -> list[dict[str, Any]]:
        """Return the history, oldest first: ``{"run": number, "manifest", "summary", ...}``."""
        history = []
        for number, head, recorded in self._database.query(
            "SELECT id, head, digest FROM runs ORDER BY id"
        ):
            if intact(head, recorded):
                history.append({"run": number, **json.loads(head)})
            else:
                self._tell_damaged_run(number)
        return history

    def _tell_damaged_run(self, number: int) -> None:
        where = self._database.path
        self.incidents.append(f"store: {where}: run {number} does not match its checksum; ignored")

    # -- common -----------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """Return counts, sizes and faults for ``adageo doctor``; see `store_health.examine`."""
        return examine(self.path, self._database)

    def prune(self, current: Mapping[str, str]) -> dict[str, int]:
        """Remove what belongs to another source of a claim than the current; see `store_prune`."""
        return prune(self.path / "shards", self._database, current)

    def _prepare(self) -> None:
        present = _is_store(self.path)
        if self.read_only:
            if not present:
                raise StoreError(f"store {self.path}: there is none; `adageo verify` makes one")
            return
        with failures_named(self.path, "make the directory"):
            self._partial.mkdir(parents=True, exist_ok=True)
        sweep(self._partial)

    def _discard(self, table: str, column: str, key: str, recorded: str) -> None:
        """Move one row whose checksum does not match to the table of damaged rows."""
        where = f"store: {self._database.path}: {table[:-1]} {key[:12]} does not match its checksum"
        if self.read_only:
            self.incidents.append(f"{where}; treated as missing")
            return

        def work(connection: sqlite3.Connection) -> None:
            which = f"FROM {table} WHERE key = ? AND digest IS ?"
            copy = f"INSERT INTO damaged SELECT '{table}', key, {column}, digest {which}"
            connection.execute(copy, (key, recorded))
            connection.execute(f"DELETE {which}", (key, recorded))

        self._database.transaction(work)
        self.incidents.append(f"{where}; set aside in the table `damaged`; it is computed again")


def _is_store(path: Path) -> bool:
    """Whether there is a database in the directory; raises StoreError if `path` is a file."""
    with failures_named(path, "open"):
        if path.exists() and not path.is_dir():
            raise StoreError(f"store {path}: not a directory")
        return (path / NAME).exists()


def _require_key(key: str) -> None:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ValueError(f"key is {key!r}; it must be 64 hexadecimal digits (see content_key)")
