"""Writing what a user asked for, with an error that names the argument and the path."""

from __future__ import annotations

import os
from pathlib import Path

from simulations.engine.interrupts import interrupts_held
from theory.core.errors import EnvironmentLacksError


def write_text(argument: str, path: str | Path, text: str) -> None:
    """Write `text` to `path`; raises EnvironmentLacksError naming the argument and the path."""
    try:
        with interrupts_held():  # the whole text or none of it
            Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentLacksError(
            f"{argument} {path}: cannot write ({error.strerror})"
        ) from error


def require_folder(argument: str, path: str | Path) -> None:
    """Raise EnvironmentLacksError before long work if `path` can never be written."""
    try:
        file = Path(path)
        writable = not file.is_dir() and os.access(file if file.exists() else file.parent, os.W_OK)
    except OSError:  # too long a name
        writable = False
    if not writable:
        raise EnvironmentLacksError(
            f"{argument} {path}: cannot write (it must be a file in a writable directory)"
        )


def make_directory(argument: str, path: str | Path) -> Path:
    """Create the directory `path`; raises EnvironmentLacksError naming argument and path."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentLacksError(
            f"{argument} {path}: cannot create the directory ({error.strerror})"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentLacksError(f"{argument} {path}: cannot write into the directory")
    return folder
