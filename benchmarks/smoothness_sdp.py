"""Case D: the least sum of coordinate-wise smoothness constants, against general conic solvers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import contest
from benchmarks.contest import Entrant, Peer
from benchmarks.machine import Machine, levels
from benchmarks.pages import markdown
from benchmarks.workload import Array
from simulations.engine.execution import one_thread
from theory.egop.smoothness import smallest_smoothness_sum

PEERS = (Peer("benchmarks.peers.convex_peer", ("cvxpy", "clarabel", "scs")),)
METHODS = ("primal-dual", "mixing")
# SCS stops at residuals of 1e-6, which leaves about as many digits of the value.
AGREEMENT = 1e-4
# Beyond it the sweeps of the mixing method take most of a minute.
_MIXING_LARGEST = 500
_MOONSHOT = 1000

__all__ = ["markdown", "measure"]


def measure(
    *,
    sizes: Sequence[int] = (40, 80, 200),
    trials: int = 1,
    repeats: int = 5,
    moonshot: int | None = _MOONSHOT,
    scaling: bool = True,
) -> dict[str, Any]:
    """Run the case and return its table, JSON-ready.

    Parameters
    ----------
    sizes : sequence of int
        Widths d of the Wigner and OLS Hessians.
    trials : int
        Not used: one matrix a run.
    repeats : int >= 1
    moonshot : int, optional
        A width at which only our own primal-dual method runs.
    scaling : bool
        Whether the exponent in d is measured too.
    """
    manifest, machine = contest.started(), Machine()
    with one_thread():
        for method in METHODS:
            smallest_smoothness_sum(np.eye(4), method=method)  # compiles
        machine.measure(levels() if scaling else ())
        machine.measure_blas()
        groups = [_group(kind, d, machine, repeats) for kind in ("Wigner", "OLS") for d in sizes]
        if moonshot is not None:
            groups.append(_group("Wigner", moonshot, machine, 2))
        exponents = []
        if scaling:
            matrices = {d: hessian("Wigner", d) for d in (50, 100, 200, 400)}
            calls = {d: Solver(H, METHODS[0]) for d, H in matrices.items()}
            exponents.append(contest.growth("primal-dual", "d", 3.0, calls))
    return {
        "schema": 1, "case": "smoothness-sdp",
        "manifest": contest.finished(manifest, ("cvxpy", "clarabel", "scs")),
        "unit": "CPU milliseconds for one matrix, one thread, float64; ours with a proved interval",
        "machine": machine.page(), "groups": groups, "exponents": exponents,
        "gpu": {"reason": "the case stays on the CPU, by design"},
    }  # fmt: skip


def hessian(kind: str, d: int) -> Array:
    """A fixed Wigner matrix, or the Hessian of least squares with 2 d samples."""
    rng = np.random.Generator(np.random.Philox(key=d))
    if kind == "Wigner":
        G = rng.standard_normal((d, d))
        return np.asarray((G + G.T) / 2)
    X = rng.standard_normal((d, 2 * d))
    return np.asarray(X @ X.T / (2 * d))


class Solver:
    """One of our methods on a matrix; keeps what it found last."""

    def __init__(self, H: Array, method: str) -> None:
        self._H, self._method = H, method

    def __call__(self) -> float:
        """Solve, prove, and return the upper end."""
        self.found = smallest_smoothness_sum(self._H, method=self._method)
        return self.found.value

    def gap(self) -> str:
        """The relative width of the proved interval, in words."""
        found = self.found
        return f"proved to a relative {(found.upper - found.lower) / found.upper:.0e}"


def _group(kind: str, d: int, machine: Machine, repeats: int) -> dict[str, Any]:
    H = hessian(kind, d)
    methods = METHODS if d <= _MIXING_LARGEST else METHODS[:1]
    solvers = {method: Solver(H, method) for method in methods}
    own = [Entrant(f"adageo, {name}", one, one.gap) for name, one in solvers.items()]
    present, absent = contest.gather(PEERS, H)

    def limits() -> dict[str, float]:
        # A step inverts two matrices (2 d^3), factors one (d^3/3), multiplies four pairs (8 d^3).
        steps = solvers[METHODS[0]].found.iterations
        return {"BLAS of the primal-dual steps": steps * (2 + 1 / 3 + 8) * d**3 / machine.blas}

    return contest.contest(
        f"{kind} matrix, d = {d}", [*own, *present], absent, repeats=repeats,
        tolerance=AGREEMENT, limits=limits,
    )  # fmt: skip
