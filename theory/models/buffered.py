"""A network at points of float64 NumPy arrays: BLAS adds in place into buffers that are kept.

The numbers are those of `Linearised` but for rounding. A product costs its matrix products, a few
passes over the units of each layer, and one copy of p numbers.

Inside, matrices are transposed, one sample a column, and in Fortran's order: what BLAS works on
without copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dgemm

from theory.models.hessians import Parts, whole_hessian
from theory.models.linearised import Linearised, as_targets, check_samples, is_integer
from theory.models.outputs import activated, is_plain

if TYPE_CHECKING:
    from theory.models.multilayer import Network

__all__ = ["Buffered", "Samples", "suits"]

Array = NDArray[np.float64]


class Samples:
    """Samples X (m, n_0) with targets Y, for a network at many points, one after the other.

    Its points share buffers: they must be used from one thread, and X and Y must not change.

    Parameters
    ----------
    net : Network
    X : float64 array (m, n_0)
    Y : array, or None where only outputs are asked for
        As for the methods of `Network`.

    Raises
    ------
    ValueError
        If X is another kind of array, or its shape does not fit.
    """

    def __init__(self, net: Network, X: Array, Y: Any = None) -> None:
        _check_kind("X", X, 2)
        check_samples(net, X)
        self.net, self.X, self._labels = net, np.ascontiguousarray(X), Y
        self._targets: Array | None = None

    def at(self, params: Array) -> Buffered:
        """The network at params (p,), which must not change; raises ValueError as `net.on`."""
        _check_kind("params", params, 1)
        return Buffered(self, np.ascontiguousarray(params))

    def targets(self, output: Array) -> Array:
        """Y as an array (m, n_L); raises ValueError where it does not fit."""
        if self._targets is None:
            self._targets = np.ascontiguousarray(as_targets(self.net, output, self._labels))
        return self._targets

    @cached_property
    def ones(self) -> Array:
        """(m,)."""
        return np.ones(len(self.X))

    @cached_property
    def work(self) -> _Work:
        """Buffers of one product."""
        net, m = self.net, len(self.X)
        v, out = np.empty(net.size), np.empty(net.size)
        layers = []
        for (weight, offset), (own, bias) in zip(net.layers(v), net.layers(out), strict=True):
            k, n = weight.shape
            moved, entered, back = (np.empty((rows, m), order="F") for rows in (k, n, k))
            column = None if offset is None else offset[:, None]
            layers.append(_Buffers(weight, weight.T, column, np.empty((k, n), order="F"), moved,
                                   entered, back, own.T, bias))  # fmt: skip
        return _Work(v, out, layers, self.ones[None, :])


@dataclass(frozen=True, eq=False, slots=True)
class _Buffers:
    """One layer with k units and n inputs: parts of the vector, of the product, and in between."""

    weight: Array  # (k, n), of the vector
    transposed: Array  # (n, k), the same
    offset: Array | None  # (k, 1)
    copied: Array  # (k, n), the weight in Fortran's order
    moved: Array  # (k, m), derivatives of z along the vector
    entered: Array  # (n, m), of the layer's input
    back: Array  # (k, m), of the derivatives of the loss by z
    out_weight: Array  # (n, k), of the product
    out_offset: Array | None  # (k,)


@dataclass(frozen=True, eq=False, slots=True)
class _Work:
    v: Array
    out: Array
    layers: list[_Buffers]
    row: Array  # (1, m) of ones


@dataclass(frozen=True, eq=False, slots=True)
class _Known:
    """What products along all directions share, for one layer; transposed as the buffers."""

    weight: Array  # (n, k)
    copied: Array  # (k, n)
    entered: Array  # (n, m)
    delta: Array  # (k, m)
    slope: Array | None  # (n, m), None where it is 1
    pull: Array | None  # (n, m), None where it is 0


class Buffered(Linearised):
    """`Linearised` at one point of float64 NumPy arrays; made by `Samples.at`."""

    def __init__(self, samples: Samples, params: Array) -> None:
        net = samples.net
        self._net, self._samples, self._xp = net, samples, np
        self._layers = net.layers(params)
        self._copies = [np.asfortranarray(weight) for weight, _ in self._layers]
        self._inputs, self._before = [samples.X], [self._forward(samples.X, 0)]
        self._others: list[Array | None] = []
        for index, name in enumerate(net.activation, start=1):
            value, other = activated(name, self._before[-1])
            self._inputs.append(value)
            self._others.append(other)
            self._before.append(self._forward(value, index))
        self.output = self._before[-1]

    def gradient(self) -> Array:
        """Gradient of the loss, shape (p,), by backpropagation."""
        out = np.empty(self._net.size)
        for (weight, offset), delta, entered in zip(
            self._net.layers(out), self._deltas, self._inputs, strict=True
        ):
            np.dot(delta.T, entered, out=weight)
            if offset is not None:
                np.dot(self._samples.ones, delta, out=offset)
        return out

    def ggn_product(self, v: Array) -> Array:
        """Product ``G v``, shape (..., p)."""
        one = is_plain(v) and v.ndim == 1
        return self._product(v, whole=False) if one else super().ggn_product(v)

    def hvp(self, v: Array) -> Array:
        """Product ``H v`` with the Hessian of the loss, shape (..., p); exact (R-operator)."""
        one = is_plain(v) and v.ndim == 1
        return self._product(v, whole=True) if one else super().hvp(v)

    def hessian(self) -> Array:
        """Hessian of the loss, shape (p, p), symmetric up to rounding; see `hessians`."""
        return whole_hessian(
            Parts(self._net, self._inputs, self._deltas, self._pulls,
                  [weight for weight, _ in self._layers], self._slope, self._curved)
        )  # fmt: skip

    def _forward(self, entered: Array, index: int) -> Array:
        z: Array = np.dot(entered, self._copies[index].T)
        offset = self._layers[index][1]
        if offset is not None:
            _add_columns(offset[:, None], self._samples.ones[None, :], z.T)
        return z

    @cached_property
    def _targets(self) -> Array:
        return self._samples.targets(self.output)

    @cached_property
    def _known(self) -> list[_Known]:
        names = ["linear", *self._net.activation]
        return [
            _Known(weight.T, copied, entered.T, delta.T,
                   None if name == "linear" else self._slope(index).T,
                   None if pull is None else pull.T)
            for index, ((weight, _), copied, entered, delta, name, pull) in enumerate(zip(
                self._layers, self._copies, self._inputs, self._deltas, names, self._pulls,
                strict=True))
        ]  # fmt: skip

    def _product(self, v: Array, *, whole: bool) -> Array:
        """``H v``, or ``G v`` where not `whole`."""
        work, known = self._samples.work, self._known
        if v.shape != work.v.shape:
            self._net.layers(v)
        work.v[...] = v
        _push(work, known)
        last = work.layers[-1]
        self._outputs.curved(last.moved.T, last.back.T)
        for index in range(len(known) - 1, -1, -1):
            own = work.layers[index]
            dgemm(1.0, known[index].entered, own.back, 0.0, own.out_weight, 0, 1, 1)
            if own.out_offset is not None:
                np.dot(own.back, self._samples.ones, out=own.out_offset)
            if index:
                _pull(own, known[index], work.layers[index - 1], whole)
        return work.out.copy()


def _check_kind(name: str, array: Any, axes: int) -> None:
    if not (is_plain(array) and array.ndim == axes):
        raise ValueError(f"{name} is a {type(array).__name__} of {getattr(array, 'dtype', None)} "
                         f"with shape {getattr(array, 'shape', None)}; it must be a float64 NumPy "
                         f"array with {axes} axes")  # fmt: skip


def suits(params: Any, X: Any, Y: Any) -> bool:
    """Whether they are float64 NumPy arrays (p,), (m, n_0), (m, n_L), or Y integer classes."""
    if not (is_plain(params) and params.ndim == 1 and is_plain(X) and X.ndim == 2):
        return False
    classes = type(Y) is np.ndarray and is_integer(Y)
    return Y is None or classes or (is_plain(Y) and Y.ndim == 2)


def _push(work: _Work, known: list[_Known]) -> None:
    """Fill `moved` and `entered` of every layer."""
    before: Array | None = None
    for own, fixed in zip(work.layers, known, strict=True):
        own.copied[...] = own.weight
        dgemm(1.0, own.copied, fixed.entered, 0.0, own.moved, 0, 0, 1)
        if before is not None:
            if fixed.slope is not None:
                before = np.multiply(fixed.slope, before, out=own.entered)
            dgemm(1.0, fixed.copied, before, 1.0, own.moved, 0, 0, 1)
        if own.offset is not None:
            _add_columns(own.offset, work.row, own.moved)
        before = own.moved


def _pull(own: _Buffers, fixed: _Known, below: _Buffers, whole: bool) -> None:
    """Fill `back` of the layer below; where `whole`, add to the product what moves the input."""
    dgemm(1.0, fixed.weight, own.back, 0.0, below.back, 0, 0, 1)
    if whole:
        entered = below.moved if fixed.slope is None else own.entered
        dgemm(1.0, entered, fixed.delta, 1.0, own.out_weight, 0, 1, 1)
        dgemm(1.0, own.transposed, fixed.delta, 1.0, below.back, 0, 0, 1)
    if fixed.slope is not None:
        np.multiply(below.back, fixed.slope, out=below.back)
    if whole and fixed.pull is not None:
        # Nothing needs the motion of the layer below any more.
        np.multiply(below.moved, fixed.pull, out=below.moved)
        np.add(below.back, below.moved, out=below.back)


def _add_columns(column: Array, row: Array, out: Array) -> None:
    """Add a column (k, 1) to every column of `out` (k, m); half the time of a broadcast sum."""
    dgemm(1.0, column, row, 1.0, out, 0, 0, 1)
