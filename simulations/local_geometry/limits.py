"""Limits of vanishing step size: prescribed initial weights, extrapolation, and its error."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from simulations.engine import estimators
from simulations.engine.backend import FloatArray
from simulations.engine.estimators import Estimator
from simulations.engine.intervals import Interval
from simulations.engine.moments import Statistics
from simulations.engine.streams import Shape, Stream
from simulations.two_layer import Trajectories, make_optimizer, simulate

Array = Any
# The pair of the theorem, beta2 = beta1^2, without xi.
ADAM: Mapping[str, float] = {"beta1": 0.9, "beta2": 0.81, "eps": 0.0}


class Prescribed(Stream):
    """A stream whose first normal numbers are given arrays; the others are its parent's.

    Parameters
    ----------
    parent : Stream
    values : arrays
        What the first calls of `normal` return.
    """

    def __init__(self, parent: Stream, *values: Array) -> None:
        self.xp = parent.xp
        self._draws = parent._draws
        self._given = list(values)

    def normal(self, shape: Shape) -> Array:
        """The next given array, which must have this shape; then standard normal numbers."""
        if not self._given:
            return super().normal(shape)
        value = self._given.pop(0)
        if tuple(value.shape) != shape:
            raise ValueError(f"given numbers have shape {value.shape}; they must have {shape}")
        return value


def descend(
    stream: Stream,
    w: Array,
    W: Array,
    *,
    eta: float,
    steps: int,
    optimizer: str = "adam",
    hyper: Mapping[str, float] = ADAM,
    record: Sequence[int] | None = None,
    target: str = "ones",
    batch: int = 0,
    noise: float = 0.0,
) -> Trajectories:
    """Run from given weights w (trials, d), W (trials, d, d); see `simulations.two_layer`."""
    method = make_optimizer(optimizer, eta, hyper)
    # With alpha = 0 the initial standard deviations are 1.
    return simulate(Prescribed(stream, w, W), w.shape[0], optimizer=method, d=w.shape[1],
                    steps=steps, alpha=0.0, record=record, target=target, batch=batch,
                    noise=noise)  # fmt: skip


def richardson(sizes: Sequence[Array]) -> tuple[Array, Array]:
    """Limit of a quantity known at eta, eta/2 (and eta/4), and the limit of one order less.

    One elimination ``2 X(eta/2) - X(eta)`` removes an error of order eta; the second one also
    removes eta log(eta), whose remainder is again of order eta.

    Parameters
    ----------
    sizes : two or three arrays (trials,)
        At eta, eta/2, ..., in this order.
    """
    previous = list(sizes)
    while len(previous) > 2:
        previous = [2.0 * fine - coarse for coarse, fine in itertools.pairwise(previous)]
    return 2.0 * previous[1] - previous[0], previous[1]


class _Limit(Estimator):
    """Centre of an extrapolated quantity; its interval includes the extrapolation's own error."""

    def __init__(self, value: str, previous: str, centre: Callable[[str], Estimator]) -> None:
        super().__init__(value, previous)
        self._centres = [centre(name) for name in self.reads]

    def summarise(self, samples: Mapping[str, FloatArray]) -> Statistics:
        return _joined([centre.summarise(samples) for centre in self._centres])

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        split = [[_part(part, k) for part in parts] for k in range(len(self._centres))]
        pairs = zip(self._centres, split, strict=True)
        return _joined([centre.merge(own) for centre, own in pairs])

    def count(self, stats: Statistics) -> int:
        return self._centres[0].count(_part(stats, 0))

    def estimate(self, stats: Statistics, claimed: Any = None) -> float:
        return self._centres[0].estimate(_part(stats, 0))

    def interval(self, stats: Statistics, alpha: float, claimed: Any = None) -> Interval:
        error, sampled = self._error(stats), self._centres[0].interval(_part(stats, 0), alpha)
        return Interval(sampled.low - error, sampled.high + error)

    def p_value(self, stats: Statistics, claimed: Any) -> float:
        error, estimate = self._error(stats), self.estimate(stats)
        nearest = min(max(estimate, float(claimed) - error), float(claimed) + error)
        return self._centres[0].p_value(_part(stats, 0), nearest)

    def standard_error(self, stats: Statistics) -> float | None:
        """Of a mean, and the extrapolation's error, added in squares."""
        sampled = self._centres[0].standard_error(_part(stats, 0))
        return None if sampled is None else float(numpy.hypot(sampled, self._error(stats)))

    def caveat(self, stats: Statistics, alpha: float) -> str:
        return self._centres[0].caveat(_part(stats, 0), alpha)

    def _error(self, stats: Statistics) -> float:
        pairs = enumerate(self._centres)
        last, previous = (centre.estimate(_part(stats, k)) for k, centre in pairs)
        return abs(last - previous)


def limit(value: str, previous: str, *, median: bool = False) -> Estimator:
    """``lim E x``, or the limit of the median of x, for an extrapolated quantity `value`.

    The distance between it and `previous`, the extrapolation of one order less, is the error
    estimate of the extrapolation: the interval is widened by it on both sides. A median needs
    no assumption on the tails.
    """
    centre = (lambda name: estimators.quantile(name, 0.5)) if median else estimators.mean
    return _Limit(value, previous, centre)


def extrapolated(run: Callable[[float], Array], eta: float, levels: int = 2) -> dict[str, Array]:
    """Samples for `limit`: `run` at eta, eta/2, ... (`levels` step sizes) from the same draws."""
    value, previous = richardson([run(eta / 2**k) for k in range(levels)])
    return {"value": value, "previous": previous}


def _joined(parts: Sequence[Statistics]) -> Statistics:
    """Statistics of several means under names that say whose they are."""
    return {f"{k}_{name}": value for k, part in enumerate(parts) for name, value in part.items()}


def _part(stats: Statistics, k: int) -> Statistics:
    prefix = f"{k}_"
    return {name.removeprefix(prefix): v for name, v in stats.items() if name.startswith(prefix)}
