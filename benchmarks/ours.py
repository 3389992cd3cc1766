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
    aligned,
)
from simulations import two_layer
from simulations.kernels.two_layer_cpu import kernel

KERNEL, RUNNER = "adageo, fused kernel", "adageo, simulate from end to end"


class FusedKernel:
    """The compiled kernel, fed as `simulations.two_layer` feeds it, on aligned arrays."""

    name = KERNEL
    least = 32

    def __init__(self, work: Workload) -> None:
        self._work, self._advance = work, kernel(work.optimizer)
        self._betas = (BETA1, BETA2) if work.adam else (BETA, 0.0)
        (self._w, self._W), (self._product, _) = work.buffers(), work.buffers()
        self._slots = [aligned((work.slots, *x.shape)) for x in (self._w, self._W)]
        self._diverged = np.full(work.trials, -1, dtype=np.int64)

    def reset(self) -> None:
        """See `Contestant`."""
        np.copyto(self._w, self._work.weights[0])
        np.copyto(self._W, self._work.weights[1])
        np.matmul(self._w[:, None, :], self._W, out=self._product[:, None, :])
        for slot in self._slots:
            slot.fill(0.0)
        self._diverged.fill(-1)
        self._t = 0

    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        rate, eps = self._scalars(steps)
        none2, none3 = np.empty((0, 0)), np.empty((0, 0, 0))
        self._advance(
            self._w, self._W, self._product, *self._slots, self._work.target, rate, *self._betas,
            eps, 0.0, 0, none2, none3, none3, self._t, self._diverged,
        )  # fmt: skip
        self._t += steps

    def _scalars(self, steps: int) -> tuple[Array, Array]:
        t = np.arange(self._t + 1, self._t + steps + 1)
        if not self._work.adam:
            return np.full(steps, ETA), np.zeros(steps)
        root = np.sqrt(1.0 - BETA2**t)
        return ETA * root / (1.0 - BETA1**t), EPS * root

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        return self._w, self._W


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
