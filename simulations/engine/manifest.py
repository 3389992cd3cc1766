"""What a run was: seed, versions, hardware, times. No host name, user name or absolute path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from threadpoolctl import threadpool_info

from simulations.engine.backend import select_backend
from simulations.engine.execution import default_workers

_ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = (
    "numpy", "scipy", "sympy", "hypothesis", "matplotlib", "python-flint", "z3-solver",
    "array-api-compat", "array-api-extra", "array-api-strict", "threadpoolctl", "numba",
    "cupy", "cupy-cuda12x", "cupy-cuda13x", "torch", "dask", "distributed",
)  # fmt: skip
_GIT_SECONDS = 10.0


class Manifest:
    """The circumstances of a run, and the clock that measures it.

    Parameters
    ----------
    seed : int
    budget : str
    backend : str
        ``"numpy"``, ``"cupy"`` or ``"auto"``; the one in use is recorded with its device.
    workers : int
    argv : sequence of str
        The arguments of the command; of an absolute path at most the file name is recorded, and
        of an address only what comes before ``://``.
    device : str, optional
        The device where the work is done elsewhere; `backend` is then not looked for here.

    Attributes
    ----------
    row : dict
        JSON-ready facts known at the start; times are UTC in ISO 8601, memory is in bytes.

    Raises
    ------
    EnvironmentLacksError
        If the backend is not usable here.
    """

    def __init__(
        self,
        *,
        seed: int,
        budget: str,
        backend: str,
        workers: int,
        argv: Sequence[str],
        device: str | None = None,
    ) -> None:
        self._wall = time.perf_counter()
        self._cpu = _cpu_seconds()
        self.row = manifest(seed, budget, backend, workers, argv, device)

    def finished(self) -> dict[str, Any]:
        """Return `row` with the time of the end, and wall and CPU seconds since the start.

        CPU seconds are those of this process and of the workers that have ended.
        """
        return {
            **self.row,
            "finished": _now(),
            "wall_seconds": round(time.perf_counter() - self._wall, 3),
            "cpu_seconds": round(_cpu_seconds() - self._cpu, 3),
        }


def manifest(
    seed: int,
    budget: str,
    backend: str,
    workers: int,
    argv: Sequence[str],
    device: str | None = None,
) -> dict[str, Any]:
    """Return the facts that a Manifest starts from; see there."""
    used = select_backend("numpy" if device else backend)
    name, device = (backend, device) if device else (used.name, used.device)
    return {
        "adageo": _own_version(),
        "git": _git_state(_ROOT),
        "argv": [_without_place(argument) for argument in argv],
        "seed": seed,
        "budget": budget,
        "backend": name,
        "device": device,
        "workers": workers,
        "threads": _threads(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "hardware": _hardware(device if name.startswith("cupy") else None),
        "started": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _own_version() -> str:
    """The installed version; in a source tree that is not installed, the declared one."""
    installed = _version("adageo")
    declaration = _ROOT / "pyproject.toml"
    if installed is None and declaration.is_file():
        declared: str = tomllib.loads(declaration.read_text())["project"]["version"]
        return declared
    return installed or "unknown"


def _git_state(root: Path) -> dict[str, Any] | None:
    """Commit and whether the tree differs from it; None outside a checkout or without git."""
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain")
    if commit is None or changes is None:
        return None
    return {"commit": commit.strip(), "dirty": bool(changes.strip())}


def _git(root: Path, *arguments: str) -> str | None:
    # Variables such as GIT_DIR, set inside hooks, would point to another repository.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True, check=True, text=True, timeout=_GIT_SECONDS, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _threads() -> dict[str, Any]:
    """Threads of each BLAS and OpenMP library in this process; a task always uses one."""
    names = {"library": "internal_api", "version": "version", "threads": "num_threads"}
    libraries = [{name: found[key] for name, key in names.items()} for found in threadpool_info()]
    return {"per_task": 1, "libraries": libraries}


def _hardware(gpu: str | None) -> dict[str, Any]:
    return {
        "cpu": cpu_model(),
        "logical_cores": os.cpu_count(),
        "usable_cores": default_workers(),
        "memory_bytes": _memory_bytes(),
        "gpu": gpu,
    }


def cpu_model() -> str:
    """Return the name of the processor, as far as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _without_place(argument: str) -> str:
    """Hide the directories of an absolute path, also after ``--option=``; a file keeps its name.

    >>> [_without_place(a) for a in ("--claims=/home/me/claim.py", "/home/me", "out/x.csv")]
    ['--claims=.../claim.py', '...', 'out/x.csv']
    >>> _without_place("tcp://node7.cluster:8786")
    'tcp://...'
    """
    option, equals, value = ("", "", argument)
    if argument.startswith("-"):
        option, equals, value = argument.rpartition("=")
    scheme, address, _ = value.partition("://")
    if address:
        return f"{option}{equals}{scheme}://..."
    absolute = PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    if absolute or value.startswith("~"):
        last = PureWindowsPath(value)
        value = f".../{last.name}" if last.suffix else "..."
    return f"{option}{equals}{value}"
