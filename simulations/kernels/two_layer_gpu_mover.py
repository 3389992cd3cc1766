"""The GPU kernels as `simulations.two_layer` drives them: an optimizer's steps, and records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from array_api_compat import array_namespace

from simulations.kernels.gpu_device import Device
from simulations.kernels.two_layer_gpu import RECORDED, Network
from theory.optimizers import Optimizer

Array = Any
# (optimizer, first step, steps) -> lr of each step, b1, b2, eps of each step.
Scalars = Callable[[Optimizer, int, int], tuple[Array, float, float, Array]]


class OnDevice:
    """State of the GPU kernels.

    Attributes
    ----------
    w, W, diverged : arrays
        As of `Network`.
    records : bool
        Whether `trace` can be used: the kernel is resident.
    """

    def __init__(
        self, device: Device, method: Optimizer, batch: int, weights: tuple[Array, Array, Array],
        scalars: Scalars,
    ) -> None:  # fmt: skip
        w, W, A = weights
        self._network = Network(device, method.name, w, W, device.xp.asarray(A, dtype=w.dtype))
        self._method, self._batch, self._scalars = method, batch, scalars
        self.records = self._network.layout is not None

    @property
    def w(self) -> Array:
        """Output weights (trials, d)."""
        return self._network.w

    @property
    def W(self) -> Array:  # noqa: N802
        """Hidden weights (trials, d, d)."""
        return self._network.W

    @property
    def diverged(self) -> Array:
        """Step of divergence of each trial, -1 for none."""
        return self._network.diverged

    @diverged.setter
    def diverged(self, steps: Array) -> None:
        self._network.diverged = steps

    def advance(self, first: int, steps: int, drawn: Mapping[str, Array]) -> None:
        """Take `steps` steps of every trial that has not diverged."""
        if steps:
            self._run(first, steps, (), drawn)

    def trace(
        self, first: int, steps: int, at: Sequence[int], drawn: Mapping[str, Array]
    ) -> list[dict[str, Array]]:
        """Take `steps` steps in one launch and return what it recorded at the steps `at`.

        `at` counts from the start of the run, ``first <= at <= first + steps``. The kernel
        computes the statistics in the precision of the dynamics; the result is float64.
        """
        seen = self._run(first, steps, [t - first for t in at], drawn)
        xp = array_namespace(seen)
        seen = xp.astype(seen, xp.float64)
        return [{name: seen[:, k, column] for column, name in enumerate(RECORDED)}
                for k in range(len(at))]  # fmt: skip

    def _run(self, first: int, steps: int, at: Sequence[int], drawn: Mapping[str, Array]) -> Array:
        lr, b1, b2, eps = self._scalars(self._method, first, steps)
        return self._network.advance(
            lr, b1, b2, eps, float(self._method.weight_decay), self._batch,
            **{name: values[:, :steps, ...] for name, values in drawn.items()}, first=first, at=at,
        )  # fmt: skip
