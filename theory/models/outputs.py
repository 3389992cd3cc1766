"""Activations and losses of a network's layers, each exponential taken once where NumPy is fast.

Arrays of any namespace are given to `activations`. Float64 NumPy arrays need no selections by sign,
and those of classes no maxima in trials whose outputs are all below 300 in size. Their losses are
sums of terms that are not negative where targets are valid (within [0, 1], and at least 0 for
classes), each right to a few roundings: a small loss is as accurate as a large one, and none is
below 0. All other numbers are those of `activations` but for rounding; so are losses of classes
with larger outputs, which are rounded at the size of the outputs.

A trial's numbers do not depend on the values of others in its stack.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from theory.models.activations import ACTIVATIONS, LOSSES

__all__ = ["Outputs", "activated", "derivatives", "is_plain", "make_outputs"]

Array = Any
# Quotients of exponentials of such numbers can be added.
_LARGEST = 300.0
# Its exponential and the inverse of that are normal numbers.
_LIMIT = 708.0


def activated(name: str, z: Array) -> tuple[Array, Array | None]:
    """The activation's value, and what its derivatives can use again."""
    if name == "sigmoid" and is_plain(z):
        return _logistic(z)
    return ACTIVATIONS[name].value(z), None


def derivatives(
    name: str, z: Array, value: Array, other: Array | None
) -> tuple[Array, Array | None]:
    """First and second derivative of the activation; `value` and `other` as from `activated`."""
    if other is None:
        return ACTIVATIONS[name].derivatives(z, value)
    rest = other * value
    slope = rest * value
    np.subtract(rest, value, out=rest)
    return slope, np.multiply(rest, slope, out=rest)


def make_outputs(objective: str, z: Array, y: Array) -> Outputs:
    """The loss of the outputs z (..., m, k) with targets y (..., m, k), by the fastest way."""
    plain = is_plain(z) and is_plain(y)
    if objective == "binary-cross-entropy" and plain:
        return _Binary(objective, z, y)
    if objective != "cross-entropy" or not plain:
        return Outputs(objective, z, y)
    if _is_small(z):
        return _Softmax(objective, z, y)
    small = np.all(np.abs(z) < _LARGEST, axis=(-2, -1), keepdims=True)
    return _Mixed(objective, z, y, small) if small.any() else Outputs(objective, z, y)


def is_plain(array: Any) -> bool:
    """Whether it is a float64 NumPy array."""
    return type(array) is np.ndarray and array.dtype == np.float64


class Outputs:
    """The mean over samples of a loss, with its derivatives by the outputs.

    Parameters
    ----------
    objective : str
    z, y : arrays (..., m, k)
        Outputs and targets, whose leading axes broadcast.
    """

    def __init__(self, objective: str, z: Array, y: Array) -> None:
        self._own, self._z, self._y, self._m = LOSSES[objective], z, y, z.shape[-2]

    def loss(self) -> Array:
        """The mean loss, shape (...)."""
        value = self._own.value(self._z, self._y)
        return array_namespace(value).mean(value, axis=-1)

    def gradient(self) -> Array:
        """Its gradient by z, (..., m, k)."""
        return self._own.gradient(self._z, self._y) / self._m

    def curved(self, r: Array, out: Array = None) -> Array:
        """Its second derivative times r (..., m, k), for NumPy arrays into `out` if it is given."""
        return _into(out, self._map(r) / self._m)

    @cached_property
    def _map(self) -> Any:
        return self._own.curvature(self._z, self._y)


