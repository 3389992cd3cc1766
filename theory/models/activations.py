r"""Activations of networks with two derivatives, and losses of their outputs with curvature.

Everything is elementwise in the trials and samples, works in any Array-API namespace, and accepts
complex arguments (NumPy) wherever the function is analytic, for complex-step differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from array_api_compat import array_namespace

Array = Any


@dataclass(frozen=True)
class Activation:
    r"""A scalar function :math:`\varphi` of each unit.

    Attributes
    ----------
    value : callable
        z -> :math:`\varphi(z)`.
    derivatives : callable
        (z, :math:`\varphi(z)`) -> (:math:`\varphi'(z)`, :math:`\varphi''(z)`); a zero second
        derivative is None.
    """

    value: Callable[[Array], Array]
    derivatives: Callable[[Array, Array], tuple[Array, Array | None]]


@dataclass(frozen=True)
class OutputLoss:
    r"""A loss :math:`\ell(z, y)` of the outputs z (..., k) of one sample with target y (..., k).

    Attributes
    ----------
    value : callable
        (z, y) -> :math:`\ell`, shape (...).
    gradient : callable
        (z, y) -> :math:`\partial_z \ell`, shape (..., k).
    curvature : callable
        (z, y) -> the map r -> :math:`(\partial_z^2 \ell)\, r` on (..., k).
    """

    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Callable[[Array], Array]]


def sigmoid(z: Array) -> Array:
    r""":math:`1/(1+e^{-z})` with small relative error for every z, without overflow.

    >>> import numpy as np
    >>> [float(value) for value in sigmoid(np.array([-800.0, 0.0, 800.0]))]
    [0.0, 0.5, 1.0]
    """
    xp = array_namespace(z)
    positive, tail = _tail(z)
    if _is_complex(z):
        return xp.where(positive, xp.ones_like(z), tail) / (1 + tail)
    # The tail is at most 1. A selection by sign costs several times as much as a maximum.
    return xp.maximum(tail, xp.astype(positive, tail.dtype)) / (1 + tail)


def softplus(z: Array) -> Array:
    r""":math:`\log(1+e^z)` without overflow or cancellation.

    >>> import numpy as np
    >>> float(softplus(np.array(1000.0)))
    1000.0
    """
    xp = array_namespace(z)
    positive, tail = _tail(z)
    zero = xp.zeros_like(z)
    return (xp.where(positive, z, zero) if _is_complex(z) else xp.maximum(z, zero)) + xp.log1p(tail)


def log_sum_exp(z: Array) -> Array:
    r""":math:`\log\sum_j e^{z_j}` over the last axis (..., k), without overflow; shape (...)."""
    xp = array_namespace(z)
    top = xp.max(_real(z), axis=-1, keepdims=True)
    return top[..., 0] + xp.log(xp.sum(xp.exp(z - top), axis=-1))


def softmax(z: Array) -> Array:
    r""":math:`e^{z_i}/\sum_j e^{z_j}` over the last axis (..., k), without overflow."""
    return array_namespace(z).exp(z - log_sum_exp(z)[..., None])


def _is_complex(z: Array) -> bool:
    return bool(array_namespace(z).isdtype(z.dtype, "complex floating"))


def _real(z: Array) -> Array:
    return array_namespace(z).real(z) if _is_complex(z) else z


def _tail(z: Array) -> tuple[Array, Array]:
    """Whether z >= 0, and exp(-|z|)."""
    xp = array_namespace(z)
    positive = _real(z) >= 0
    return positive, xp.exp(xp.where(positive, -z, z) if _is_complex(z) else -xp.abs(z))


def _relu(z: Array) -> Array:
    return array_namespace(z).where(_real(z) > 0, z, array_namespace(z).zeros_like(z))


def _relu_derivatives(z: Array, value: Array) -> tuple[Array, None]:
    # The derivative at the kink is 0, as in every library of automatic differentiation.
    return array_namespace(z).astype(_real(z) > 0, z.dtype), None


def _tanh_derivatives(z: Array, value: Array) -> tuple[Array, Array]:
    slope = 1 - value * value
    return slope, -2 * value * slope


def _sigmoid_derivatives(z: Array, value: Array) -> tuple[Array, Array]:
    slope = value * sigmoid(-z)
    return slope, slope * (1 - 2 * value)


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "tanh": Activation(lambda z: array_namespace(z).tanh(z), _tanh_derivatives),
        "sigmoid": Activation(sigmoid, _sigmoid_derivatives),
        "relu": Activation(_relu, _relu_derivatives),
        "linear": Activation(lambda z: z, lambda z, value: (array_namespace(z).ones_like(z), None)),
    }
)


def _sum(x: Array) -> Array:
    return array_namespace(x).sum(x, axis=-1)


def _cross_entropy_curvature(z: Array, y: Array) -> Callable[[Array], Array]:
    p, mass = softmax(z), _sum(y)[..., None]
    return lambda r: mass * p * (r - _sum(p * r)[..., None])


def _binary_curvature(z: Array, y: Array) -> Callable[[Array], Array]:
    slope = sigmoid(z) * sigmoid(-z)
    return lambda r: slope * r


LOSSES: Mapping[str, OutputLoss] = MappingProxyType(
    {
        "cross-entropy": OutputLoss(
            lambda z, y: _sum(y) * log_sum_exp(z) - _sum(y * z),
            lambda z, y: _sum(y)[..., None] * softmax(z) - y,
            _cross_entropy_curvature,
        ),
        "binary-cross-entropy": OutputLoss(
            lambda z, y: _sum(softplus(z) - y * z),
            lambda z, y: sigmoid(z) - y,
            _binary_curvature,
        ),
        "squared": OutputLoss(
            lambda z, y: _sum((z - y) * (z - y)) / 2,
            lambda z, y: z - y,
            lambda z, y: lambda r: r,
        ),
    }
)
