"""Case B, second half: diagonal shares of OLS Hessians ``X X'``, against drawing X."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks import contest, gpu
from benchmarks.contest import Entrant, Peer
from benchmarks.machine import Machine, levels
from benchmarks.pages import markdown
from simulations.engine.execution import one_thread
from simulations.kernels import ols_cpu

PEERS = (
    Peer("benchmarks.peers.numpy_shares_peer", (), "ols"),
    Peer("benchmarks.peers.torch_shares_peer", ("torch",), "ols"),
)
# Columns of X for each width: d n numbers at the larger sizes fill 0.13 GB.
_SAMPLES = {256: 65_536, 1024: 8_192}

__all__ = ["markdown", "measure"]


def measure(
    *,
    sizes: Sequence[int] = (256, 1024),
    trials: int = 1,
    repeats: int = 5,
    scaling: bool = True,
) -> dict[str, Any]:
    """Run the case and return its table, JSON-ready.

    Parameters
    ----------
    sizes : sequence of int
        Widths d; n is 65536 for d = 256, and 8 d for every other one.
    trials : int >= 1
        Not used: every call makes one Hessian.
    repeats : int >= 1
    scaling : bool
        Whether the exponents in d, n and trials are measured too.
    """
    manifest, machine = contest.started(), Machine()
    with one_thread():
        for share in (exact_in_law, streamed):
            share(8, 8, 0)  # compiles
        machine.measure(levels() if scaling else ())
        machine.measure_blas()
        machine.measure_generator()
        groups = [_group(d, _samples(d), machine, repeats) for d in sizes]
        exponents = _exponents() if scaling else []
    largest = max(sizes)
    return {
        "schema": 1, "case": "ols", "manifest": contest.finished(manifest, ("torch",)),
        "unit": "CPU milliseconds for the diagonal share of one Hessian, one thread, float64 "
        "unless noted",
        "machine": machine.page(), "groups": groups, "exponents": exponents,
        "gpu": gpu.section(
            f"one Hessian, d = {largest}, n = {_samples(largest)}",
            partial(gpu_calls, largest, _samples(largest)), repeats=repeats,
        ),
    }  # fmt: skip


def exact_in_law(d: int, n: int, key: int, trials: int = 1) -> float:
    """The mean share by Bartlett's factor of the Wishart matrix."""
    on, off = ols_cpu.bartlett_sums(trials, d, n, key=key)
    return float((on / (on + 2.0 * off)).mean())


def streamed(d: int, n: int, key: int) -> float:
    """The share of a drawn X, never in memory as a whole."""
    on, off = ols_cpu.streamed_sums(ols_cpu.gaussian_columns(d, key=key), d, n)
    return on / (on + 2.0 * off)


def agreement(d: int) -> float:
    """Ten relative standard errors of the mean of d^2/2 nearly independent entries."""
    return 10.0 / d


def gpu_calls(d: int, n: int, xp: Any) -> Mapping[str, Any]:
    """Our kernel where the namespace is CuPy, and ``X X'`` of a drawn X in any."""

    def whole() -> Any:
        X = xp.random.standard_normal((d, n))
        absolute = xp.abs(X @ X.T)
        return xp.trace(absolute) / absolute.sum()

    if xp.__name__ != "cupy":
        return {"X X' in full": whole}
    from simulations.kernels import ols_gpu

    return {
        "adageo, Bartlett": partial(ols_gpu.bartlett_sums, 1, d, n, key=1),
        "X X' in full": whole,
    }


def _samples(d: int) -> int:
    return _SAMPLES.get(d, 8 * d)


def _group(d: int, n: int, machine: Machine, repeats: int) -> dict[str, Any]:
    keys = itertools.count()
    own = [
        Entrant("adageo, Bartlett", lambda: exact_in_law(d, n, next(keys)), "exact in law"),
        Entrant("adageo, streamed products", lambda: streamed(d, n, next(keys)), "any law of X"),
    ]
    present, absent = contest.gather(PEERS, d, n)
    limits = {"generator + BLAS": d * d / 4 / machine.generator + d**3 / 3 / machine.blas}
    return contest.contest(
        f"OLS Hessian, d = {d}, n = {n}", [*own, *present], absent, repeats=repeats,
        tolerance=agreement(d), limits=lambda: limits,
    )  # fmt: skip


def _exponents() -> list[dict[str, Any]]:
    widths = {d: partial(exact_in_law, d, 8 * d, 1) for d in (128, 256, 512, 1024)}
    samples = {n: partial(exact_in_law, 256, n, 1) for n in (1024, 8192, 65_536)}
    trials = {n: partial(exact_in_law, 128, 1024, 1, n) for n in (4, 8, 16)}
    return [
        contest.growth("adageo, Bartlett", "d", 3.0, widths),
        contest.growth("adageo, Bartlett", "n", 0.0, samples),
        contest.growth("adageo, Bartlett", "trials", 1.0, trials),
    ]
