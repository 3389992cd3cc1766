"""Minibatch gradients of many linear or ReLU networks: each in cache, its products by BLAS.

The formulas are those of `theory.models.linearised`. A stack of networks goes through memory for
every operation; here batch, activations and derivatives of one network stay in the second-level
cache. For 40 classifiers of 2410 parameters on 300 samples that takes 0.6 of the time, and for a
few small networks at a time the calls of NumPy are saved.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from theory.core.compilation import Compiled
from theory.models.multilayer import Network

Array = NDArray[np.float64]

_REAL, _INTEGER = numba.types.float64, numba.types.int64
_CUBE = _REAL[:, :, ::1]


class BatchGradients:
    """Gradients of a network with linear or ReLU layers on minibatches of fixed data.

    Parameters
    ----------
    net : Network
        Its hidden layers are all linear or all ReLU, its loss is squared or cross-entropy.
    X : array (s, n, n_0)
        Data sets.
    Y : array (s, n, n_L), or (s, n) of classes for cross-entropy
        Targets.

    Raises
    ------
    ValueError
        If the network is another one, a shape does not fit, or Y has another class.
    """

    def __init__(self, net: Network, X: Array, Y: NDArray[Any]) -> None:
        kinds, losses = set(net.activation), ("squared", "cross-entropy")
        if kinds not in ({"relu"}, {"linear"}, set()) or net.objective not in losses:
            raise ValueError(f"net is {net!r}; its hidden layers must be all linear or all relu, "
                             f"its objective one of {', '.join(losses)}")  # fmt: skip
        classify = net.objective == "cross-entropy"
        # Copies, because the kernel is compiled for arrays that may be written to.
        self._X = np.array(X, dtype=np.float64, order="C")
        width = net.widths[0]
        if self._X.ndim != 3 or self._X.shape[-1] != width or not len(self._X):
            raise ValueError(f"X has shape {self._X.shape}; it must be (s, n, {width}), s >= 1")
        self._Y = _targets(np.asarray(Y), self._X.shape[:2], net.widths[-1], classify)
        self._size = net.size
        self._widths = np.asarray(net.widths, dtype=np.int64)
        self._flags = np.asarray([kinds == {"relu"}, net.bias, classify], dtype=np.int64)

    def __call__(self, theta: Array, index: NDArray[np.int64]) -> Array:
        """Gradients of the mean losses of minibatches.

        Parameters
        ----------
        theta : array (g, r, p), g >= 1
            The r networks of a group have the same minibatch. Groups belong to the data sets in
            equal parts, in order.
        index : array (g, b) of integers
            Rows of the data set.

        Returns
        -------
        array (g, r, p)

        Raises
        ------
        ValueError
            If a shape does not fit, or the data have no such row.
        """
        (sets, n), p = self._X.shape[:2], self._size
        if theta.ndim != 3 or theta.shape[-1] != p or len(theta) % sets or not len(theta):
            raise ValueError(f"theta has shape {theta.shape}; it must be (g, r, {p}), "
                             f"g >= 1 a multiple of {sets}")  # fmt: skip
        if index.ndim != 2 or len(index) != len(theta) or index.shape[1] < 1:
            raise ValueError(f"index has shape {index.shape}; it must be ({len(theta)}, b), b >= 1")
        if index.min() < 0 or index.max() >= n:
            raise ValueError(f"index has {index.min()} to {index.max()}; "
                             f"it must lie in [0, {n - 1}]")  # fmt: skip
        theta = np.require(theta, np.float64, ("C", "W"))
        found = np.empty_like(theta)
        work = np.empty((2, index.shape[1] * int(self._widths.sum())))
        _kernel(theta, np.require(index, np.int64, ("C", "W")), self._X, self._Y,
                self._widths, self._flags, work, found)  # fmt: skip
        return found


def _targets(Y: NDArray[Any], samples: tuple[int, int], k: int, classify: bool) -> Array:
    """Y as a new array (s, n, k); raises ValueError where it does not fit."""
    if Y.shape == (*samples, k):
        return np.array(Y, dtype=np.float64, order="C")
    classes = f", or {samples} of integers" if classify else ""
    if not classify or Y.shape != samples or not np.issubdtype(Y.dtype, np.integer):
        raise ValueError(f"Y has shape {Y.shape} of {Y.dtype}; it must be {(*samples, k)}{classes}")
    if Y.size and (Y.min() < 0 or Y.max() >= k):
        raise ValueError(f"Y has classes {Y.min()} to {Y.max()}; they must lie in [0, {k - 1}]")
    units: Array = np.eye(k)[Y]
    return units


def _gradients(
    theta: Any, index: Any, X: Any, Y: Any, widths: Any, flags: Any, work: Any, found: Any
) -> None:
    groups, b, layers = theta.shape[0], index.shape[1], len(widths) - 1
    shared = groups // X.shape[0]
    last = b * (widths.sum() - widths[layers])
    values, deltas = work[0], work[1]
    entered = values[: b * widths[0]].reshape(b, widths[0])
    output = values[last : last + b * widths[layers]].reshape(b, widths[layers])
    delta = deltas[last : last + b * widths[layers]].reshape(b, widths[layers])
    for group in range(groups):
        source = group // shared
        for row in range(b):
            entered[row, :] = X[source, index[group, row], :]
        for which in range(theta.shape[1]):
            params, gradient = theta[group, which], found[group, which]
            _forward(params, values, b, widths, flags)
            for row in range(b):
                _output_gradient(output[row], Y[source, index[group, row]], flags[2], b, delta[row])
            _backward(params, values, deltas, b, widths, flags, gradient)


@numba.njit(error_model="numpy")
def _forward(params: Any, values: Any, b: int, widths: Any, flags: Any) -> None:
    place, start, layers = 0, 0, len(widths) - 1
    for layer in range(layers):
        n, k = widths[layer], widths[layer + 1]
        entered = values[start : start + b * n].reshape(b, n)
        start += b * n
        z = values[start : start + b * k].reshape(b, k)
        np.dot(entered, params[place : place + k * n].reshape(k, n).T, z)
        place += k * n
        if flags[1]:
            for row in range(b):
                for unit in range(k):
                    z[row, unit] += params[place + unit]
            place += k
        if flags[0] and layer < layers - 1:
            for row in range(b):
                for unit in range(k):
                    z[row, unit] = z[row, unit] if z[row, unit] > 0.0 else 0.0


@numba.njit(error_model="numpy")
def _output_gradient(output: Any, target: Any, classify: int, b: int, delta: Any) -> None:
    """Derivative of the loss of one sample, over b; a target of classes has the sum `mass`."""
    k = len(output)
    if not classify:
        for unit in range(k):
            delta[unit] = (output[unit] - target[unit]) / b
        return
    top, mass, whole = output[0], 0.0, 0.0
    for unit in range(1, k):
        top = max(top, output[unit])
    for unit in range(k):
        delta[unit] = math.exp(output[unit] - top)
        whole += delta[unit]
        mass += target[unit]
    for unit in range(k):
        delta[unit] = (mass * (delta[unit] / whole) - target[unit]) / b


@numba.njit(error_model="numpy")
def _backward(
    params: Any, values: Any, deltas: Any, b: int, widths: Any, flags: Any, gradient: Any
) -> None:
    place, start = len(params), b * (widths.sum() - widths[-1])
    for layer in range(len(widths) - 2, -1, -1):
        n, k = widths[layer], widths[layer + 1]
        delta = deltas[start : start + b * k].reshape(b, k)
        start -= b * n
        entered = values[start : start + b * n].reshape(b, n)
        if flags[1]:
            place -= k
            gradient[place : place + k] = 0.0
            for row in range(b):
                for unit in range(k):
                    gradient[place + unit] += delta[row, unit]
        place -= k * n
        np.dot(delta.T, entered, gradient[place : place + k * n].reshape(k, n))
        if layer:
            before = deltas[start : start + b * n].reshape(b, n)
            np.dot(delta, params[place : place + k * n].reshape(k, n), before)
            for row in range(b if flags[0] else 0):
                for unit in range(n):
                    # The value of a unit that is off is 0.
                    kept = before[row, unit] if entered[row, unit] > 0.0 else 0.0
                    before[row, unit] = kept


_kernel = Compiled(
    _gradients,
    numba.void(_CUBE, _INTEGER[:, ::1], _CUBE, _CUBE, _INTEGER[::1], _INTEGER[::1], _REAL[:, ::1],
               _CUBE),
    "network_gradients",
    error_model="numpy",
    nogil=True,
)  # fmt: skip
