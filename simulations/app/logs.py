"""The log of ``--log FILE``: what was asked, by which versions, and what every check did.

Lines are appended, with times in UTC. The results of a run do not depend on it.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, overload

from simulations.engine.versions import environment
from theory.core.errors import EnvironmentLacksError

if TYPE_CHECKING:
    from simulations.app.work import BlockTask, EvidenceTask

    Task = BlockTask | EvidenceTask

LOG = logging.getLogger("adageo.run")
# Without --log nothing is written anywhere, not even Python's last resort.
LOG.addHandler(logging.NullHandler())
# What the kernels tell as well: on standard error, whether there is a log or not.
_ALL, _KERNELS = logging.getLogger("adageo"), logging.getLogger("adageo.kernels")
_SHOWN = logging.lastResort or logging.NullHandler()
_FORM = "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%S"


def run_logged(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    """Run a command with its log; returns the exit status.

    Raises
    ------
    EnvironmentLacksError
        If the file cannot be written.
    """
    with _logging_to(arguments.log):
        LOG.info("command: %s", shlex.join(["adageo", *words]))
        found = environment()
        known = [f"{name} {version}" for name, version in found.items() if version]
        LOG.info("versions: %s", ", ".join(known))
        begin = time.perf_counter()
        try:
            status: int = arguments.run(arguments)
        except KeyboardInterrupt:
            LOG.warning("interrupted after %.3f s", time.perf_counter() - begin)
            raise
        except Exception as error:
            LOG.exception("failed: %s", " ".join(str(error).split()))
            raise
        LOG.info("exit status %d after %.3f s", status, time.perf_counter() - begin)
        return status


class CheckLog:
    """Tells when each check of a phase starts and ends.

    Parameters
    ----------
    label : str
        The name of the phase.
    tasks : sequence
        What is to be done; a check of a measurement has many tasks.
    stored : int
        How many more the store had already.
    """

    def __init__(self, label: str, tasks: Sequence[Task], stored: int) -> None:
        self.on = LOG.isEnabledFor(logging.INFO)
        self._left = Counter(map(_name, tasks)) if self.on else Counter()
        self._begun: dict[str, float] = {}
        self._cpu: Counter[str] = Counter()
        if self.on:
            LOG.info("%s: to do %d, in the store %d", label, len(tasks), stored)

    def drawn(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """The same tasks, telling of a check when its first one is taken out to be done."""
        return _Drawn(tasks, self._begin) if self.on else tasks

    def _begin(self, task: Task) -> None:
        if (name := _name(task)) not in self._begun:
            self._begun[name] = time.perf_counter()
            LOG.info("start %s", name)

    def end(self, task: Task, result: Mapping[str, Any]) -> None:
        """The task has this result."""
        if not self.on:
            return
        name = _name(task)
        if "error" in result:
            LOG.error("%s: %s\n%s", name, result["error"], result.get("trace", "").rstrip())
        pieces = result.get("evidence", [])
        self._cpu[name] += sum(p["seconds"] for p in pieces) + result.get("seconds", 0.0)
        self._left[name] -= 1
        if not self._left[name]:
            verdicts = "".join(f", {piece['verdict']}" for piece in pieces)
            took = time.perf_counter() - self._begun.get(name, time.perf_counter())
            LOG.info("end %s%s: %.3f s, %.3f s of processor time", name, verdicts, took,
                     self._cpu[name])  # fmt: skip


class _Drawn(Sequence[Any]):
    """A sequence that calls `begin` with everything that is taken out."""

    def __init__(self, tasks: Sequence[Task], begin: Callable[[Task], None]) -> None:
        self._tasks, self._begin = tasks, begin

    def __len__(self) -> int:
        return len(self._tasks)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        found = self._tasks[index]
        if isinstance(index, int):
            self._begin(self._tasks[index])
        return found


def log_claim(claim: Mapping[str, Any]) -> None:
    """Tell the verdict of a claim, of each of its checks, and of its mutants."""
    for piece in claim["evidence"]:
        LOG.info("verdict %s [%s] %s: %s (%.3f s)", claim["id"], piece["check"], piece["kind"],
                 piece["verdict"], piece["seconds"])  # fmt: skip
    for mutant in claim["mutants"]["list"]:
        LOG.info("mutant %s {%s}: %s (%.3f s)", claim["id"], mutant["name"],
                 f"refuted by {mutant['by']}" if mutant["refuted"] else "NOT REFUTED",
                 mutant["seconds"])  # fmt: skip
    level = logging.INFO if claim["as_expected"] else logging.WARNING
    LOG.log(level, "verdict %s: %s, expected: %s", claim["id"], claim["verdict"],
            claim["expected"])  # fmt: skip


class _File(logging.FileHandler):
    """Gives up with one line, rather than a traceback at every line, when the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        _ALL.removeHandler(self)
        # What waits to be written goes nowhere, rather than failing once more when it is closed.
        if self.stream is not None:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self.stream.fileno())
        error = sys.exc_info()[1]
        reason = getattr(error, "strerror", None) or error
        print(f"adageo: --log {self.baseFilename}: cannot write ({reason}); the rest is not logged",
              file=sys.stderr)  # fmt: skip


@contextmanager
def _logging_to(path: str) -> Iterator[None]:
    try:
        handler = _File(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise EnvironmentLacksError(f"--log {path}: cannot write ({error.strerror})") from error
    form = logging.Formatter(_FORM, _TIME)
    form.converter = time.gmtime
    handler.setFormatter(form)
    shown = warnings.showwarning

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        LOG.warning("%s:%d: %s: %s", filename, lineno, category.__name__, message)
        shown(message, category, filename, lineno, file, line)

    before = _ALL.level
    _ALL.addHandler(handler)
    _KERNELS.addHandler(_SHOWN)
    _ALL.setLevel(logging.INFO)
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown
        _ALL.setLevel(before)
        _KERNELS.removeHandler(_SHOWN)
        _ALL.removeHandler(handler)
        handler.close()


def _name(task: Task) -> str:
    """Claim and check, and the mutant if it is one: ``paper/claim [check] {mutant}``."""
    if hasattr(task, "check"):
        return f"{task.claim} [{task.check}]"
    mutant = f" {{{task.variant}}}" if task.variant is not None else ""
    return f"{task.claim} [{', '.join(task.checks)}]{mutant}"
