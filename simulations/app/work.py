"""Units of work of a run: what a worker does, and what it returns.

A task is small and picklable and names its claim, check and variant; the worker looks them up
in the registry that it discovered for itself, so that the same task gives the same result in
any process.
"""

from __future__ import annotations

import math
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from proofs_check.engine import run_proof, run_search
from simulations.app.rooms import NO_CLAIMS, ROOMS
from simulations.engine.fingerprint import PACKAGES, fingerprint
from simulations.engine.measurement import run_block
from simulations.engine.memory import keep_freed_memory
from simulations.engine.sampling import device_of
from simulations.engine.store import Store
from simulations.engine.versions import library_versions
from theory.core import (
    Check,
    Entry,
    EnvironmentLacksError,
    Evidence,
    Registry,
    Statement,
    Verdict,
    discover,
)

Source = dict[str, Any]

_registries: dict[tuple[str, ...], Registry] = {}
# The code of each claim; only workers on other machines ask. Its files are read after their import,
# and `_since` says since when this process may have had each module: none may have changed later.
_imported: dict[tuple[str, ...], dict[str, str]] = {}
_since: dict[str, float] = {}


def registry(files: Sequence[str] = ()) -> Registry:
    """Return the claims of the suite, of the plugins and of `files`; discovered once a process."""
    key = tuple(files)
    if key not in _registries:
        _registries[key] = discover(ROOMS, files, skip=NO_CLAIMS)
    return _registries[key]


def find_check(entry: Entry, name: str) -> Check:
    """Return the check of that name; raises KeyError if the claim has none."""
    for check in entry.checks:
        if check.name == name:
            return check
    raise KeyError(f"{entry.claim.id} has no check called {name!r}")


def find_statement(entry: Entry, variant: str | None) -> Statement:
    """Return the claim's own statement, or one of its mutants by name."""
    return entry.claim.itself() if variant is None else entry.claim.variant(variant)


def source_of(entry: Entry) -> Source:
    """Return the checksum of the claim's code, and the versions of the libraries under it."""
    files = fingerprint([entry.file, *(check.file for check in entry.checks)])
    return {"files": files, "libraries": library_versions(entry.claim.extra)}


def digest_of(source: Source) -> str:
    """Return a checksum of a claim's source."""
    return Store.content_key(source=source)


@dataclass(frozen=True, slots=True)
class BlockTask:
    """One block of trials of a measurement at one grid point.

    `source` is that of the claim, `group` the text of the common random numbers, if there are any.
    """

    claim: str
    check: str
    point: dict[str, Any]
    index: int
    size: int
    seed: int
    backend: str
    files: tuple[str, ...] = ()
    source: str = field(default="", repr=False)
    group: str = field(default="", repr=False)

    def perform(self) -> dict[str, Any]:
        """Return the mergeable statistics of the block, its processor seconds and its device."""
        entry = registry(self.files)[self.claim]
        check = find_check(entry, self.check)
        start = time.process_time()
        statistics = run_block(
            check, self.point, self.index, self.size, seed=self.seed, backend=self.backend
        )
        arrays = {name: np.asarray(value) for name, value in statistics.items()}
        seconds = time.process_time() - start
        return {"arrays": arrays, "seconds": seconds, "device": device_of(check, self.backend)}


@dataclass(frozen=True, slots=True)
class EvidenceTask:
    """Checks without a grid (proof, certificate, search), tried in order until one refutes.

    For a claim itself there is one check and its evidence is the result. For a mutant the
    checks after the first refutation are not run.
    """

    claim: str
    checks: tuple[str, ...]
    variant: str | None
    budget: str
    seed: int
    files: tuple[str, ...] = ()
    source: str = field(default="", repr=False)
    group: ClassVar[str] = ""

    def perform(self) -> dict[str, Any]:
        """Return ``{"evidence": [Evidence as JSON, ...]}``."""
        entry = registry(self.files)[self.claim]
        statement = find_statement(entry, self.variant)
        pieces: list[dict[str, Any]] = []
        for name in self.checks:
            # Whether a mutant falls is asked for, not its simplest counterexample.
            evidence = run_check(find_check(entry, name), statement, self.budget, self.seed,
                                 shrink=not statement.is_mutant)  # fmt: skip
            pieces.append(evidence.to_json())
            if statement.is_mutant and evidence.verdict is Verdict.REFUTED:
                break
        return {"evidence": pieces}


