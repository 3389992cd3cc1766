"""scikit-rmt, which needs NumPy 1.26: its environment is its own, and so is its process."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.contest import Entrant

VARIABLE = "ADAGEO_RMT_PYTHON"
_ROOT = Path(__file__).resolve().parents[2]
_DEFAULT = _ROOT / ".venv-rmt" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
_CHILD = Path(__file__).with_name("rmt_child.py")
_NAME = "scikit-rmt"
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Child:
    """The process that samples; it lives as long as this one.

    Raises
    ------
    OSError
        If the interpreter cannot be started, or does not have scikit-rmt.
    """

    def __init__(self, python: str | Path) -> None:
        self._process = subprocess.Popen(
            [str(python), str(_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=os.environ | dict.fromkeys(_ONE_THREAD, "1"),
        )  # fmt: skip
        atexit.register(self.close)
        self.versions: dict[str, str] = self._answer()

    def ask(self, d: int) -> list[float]:
        """The share of one matrix, and CPU seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{d}\n")
        self._process.stdin.flush()
        found: list[float] = self._answer()
        return found

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OSError("the process of scikit-rmt ended")
        return json.loads(line)


def wigner(d: int) -> list[Entrant | dict[str, str]]:
    """One GOE matrix by ``GaussianEnsemble``, or why it is not there."""
    python = Path(os.environ.get(VARIABLE) or _DEFAULT)
    if not python.exists():
        place = f"no {VARIABLE} and no .venv-rmt; `make bench-peers` makes it"
        return [{"name": _NAME, "reason": f"not installed: {place}"}]
    try:
        child = Child(python)
    except OSError as error:
        return [{"name": _NAME, "reason": f"not installed in its environment: {error}"}]
    versions = ", ".join(f"{name} {version}" for name, version in child.versions.items())
    note = f"process of its own: {versions}"
    return [Entrant(_NAME, lambda: child.ask(d)[0], note, lambda: child.ask(d)[1],
                    warm=lambda: child.ask(4))]  # fmt: skip
