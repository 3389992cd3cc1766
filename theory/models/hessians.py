r"""The whole Hessian of a network at one point of NumPy arrays, from the motion of its units.

A weight ``W_l'[i', j']`` moves unit i' of layer l' by :math:`a_{l'-1, j'}`, each sample by its own.
So k' directions for a layer of k' units tell everything: the entry for it and ``W_l[i, j]``,
l >= l', is :math:`\sum_s (D_{si} a_{sj} + \delta_{si} E_{sj})\, a'_{sj'}`, a and a' what enters
layers l and l', :math:`\delta_l` the derivatives of the loss by z_l, and D and E those of
:math:`\delta_l` and a by the unit (E = 0 for l = l'). That is at most ``m p^2`` multiplications
and additions, where p products take three times as many or more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from theory.models.multilayer import Network

__all__ = ["Parts", "whole_hessian"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """What is known of a network at a point, by layer.

    Attributes
    ----------
    net : Network
    inputs, deltas : lists of arrays (m, n), (m, k)
        What enters, and the derivatives of the loss by z.
    pulls : list of arrays (m, n) or None
        Curvature of the loss by the z before the layer, from that of the activation.
    weights : list of arrays (k, n)
    slope : callable
        Layer -> slopes (m, n) of the activation that leads into it.
    curved : callable
        The second derivative of the loss by the outputs, applied to arrays (..., m, n_L).
    """

    net: Network
    inputs: list[Array]
    deltas: list[Array]
    pulls: list[Array | None]
    weights: list[Array]
    slope: Callable[[int], Array]
    curved: Callable[[Array], Array]


def whole_hessian(parts: Parts) -> Array:
    """The Hessian (p, p) of the loss, symmetric up to rounding."""
    return _Assembly(parts).whole()


class _Assembly:
    def __init__(self, parts: Parts) -> None:
        self._parts, self._net = parts, parts.net
        bias = self._net.bias
        # A bias is the weight of an input that is 1.
        self._inputs = [np.hstack([a, np.ones((len(a), 1))]) if bias else a for a in parts.inputs]
        self._found = np.empty((self._net.size, self._net.size))
        self._places: list[tuple[int, int, int]] = []
        start = 0
        for n, k in zip(self._net.widths, self._net.widths[1:], strict=False):
            self._places.append((start, n, k))
            start += (n + bias) * k

    def whole(self) -> Array:
        for layer in range(len(self._places)):
            moved, turned = self._motion(layer)
            for upper in range(layer, len(self._places)):
                self._fill(layer, upper, turned[upper], None if upper == layer else moved[upper])
        return self._found

    def _motion(self, layer: int) -> tuple[dict[int, Array], dict[int, Array]]:
        """By layer l, derivatives by the units of `layer` of what enters l, and of delta_l."""
        parts, last = self._parts, len(self._places) - 1
        m, k = len(self._inputs[0]), self._places[layer][2]
        moved, entered = {layer: np.broadcast_to(np.eye(k)[:, None, :], (k, m, k))}, {}
        for index in range(layer + 1, last + 1):
            entered[index] = parts.slope(index) * moved[index - 1]
            moved[index] = _times(entered[index], parts.weights[index].T)
        turned = {last: parts.curved(moved[last])}
        for index in range(last, layer, -1):
            back = _times(turned[index], parts.weights[index])
            back *= parts.slope(index)
            pull = parts.pulls[index]
            turned[index - 1] = back if pull is None else back + pull * moved[index - 1]
        return entered, turned

    def _fill(self, layer: int, upper: int, turned: Array, moved: Array | None) -> None:
        """The entries of both layers' weights, unit by unit of the lower layer."""
        inputs, others, delta = self._inputs[layer], self._inputs[upper], self._parts.deltas[upper]
        m, n = others.shape[0], self._places[upper][1]
        for unit in range(self._places[layer][2]):
            # Within a layer the entries of later units are those of earlier ones, transposed.
            first = unit if upper == layer else 0
            left = turned[unit][:, first:, None] * others[:, None, :]
            if moved is not None:
                left[:, :, :n] += delta[:, :, None] * moved[unit][:, None, :]
            units = left.shape[1]
            block = np.dot(left.reshape(m, -1).T, inputs).reshape(units, others.shape[1], -1)
            self._store(layer, unit, upper, first, block)

    def _store(self, layer: int, unit: int, upper: int, first: int, block: Array) -> None:
        """Put a block (units, n + 1, n' + 1) and its transpose where the flat order has them."""
        start, n, k = self._places[upper]
        at, wide, high = self._places[layer]
        count = k - first
        rows = [(slice(start + first * n, start + k * n), block[:, :n].reshape(count * n, -1))]
        if self._net.bias:
            rows.append((slice(start + k * n + first, start + k * (n + 1)), block[:, n]))
        columns = [(slice(at + unit * wide, at + (unit + 1) * wide), slice(0, wide))]
        if self._net.bias:
            place = at + high * wide + unit
            columns.append((slice(place, place + 1), slice(wide, wide + 1)))
        for row, values in rows:
            for column, part in columns:
                self._found[row, column] = values[:, part]
                self._found[column, row] = values[:, part].T


def _times(stack: Array, matrix: Array) -> Array:
    """``stack @ matrix`` for a stack (k, m, n), as one product."""
    k, m, n = stack.shape
    product: Array = np.dot(stack.reshape(k * m, n), matrix)
    return product.reshape(k, m, -1)
