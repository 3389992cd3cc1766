"""A Dask cluster as executor: the same tasks, done by whoever has joined the scheduler.

Dask does a task again when its worker is lost, and moves tasks to workers that join late. What
comes back is the result of the task alone: every worker must have the versions of the command,
limits itself to one BLAS thread, and does one task at a time, because ball arithmetic keeps its
precision in the process.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import platform
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from simulations.engine.backend import NoGpuError, select_backend
from simulations.engine.execution import TaskError, one_thread
from simulations.engine.manifest import cpu_model
from simulations.engine.versions import differences, environment
from theory.core import AdageoError, EnvironmentLacksError, require_extra

if TYPE_CHECKING:
    from distributed import Client, Future, Security

Task = TypeVar("Task")
Result = TypeVar("Result")

CONNECT_SECONDS = 10.0
# How long a sweep waits for a worker when the last one has gone.
WITHOUT_WORKERS_SECONDS = 60.0
_LOOK_SECONDS = 2.0
_CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)
# Tasks on their way for each worker: the next one is there when the last one ends.
_AHEAD = 2


@dataclass(frozen=True)
class ClusterAddress:
    """Where a Dask scheduler listens, and the certificates that it asks for.

    Parameters
    ----------
    address : str
        ``tcp://host:port``, or ``tls://host:port`` with the three files.
    tls_ca, tls_cert, tls_key : str, optional
        PEM files: the authority, and certificate and key of this client.

    Raises
    ------
    ValueError
        If the address is malformed, or the files do not belong to it; one line says why.
    """

    address: str
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    def __post_init__(self) -> None:
        scheme, separator, place = self.address.partition("://")
        host, colon, port = place.rpartition(":")
        if not (separator and scheme in ("tcp", "tls") and host and colon and port.isdecimal()
                and 0 < int(port) < 65536):  # fmt: skip
            raise ValueError(
                f"--dask {self.address}: it must be tcp://HOST:PORT or tls://HOST:PORT"
            )
        files = (self.tls_ca, self.tls_cert, self.tls_key)
        if scheme == "tls" and None in files:
            raise ValueError(f"--dask {self.address}: it needs --tls-ca, --tls-cert and --tls-key")
        if scheme == "tcp" and any(files):
            raise ValueError(f"--dask {self.address}: certificates need an address tls://HOST:PORT")

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.partition("://")[2].rpartition(":")
        return host.strip("[]"), int(port)

    def security(self) -> Security | None:
        """What Dask needs to speak TLS; None for ``tcp://``.

        Raises
        ------
        EnvironmentLacksError
            If a file cannot be read.
        """
        from distributed import Security

        if self.tls_ca is None:
            return None
        for option, path in (("ca", self.tls_ca), ("cert", self.tls_cert), ("key", self.tls_key)):
            try:
                with open(str(path), "rb"):
                    pass
            except OSError as error:
                raise EnvironmentLacksError(f"--tls-{option} {path}: {error.strerror}") from error
        return Security(
            tls_ca_file=self.tls_ca, tls_client_cert=self.tls_cert, tls_client_key=self.tls_key,
            require_encryption=True,
        )  # fmt: skip


@dataclass(frozen=True)
class WorkerFacts:
    """One worker of a cluster, as ``adageo cluster-check`` shows it."""

    address: str
    host: str
    cpu: str
    threads: int
    memory_bytes: int
    gpu: str | None
    environment: Mapping[str, str | None]

    def differences(self) -> list[str]:
        """Versions that differ from those of this process, in words."""
        return differences(environment(), self.environment)


class DaskExecutor:
    """The workers of a Dask scheduler.

    Parameters
    ----------
    where : ClusterAddress
    strict : bool
        Whether workers of other versions are an error; they cannot do any task.

    Raises
    ------
    EnvironmentLacksError
        If Dask is not installed here, the scheduler cannot be reached within CONNECT_SECONDS, it
        has no workers, or a worker lacks adageo or has other versions; the text says which.
    """

    remote = True

    def __init__(self, where: ClusterAddress, *, strict: bool = True) -> None:
        self.where = where
        self._client = _connect(where)
        try:
            self.facts = self._gather_facts()
            if strict:
                _require_same_versions(self.facts)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def workers(self) -> int:
        """How many workers there were at the start; later ones take part as well."""
        return len(self.facts)

    def close(self) -> None:
        """Leave the cluster; it forgets what this client had asked for."""
        with suppress(Exception):
            self._client.close(timeout=_LOOK_SECONDS)

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        together: Callable[[Task], str] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, function(task))`` as they finish; see `executors.Executor`.

        A few tasks for each worker are on their way at a time, so that neither the scheduler's
        memory nor the client's grows with their number. Tasks are not kept `together`: that would
        save work, and the results are the same.
        """
        client = self._client
        call = _Call(function, initializer, initargs, environment())
        pending: dict[Future, int] = {}
        waiting = iter(range(len(tasks)))
        crowd = _Crowd(self)
        try:
            while True:
                for _ in range(_AHEAD * crowd.size() - len(pending)):
                    index = next(waiting, None)
                    if index is None:
                        break
                    future = client.submit(_perform, call, tasks[index], pure=False)
                    pending[future] = index
                if not pending:
                    return
                for future in self._finished(list(pending)):
                    index = pending.pop(future)
                    yield index, self._result(future, index, tasks[index])
        finally:
            with suppress(Exception):
                client.cancel(list(pending))

    def _finished(self, futures: list[Future]) -> list[Future]:
        """The futures that are done, after a short wait; none is possible."""
        from distributed import wait

        with self._losses_named(), self._client.as_current(), suppress(TimeoutError):
            wait(futures, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED")
        if any(future.status in ("cancelled", "lost") for future in futures):
            raise self._gone()
        return [future for future in futures if future.done()]

    def _result(self, future: Future, index: int, task: object) -> Any:
        from distributed.scheduler import KilledWorker

        with self._losses_named():
            error = future.exception() if future.status == "error" else None
            if error is None:
                return future.result()
        where = f"task {index} ({task!r:.200})"
        if isinstance(error, AdageoError):
            raise error
        if isinstance(error, KilledWorker):
            last = error.last_worker.address
            raise TaskError(f"{where}: every worker that did it was lost (out of memory?); "
                            f"the last one was {last}")  # fmt: skip
        raise TaskError(f"{where}: {_one_line(error)}") from error

    def count(self) -> int:
        """How many workers there are now."""
        with self._losses_named():
            return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def require_gpus(self) -> str:
        """Return the names of the workers' GPUs; raises EnvironmentLacksError if one has none."""
        for worker in self.facts:
            if worker.gpu is None:
                raise EnvironmentLacksError(
                    f"--backend cupy: the worker {worker.address} has no usable GPU"
                )
        return ", ".join(sorted({str(worker.gpu) for worker in self.facts}))

    def _gather_facts(self) -> list[WorkerFacts]:
        with self._losses_named():
            known = self._client.scheduler_info(n_workers=-1)["workers"]
            told = self._client.run(_facts, on_error="return")
        if not told:
            raise EnvironmentLacksError(f"the Dask scheduler at {self.where.address} has no "
                                        "workers; start some (docs/clusters.md)")  # fmt: skip
        found = []
        for address, facts in sorted(told.items()):
            if isinstance(facts, AdageoError):
                raise EnvironmentLacksError(f"the Dask worker {address}: {facts}") from facts
            if isinstance(facts, BaseException):
                raise EnvironmentLacksError(
                    f"the Dask worker {address} cannot run adageo ({_one_line(facts)}); "
                    "install the same version there"
                )
            about = known.get(address, {})
            found.append(WorkerFacts(
                address=address, threads=int(about.get("nthreads", 1)),
                memory_bytes=int(about.get("memory_limit", 0)), **facts,
            ))  # fmt: skip
        return found

    @contextmanager
    def _losses_named(self) -> Iterator[None]:
        """Turn what Dask raises when its scheduler is lost into one error."""
        try:
            yield
        except (AdageoError, TimeoutError):
            raise
        except (*_CANCELLED, OSError, RuntimeError) as error:
            raise self._gone() from error

    def _gone(self) -> EnvironmentLacksError:
        return EnvironmentLacksError(
            f"the Dask scheduler at {self.where.address} went away; finished work is kept in the "
            "store, and the same command continues it"
        )


class _Crowd:
    """How many workers there are; looked up every few seconds."""

    def __init__(self, executor: DaskExecutor) -> None:
        self._executor = executor
        self._size = executor.workers
        self._looked = self._seen = time.monotonic()

    def size(self) -> int:
        """At least 1; raises EnvironmentLacksError if there is none for too long."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked, self._size = now, self._executor.count()
            if self._size:
                self._seen = now
            elif now - self._seen > WITHOUT_WORKERS_SECONDS:
                raise EnvironmentLacksError(
                    f"the Dask scheduler at {self._executor.where.address} has had no workers for "
                    f"{WITHOUT_WORKERS_SECONDS:.0f} s; finished work is kept in the store"
                )
        return max(1, self._size)


def _connect(where: ClusterAddress) -> Client:
    require_extra("cluster", f"--dask {where.address}")
    from distributed import Client

    _silence()
    security = where.security()
    try:
        # Dask would try a closed port again and again until its time is up.
        socket.create_connection(where.place, timeout=CONNECT_SECONDS).close()
        return Client(
            where.address, security=security, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise EnvironmentLacksError(
            f"the Dask scheduler at {where.address} cannot be reached ({_one_line(error)})"
        ) from error


def _silence() -> None:
    """Keep Dask's own reports of a lost connection from surrounding our one line."""
    for name in [name for name in logging.root.manager.loggerDict if "distributed" in name]:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _require_same_versions(facts: Sequence[WorkerFacts]) -> None:
    for worker in facts:
        found = worker.differences()
        if found:
            raise EnvironmentLacksError(
                f"the Dask worker {worker.address} has other versions: {'; '.join(found)}"
            )


def _one_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


# -- what runs on a worker ---------------------------------------------------------------


@dataclass(frozen=True)
class _Call:
    """A function, and what a worker process needs before its first call."""

    function: Callable[[Any], Any]
    initializer: Callable[..., object] | None
    initargs: tuple[Any, ...]
    environment: Mapping[str, str | None]


_one_at_a_time = threading.Lock()
_limits: list[Any] = []


def _perform(call: _Call, task: Any) -> Any:
    """Do one task after the initializer, which does nothing when it is called again."""
    with _one_at_a_time:
        if not _limits:
            _limits.append(one_thread())
            _limits[0].__enter__()
        found = differences(call.environment, environment())
        if found:
            raise EnvironmentLacksError(f"a Dask worker has other versions: {'; '.join(found)}")
        if call.initializer is not None:
            call.initializer(*call.initargs)
        return call.function(task)


def _facts() -> dict[str, Any]:
    """What a worker tells about itself."""
    try:
        gpu: str | None = select_backend("cupy").device
    except NoGpuError:
        gpu = None
    return {
        "host": platform.node(), "cpu": cpu_model(), "gpu": gpu, "environment": environment(),
    }  # fmt: skip
