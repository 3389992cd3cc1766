"""The SQLite database of the store: creation, short transactions, damage set aside."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from simulations.engine.store_files import StoreError, exclusive, failures_named, set_aside
from simulations.engine.store_schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    TABLES,
    create,
    migrate,
    version_of,
)

NAME = "results.sqlite"
_BUSY_SECONDS = 60.0
_COMPANIONS = ("-wal", "-shm")
_WORDS = {
    sqlite3.SQLITE_BUSY: f"another process has kept it locked for {_BUSY_SECONDS:.0f} s",
    sqlite3.SQLITE_LOCKED: "another process has locked it",
    sqlite3.SQLITE_READONLY: "it cannot be written; the file or its directory is read-only",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; the file or its directory is not accessible",
    sqlite3.SQLITE_FULL: "no space left on the disk",
}

T = TypeVar("T")
Row = tuple[Any, ...]


class _Damage(sqlite3.DatabaseError):
    """The file is a database, but not the one that was written."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Database:
    """One connection to ``results.sqlite`` in the directory of a store.

    Journal mode WAL with ``synchronous=NORMAL``: a committed transaction survives the death of
    the process at any moment; a power failure may take back the last ones, never half of one.
    A database of an older schema is migrated when it is opened for writing; a newer one is refused.

    Parameters
    ----------
    folder : Path
        An existing directory; the database is created in it unless `read_only`.
    read_only : bool
    incidents : list of str
        Receives one line for everything that is set aside.

    Raises
    ------
    StoreError
        From every method, if the database cannot be read or written.
    """

    def __init__(self, folder: Path, *, read_only: bool, incidents: list[str]) -> None:
        self.path = folder / NAME
        self._lock = folder / "lock"
        self._partial = folder / "partial"
        self._read_only = read_only
        self._incidents = incidents
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """Return all rows of one SELECT."""
        return self._robustly(lambda connection: connection.execute(sql, parameters).fetchall())

    def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return ``work(connection)``, committed as a whole or not at all."""
        return self._robustly(lambda connection: _inside_transaction(connection, work))

    def check_writable(self) -> None:
        """Raise StoreError now, rather than after an hour of work, if nothing can be written."""
        self.transaction(lambda connection: None)

    def scan(self, sql: str) -> Iterator[Row]:
        """Give the rows of one SELECT one at a time."""
        try:
            yield from self._current().execute(sql)
        except sqlite3.Error as error:
            raise self._named(error) from error

    def integrity(self) -> str:
        """Return "ok", or the first fault that SQLite finds in the file."""
        try:
            found: str = self._current().execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            return str(error)
        return found

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _robustly(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._current())
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise self._named(error) from error
            self._put_aside(str(error))
        try:
            return work(self._current())
        except sqlite3.Error as error:
            raise self._named(error) from error

    def _current(self) -> sqlite3.Connection:
        """Return a connection to the file that has the name now.

        Another process may have set the database aside, and a user may have removed it.
        """
        if self._connection is None or _identity(self.path) != self._opened:
            self.close()
            with failures_named(self.path, "open"):
                if not self._read_only:
                    self._create_if_missing()
            self._opened = _identity(self.path)
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if not self._read_only:
            return self._open("rw")
        try:
            return self._open("ro")
        except sqlite3.OperationalError as error:
            logged = _size(self.path.with_name(self.path.name + "-wal")) > 0
            if logged or _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        # On a read-only medium SQLite cannot make its log; without one the file is complete.
        return self._open("ro&immutable=1")

    def _open(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS,
            isolation_level=None,
        )  # fmt: skip
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            self._check_schema(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = version_of(connection)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if _size(self.path) == 0:
            raise _Damage("the file is empty")
        if application != APPLICATION_ID:
            raise StoreError(f"store {self.path}: a database, but not one of adageo; "
                             "choose another --store")  # fmt: skip
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"store {self.path}: schema {version} of a newer adageo; this version "
                f"reads up to {SCHEMA_VERSION}; update it, or choose another --store"
            )
        if not names >= set(TABLES):
            raise _Damage("a table is missing")
        # Whoever only reads needs nothing that an older schema lacks.
        if version < SCHEMA_VERSION and not self._read_only:
            _inside_transaction(connection, migrate)

    def _create_if_missing(self) -> None:
        if self.path.exists():
            return
        with exclusive(self._lock):
            if self.path.exists():
                return
            # A log without its database must not be replayed into the new one.
            for name in (self.path.name + suffix for suffix in _COMPANIONS):
                leftover = self.path.with_name(name)
                if leftover.exists():
                    aside = set_aside(leftover)
                    self._incidents.append(
                        f"store: {leftover} had lost its database; set aside as {aside.name}"
                    )
            self._create()

    def _create(self) -> None:
        """Make the database under a temporary name and rename it: it is never seen half made."""
        self._partial.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._partial, suffix=".sqlite")
        os.close(descriptor)
        temporary = Path(name)
        try:
            with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                create(connection)
            temporary.rename(self.path)
        finally:
            for suffix in ("", *_COMPANIONS):
                temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)

    def _put_aside(self, reason: str) -> None:
        opened = self._opened
        self.close()
        if self._read_only:
            raise StoreError(f"store {self.path}: damaged ({reason}); the next `adageo verify` "
                             "sets it aside and begins a new one")  # fmt: skip
        with failures_named(self.path, "set the damaged database aside"), exclusive(self._lock):
            # Another process may have been faster; then the name belongs to a new database.
            if opened is not None and _identity(self.path) == opened:
                aside = set_aside(self.path, _COMPANIONS)
                self._incidents.append(
                    f"store: {self.path} is damaged ({reason}); set aside as {aside.name}, and a "
                    "new one begun: what it held is computed again"
                )

    def _named(self, error: sqlite3.Error) -> StoreError:
        words = _WORDS.get(_code(error), str(error))
        return StoreError(f"store {self.path}: {words}; nothing already stored is lost")


def _inside_transaction(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]
) -> T:
    try:
        connection.execute("BEGIN IMMEDIATE")
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise
    return result


def _code(error: sqlite3.Error) -> int:
    """The primary result code of SQLite; 0 if the error has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that has this name now; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
