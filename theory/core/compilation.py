"""Numba kernels that are compiled once on a machine, not once in every process.

A kernel is compiled for one signature, at its first call, and the machine code is kept in a
directory of its own: ``$NUMBA_CACHE_DIR``, else ``adageo/kernels`` in the user's cache directory
(``$XDG_CACHE_HOME``, ``%LOCALAPPDATA%`` or ``~/.cache``); then a digest of the sources, the
versions and the processor; then the kernel. So a stale kernel is never found, the package's
directory may be read-only, and the cache may be deleted at any time. One directory holds one
kernel for one signature: processes that compile it at once write the same bytes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, update_wrapper
from pathlib import Path
from typing import Any

__all__ = ["Compiled", "cache_directory", "compiled"]

_log = logging.getLogger("adageo.kernels")
_lock = threading.RLock()
_announced: set[str] = set()


class Compiled:
    """A kernel that is compiled, or loaded from the cache, when it is first called.

    Parameters
    ----------
    function : callable
        What Numba compiles. It may refer to other Numba functions as globals of its module, and
        enclose numbers; whatever it refers to has to live in files of its own directory.
    signature : str or tuple of Numba types
    label : str
        Unique among the kernels of a directory, and a file name.
    options
        Further arguments of ``numba.njit``.

    Attributes
    ----------
    compilations : int
        Compilations by this process: 0 if it was not called, or came from the cache.
    """

    def __init__(
        self, function: Callable[..., Any], signature: Any, label: str, **options: Any
    ) -> None:
        self.label, self.compilations = label, 0
        self._function, self._signature, self._options = function, signature, options
        self._entry: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        """Call the compiled kernel."""
        return (self._entry or self.compile())(*args)

    def compile(self) -> Callable[..., Any]:
        """Compile the kernel, or load it, unless that was done; return it."""
        with _lock:
            if self._entry is None:
                self._entry = self._prepare()
            return self._entry

    def _prepare(self) -> Callable[..., Any]:
        place = _place(self._function, self.label)
        if place is None:
            _announce("compiling kernels; they cannot be kept, no cache directory is writable "
                      "(NUMBA_CACHE_DIR names another)")  # fmt: skip
            return self._jit(cache=False)
        with _alone(place):
            known = any(place.rglob("*.nbc"))
            if not known:
                _announce(f"compiling kernels, once for this machine ({place.parent.parent})")
            try:
                return self._jit(cache=True, at=place)
            except Exception as error:
                if not known:
                    raise
                # What a full disk or an interrupted copy left can fail in any way.
                _log.warning("kernel %s in the cache is damaged (%s): compiled again",
                             self.label, type(error).__name__)  # fmt: skip
                shutil.rmtree(place, ignore_errors=True)
                return self._jit(cache=True, at=place)

    def _jit(self, *, cache: bool, at: Path | None = None) -> Callable[..., Any]:
        import numba

        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(at or before)
        try:
            # A fresh decoration: Numba reads the directory here.
            entry = numba.njit(self._signature, cache=cache, **self._options)(self._function)
        finally:
            numba.config.CACHE_DIR = before
        self.compilations += 0 if entry.stats.cache_hits else 1
        return entry  # type: ignore[no-any-return]


def compiled(
    signature: Any, label: str | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Compiled]:
    """Decorator that makes a function a `Compiled`, by default under its own name."""

    def decorate(function: Callable[..., Any]) -> Compiled:
        made = Compiled(function, signature, label or function.__qualname__, **options)
        update_wrapper(made, function)
        return made

    return decorate


def cache_directory() -> Path | None:
    """Return the directory that compiled kernels are kept in, or None if there is none."""
    import numba

    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if os.environ.get(variable):
            return Path(os.environ[variable]) / "adageo" / "kernels"
    try:
        return Path.home() / ".cache" / "adageo" / "kernels"
    except RuntimeError:
        return None


def _place(function: Callable[..., Any], label: str) -> Path | None:
    """The directory of one kernel, made, or None if it cannot be written to."""
    root = cache_directory()
    if root is None:
        return None
    place = root / _digest(Path(function.__code__.co_filename).parent) / label
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return place if os.access(place, os.W_OK) else None


@cache
def _digest(directory: Path) -> str:
    """Digest of all that decides on the machine code of the kernels in a directory."""
    import llvmlite.binding as llvm
    import numba

    found = hashlib.sha256()
    for part in (
        numba.__version__, llvm.llvm_version_info, sys.version, platform.machine(),
        llvm.get_host_cpu_name(), sorted(llvm.get_host_cpu_features().items()),
        numba.config.CPU_NAME, numba.config.CPU_FEATURES, numba.config.OPT,
    ):  # fmt: skip
        found.update(repr(part).encode())
    for path in [Path(__file__), *sorted(directory.glob("*.py"))]:
        content = path.read_bytes()
        found.update(f"{path.name} {len(content)} ".encode() + content)
    return found.hexdigest()[:32]


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process compile while the others wait, where the system has file locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (place / "lock").open("w") as file:
        # Without locks in the file system all compile, and write the same.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _announce(text: str) -> None:
    """Say it once; standard error shows it where logging is not set up."""
    if text not in _announced:
        _announced.add(text)
        _log.warning("%s", text)
