"""A multilayer network at one point: loss, gradient and any number of products share its pass.

Whatever does not depend on the direction of a product (activations, their derivatives, the
backpropagated gradient) is computed once, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from theory.models.outputs import Outputs, activated, derivatives, make_outputs

if TYPE_CHECKING:
    from theory.models.multilayer import Network

__all__ = ["Linearised"]

Array = Any
Layer = tuple[Array, Array | None]


class Linearised:
    """A network at parameters (..., p), on samples X (..., m, n_0) with targets Y.

    Parameters
    ----------
    net : Network
    params, X, Y : arrays
        As for the methods of `Network`; Y may be None where only `output` is asked for.

    Attributes
    ----------
    output : array (..., m, n_L)
        Outputs of the last layer, before any softmax or sigmoid.

    Raises
    ------
    ValueError
        If a shape does not fit.
    """

    def __init__(self, net: Network, params: Array, X: Array, Y: Array = None) -> None:
        check_samples(net, X)
        self._net, self._labels = net, Y
        self._layers, self._xp = net.layers(params), array_namespace(params)
        # What enters each layer, what each activation is applied to, what it leaves for later.
        self._inputs, self._before = [X], [_affine(X, self._layers[0])]
        self._others: list[Array | None] = []
        for name, layer in zip(net.activation, self._layers[1:], strict=True):
            value, other = activated(name, self._before[-1])
            self._inputs.append(value)
            self._others.append(other)
            self._before.append(_affine(value, layer))
        self.output = self._before[-1]

    def loss(self) -> Array:
        """Mean loss of the samples, shape (...)."""
        return self._outputs.loss()

    def gradient(self) -> Array:
        """Gradient of the loss, shape (..., p), by backpropagation."""
        pairs = zip(self._deltas, self._inputs, strict=True)
        return self._net.flatten([self._weight_gradient(*pair) for pair in pairs])

    def ggn_product(self, v: Array) -> Array:
        """Product ``G v``, shape (..., p)."""
        delta = self._curved(self._push_forward(self._net.layers(v))[-1])
        found: list[Layer] = []
        for index in reversed(range(len(self._layers))):
            found.append(self._weight_gradient(delta, self._inputs[index]))
            if index:
                delta = (delta @ self._layers[index][0]) * self._slope(index)
        return self._net.flatten(found[::-1])

    def hvp(self, v: Array) -> Array:
        """Product ``H v`` with the Hessian of the loss, shape (..., p); exact (R-operator)."""
        direction = self._net.layers(v)
        moved = self._push_forward(direction)
        turned = self._curved(moved[-1])
        found: list[Layer] = []
        for index in reversed(range(len(self._layers))):
            delta, entered_moved = self._deltas[index], None
            if index:
                entered_moved = self._slope(index) * moved[index - 1]
            found.append(self._weight_gradient(turned, self._inputs[index], delta, entered_moved))
            if index:
                weight, change = self._layers[index][0], direction[index][0]
                turned = (turned @ weight + delta @ change) * self._slope(index)
                pull = self._pulls[index]
                if pull is not None:
                    turned = turned + pull * moved[index - 1]
        return self._net.flatten(found[::-1])

    @cached_property
    def _targets(self) -> Array:
        return as_targets(self._net, self.output, self._labels)

    @cached_property
    def _derivatives(self) -> list[tuple[Array, Array | None]]:
        """First and second derivative of every activation."""
        parts = zip(self._net.activation, self._before, self._inputs[1:], self._others,
                    strict=False)  # fmt: skip
        return [derivatives(*part) for part in parts]

    def _slope(self, index: int) -> Array:
        """First derivative of the activation that leads into layer `index` >= 1."""
        return self._derivatives[index - 1][0]

    @cached_property
    def _outputs(self) -> Outputs:
        return make_outputs(self._net.objective, self.output, self._targets)

    @cached_property
    def _backward(self) -> tuple[list[Array], list[Array | None]]:
        delta = self._outputs.gradient()
        deltas, pulls = [delta], list[Array | None]()
        for index in reversed(range(1, len(self._layers))):
            slope, bend = self._derivatives[index - 1]
            back = delta @ self._layers[index][0]
            pulls.append(None if bend is None else back * bend)
            delta = back * slope
            deltas.append(delta)
        return deltas[::-1], [None, *pulls[::-1]]

    @property
    def _deltas(self) -> list[Array]:
        """Derivatives of the mean loss by z_1, ..., z_L."""
        return self._backward[0]

    @property
    def _pulls(self) -> list[Array | None]:
        """By layer, what multiplies the motion of its input's z: curvature of the activation."""
        return self._backward[1]

    def _push_forward(self, direction: Sequence[Layer]) -> list[Array]:
        """Derivatives of z_1, ..., z_L along a direction of the parameters."""
        moved = [_affine(self._inputs[0], direction[0])]
        for index in range(1, len(self._layers)):
            entered, weight = self._inputs[index], self._layers[index][0]
            moved.append((self._slope(index) * moved[-1]) @ weight.mT
                         + _affine(entered, direction[index]))  # fmt: skip
        return moved

    def _weight_gradient(
        self, delta: Array, entered: Array, other: Array = None, moved: Array = None
    ) -> Layer:
        """Gradient ``delta' a`` (plus ``other' moved``) of a layer's weights, and of its biases."""
        weight = delta.mT @ entered
        if moved is not None:
            weight = weight + other.mT @ moved
        return weight, self._xp.sum(delta, axis=-2) if self._net.bias else None

    def _curved(self, moved: Array) -> Array:
        curved = self._outputs.curved(moved)
        # The curvature of the squared loss knows neither outputs nor targets, nor their trials.
        shape = np.broadcast_shapes(self.output.shape, self._targets.shape, curved.shape)
        return curved if curved.shape == shape else self._xp.broadcast_to(curved, shape)


def check_samples(net: Network, X: Array) -> None:
    """Raise ValueError unless X is (..., m, n_0) with m >= 1."""
    if X.ndim < 2 or X.shape[-1] != net.widths[0] or X.shape[-2] < 1:
        raise ValueError(f"X has shape {tuple(X.shape)}; it must be (..., m, "
                         f"{net.widths[0]}) with m >= 1")  # fmt: skip


def as_targets(net: Network, output: Array, Y: Array) -> Array:
    """Targets (..., m, n_L); integer classes become unit vectors; raises ValueError."""
    xp, (m, k) = array_namespace(output), output.shape[-2:]
    if net.objective == "cross-entropy" and is_integer(Y):
        if Y.ndim < 1 or Y.shape[-1] != m or not bool(xp.all((Y >= 0) & (k > Y))):
            raise ValueError(f"Y has shape {tuple(Y.shape)}; it must be (..., {m}) of classes "
                             f"0 to {k - 1}")  # fmt: skip
        classes = xp.arange(k, dtype=Y.dtype, device=device(Y))
        return xp.astype(Y[..., None] == classes, output.dtype)
    if tuple(Y.shape[-2:]) != (m, k):
        raise ValueError(f"Y has shape {tuple(Y.shape)}; it must be (..., {m}, {k})")
    return Y


def is_integer(array: Array) -> bool:
    """Whether the array holds integers, as classes are."""
    return bool(array_namespace(array).isdtype(array.dtype, "integral"))


def _affine(entered: Array, layer: Layer) -> Array:
    weight, offset = layer
    product = entered @ weight.mT
    if offset is not None:
        product += offset[..., None, :]
    return product