def run_check(
    check: Check, statement: Statement, budget: str, seed: int, *, shrink: bool = True
) -> Evidence:
    """Run one proof, certificate or search and record the processor seconds it took."""
    start = time.process_time()
    if check.kind == "search":
        evidence = run_search(check, statement, budget=budget, seed=seed, shrink=shrink)
    else:
        evidence = run_proof(check, statement)
    return replace(evidence, seconds=time.process_time() - start)


def initialise(files: tuple[str, ...]) -> None:
    """Prepare a worker: discover the claims once, and keep the memory of freed arrays."""
    keep_freed_memory()
    registry(files)


def initialise_elsewhere(files: tuple[str, ...]) -> None:
    """Prepare a worker on another machine, which also notes the code that it has.

    Raises
    ------
    EnvironmentLacksError
        If a first-party file has changed since this process imported it.
    """
    if files not in _imported:
        # What is there by now came after the last look, or after the start of the process.
        _note_modules(max(_since.values(), default=_process_start()))
        now = time.time()
        entries = registry(files).select([])
        digests = {entry.claim.id: digest_of(source_of(entry)) for entry in entries}
        _note_modules(now)
        _require_unchanged(files, entries)
        _imported[files] = digests


def _process_start() -> float:
    # Dask brings it, and only Dask's workers come here.
    return float(import_module("psutil").Process().create_time())


def _note_modules(since: float) -> None:
    for name in list(sys.modules):
        _since.setdefault(name, since)


def _require_unchanged(files: tuple[str, ...], entries: Sequence[Entry]) -> None:
    for name, source in _first_party(files, entries):
        for path in (source, *source.parent.glob("*.cu*")):
            if _changed_at(path) > _since[name]:
                raise EnvironmentLacksError(f"{path} has changed since this worker started; "
                                            "restart the workers")  # fmt: skip


def _changed_at(path: Path) -> float:
    """When a file last changed; never mind how if it is gone."""
    try:
        status = path.stat()
    except OSError:
        return math.inf
    # A copy may keep the time of its original; that of the inode is its own.
    return max(status.st_mtime, status.st_ctime)


def _first_party(files: tuple[str, ...], entries: Sequence[Entry]) -> Iterator[tuple[str, Path]]:
    """Imported modules that may be code of a claim, with their source files."""
    packages = {*PACKAGES, *(entry.module.partition(".")[0] for entry in entries)}
    beside = {Path(file).resolve().parent for file in files}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or f"{name}.".startswith("simulations.app."):
            continue
        path = Path(file).resolve()
        # Claims of other commands may lie beside these, which do not import them.
        near = not name.startswith("adageo_claims_") and "site-packages" not in path.parts
        if name.partition(".")[0] in packages or (near and not beside.isdisjoint(path.parents)):
            yield name, path


def perform_elsewhere(task: BlockTask | EvidenceTask) -> dict[str, Any]:
    """Perform a task on another machine.

    Raises
    ------
    EnvironmentLacksError
        If this process has other code for the claim than the command that gave the task.
    """
    if _imported[task.files].get(task.claim) != task.source:
        raise EnvironmentLacksError(f"a worker has other code for {task.claim} than this command; "
                                    "install the same there and restart the workers")  # fmt: skip
    return perform(task)


def perform(task: BlockTask | EvidenceTask) -> dict[str, Any]:
    """Perform a task; an exception becomes ``{"error", "trace"}``, and the run goes on."""
    try:
        return task.perform()
    except (Exception, SystemExit) as error:  # a check that calls sys.exit ends no run
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"error": line, "trace": "".join(traceback.format_exception(error))}
