r"""Deep linear networks :math:`x \mapsto W_H \cdots W_1 x` with squared loss.

:math:`L = \tfrac{1}{2m}\|W_H \cdots W_1 X - Y\|_F^2`; Jiang, Malik, Li (2022), Lemma 29.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from array_api_compat import array_namespace

Array = Any


def output(weights: Sequence[Array], X: Array) -> Array:
    """Network output :math:`W_H ... W_1 X`; `weights` is ``[W_1, ..., W_H]``, X is (n, m)."""
    _check(weights, X)
    result = X
    for weight in weights:
        result = weight @ result
    return result


def loss(weights: Sequence[Array], X: Array, Y: Array) -> Array:
    r"""Loss :math:`\tfrac{1}{2m}\|W_H \cdots W_1 X - Y\|_F^2`, a scalar."""
    error = output(weights, X) - Y
    return array_namespace(error).sum(error * error) / (2 * X.shape[1])


def gradients(weights: Sequence[Array], X: Array, Y: Array) -> list[Array]:
    r"""Gradients by layer, :math:`\partial_{W_k} L = M_k' (W_H \cdots W_1 X - Y) N_k' / m`."""
    error = output(weights, X) - Y
    found = []
    for layer in range(1, len(weights) + 1):
        after, before = factors(weights, X, layer)
        delta = error if after is None else after.T @ error
        found.append(delta @ before.T / X.shape[1])
    return found


def factors(weights: Sequence[Array], X: Array, layer: int) -> tuple[Array | None, Array]:
    r"""Return the factors around layer k, :math:`M_k` and :math:`N_k`.

    :math:`M_k = W_H \cdots W_{k+1}`, :math:`N_k = W_{k-1} \cdots W_1 X`. The first is None
    for the last layer, where it is the identity.

    Raises
    ------
    ValueError
        If `layer` is not in 1..H, or the shapes do not chain.
    """
    _check(weights, X)
    if not 1 <= layer <= len(weights):
        raise ValueError(f"layer is {layer!r}; it must be in 1..{len(weights)}")
    before = X
    for weight in weights[: layer - 1]:
        before = weight @ before
    after = None
    for weight in weights[layer:]:
        after = weight if after is None else weight @ after
    return after, before


def _check(weights: Sequence[Array], X: Array) -> None:
    if not weights:
        raise ValueError("weights is empty; there must be at least one layer")
    shapes = [X.shape, *(weight.shape for weight in weights)]
    if any(len(shape) != 2 for shape in shapes) or any(
        later[1] != earlier[0] for earlier, later in itertools.pairwise(shapes)
    ):
        raise ValueError(f"X and W_1, ..., W_H have shapes {shapes}; their products must exist")
