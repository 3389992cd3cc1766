"""Case B, first half: diagonal shares of Gaussian Wigner matrices, against general libraries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks import contest, gpu
from benchmarks.contest import Entrant, Peer
from benchmarks.machine import Machine, levels
from benchmarks.pages import markdown
from simulations.engine.execution import one_thread
from simulations.kernels import wigner_cpu

PEERS = (
    Peer("benchmarks.peers.numpy_shares_peer", (), "wigner"),
    Peer("benchmarks.peers.torch_shares_peer", ("torch",), "wigner"),
    Peer("benchmarks.peers.rmt_peer", (), "wigner"),
)

__all__ = ["markdown", "measure"]


def measure(
    *,
    sizes: Sequence[int] = (1024, 4096),
    trials: int = 1,
    repeats: int = 5,
    scaling: bool = True,
) -> dict[str, Any]:
    """Run the case and return its table, JSON-ready.

    Parameters
    ----------
    sizes : sequence of int
        Widths d.
    trials : int >= 1
        Not used: every call makes one matrix.
    repeats : int >= 1
    scaling : bool
        Whether the exponents in d and trials are measured too.
    """
    manifest, machine = contest.started(), Machine()
    with one_thread():
        for precision in ("float64", "float32"):
            shares(8, precision, 0)  # compiles
        machine.measure(levels() if scaling else ())
        machine.measure_generator()
        groups = [_group(d, machine, repeats) for d in sizes]
        exponents = _exponents() if scaling else []
    return {
        "schema": 1, "case": "wigner", "manifest": contest.finished(manifest, ("torch",)),
        "unit": "CPU milliseconds for the diagonal share of one matrix, one thread, float64 unless "
        "noted",
        "machine": machine.page(), "groups": groups, "exponents": exponents,
        "gpu": gpu.section(
            f"one matrix, d = {max(sizes)}", partial(gpu_calls, max(sizes)), repeats=repeats
        ),
    }  # fmt: skip


def shares(d: int, precision: str, key: int, trials: int = 1) -> float:
    """The mean share of matrices with variance 2 on the diagonal and 1 beside it."""
    on, off = wigner_cpu.absolute_sums(
        trials, d, key=key, sigma_diagonal=math.sqrt(2.0), precision=precision
    )
    return float((on / (on + 2.0 * off)).mean())


def agreement(d: int) -> float:
    """Four standard errors of a relative difference: d half-normals on the diagonal decide."""
    return 4.0 * math.sqrt(2.0 * (math.pi / 2.0 - 1.0) / d)


def gpu_calls(d: int, xp: Any) -> Mapping[str, Any]:
    """Our kernels where the namespace is CuPy, and the matrix in full in any."""

    def whole() -> Any:
        G = xp.random.standard_normal((d, d))
        absolute = xp.abs((G + G.T) / math.sqrt(2.0))
        return xp.trace(absolute) / absolute.sum()

    if xp.__name__ != "cupy":
        return {"matrix in full": whole}
    from simulations.kernels import wigner_gpu

    return {
        "adageo": partial(wigner_gpu.absolute_sums, 1, d, key=1),
        "adageo, float32": partial(wigner_gpu.absolute_sums, 1, d, key=1, precision="float32"),
        "matrix in full": whole,
    }


def _group(d: int, machine: Machine, repeats: int) -> dict[str, Any]:
    keys = itertools.count()
    own = [
        Entrant("adageo", lambda: shares(d, "float64", next(keys))),
        Entrant(
            "adageo, float32", lambda: shares(d, "float32", next(keys)),
            "float32; half the random bits", least=0.5,
        ),
    ]  # fmt: skip
    present, absent = contest.gather(PEERS, d)
    # 128 bits make two normals of 53 bits; d (d + 1)/2 of them are needed.
    limits = {"generator": d * (d + 1) / 4 / machine.generator}
    return contest.contest(
        f"Wigner matrix, d = {d}", [*own, *present], absent, repeats=repeats,
        tolerance=agreement(d), limits=lambda: limits,
    )  # fmt: skip


def _exponents() -> list[dict[str, Any]]:
    widths = {d: partial(shares, d, "float64", 1) for d in (512, 1024, 2048, 4096)}
    trials = {n: partial(shares, 512, "float64", 1, n) for n in (4, 8, 16, 32)}
    return [
        contest.growth("adageo", "d", 2.0, widths),
        contest.growth("adageo", "trials", 1.0, trials),
    ]