class _Binary(Outputs):
    r"""Logits: :math:`\log(1+e^z) - yz = \log(1+e^{-|z|}) + (1_{z>0} - y) z`."""

    @cached_property
    def _parts(self) -> tuple[Array, Array]:
        """The probability p, and 1 - p without cancellation."""
        value, tail = _logistic(self._z)
        return value, np.multiply(value, tail, out=tail)

    def loss(self) -> Array:
        logarithms = np.abs(self._z)
        np.negative(logarithms, out=logarithms)
        np.exp(logarithms, out=logarithms)
        np.log1p(logarithms, out=logarithms)
        # Neither part is negative, so that nothing cancels.
        away = _inner((self._z > 0.0) - self._y, self._z)
        return (logarithms.sum(axis=(-2, -1)) + away) / self._m

    def gradient(self) -> Array:
        # As (1 - y) p - y (1 - p): what is left of a sample that is right is as small as its loss.
        value, rest = self._parts
        found = value * (1.0 - self._y)
        found -= self._y * rest
        found *= 1.0 / self._m
        return found

    def curved(self, r: Array, out: Array = None) -> Array:
        return np.multiply(self._scale, r, out=out)

    @cached_property
    def _scale(self) -> Array:
        value, rest = self._parts
        found = value * rest
        found *= 1.0 / self._m
        return found


class _Softmax(Outputs):
    r"""Classes: :math:`\sum_j y_j \log(1 + \sum_{l \ne j} e^{z_l} / e^{z_j})`."""

    @cached_property
    def _powers(self) -> Array:
        return np.exp(self._z)

    def loss(self) -> Array:
        others = _multiplied(self._powers, _hollow(self._z.shape[-1]))
        others /= self._powers
        return _inner(self._y, np.log1p(others, out=others)) / self._m

    def gradient(self) -> Array:
        return self._scale[1] - self._y / self._m

    def curved(self, r: Array, out: Array = None) -> Array:
        chances, scale = self._scale
        found = np.multiply(chances, r, out=out)
        found = np.subtract(r, _sums(found), out=out)
        return np.multiply(found, scale, out=out)

    @cached_property
    def _scale(self) -> tuple[Array, Array]:
        """Probabilities, and what they are times the targets' sums in the mean."""
        chances = self._powers / _sums(self._powers)
        return chances, chances * _sums(self._y) / self._m


class _Mixed(Outputs):
    """Classes in a stack; `small` (..., 1, 1) says which of its trials `_Softmax` may have."""

    def __init__(self, objective: str, z: Array, y: Array, small: Array) -> None:
        super().__init__(objective, z, y)
        self._small = small
        self._fast = _Softmax(objective, np.where(small, z, 0.0), y)

    def loss(self) -> Array:
        return np.where(self._small[..., 0, 0], self._fast.loss(), super().loss())

    def gradient(self) -> Array:
        return np.where(self._small, self._fast.gradient(), super().gradient())

    def curved(self, r: Array, out: Array = None) -> Array:
        return _into(out, np.where(self._small, self._fast.curved(r), super().curved(r)))


def _into(out: Array | None, found: Array) -> Array:
    if out is None:
        return found
    out[...] = found
    return out


def _is_small(z: Array) -> bool:
    """Whether all entries are; False where one is not a number."""
    return bool(z.max(initial=0.0) < _LARGEST and z.min(initial=0.0) > -_LARGEST)


def _logistic(z: Array) -> tuple[Array, Array]:
    """``1/(1 + e^-z)`` and ``e^-z``, where z is below -708 the numbers at -708."""
    tail = np.negative(z)
    # The search takes a quarter of the time of the selection, which rarely changes anything.
    if not tail.max(initial=0.0) <= _LIMIT:
        np.minimum(tail, _LIMIT, out=tail)
    np.exp(tail, out=tail)
    value = 1.0 + tail
    return np.divide(1.0, value, out=value), tail


def _sums(array: Array) -> Array:
    """Sums over the last axis, everywhere on it: as a product with ones, which is fast."""
    return _multiplied(array, _ones(array.shape[-1]))


def _multiplied(array: Array, matrix: Array) -> Array:
    return np.dot(array.reshape(-1, len(matrix)), matrix).reshape(array.shape)


@cache
def _ones(k: int) -> Array:
    return np.ones((k, k))


@cache
def _hollow(k: int) -> Array:
    return np.ones((k, k)) - np.eye(k)


def _inner(a: Array, b: Array) -> Array:
    """Sum of ``a b`` over the last two axes."""
    return np.vdot(a, b) if a.ndim == 2 and b.ndim == 2 else np.sum(a * b, axis=(-2, -1))
