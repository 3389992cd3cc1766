"""Do many tasks, in this process or in several, with the same results either way.

Workers are started by *spawn*: a fork of a process that has threads can deadlock. Every task runs
with one BLAS/OpenMP thread, in the serial case too, so that the order of a threaded reduction
never changes a bit. A worker that dies is replaced and its task done again: tasks are idempotent.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from simulations.engine.interrupts import interrupts_held
from theory.core import AdageoError

Task = TypeVar("Task")
Result = TypeVar("Result")

LOG = logging.getLogger("adageo.run")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip
_READY = -1
_GRACE_SECONDS = 2.0
_LONGEST_DESCRIPTION = 200
# A task at which this many workers died, one after the other, is given up.
_MOST_DEATHS = 3


class TaskError(AdageoError):
    """A task, or the worker that did it, failed; the text names the task and the reason."""


class _DeadWorkerError(TaskError):
    """The process ended without an answer; its task may be done by another one."""


def default_workers() -> int:
    """Return the number of CPUs that this process may use (at least 1)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    together: Callable[[Task], str] | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield ``(index, function(task))`` for every task, as they finish.

    Parameters
    ----------
    function : callable
        For ``workers > 1`` it, the tasks and the results travel between processes by pickle.
    tasks : iterable
        Drawn as workers become free, one at a time or all that belong together, so that a
        generator of any length will do.
    workers : int
        1: in this process, in order. More: that many processes, in the order of completion.
    initializer, initargs : callable, tuple
        Called once in every process before its first task (in this one when serial).
    together : callable, optional
        Consecutive tasks for which it returns the same text, other than "", are done by one
        process, one after the other.

    Raises
    ------
    TaskError
        If a task raises, cannot be pickled, or its worker dies three times over; the remaining
        work is abandoned.
    ValueError
        If `workers` is not a positive integer.

    Notes
    -----
    Leaving the loop early, an exception and Ctrl-C all stop the workers at once. Workers ignore
    Ctrl-C themselves, so that the only trace of it is the KeyboardInterrupt in this process.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers is {workers!r}; it must be an integer >= 1")
    if workers == 1:
        return _serial(function, tasks, initializer, initargs)
    return _parallel(function, _grouped(tasks, together), workers, initializer, initargs)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS and OpenMP to one thread: libraries loaded by now, and those loaded inside."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serial(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
) -> Iterator[tuple[int, Result]]:
    with one_thread():
        _initialise((initializer, initargs))
        for index, task in enumerate(tasks):
            try:
                result = function(task)
            except (Exception, SystemExit) as error:
                raise TaskError(f"{_describe(index, task)}: {_one_line(error)}") from error
            yield index, result


# -- several processes -------------------------------------------------------------------


def _grouped(
    tasks: Iterable[Task], together: Callable[[Task], str] | None
) -> Iterator[deque[tuple[int, Task]]]:
    """Numbered tasks, one by one but for those that belong together."""
    waiting, name = deque[tuple[int, Task]](), ""
    for item in enumerate(tasks):
        own = together(item[1]) if together is not None else ""
        if waiting and own != name:
            yield waiting
            waiting = deque()
        name = own
        if own:
            waiting.append(item)
        else:
            yield deque([item])
    if waiting:
        yield waiting


def _parallel(
    function: Callable[[Task], Result],
    groups: Iterator[deque[tuple[int, Task]]],
    workers: int,
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
) -> Iterator[tuple[int, Result]]:
    first = list(itertools.islice(groups, workers))
    queue = itertools.chain(first, groups)
    pool = _Pool(function, initializer, initargs)
    try:
        for _ in first:
            pool.start_one()
        while pool.busy:
            for worker, index, result in pool.arrivals():
                item = worker.take(queue)
                if item is None:
                    pool.busy.remove(worker)
                else:
                    pool.assign(worker, item)
                if index != _READY:
                    yield index, result
    finally:
        pool.stop()


@dataclass(eq=False)
class _Worker:
    """A process, the parent's end of its pipe, and the task that it is doing.

    `own` are the tasks that wait for this process because they belong together; `waiting` is the
    task of a worker that died, for its successor; `deaths` counts the workers that this task has
    cost.
    """

    process: SpawnProcess
    channel: Connection
    doing: str = ""
    item: tuple[int, Any] | None = None
    waiting: tuple[int, Any] | None = None
    deaths: int = 0
    own: deque[tuple[int, Any]] = field(default_factory=deque)

    def take(self, groups: Iterator[deque[tuple[int, Any]]]) -> tuple[int, Any] | None:
        """The next task for this process, of `groups` if it has none of its own."""
        if self.waiting is not None:
            return self.waiting
        if not self.own:
            self.own = next(groups, self.own)
        return self.own.popleft() if self.own else None

    def assign(self, item: tuple[int, Any]) -> None:
        """Send a task; raises TaskError if it cannot be pickled or the process is dead."""
        if item is not self.waiting:
            self.deaths = 0
        self.item, self.waiting = item, None
        self.doing = _describe(*item)
        try:
            self.channel.send(item)
        except OSError:
            raise self._death() from None
        except Exception as error:
            reason = f"cannot be sent to a worker: {_one_line(error)}"
            raise TaskError(f"{self.doing}: {reason}") from error

    def receive(self) -> tuple[int, Any]:
        """Return ``(index, result)``; raises TaskError for a failed task or a dead process."""
        try:
            if not self.channel.poll():
                raise self._death()
            index, result, failure = self.channel.recv()
        except (EOFError, OSError):
            raise self._death() from None
        except Exception as error:
            if isinstance(error, TaskError):
                raise
            raise TaskError(f"{self.doing}: unreadable result: {_one_line(error)}") from error
        if failure is None:
            return index, result
        reason, trace = failure
        failed = TaskError(f"{self.doing or 'initializer of a worker'}: {reason}")
        failed.add_note(trace)
        raise failed

    def _death(self) -> _DeadWorkerError:
        self.process.join(_GRACE_SECONDS)
        code = self.process.exitcode
        how = "closed its pipe" if code is None else f"ended with exit status {code}"
        if code is not None and code < 0:
            memory = " (out of memory?)" if -code == signal.Signals.SIGKILL else ""
            how = f"was killed by {signal.Signals(-code).name}{memory}"
        return _DeadWorkerError(
            f"{self.doing or 'before its first task'}: the worker process {how}"
        )


