r"""Loss and Hessian of linear networks: eq. (2), the blocks of Appendix E.3, and Lemma 29.

Every claim compares the formulas of `hessian_diagonal` with the loss itself. The loss is a
polynomial of the parameters, so that its second derivatives are exact combinations of its
values, in any arithmetic and on symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from theory.arrays import dot, is_array, outer, trace, transpose
from theory.core import Claim, Mutant, Source
from theory.local_geometry.hessian_diagonal import (
    deep_linear_hessian_diagonal,
    two_layer_hessian,
    two_layer_hessian_diagonal,
)
from theory.models.deep_linear import factors

Array = Any


def squared_loss(prediction: Array, target: Array, samples: Any) -> Any:
    r"""Loss :math:`\tfrac{1}{2m}\|P - Y\|^2` of predictions (m,) or (p, m), m samples."""
    error = prediction - target
    square = dot(error, error) if _is_vector(error) else trace(transpose(error) @ error)
    return square / (2 * samples)


def _is_vector(x: Any) -> bool:
    return x.ndim == 1 if is_array(x) else bool(x.is_column)


def whitened_loss(w: Array, W: Array, X: Array, Y: Array, m: Any) -> tuple[Any, Any]:
    r"""Both sides of eq. (2).

    :math:`\tfrac1{2m}\|w'WX - Y\|^2 = \tfrac12\|w'W - A\|^2 + \tfrac{\|Y\|^2}{2m} -
    \tfrac{\|A\|^2}2` with :math:`A = YX'/m`, for :math:`XX' = mI`.

    Parameters
    ----------
    w : (h,)
    W : (h, d)
    X : (d, m)
        Inputs, whitened.
    Y : (m,)
    m : int
        Number of samples.
    """
    return _loss_sides(w, W, X, Y, m)


def _loss_sides(w: Array, W: Array, X: Array, Y: Array, m: Any, *, scale: Any = 1,
                constant: Any = 1) -> tuple[Any, Any]:  # fmt: skip
    network = w @ W
    target = X @ Y / m * scale
    difference = network - target
    rest = dot(Y, Y) / (2 * m) - constant * dot(target, target) / 2
    return squared_loss(network @ X, Y, m), dot(difference, difference) / 2 + rest


def _is_whitened(w: Array, W: Array, X: Array, Y: Array, m: Any) -> bool:
    gram, expected = X @ X.T, m * np.eye(X.shape[0], dtype=int)
    return bool(X.shape[1] == m) and bool(np.all(gram == expected))


def hessian_form(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
    r"""Hessian of :math:`\tfrac12\|w'W - A\|^2` on two directions, from its blocks.

    On :math:`(\delta w, \delta W) = (a, B)` and :math:`(c, D)`:
    :math:`\sum w_iw_k\delta_{jl} B_{ij}D_{kl} + \sum (WW')_{ik} a_ic_k
    + \sum (w_iW_{kj} + \delta_{ik}E_j)(B_{ij}c_k + D_{ij}a_k)`.

    Parameters
    ----------
    w, a, c : (d,)
    W, B, D : (d, n)
    A : (n,)
    """
    error = w @ W - A
    first = dot(w @ B, w @ D)
    second = dot(a @ W, c @ W)
    mixed = dot(w @ B, c @ W) + dot(w @ D, a @ W) + dot(c, B @ error) + dot(a, D @ error)
    return first + second + mixed


def loss_derivative(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
    r"""Second derivative of :math:`\tfrac12\|w'W - A\|^2` along (a, B) and (c, D).

    The loss is of degree 4, so that with
    :math:`M(h) = \tfrac14 [L(h,h) - L(h,-h) - L(-h,h) + L(-h,-h)]` the coefficient of st is
    :math:`(16 M(1) - M(2))/12` exactly.
    """

    def loss(s: int, t: int) -> Any:
        error = (w + s * a + t * c) @ (W + s * B + t * D) - A
        return dot(error, error) / 2

    def mixed(h: int) -> Any:
        return (loss(h, h) - loss(h, -h) - loss(-h, h) + loss(-h, -h)) / 4

    return (16 * mixed(1) - mixed(2)) / 12


def hessian_sides(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
    """Second derivative of the loss along two directions, and what the blocks say.

    For arrays `two_layer_hessian` is compared with the same derivative, and its diagonal with
    `two_layer_hessian_diagonal`.
    """
    return _hessian_sides(hessian_form, two_layer_hessian, w, W, A, a, B, c, D)


def _hessian_sides(form: Callable[..., Any], hessian: Callable[..., Any], w: Array, W: Array,
                   A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:  # fmt: skip
    derivative, blocks = loss_derivative(w, W, A, a, B, c, D), form(w, W, A, a, B, c, D)
    if not is_array(w):
        return derivative, blocks
    matrix = hessian(w, W, A)
    first, second = (np.concatenate([M.reshape(-1), x]) for M, x in ((B, a), (D, c)))
    diagonal = np.asarray([matrix[i, i] for i in range(len(matrix))])
    left = np.asarray([derivative, derivative, *diagonal], dtype=object)
    right = [blocks, dot(first, matrix @ second), *two_layer_hessian_diagonal(w, W)]
    return left, np.asarray(right, dtype=object)


def _without_residual(w: Array, W: Array, A: Array, *directions: Array) -> Any:
    return hessian_form(w, W, w @ W, *directions)


def _columns_for_rows(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
    exact = hessian_form(w, W, A, a, B, c, D)
    return exact - dot(a @ W, c @ W) + dot(W @ a, W @ c)


def _mixed_once(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
    error = w @ W - A
    return (
        hessian_form(w, W, A, a, B, c, D) - dot(w @ D, a @ W) - dot(a, D @ error)
    )  # fmt: skip


def _weights_of_first(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
    exact = hessian_form(w, W, A, a, B, c, D)
    return exact + dot(w @ B, w @ D) / 50


def _block_mutant(form: Callable[..., Any]) -> Callable[..., Any]:
    def sides(w: Array, W: Array, A: Array, a: Array, B: Array, c: Array, D: Array) -> Any:
        return loss_derivative(w, W, A, a, B, c, D), form(w, W, A, a, B, c, D)

    return sides


def layer_sides(weights: Sequence[Array], X: Array, Y: Array, layer: int, i: Any, j: Any, m: Any
                ) -> tuple[Any, Any]:  # fmt: skip
    r"""Second derivative of a deep network's loss in entry (i, j) of layer k, and Lemma 29.

    The loss is quadratic in one layer, so that :math:`L(1) - 2L(0) + L(-1)` is the derivative.

    Parameters
    ----------
    weights : sequence of matrices
        ``[W_1, ..., W_H]``.
    X : (n, m), Y : (p, m)
    layer : int
        k in 1..H.
    i, j : int
        Row and column; for symbols the unit vectors of row and column.
    m : int
        Number of samples.
    """
    return _layer_sides(_lemma_29_value, weights, X, Y, layer, i, j, m)


def _layer_sides(value: Callable[..., Any], weights: Sequence[Array], X: Array, Y: Array,
                 layer: int, i: Any, j: Any, m: Any) -> tuple[Any, Any]:  # fmt: skip
    def loss(s: int) -> Any:
        output = X
        for k, weight in enumerate(weights, start=1):
            output = (_moved(weight, i, j, s) if k == layer else weight) @ output
        return squared_loss(output, Y, m)

    return loss(1) - 2 * loss(0) + loss(-1), value(weights, X, layer, i, j, m)


def _moved(weight: Array, i: Any, j: Any, s: int) -> Array:
    if not is_array(weight):
        return weight + s * outer(i, j)
    unit = np.zeros(weight.shape, dtype=int)
    unit[i, j] = s
    return weight + unit


def _lemma_29_value(weights: Sequence[Array], X: Array, layer: int, i: Any, j: Any, m: Any) -> Any:
    if is_array(X):
        return deep_linear_hessian_diagonal(weights, X, layer)[i, j]
    after, before = factors(weights, X, layer)
    left = i if after is None else after @ i
    right = transpose(before) @ j
    return dot(left, left) * dot(right, right) / m


def _entries(matrix: Array) -> tuple[Array, Array]:
    """Sums of squares of the rows and of the columns."""
    return np.sum(matrix * matrix, axis=1), np.sum(matrix * matrix, axis=0)


def _layer_mutant(change: Callable[[Any, Any, Any], Any]) -> Callable[..., tuple[Any, Any]]:
    """The lemma with its value replaced by ``change(left, right, samples)``."""

    def value(weights: Sequence[Array], X: Array, layer: int, i: Any, j: Any, m: Any) -> Any:
        after, before = factors(weights, X, layer)
        left = 1 if after is None else _entries(after)[1][i]
        return change(left, _entries(before)[0][j], m)

    def sides(weights: Sequence[Array], X: Array, Y: Array, layer: int, i: Any, j: Any, m: Any
              ) -> tuple[Any, Any]:  # fmt: skip
        return _layer_sides(value, weights, X, Y, layer, i, j, m)

    return sides


def _swapped_indices(weights: Sequence[Array], X: Array, Y: Array, layer: int, i: Any, j: Any,
                     m: Any) -> tuple[Any, Any]:  # fmt: skip
    rows, columns = weights[layer - 1].shape
    # Where an index is too large for the other side the last one is meant.
    return (
        layer_sides(weights, X, Y, layer, i, j, m)[0],
        _lemma_29_value(weights, X, layer, min(j, rows - 1), min(i, columns - 1), m),
    )


equation_2 = Claim(
    id="local-geometry/equation-2",
    title="Loss of the two-layer network on whitened data",
    kind="identity",
    statement=r"For $XX'=mI$, $A=YX'/m$ and one output, $\frac1{2m}\|w'WX-Y\|^2=\frac12\|w'W-A\|^2"
    r"+\frac{\|Y\|^2}{2m}-\frac{\|A\|^2}2$.",
    notes="Any hidden width; the constant is the loss of the best linear map.",
    source=Source("jiang2022", item="eq. (2)", equations=("2",)),
    scope={"X": "d x m with XX' = m I", "w, W, Y": "any, of fitting shapes"},
    formula=whitened_loss,
    assumes=_is_whitened,
    mutants={
        "constant without A": lambda w, W, X, Y, m: _loss_sides(w, W, X, Y, m, constant=0),
        "A not divided by m": lambda w, W, X, Y, m: _loss_sides(w, W, X, Y, m, scale=m),
        "A 2 % larger": lambda w, W, X, Y, m: _loss_sides(w, W, X, Y, m, scale=Fraction(51, 50)),
        "constant added": lambda w, W, X, Y, m: _loss_sides(w, W, X, Y, m, constant=-1),
        "data not whitened": Mutant(drops_assumptions=True),
    },
)

hessian_blocks = Claim(
    id="local-geometry/hessian-blocks",
    title="All blocks of the two-layer Hessian",
    kind="identity",
    statement=r"For $L=\frac12\|w'W-A\|^2$ and $E=w'W-A$: "
    r"$\frac{\partial^2L}{\partial W_{ij}\partial W_{kl}}=w_iw_k\delta_{jl}$, "
    r"$\frac{\partial^2L}{\partial w_i\partial w_k}=(WW')_{ik}$, "
    r"$\frac{\partial^2L}{\partial W_{ij}\partial w_k}=w_iW_{kj}+\delta_{ik}E_j$; the diagonal is "
    r"$w_i^2$ and $\|W_i\|^2$.",
    notes="Checked as a bilinear form on two directions, which for pairs of coordinates are the "
    "entries. With input covariance Lam the blocks are w_i w_k Lam_jl, (W Lam W')_ik and "
    "w_i (W Lam)_kj + delta_ik E_j with E = w'W Lam - A: a step of the proof.",
    source=Source("jiang2022", item="Appendix E.3"),
    scope={"w, W, A": "any", "directions": "any"},
    formula=hessian_sides,
    mutants={
        "no residual in the mixed block": _block_mutant(_without_residual),
        "W'W for WW'": _block_mutant(_columns_for_rows),
        "mixed block counted once": _block_mutant(_mixed_once),
        "first block 2 % larger": _block_mutant(_weights_of_first),
        "first block without the Kronecker delta": _block_mutant(
            lambda w, W, A, a, B, c, D: hessian_form(w, W, A, a, B, c, D)
            - dot(w @ B, w @ D) + sum(w @ B) * sum(w @ D)
        ),
    },
)  # fmt: skip

lemma_29 = Claim(
    id="local-geometry/lemma-29",
    title="Hessian diagonal of a deep linear network",
    kind="identity",
    statement=r"For $L=\frac1{2m}\|W_H\cdots W_1X-Y\|_F^2$, $M_k=W_H\cdots W_{k+1}$ and "
    r"$N_k=W_{k-1}\cdots W_1X$ ($M_H=I$, $N_1=X$): "
    r"$\frac{\partial^2L}{\partial W_k[i,j]^2}=\frac1m(M_k'M_k)_{ii}(N_kN_k')_{jj}$.",
    notes="A layer's diagonal is an outer product: its maximum factorises, its median does not.",
    source=Source("jiang2022", item="Lemma 29", equations=("54",)),
    scope={"weights": "any depth, any widths", "layer": "1..H", "X, Y": "any"},
    formula=layer_sides,
    mutants={
        "row and column swapped": _swapped_indices,
        "not divided by m": _layer_mutant(lambda left, right, m: left * right),
        "1/(2m)": _layer_mutant(lambda left, right, m: left * right / (2 * m)),
        "2 % larger": _layer_mutant(lambda left, right, m: left * right * Fraction(51, 50) / m),
        "without the later layers": _layer_mutant(lambda left, right, m: right / m),
        "without the earlier layers": _layer_mutant(lambda left, right, m: left / m),
    },
)
