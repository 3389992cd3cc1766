"""Our own contestants of case A: the fused kernel, and the runner around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workload import (
    ALPHA,
    BETA,
    BETA1,
    BETA2,
    EPS,
    ETA,
    TARGET,
    Array,
    Workload,
)
from simulations import two_layer
from simulations.kernels.two_layer_layout import Network

KERNEL, RUNNER = "adageo, fused kernel", "adageo, simulate from end to end"


class FusedKernel:
    """The compiled kernel, fed as `simulations.two_layer` feeds it."""

    name = KERNEL
    least = 32

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._betas = (BETA1, BETA2) if work.adam else (BETA, 0.0)

    def reset(self) -> None:
        """See `Contestant`."""
        self._t = 0
        least_eps = float(self._scalars(1)[1][0])
        self._network = Network(
            self._work.optimizer, *self._work.weights, self._work.target, least_eps=least_eps
        )

    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        rate, eps = self._scalars(steps)
        self._network.advance(self._t, rate, eps, *self._betas)
        self._t += steps

    def _scalars(self, steps: int) -> tuple[Array, Array]:
        t = np.arange(self._t + 1, self._t + steps + 1)
        if not self._work.adam:
            return np.full(steps, ETA), np.zeros(steps)
        root = np.sqrt(1.0 - BETA2**t)
        return ETA * root / (1.0 - BETA1**t), EPS * root

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        return self._network.w, self._network.W


class Runner:
    """`two_layer.simulate` from end to end: it draws its weights, and records the last step.

    It starts anew at every call; drawing the weights is part of the time.
    """

    name = RUNNER
    least = 256

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._betas: dict[str, Any] = (
            {"beta1": BETA1, "beta2": BETA2, "eps": EPS} if work.adam else {"beta": BETA}
        )

    def reset(self) -> None:
        """See `Contestant`."""
        self._stream = self._work.stream()

    def advance(self, steps: int) -> None:
        """See `Contestant`; from the initial weights."""
        work = self._work
        self._found = two_layer.simulate(
            self._stream, work.trials, optimizer=work.optimizer, d=work.d, steps=steps,
            alpha=ALPHA, eta=ETA, target=TARGET, **self._betas,
        )  # fmt: skip

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        return self._found.w, self._found.W