class _Pool:
    """Worker processes, each with at most one task; `busy` are those that owe an answer."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
    ) -> None:
        self._call = (function, initializer, initargs)
        self.workers: list[_Worker] = []
        self.busy: list[_Worker] = []

    def start_one(self, dead: _Worker | None = None) -> None:
        """Start a process, the heir of a dead one, which first answers that it is ready.

        Raises TaskError if it cannot be started.
        """
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, *self._call), daemon=True)
        if sys.platform != "win32":
            # Its start unblocks SIGINT in this thread: not while the next process is started.
            resource_tracker.ensure_running()
        # The child inherits the blocked SIGINT, and so stays silent on Ctrl-C from its start.
        with theirs, interrupts_held():
            try:
                process.start()
            except Exception as error:
                ours.close()
                raise TaskError(f"cannot start a worker process: {_one_line(error)}") from error
            worker = _Worker(process, ours)
            if dead is not None:
                worker.waiting, worker.deaths = dead.item or dead.waiting, dead.deaths + 1
                worker.own = dead.own
            self.workers.append(worker)
            self.busy.append(worker)

    def arrivals(self) -> Iterator[tuple[_Worker, int, Any]]:
        """Wait until a worker has something to say, or is dead; yield each with what it sent."""
        handles: dict[object, _Worker] = {worker.channel: worker for worker in self.busy}
        handles |= {worker.process.sentinel: worker for worker in self.busy}
        ready = wait([*(w.channel for w in self.busy), *(w.process.sentinel for w in self.busy)])
        for worker in dict.fromkeys(handles[handle] for handle in ready):
            try:
                index, result = worker.receive()
            except _DeadWorkerError as death:
                self._replace(worker, death)
            else:
                yield worker, index, result

    def assign(self, worker: _Worker, item: tuple[int, Any]) -> None:
        """Send a task to a worker, or to its successor if it has died since its last answer."""
        try:
            worker.assign(item)
        except _DeadWorkerError as death:
            self._replace(worker, death)

    def _replace(self, worker: _Worker, death: _DeadWorkerError) -> None:
        """Start another process for the task of a dead one; raises `death` if it is the last."""
        if worker.deaths + 1 >= _MOST_DEATHS:
            raise death
        LOG.warning("%s; its work is done again", death)
        self.busy.remove(worker)
        self.start_one(worker)

    def stop(self) -> None:
        """End every process: a busy one at once, an idle one by its own return."""
        with interrupts_held():
            for worker in self.workers:
                worker.channel.close()
                if worker in self.busy:
                    worker.process.terminate()
            for worker in self.workers:
                worker.process.join(_GRACE_SECONDS)
                worker.process.kill()
                worker.process.join()
                worker.process.close()
            self.workers.clear()
            self.busy.clear()


def _work(
    channel: Connection,
    function: Callable[[Any], Any],
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
) -> None:
    """What a worker process does: say that it is ready, then answer one task after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with one_thread():
        alive = _answer(channel, _attempt(_READY, _initialise, (initializer, initargs)))
        while alive:
            try:
                index, task = channel.recv()
            except (EOFError, OSError):
                return  # the parent has closed the pipe, or is gone
            except Exception as error:
                alive = _answer(channel, (_READY, None, _failure(error)))
            else:
                alive = _answer(channel, _attempt(index, function, task))


def _initialise(call: tuple[Callable[..., object] | None, tuple[Any, ...]]) -> None:
    initializer, initargs = call
    if initializer is not None:
        initializer(*initargs)


def _attempt(index: int, function: Callable[[Any], Any], task: object) -> tuple[int, Any, Any]:
    try:
        return index, function(task), None
    except (Exception, SystemExit) as error:
        return index, None, _failure(error)


def _answer(channel: Connection, answer: tuple[int, Any, Any]) -> bool:
    """Send an answer, or why it cannot be sent; False if nobody listens any more."""
    try:
        channel.send(answer)
    except OSError:
        return False
    except Exception as error:
        return _answer(channel, (answer[0], None, _failure(error)))
    return True


def _failure(error: BaseException) -> tuple[str, str]:
    return _one_line(error), "".join(traceback.format_exception(error))


def _one_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _describe(index: int, task: object) -> str:
    words = " ".join(repr(task).split())
    if len(words) > _LONGEST_DESCRIPTION:
        words = words[: _LONGEST_DESCRIPTION - 3] + "..."
    return f"task {index} ({words})"
