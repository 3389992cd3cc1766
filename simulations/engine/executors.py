"""Who does the tasks of a sweep: this process, processes on this machine, or a cluster.

An executor may do a task more than once (its worker died, the network failed) and in any order.
Tasks are therefore *idempotent*: what a task returns depends on nothing but the task, and nobody
but the caller of `Executor.run` writes results anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from simulations.engine.execution import execute

Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor(Protocol):
    """Does tasks somewhere.

    Attributes
    ----------
    workers : int
        How many tasks are done at the same time, as far as it is known at the start.
    remote : bool
        Whether the workers may have other code than this process.
    """

    @property
    def workers(self) -> int:
        """Tasks at the same time."""

    @property
    def remote(self) -> bool:
        """Whether the workers may have other code than this process."""

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        together: Callable[[Task], str] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, function(task))`` as they finish; see `execution.execute`.

        Raises
        ------
        TaskError
            If a task fails, or the workers that try it keep dying.
        EnvironmentLacksError
            If the machines that should do it are out of reach.
        """


@dataclass(frozen=True)
class LocalExecutor:
    """One worker: in this process; more: as many processes on this machine."""

    workers: int = 1
    remote: bool = False

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        together: Callable[[Task], str] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, function(task))``; no more processes are started than there are tasks."""
        workers = min(self.workers, max(1, len(tasks)))
        return execute(
            function, tasks, workers=workers, initializer=initializer, initargs=initargs,
            together=together,
        )  # fmt: skip
