"""Case A on a GPU: the suite's simulation against plain CuPy elementwise code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.workload import ALPHA, BETA1, BETA2, EPS, ETA, TARGET
from simulations import two_layer
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key

D, TRIALS, STEPS = 128, 1024, 64


def title(d: int = D, trials: int = TRIALS, steps: int = STEPS) -> str:
    """What is measured."""
    return f"Adam, d = {d}, {trials} trials, {steps} steps, float64, weights drawn anew"


def calls(
    backend: str, xp: Any, d: int = D, trials: int = TRIALS, steps: int = STEPS
) -> Mapping[str, Any]:
    """Both simulations on a backend; `xp` is its array namespace."""
    problem = two_layer.Problem(d, ALPHA, TARGET)
    key = stream_key(0, "benchmark", "two-layer", {"d": d, "trials": trials})

    def ours() -> Any:
        return two_layer.simulate(
            Stream(select_backend(backend), key, 0), trials, optimizer="adam", d=d, steps=steps,
            alpha=ALPHA, eta=ETA, target=TARGET, beta1=BETA1, beta2=BETA2, eps=EPS,
        ).W  # fmt: skip

    def plain() -> Any:
        w, W = problem.initial_weights(Stream(select_backend(backend), key, 0), trials)
        return elementwise(xp, w, W, xp.asarray(problem.targets()), steps)[1]

    return {"adageo, simulate": ours, "plain elementwise code": plain}


def elementwise(xp: Any, w: Any, W: Any, target: Any, steps: int) -> tuple[Any, Any]:
    """Adam as a first script has it: a new array for every operation."""
    moments = [(xp.zeros_like(x), xp.zeros_like(x)) for x in (w, W)]
    weights = [w, W]
    for t in range(1, steps + 1):
        error = (weights[0][:, None, :] @ weights[1])[:, 0, :] - target
        first = (weights[1] @ error[:, :, None])[:, :, 0]
        gradients = [first, weights[0][:, :, None] * error[:, None, :]]
        root = math.sqrt(1 - BETA2**t)
        for k, g in enumerate(gradients):
            m = BETA1 * moments[k][0] + (1 - BETA1) * g
            v = BETA2 * moments[k][1] + (1 - BETA2) * g * g
            moments[k] = m, v
            weights[k] = weights[k] - ETA * root / (1 - BETA1**t) * m / (xp.sqrt(v) + EPS * root)
    return weights[0], weights[1]


gpu_calls = partial(calls, "cupy")
