"""The two-layer network as a simulation sees it: width, initialisation, target, noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulations.engine.streams import Stream

Array = Any
INITIAL_LAWS = ("gaussian", "uniform", "rademacher")
TARGETS = ("ones", "ramp")


@dataclass(frozen=True)
class Problem:
    r"""A network and its data: width, initialisation, target, noise.

    Parameters
    ----------
    d : int >= 1
        Hidden width and input dimension.
    alpha : float >= 0
        :math:`w_i` has standard deviation :math:`d^{-\alpha}`, :math:`W_{ij}`
        :math:`d^{-2\alpha}` (Assumption 2).
    target : {"ones", "ramp"} or sequence of d numbers
        A; "ramp" is 1/2 to 3/2 in equal steps.
    initial : {"gaussian", "uniform", "rademacher"}
        Law of the initial weights, with the variances above.
    batch : int >= 0
        Batch size of Gaussian inputs with noiseless labels; 0 is the whole (whitened) data.
    noise : float >= 0
        Standard deviation of the entries of the batch's version of A about its mean.

    Raises
    ------
    ValueError
        If an argument is out of its range; the text names it.
    """

    d: int
    alpha: float
    target: str | Sequence[float] = "ones"
    initial: str = "gaussian"
    batch: int = 0
    noise: float = 0.0

    def __post_init__(self) -> None:
        require(whole(self.d) and self.d >= 1, "d", self.d, "an integer >= 1")
        require(number(self.alpha) and self.alpha >= 0, "alpha", self.alpha, "a number >= 0")
        require(self.initial in INITIAL_LAWS, "initial", self.initial, f"one of {INITIAL_LAWS}")
        require(whole(self.batch) and self.batch >= 0, "batch", self.batch, "an integer >= 0")
        require(number(self.noise) and self.noise >= 0, "noise", self.noise, "a number >= 0")
        if isinstance(self.target, str):
            require(self.target in TARGETS, "target", self.target, f"one of {TARGETS} or numbers")
        else:
            values = np.asarray(self.target, dtype=np.float64)
            fine = values.shape == (self.d,) and bool(np.all(np.isfinite(values)))
            require(fine, "target", self.target, f"{self.d} finite numbers")

    def targets(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return A, shape (d,)."""
        if self.target == "ones":
            return np.ones(self.d)
        if self.target == "ramp":
            return np.linspace(0.5, 1.5, self.d) if self.d > 1 else np.ones(1)
        return np.asarray(self.target, dtype=np.float64)

    def initial_weights(self, stream: Stream, trials: int) -> tuple[Array, Array]:
        """Draw w (trials, d) and W (trials, d, d) by Assumption 2."""
        laws: dict[str, Callable[[tuple[int, ...]], Array]] = {
            "gaussian": stream.normal,
            "rademacher": stream.rademacher,
            "uniform": lambda shape: (2.0 * stream.uniform(shape) - 1.0) * math.sqrt(3.0),
        }
        draw = laws[self.initial]
        w, W = draw((trials, self.d)), draw((trials, self.d, self.d))
        return w * float(self.d) ** -self.alpha, W * float(self.d) ** (-2.0 * self.alpha)


def records(steps: int, record: int | Iterable[int] | None) -> list[int]:
    """Return the steps to record at: the last, every so many, or those listed.

    Raises
    ------
    ValueError
        If `steps` or `record` is out of its range.
    """
    require(whole(steps) and steps >= 1, "steps", steps, "an integer >= 1")
    if record is None:
        return [steps]
    if isinstance(record, int | np.integer):
        require(1 <= record <= steps, "record", record, f"in 1..{steps}, or steps to record at")
        return list(range(int(record), steps + 1, int(record)))
    at = sorted({int(t) for t in record})
    fine = bool(at) and at[0] >= 0 and at[-1] <= steps
    require(fine, "record", list(record), f"steps in 0..{steps}")
    return at


def whole(value: object) -> bool:
    """Whether `value` is an integer (a bool is none)."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def number(value: object) -> bool:
    """Whether `value` is a finite real number."""
    return whole(value) or (isinstance(value, float | np.floating) and math.isfinite(value))


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raise ValueError naming the argument, its value and the allowed range unless `condition`."""
    if not condition:
        raise ValueError(f"{name} is {value!r}; it must be {allowed}")
