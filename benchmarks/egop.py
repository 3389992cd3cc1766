"""Case C: the EGOP and its eigenbasis from samples, and optimizers in rotated coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import contest, gpu
from benchmarks.contest import Peer
from benchmarks.machine import Machine, levels
from benchmarks.pages import markdown
from benchmarks.workload import Array
from simulations.egop.rotated_runs import descend
from simulations.engine.execution import one_thread
from theory.egop.estimators import GradientMoments
from theory.egop.outer_product import eigenbasis
from theory.models.objectives import Logistic
from theory.optimizers import adagrad

PEERS = (
    Peer("benchmarks.peers.numpy_egop_peer"),
    Peer("benchmarks.peers.torch_egop_peer", ("torch",)),
)
RUN_PEERS = (Peer("benchmarks.peers.torch_egop_peer", ("torch",), "runs"),)
# Eigenvalues to d eps; the runs multiply rounding by the condition of a few dozen steps.
AGREEMENT, RUN_AGREEMENT = 1e-10, 1e-8
STEPS, RATE = 20, 0.1

__all__ = ["markdown", "measure"]


def measure(
    *, sizes: Sequence[int] = (1024,), trials: int = 32, repeats: int = 5, scaling: bool = True
) -> dict[str, Any]:
    """Run the case and return its table, JSON-ready.

    Parameters
    ----------
    sizes : sequence of int
        Widths d; the EGOP has 2 d gradients, the runs a logistic loss with d samples.
    trials : int >= 1
        Runs of the optimizer.
    repeats : int >= 1
    scaling : bool
        Whether the exponents in d, trials and steps are measured too.
    """
    manifest, machine = contest.started(), Machine()
    with one_thread():
        machine.measure(levels() if scaling else ())
        machine.measure_blas()
        groups = [
            group
            for d in sizes
            for group in (_basis(d, machine, repeats), _runs(d, trials, machine, repeats))
        ]
        exponents = _exponents() if scaling else []
    return {
        "schema": 1, "case": "egop", "manifest": contest.finished(manifest, ("torch",)),
        "unit": "CPU milliseconds for the whole computation, one thread, float64",
        "machine": machine.page(), "groups": groups, "exponents": exponents,
        "gpu": gpu.section(
            f"EGOP and eigenbasis, d = {max(sizes)}", partial(gpu_calls, max(sizes)),
            repeats=repeats,
        ),
    }  # fmt: skip


def gradients(d: int) -> Array:
    """2 d gradients with a spectrum that falls as 1/k, in a random basis."""
    rng = np.random.Generator(np.random.Philox(key=d))
    mixing = rng.standard_normal((d, d)) / np.sqrt(d)
    return np.asarray((rng.standard_normal((2 * d, d)) / np.arange(1, d + 1) ** 0.5) @ mixing)


def leading_value(G: Array) -> float:
    """The largest eigenvalue; the eigenbasis is computed with it."""
    return float(eigenbasis(GradientMoments(G.shape[1]).add(G).egop()).eigenvalues[0])


def gpu_calls(d: int, xp: Any) -> Mapping[str, Any]:
    """Gram matrix with eigh, and svd of the bundle, in any array namespace."""
    G = xp.asarray(gradients(d))
    return {
        "Gram matrix + eigh": lambda: xp.linalg.eigh(G.T @ G / len(G)),
        "svd of the bundle": lambda: xp.linalg.svd(G, full_matrices=False),
    }


def _basis(d: int, machine: Machine, repeats: int) -> dict[str, Any]:
    G = gradients(d)
    own = contest.entrant("adageo, EGOP and its eigenbasis", leading_value, (G,), (G[:8, :4],))
    present, absent = contest.gather(PEERS, G)
    # Half of the product by symmetry, tridiagonal form (4/3 d^3), its way back (2 d^3).
    limits = {"BLAS": (len(G) * d**2 + 10 / 3 * d**3) / machine.blas}
    return contest.contest(
        f"EGOP of {len(G)} gradients and its eigenbasis, d = {d}", [own, *present], absent,
        repeats=repeats, tolerance=AGREEMENT, limits=lambda: limits,
    )  # fmt: skip


class RotatedRuns:
    """Trials of Adagrad on a logistic loss, in the coordinates of a fixed orthogonal basis."""

    def __init__(self, d: int, trials: int) -> None:
        rng = np.random.Generator(np.random.Philox(key=d + 1))
        self.matrix = rng.standard_normal((d, d)) / np.sqrt(d)
        self.labels = np.sign(rng.standard_normal(d))
        self.basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
        self.start = np.asarray(rng.standard_normal(d) @ self.basis)
        self.rates = np.full(trials, RATE)
        self._objective = Logistic(self.matrix, self.labels).rotated(self.basis)

    def last_loss(self, steps: int = STEPS) -> float:
        """The loss at the end of the first trial."""
        return float(
            descend(self._objective, partial(adagrad, eps=1e-8), self.rates, self.start,
                    steps, recorded=1).losses[0, -1]
        )  # fmt: skip


def _runs(d: int, trials: int, machine: Machine, repeats: int) -> dict[str, Any]:
    work = RotatedRuns(d, trials)
    own = contest.entrant("adageo, rotated runs", work.last_loss, (STEPS,), (1,))
    starts = np.tile(work.start, (trials, 1))
    present, absent = contest.gather(
        RUN_PEERS, work.matrix, work.labels, work.basis, starts, STEPS, RATE
    )
    limits = {"BLAS": STEPS * 4 * trials * d**2 / machine.blas}
    return contest.contest(
        f"Adagrad in rotated coordinates, d = {d}, {trials} trials, {STEPS} steps",
        [own, *present], absent, repeats=repeats, tolerance=RUN_AGREEMENT, limits=lambda: limits,
    )  # fmt: skip


def _exponents() -> list[dict[str, Any]]:
    samples = {d: gradients(d) for d in (128, 256, 512, 1024)}
    bases = {d: partial(leading_value, G) for d, G in samples.items()}
    widths = {d: RotatedRuns(d, 32).last_loss for d in (256, 512, 1024)}
    trials = {n: RotatedRuns(512, n).last_loss for n in (16, 32, 64)}
    steps = {n: partial(RotatedRuns(512, 32).last_loss, n) for n in (10, 20, 40)}
    return [
        contest.growth("EGOP and its eigenbasis", "d", 3.0, bases),
        contest.growth("rotated runs", "d", 2.0, widths),
        contest.growth("rotated runs", "trials", 1.0, trials),
        contest.growth("rotated runs", "steps", 1.0, steps),
    ]
