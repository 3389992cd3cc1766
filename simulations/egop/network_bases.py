"""The bases that the paper compares, of the parameters of networks, for stacks of trials."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulations.egop.network_problems import host
from simulations.kernels.packed_product_cpu import PackedMatrix
from theory.egop.estimators import (
    kronecker_eigenbases,
    random_completion,
    randomized_eigenbasis,
)
from theory.egop.outer_product import egop, eigenbasis
from theory.models.bases import haar_basis
from theory.models.multilayer import Network

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]

ORIGINAL = "original"
METHODS = (ORIGINAL, "global", "block", "first layer", "kronecker", "input side", "randomized",
           "random rotation")  # fmt: skip
# Of the randomized basis: eigenvectors kept, as a share of all, and oversampling.
_KEPT, _OVERSAMPLING = 0.1, 5


@dataclass(frozen=True)
class Turn:
    """A change of coordinates of a stretch of the parameters.

    Attributes
    ----------
    start, stop : int
        The stretch.
    V : array (s, q, q)
        Orthogonal; s = trials or 1. With `left` the stretch is a matrix W by rows, with q
        columns, and becomes ``left' W V``; else it is a vector and becomes ``V' theta``.
    left : array (s, k, k), optional
    """

    start: int
    stop: int
    V: Array
    left: Array | None = None

    def apply(self, part: Array, *, inwards: bool) -> Array:
        """The stretch (trials, r, stop - start) in the other coordinates."""
        if self.left is None and len(self.V) == 1:  # one product for all trials reads V once
            packed = self._inwards if inwards else self._outwards
            return packed.product(part.reshape(-1, part.shape[-1])).reshape(part.shape)
        V = self.V if inwards else self.V.mT
        if self.left is None:
            return part @ V
        k, q = self.left.shape[-1], V.shape[-1]
        left = self.left.mT if inwards else self.left
        matrix = part.reshape(*part.shape[:-1], k, q)
        return np.asarray(left[:, None] @ matrix @ V[:, None]).reshape(part.shape)

    @cached_property
    def _inwards(self) -> PackedMatrix:
        return PackedMatrix(self.V[0])

    @cached_property
    def _outwards(self) -> PackedMatrix:
        return PackedMatrix(self.V[0].T)

    def of(self, trials: slice) -> Turn:
        """That of some of the trials."""
        if len(self.V) == 1:
            return self
        return replace(self, V=self.V[trials],
                       left=None if self.left is None else self.left[trials])  # fmt: skip


@dataclass(frozen=True)
class Rotation:
    """Changes of coordinates of disjoint stretches; parameters outside stay as they are.

    As `theory.optimizers.reparameterised`, with a basis for each trial.
    """

    turns: tuple[Turn, ...] = ()

    def inwards(self, theta: Array) -> Array:
        """The new coordinates of (trials, r, p)."""
        return self._turned(theta, inwards=True)

    def outwards(self, x: Array) -> Array:
        """The original coordinates of (trials, r, p)."""
        return self._turned(x, inwards=False)

    def of(self, trials: slice) -> Rotation:
        """That of some of the trials."""
        return Rotation(tuple(turn.of(trials) for turn in self.turns))

    @property
    def bytes_of_a_trial(self) -> int:
        """Memory of the bases that one trial does not share with the others."""
        return sum(turn.V[0].nbytes for turn in self.turns if len(turn.V) > 1)

    def _turned(self, theta: Array, *, inwards: bool) -> Array:
        if not self.turns:
            return theta
        result = theta.copy()
        for turn in self.turns:
            stretch = slice(turn.start, turn.stop)
            result[..., stretch] = turn.apply(theta[..., stretch], inwards=inwards)
        return result


def rotation(method: str, net: Network, gradients: Array, stream: Stream) -> Rotation:
    """The rotation of one of `METHODS` from gradient samples (s, n, p).

    ``global`` uses the EGOP of all parameters; ``block`` one for each weight matrix (biases
    stay), ``first layer`` only that of the first; ``kronecker`` two factors for each weight
    matrix, ``input side`` only the right factor of the first: a rotation of the data;
    ``randomized`` a tenth of the eigenvectors by randomized SVD, completed at random;
    ``random rotation`` a uniformly distributed basis of all parameters.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    p = net.size
    if method == ORIGINAL:
        return Rotation()
    if method == "global":
        return Rotation((Turn(0, p, _stacked(_eigenvectors, gradients)),))
    if method == "randomized":
        found = [_randomized(rows, stream) for rows in gradients]
        return Rotation((Turn(0, p, np.stack(found)),))
    if method == "random rotation":
        normals = host(stream.normal((len(gradients), p, p)))
        return Rotation((Turn(0, p, _stacked(haar_basis, normals)),))
    chosen = matrices(net)
    if method in ("first layer", "input side"):
        chosen = chosen[:1]
    make = _vector_turn if method in ("block", "first layer") else _matrix_turn
    turns = [make(start, shape, gradients) for start, shape in chosen]
    if method == "input side":
        turns = [Turn(turn.start, turn.stop, turn.V, _identities(turn)) for turn in turns]
    return Rotation(tuple(turns))


def matrices(net: Network) -> list[tuple[int, tuple[int, int]]]:
    """Where each weight matrix begins among the parameters, and its shape."""
    sizes = [(k, n) for n, k in itertools.pairwise(net.widths)]
    lengths = [k * (n + net.bias) for k, n in sizes]
    starts = [0, *itertools.accumulate(lengths)][:-1]
    return list(zip(starts, sizes, strict=True))


def _vector_turn(start: int, shape: tuple[int, int], gradients: Array) -> Turn:
    stop = start + shape[0] * shape[1]
    return Turn(start, stop, _stacked(_eigenvectors, gradients[..., start:stop]))


def _matrix_turn(start: int, shape: tuple[int, int], gradients: Array) -> Turn:
    stop = start + shape[0] * shape[1]
    pairs = [kronecker_eigenbases(rows, shape) for rows in gradients[..., start:stop]]
    left, right = (np.stack([pair[side].V for pair in pairs]) for side in (0, 1))
    return Turn(start, stop, right, left)


def _identities(turn: Turn) -> Array:
    k = (turn.stop - turn.start) // turn.V.shape[-1]
    return np.broadcast_to(np.eye(k), (len(turn.V), k, k))


def _eigenvectors(rows: Array) -> Array:
    return eigenbasis(egop(rows)).V


def _randomized(rows: Array, stream: Stream) -> Array:
    n, p = rows.shape
    rank = max(1, round(_KEPT * p))
    normals = host(stream.normal((n, min(rank + _OVERSAMPLING, p))))
    partial = randomized_eigenbasis(rows, rank, normals).V
    return random_completion(partial, host(stream.normal((p, p - rank))))


def _stacked(function: Callable[[Array], Array], stack: Array) -> Array:
    first = function(stack[0])
    # In place: a list and its stack would be twice the memory, all of it new.
    found = np.empty((len(stack), *first.shape))
    found[0] = first
    for k in range(1, len(stack)):
        found[k] = function(stack[k])
    return found
