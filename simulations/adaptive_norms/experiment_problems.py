"""The problems of the trust-region experiments, each with its starts, in stacks of trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from simulations.digits import load_digits
from theory.models.multilayer import Network, autoencoder

if TYPE_CHECKING:
    from simulations.engine.streams import Stream
    from theory.models.linearised import Linearised

Array = NDArray[np.float64]
Batch = Any  # indices of samples, (..., b), or None for all

# Condition number of the quadratics, and dimensions.
CONDITION, DIMENSION, VALLEYS = 1e4, 20, 3
SAMPLES = 256  # images that the networks train on
BATCH = 32  # of the first-order methods on networks
_POINTS = 3  # the iterate, the trial point, and one more


@dataclass(frozen=True)
class Problem:
    """An objective with minimum 0 or above, its derivatives and a law of starts.

    Attributes
    ----------
    size : int
        Number p of parameters.
    least : float
        Infimum of the loss, or a lower bound of it; losses are compared in excess of it.
    loss, gradient : callable
        ``(x, batch) -> (...)`` and ``(..., p)`` for x (..., p); a batch is indices
        of samples (..., b), None means all.
    product : callable
        ``(x, v, batch) -> (..., p)``, Hessian times vector.
    starts : callable
        ``(stream, trials) -> (trials, p)``.
    samples : int
        Number of samples, or 0 where there are none.
    """

    size: int
    loss: Callable[..., Array]
    gradient: Callable[..., Array]
    product: Callable[..., Array]
    starts: Callable[[Stream, int], Array]
    least: float = 0.0
    samples: int = 0


def mixing(d: int) -> Array:
    """The orthogonal (d, d) matrix of the discrete Hartley transform: every entry matters."""
    angles = 2.0 * np.pi * np.outer(np.arange(d), np.arange(d)) / d
    return np.asarray((np.cos(angles) + np.sin(angles)) / np.sqrt(d))


def _quadratic(rotated: bool) -> Problem:
    values = np.geomspace(1.0 / CONDITION, 1.0, DIMENSION)
    basis = mixing(DIMENSION) if rotated else np.eye(DIMENSION)
    hessian = (basis * values) @ basis.T
    return Problem(
        DIMENSION,
        lambda x, batch=None: 0.5 * np.sum(x * (x @ hessian), axis=-1),
        lambda x, batch=None: x @ hessian,
        lambda x, v, batch=None: v @ hessian,
        lambda stream, trials: np.asarray(stream.normal((trials, DIMENSION))),
    )  # fmt: skip


def _rosenbrock() -> Problem:
    """``sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2``, from around (-1.2, 1, -1.2, ...)."""
    centre = np.where(np.arange(VALLEYS) % 2 == 0, -1.2, 1.0)

    def loss(x: Array, batch: Batch = None) -> Array:
        gap = x[..., 1:] - x[..., :-1] ** 2
        return np.asarray(np.sum(100.0 * gap**2 + (1.0 - x[..., :-1]) ** 2, axis=-1))

    def gradient(x: Array, batch: Batch = None) -> Array:
        gap = x[..., 1:] - x[..., :-1] ** 2
        found = np.zeros_like(x)
        found[..., :-1] = -400.0 * x[..., :-1] * gap - 2.0 * (1.0 - x[..., :-1])
        found[..., 1:] += 200.0 * gap
        return found

    def product(x: Array, v: Array, batch: Batch = None) -> Array:
        now, after = x[..., :-1], x[..., 1:]
        found = np.zeros_like(v)
        found[..., :-1] = (1200.0 * now**2 - 400.0 * after + 2.0) * v[..., :-1]
        found[..., :-1] -= 400.0 * now * v[..., 1:]
        found[..., 1:] += 200.0 * v[..., 1:] - 400.0 * now * v[..., :-1]
        return found

    def starts(stream: Stream, trials: int) -> Array:
        return np.asarray(centre + 0.5 * stream.normal((trials, VALLEYS)))

    return Problem(VALLEYS, loss, gradient, product, starts)


class _Points:
    """A network on all samples at the last few points, which share one forward pass each.

    A trust-region method asks for loss, gradient and products at the same ones.
    """

    def __init__(self, net: Network, X: Array, Y: NDArray[Any]) -> None:
        self._samples = net.on(X, Y)
        self._kept: list[tuple[bytes, Linearised]] = []

    def __call__(self, x: Array) -> Linearised:
        """The network at x (p,)."""
        key, kept = x.tobytes(), self._kept
        # Comparing a few contents is faster than hashing one.
        for place, (known, found) in enumerate(kept):
            if known == key:
                kept.append(kept.pop(place))
                return found
        kept.append((key, self._samples.at(x.copy())))
        del kept[:-_POINTS]
        return kept[-1][1]


def _network(net: Network, X: Array, Y: NDArray[Any], gain: float, least: float = 0.0) -> Problem:
    points = _Points(net, X, Y)

    def at(x: Array, batch: Batch) -> Linearised:
        if batch is not None:
            return net.at(x, X[batch], Y[batch])
        return points(x) if x.ndim == 1 else net.at(x, X, Y)

    def loss(x: Array, batch: Batch = None) -> Array:
        return np.asarray(at(x, batch).loss())

    def gradient(x: Array, batch: Batch = None) -> Array:
        return np.asarray(at(x, batch).gradient())

    def product(x: Array, v: Array, batch: Batch = None) -> Array:
        return np.asarray(at(x, batch).hvp(v))

    def starts(stream: Stream, trials: int) -> Array:
        return np.asarray(net.initialise(np.asarray(stream.normal((trials, net.size))), gain=gain))

    return Problem(net.size, loss, gradient, product, starts, least, len(X))


def _classifier(gain: float) -> Problem:
    data = load_digits()
    net = Network((64, 16, 10), "tanh", "cross-entropy")
    return _network(net, data.train[:SAMPLES], data.train_labels[:SAMPLES], gain)


def _autoencoder(side: int, widths: tuple[int, ...], gain: float) -> Problem:
    images = load_digits(scale="unit", side=side).train[:SAMPLES]
    # A perfect reconstruction still costs the entropy of the grey values.
    entropy = -xlogy(images, images) - xlogy(1.0 - images, 1.0 - images)
    floor = float(np.mean(np.sum(entropy, axis=-1)))
    return _network(autoencoder(widths), images, images, gain, floor)


_MAKERS: dict[str, Callable[[], Problem]] = {
    "quadratic": lambda: _quadratic(rotated=False),
    "rotated quadratic": lambda: _quadratic(rotated=True),
    "rosenbrock": _rosenbrock,
    "classifier": lambda: _classifier(1.0),
    "classifier, large start": lambda: _classifier(3.0),
    "autoencoder": lambda: _autoencoder(8, (64, 24, 12, 4), 1.0),
    "autoencoder, large start": lambda: _autoencoder(8, (64, 24, 12, 4), 4.0),
    "small autoencoder": lambda: _autoencoder(4, (16, 8, 3), 1.0),
    "small autoencoder, large start": lambda: _autoencoder(4, (16, 8, 3), 4.0),
}
PROBLEMS = tuple(_MAKERS)


@cache
def make_problem(name: str) -> Problem:
    """The problem called `name`; raises ValueError if it is not in `PROBLEMS`."""
    if name not in _MAKERS:
        raise ValueError(f"problem is {name!r}; it must be one of {', '.join(PROBLEMS)}")
    return _MAKERS[name]()
