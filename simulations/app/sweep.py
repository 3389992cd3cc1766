"""A sweep: tasks that the store lacks are done by an executor, and blocks merge point by point.

Nothing of a block stays in memory once it is stored. What is concluded is read back block by
block, in the order of the blocks, so that neither memory nor a single bit depends on who did
them, in which order, or in how many attempts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simulations.app.interrupts import require_no_interrupt
from simulations.app.logs import CheckLog
from simulations.app.work import (
    BlockTask,
    EvidenceTask,
    digest_of,
    initialise,
    initialise_elsewhere,
    perform,
    perform_elsewhere,
    source_of,
)
from simulations.engine.backend import HOST, backend_class
from simulations.engine.executors import Executor, LocalExecutor
from simulations.engine.folding import fold
from simulations.engine.measurement import blocks, common_numbers
from simulations.engine.moments import Statistics
from simulations.engine.sampling import backend_of
from simulations.engine.store import Store
from simulations.engine.streams import canonical_json
from simulations.engine.versions import gpu_versions
from theory.core import Check, Entry, Verdict

Task = BlockTask | EvidenceTask
# Merged statistics below this size are kept; larger ones are merged again when needed.
_KEPT_BYTES = 262_144


class Progress(Protocol):
    """What a run tells the reader while it works."""

    def begin(self, label: str, total: int) -> None:
        """Start a phase of `total` tasks."""

    def advance(self, label: str) -> None:
        """Count one finished task, of the claim called `label`."""

    def end(self) -> None:
        """Finish the phase."""


@dataclass(frozen=True)
class RunSettings:
    """What a run was asked for."""

    budget: str = "quick"
    seed: int = 0
    backend: str = "numpy"
    workers: int = 1
    fresh: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merged:
    """What all blocks of one grid point say together, or the error of one of them."""

    statistics: Statistics
    seconds: float = 0.0
    error: str | None = None
    device: str = HOST


class Sweep:
    """Blocks and checks of some claims, from the store or from an executor.

    Parameters
    ----------
    entries : sequence of Entry
    settings : RunSettings
    store : Store
        Finished work is read from it and written to it, so that a killed sweep continues.
    progress : Progress
    executor : Executor, optional
        ``settings.workers`` processes on this machine unless told otherwise.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        settings: RunSettings,
        store: Store,
        progress: Progress,
        executor: Executor | None = None,
    ) -> None:
        self.entries = list(entries)
        self.settings = settings
        self.store = store
        self.progress = progress
        self.executor = executor or LocalExecutor(settings.workers)
        self.sources = {entry.claim.id: source_of(entry) for entry in self.entries}
        self.digests = {claim: digest_of(source) for claim, source in self.sources.items()}
        # Evidence by key, and the errors of blocks; the blocks themselves are in the store.
        self.results: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, Merged] = {}

    def do(self, label: str, tasks: Iterable[Task]) -> None:
        """Do the tasks that the store lacks; evidence and errors go to `results`.

        Raises
        ------
        StoreError, TaskError, EnvironmentLacksError
            What was finished before is in the store.
        """
        missing: list[Task] = []
        stored = 0
        for task in tasks:
            if not self.settings.fresh and self._is_stored(task):
                stored += 1
            else:
                missing.append(task)
        # Those that share random numbers side by side, and first: they are the longest pieces.
        missing.sort(key=lambda task: (not task.group, task.group))
        told = CheckLog(label, missing, stored)
        remote = self.executor.remote
        finished = self.executor.run(
            perform_elsewhere if remote else perform, told.drawn(missing),
            initializer=initialise_elsewhere if remote else initialise,
            initargs=(self.settings.files,), together=lambda task: task.group,
        )  # fmt: skip
        try:
            self.progress.begin(label, len(missing))
            for index, result in finished:
                require_no_interrupt()
                self._keep(missing[index], result)
                told.end(missing[index], result)
                self.progress.advance(missing[index].claim)
        finally:  # a bar that is left on the terminal hides the cursor
            self.progress.end()

    def blocks(self, check: Check, point: dict[str, Any]) -> list[BlockTask]:
        """The blocks of one grid point, in order."""
        s, claim = self.settings, check.claim.id
        backend, source = backend_of(check, s.backend), self.digests[claim]
        common = common_numbers(check, point)
        group = "" if common is None else canonical_json(common)
        return [
            BlockTask(claim, check.name, point, i, size, s.seed, backend, s.files, source,
                      f"{group}, block {i}" if group else "")
            for i, size in enumerate(blocks(check, point, s.budget))
        ]  # fmt: skip

    def merged(self, check: Check, point: dict[str, Any]) -> Merged:
        """Merge the blocks of a grid point that `do` has done."""
        name = self.store.content_key(claim=check.claim.id, check=check.name, at=point)
        if name not in self._kept:
            found = self._merge(check, point)
            if sum(array.nbytes for array in found.statistics.values()) > _KEPT_BYTES:
                return found
            self._kept[name] = found
        return self._kept[name]

    def key(self, task: Task) -> str:
        """The content address of the task's result."""
        source = self.sources[task.claim]
        if isinstance(task, BlockTask):
            backend = backend_class(task.backend)
            libraries = {"libraries": gpu_versions()} if backend == "cupy" else {}
            return self.store.content_key(
                kind="block", source=source, claim=task.claim, check=task.check,
                point=dict(task.point), index=task.index, size=task.size, seed=task.seed,
                backend=backend, **libraries,
            )  # fmt: skip
        return self.store.content_key(
            kind="evidence", source=source, claim=task.claim, checks=list(task.checks),
            variant=task.variant, budget=task.budget, seed=task.seed,
        )  # fmt: skip

    def _merge(self, check: Check, point: dict[str, Any]) -> Merged:
        seconds: list[float] = []
        devices: dict[str, None] = {}

        def parts() -> Iterator[Statistics]:
            for task in self.blocks(check, point):
                arrays = self._arrays(task)
                seconds.append(float(arrays.pop("seconds")))
                devices[str(arrays.pop("device", HOST))] = None
                yield arrays

        try:
            statistics = fold(check, parts())
        except _BlockError as error:
            return Merged({}, sum(seconds), str(error))
        return Merged(statistics, sum(seconds), device=", ".join(devices))

    def _arrays(self, task: BlockTask) -> Statistics:
        key = self.key(task)
        while True:
            if key in self.results:
                raise _BlockError(self.results[key]["error"])
            arrays = self.store.get_arrays(key)
            if arrays is not None:
                return arrays
            # It was damaged or removed since `do` has seen it.
            self.do("repair", [task])

    def _is_stored(self, task: Task) -> bool:
        key = self.key(task)
        if isinstance(task, BlockTask):
            return self.store.has(key)
        stored = self.store.get(key)
        if stored is None or _has_error(stored):
            return False
        self.results[key] = stored
        return True

    def _keep(self, task: Task, result: dict[str, Any]) -> None:
        key = self.key(task)
        if "error" in result:
            self.results[key] = result
            return
        origin = (task.claim, self.digests[task.claim])
        try:
            if isinstance(task, EvidenceTask):
                self.results[key] = result
                # What failed may have lacked memory, or time: it is tried again next time.
                if not _has_error(result):
                    self.store.put(key, result, origin=origin)
            else:
                arrays = {**result["arrays"], "seconds": result["seconds"]}
                if result["device"] != HOST:
                    arrays["device"] = np.asarray(result["device"])
                self.store.put_arrays(key, arrays, origin=origin)
        except ValueError as error:  # one check's data that is no JSON is that check's error
            self.results[key] = {"error": f"the result cannot be stored: {error}"}


def _has_error(result: dict[str, Any]) -> bool:
    return any(piece["verdict"] == Verdict.ERROR for piece in result["evidence"])


class _BlockError(Exception):
    """A block of the grid point failed; the text says how."""
