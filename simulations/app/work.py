"""Units of work of a run: what a worker does, and what it returns.

A task is small and picklable and names its claim, check and variant; the worker looks them up
in the registry that it discovered for itself, so that the same task gives the same result in
any process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from proofs_check.engine import run_proof, run_search
from simulations.engine.measurement import run_block
from theory.core import Check, Entry, Evidence, Registry, Statement, Verdict, discover

ROOMS = ("theory", "proofs_check", "simulations")
_NO_CLAIMS = ("simulations.app", "simulations.kernels", "simulations.__main__")
_registries: dict[tuple[str, ...], Registry] = {}


def registry(files: Sequence[str] = ()) -> Registry:
    """Return the claims of the suite, of the plugins and of `files`; discovered once a process."""
    key = tuple(files)
    if key not in _registries:
        _registries[key] = discover(ROOMS, files, skip=_NO_CLAIMS)
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


@dataclass(frozen=True)
class BlockTask:
    """One block of trials of a measurement at one grid point."""

    claim: str
    check: str
    point: dict[str, Any]
    index: int
    size: int
    seed: int
    backend: str
    files: tuple[str, ...] = ()

    def perform(self) -> dict[str, Any]:
        """Return the mergeable statistics of the block, and the processor seconds it took."""
        entry = registry(self.files)[self.claim]
        check = find_check(entry, self.check)
        start = time.process_time()
        statistics = run_block(
            check, self.point, self.index, self.size, seed=self.seed, backend=self.backend
        )
        arrays = {name: np.asarray(value) for name, value in statistics.items()}
        return {"arrays": arrays, "seconds": time.process_time() - start}


@dataclass(frozen=True)
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

    def perform(self) -> dict[str, Any]:
        """Return ``{"evidence": [Evidence as JSON, ...]}``."""
        entry = registry(self.files)[self.claim]
        statement = find_statement(entry, self.variant)
        pieces: list[dict[str, Any]] = []
        for name in self.checks:
            evidence = run_check(find_check(entry, name), statement, self.budget, self.seed)
            pieces.append(evidence.to_json())
            if statement.is_mutant and evidence.verdict is Verdict.REFUTED:
                break
        return {"evidence": pieces}


def run_check(check: Check, statement: Statement, budget: str, seed: int) -> Evidence:
    """Run one proof, certificate or search and record the processor seconds it took."""
    start = time.process_time()
    if check.kind == "search":
        evidence = run_search(check, statement, budget=budget, seed=seed)
    else:
        evidence = run_proof(check, statement)
    return replace(evidence, seconds=time.process_time() - start)


def initialise(files: tuple[str, ...]) -> None:
    """Prepare a worker: discover the claims once."""
    registry(files)


def perform(task: BlockTask | EvidenceTask) -> dict[str, Any]:
    """Perform a task; an exception becomes ``{"error": one line}`` so that the run goes on."""
    try:
        return task.perform()
    except (Exception, SystemExit) as error:  # a check that calls sys.exit ends no run
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
