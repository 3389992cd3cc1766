"""Who does the work of a command: ``--workers``, ``--dask``, and ``adageo cluster-check``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulations.app.cli import LACKING, OK, UsageError

if TYPE_CHECKING:
    from simulations.engine.cluster import ClusterAddress, WorkerFacts
    from simulations.engine.executors import Executor


@dataclass(frozen=True)
class Place:
    """Where the work is done: by whom, and with which arrays.

    Attributes
    ----------
    executor : Executor
    backend : str
        ``"numpy"``, ``"cupy"`` or ``"cupy:N"``.
    device : str or None
        The devices of another machine; None for those of this one.
    """

    executor: Executor
    backend: str
    device: str | None = None


@contextmanager
def executing(arguments: argparse.Namespace, workers: int | None = None) -> Iterator[Place]:
    """Give the place that ``--workers``, ``--dask``, ``--tls-*`` and ``--backend`` ask for.

    Without ``--workers`` there are `workers` processes, or as many as there are processors.

    Raises
    ------
    UsageError
        If the address is malformed, or options exclude each other.
    EnvironmentLacksError
        If the cluster cannot be reached or differs from this machine, or a GPU is missing.
    """
    from simulations.engine.backend import select_backend
    from simulations.engine.execution import default_workers
    from simulations.engine.executors import LocalExecutor

    if arguments.dask is None:
        if any((arguments.tls_ca, arguments.tls_cert, arguments.tls_key)):
            raise UsageError("--tls-ca, --tls-cert and --tls-key belong to --dask tls://HOST:PORT")
        backend = select_backend(arguments.backend).label
        processes = arguments.workers or workers or default_workers()
        yield Place(LocalExecutor(processes), backend)
        return
    if arguments.workers is not None:
        raise UsageError(f"--workers {arguments.workers}: a cluster has workers of its own; leave "
                         "it out with --dask")  # fmt: skip
    from simulations.engine.cluster import DaskExecutor

    where = _address(arguments)
    with DaskExecutor(where) as executor:
        gpus = all(worker.gpu is not None for worker in executor.facts)
        if arguments.backend == "numpy" or (arguments.backend == "auto" and not gpus):
            yield Place(executor, "numpy")
        elif arguments.backend in ("cupy", "auto"):
            yield Place(executor, "cupy", executor.require_gpus())
        else:
            raise UsageError(f"--backend {arguments.backend}: on a cluster every worker uses the "
                             "GPU that it sees; say --backend cupy")  # fmt: skip


def cluster_check_command(arguments: argparse.Namespace) -> int:
    """Show the workers of a cluster; exit status 3 if it cannot do the work of this machine."""
    from simulations.app.output import print_table
    from simulations.engine.cluster import DaskExecutor

    with DaskExecutor(_address(arguments), strict=False) as executor:
        facts = executor.facts
    print_table(
        ["worker", "host", "threads", "memory", "python", "adageo", "numpy", "GPU"],
        [_row(worker) for worker in facts],
    )
    faults = [f"{worker.address} has other versions: {'; '.join(found)}"
              for worker in facts if (found := worker.differences())]  # fmt: skip
    for line in [*faults, *_remarks(facts)]:
        print(line)
    threads = sum(worker.threads for worker in facts)
    print(f"{len(facts)} workers, {threads} threads, "
          f"{sum(worker.gpu is not None for worker in facts)} with a GPU: "
          + ("not usable from here" if faults else "usable from here"))  # fmt: skip
    return LACKING if faults else OK


def _row(worker: WorkerFacts) -> tuple[str, ...]:
    versions = [worker.environment.get(name) or "-" for name in ("python", "adageo", "numpy")]
    memory = f"{worker.memory_bytes / 2**30:.1f} GiB" if worker.memory_bytes else "-"
    return (worker.address, worker.host, str(worker.threads), memory, *versions, worker.gpu or "-")


def _remarks(facts: Sequence[WorkerFacts]) -> list[str]:
    remarks = []
    if any(worker.threads > 1 for worker in facts):
        remarks.append("a worker does one task at a time: start as many workers as there are "
                       "processors, each with --nthreads 1")  # fmt: skip
    processors = sorted({worker.cpu for worker in facts})
    if len(processors) > 1:
        remarks.append("the processors differ; the last bits of results may depend on who did "
                       f"them: {', '.join(processors)}")  # fmt: skip
    return remarks


def _address(arguments: argparse.Namespace) -> ClusterAddress:
    from simulations.engine.cluster import ClusterAddress

    try:
        return ClusterAddress(
            arguments.dask, arguments.tls_ca, arguments.tls_cert, arguments.tls_key
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
