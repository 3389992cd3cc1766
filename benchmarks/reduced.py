"""Full-batch SGD with momentum in a reduced basis, against the fused kernel, over a long run."""

from __future__ import annotations

import importlib
import importlib.util
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.ours import KERNEL, FusedKernel
from benchmarks.timing import cpu_seconds, ratios
from benchmarks.workload import BETA, ETA, Workload

_MODULE = "simulations.krylov"
TOLERANCE = 1e-12


def measure_reduced(
    *, d: int = 512, trials: int = 2, steps: int = 3_000, repeats: int = 5
) -> list[dict[str, Any]]:
    """Both rows of the long run, setup included; empty where there is no reduced simulation.

    The row of the reduction has its levels, the error that it states itself, relative to the size
    of w, for how many trials that is a proved bound (an estimate for the others; in either case
    without the rounding of the trajectory, see `simulations.krylov`), and the difference to the
    kernel, in the same unit, which has the rounding of both besides.
    """
    if importlib.util.find_spec(_MODULE) is None:
        return []
    work = Workload("sgd_momentum", d, trials)
    kernel = FusedKernel(work)
    evolve = partial(
        importlib.import_module(_MODULE).evolve, *work.weights, work.target,
        eta=ETA, beta=BETA, steps=steps, tolerance=TOLERANCE,
    )  # fmt: skip
    found, direct, short = evolve(), [], []
    for _ in range(repeats):
        kernel.reset()
        direct.append(cpu_seconds(partial(kernel.advance, steps)))
        short.append(cpu_seconds(evolve))
    size = np.linalg.norm(found.w, axis=1)
    difference = np.linalg.norm(found.w - kernel.weights()[0], axis=1) / size
    common = {"d": d, "trials": trials, "steps": steps}
    return [
        {"name": KERNEL, **common, **_times(direct, direct, trials)},
        {
            "name": "adageo, Krylov subspace", **common, **_times(short, direct, trials),
            "levels": int(np.max(found.levels)), "proved": int(np.sum(found.proved)),
            "stated_error": float(np.max(found.error[:, -1] / size)),
            "difference": float(np.max(difference)),
        },
    ]  # fmt: skip


def _times(spent: list[float], direct: list[float], trials: int) -> dict[str, float]:
    """Milliseconds for one trial, and the paired speed-up over the kernel."""
    scaled = sorted(1e3 * value / trials for value in spent)
    gain, low, high = ratios(direct, spent)
    return {
        "median_ms": median(scaled), "low_ms": scaled[0], "high_ms": scaled[-1],
        "gain": gain, "gain_low": low, "gain_high": high,
    }  # fmt: skip
