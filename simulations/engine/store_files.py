"""Files of the store: atomic writing, setting damage aside, a lock, errors that name the path."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from theory.core import AdageoError

# A partial file this old belongs to a process that was killed.
_STALE_SECONDS = 86_400.0


class StoreError(AdageoError):
    """The store cannot be read or written; the text is one line that names the path."""


@contextmanager
def failures_named(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError inside the block into a StoreError that names `path`."""
    try:
        yield
    except OSError as error:
        raise named(path, doing, error) from error


def named(path: Path, doing: str, error: OSError) -> StoreError:
    """Return the StoreError that says what could not be done with `path`, and why."""
    return StoreError(f"store {path}: cannot {doing}: {error.strerror or error}")


@contextmanager
def partial_file(partial: Path, data: bytes) -> Iterator[Path]:
    """Give the path of a temporary file with these bytes, flushed to the disk, ready to rename.

    What is not renamed when the block ends is deleted.
    """
    partial.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=partial)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def sweep(partial: Path) -> None:
    """Delete the temporary files that killed processes left behind a day ago or earlier."""
    now = time.time()
    for file in partial.glob("*"):
        with suppress(OSError):
            if now - file.stat().st_mtime > _STALE_SECONDS:
                file.unlink()


def set_aside(path: Path, companions: tuple[str, ...] = ()) -> Path:
    """Rename a file to the first free ``NAME.damaged-N``, and its companions (suffixes) with it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    # The companions go first: a write-ahead log must never meet a new database of the same name.
    for suffix in companions:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold an advisory lock, which the system releases when its process dies (POSIX)."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
