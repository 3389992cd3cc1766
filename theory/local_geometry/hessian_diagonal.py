r"""Hessians of linear networks, and statistics of their diagonal.

Jiang, Malik, Li (2022), eq. (1), Appendix E.3 and Lemma 29. Medians are midpoint medians: the
mean of the two middle values of an even number of values (NumPy's convention; PyTorch's takes
the lower one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from array_api_compat import array_namespace

from theory.models.deep_linear import factors
from theory.models.two_layer import residual

Array = Any


def two_layer_hessian(w: Array, W: Array, A: Array) -> Array:
    r"""Hessian of :math:`\tfrac12\|w'W - A\|^2`, W row-major first, then w.

    Blocks: :math:`\partial^2 L/\partial W_{ij}\partial W_{kl} = w_i w_k \delta_{jl}`,
    :math:`\partial^2 L/\partial w_i\partial w_k = (WW')_{ik}`,
    :math:`\partial^2 L/\partial W_{ij}\partial w_k = w_i W_{kj} + \delta_{ik} E_j`.

    Parameters
    ----------
    w : (d,)
    W : (d, n)
    A : (n,)

    Returns
    -------
    (d n + d, d n + d)

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there are batch axes.
    """
    if w.ndim != 1 or W.ndim != 2 or A.ndim != 1:
        raise ValueError(
            f"w has shape {w.shape}, W {W.shape}, A {A.shape}; they must be (d,), (d, n), (n,)"
        )
    xp = array_namespace(w, W, A)
    d, n = W.shape
    error = residual(w, W, A)
    inputs, units = xp.eye(n, dtype=W.dtype), xp.eye(d, dtype=W.dtype)
    first = (w[:, None, None, None] * w[None, None, :, None]) * inputs[None, :, None, :]
    mixed = w[:, None, None] * W.T[None, :, :] + units[:, None, :] * error[None, :, None]
    first, mixed = xp.reshape(first, (d * n, d * n)), xp.reshape(mixed, (d * n, d))
    upper = xp.concat([first, mixed], axis=1)
    lower = xp.concat([mixed.T, W @ W.T], axis=1)
    return xp.concat([upper, lower], axis=0)


def two_layer_hessian_diagonal(w: Array, W: Array) -> Array:
    r"""Diagonal of `two_layer_hessian`: :math:`w_i^2` n times for each i, then :math:`\|W_i\|^2`.

    Leading axes are batch axes: w (..., d) and W (..., d, n) give (..., d n + d).

    >>> import numpy as np
    >>> two_layer_hessian_diagonal(np.array([2.0, 3.0]), np.eye(2)).tolist()
    [4.0, 4.0, 9.0, 9.0, 1.0, 1.0]
    """
    xp = array_namespace(w, W)
    d, n = W.shape[-2:]
    squares = xp.broadcast_to((w * w)[..., :, None], W.shape)
    first = xp.reshape(squares, (*W.shape[:-2], d * n))
    return xp.concat([first, xp.sum(W * W, axis=-1)], axis=-1)


def deep_linear_hessian_diagonal(weights: Sequence[Array], X: Array, layer: int) -> Array:
    r"""Hessian diagonal of one layer of a deep linear network, Lemma 29.

    :math:`\partial^2 L/\partial W_k[i,j]^2 = (M_k'M_k)_{ii} (N_kN_k')_{jj}/m` for
    :math:`L = \tfrac{1}{2m}\|W_H\cdots W_1X - Y\|_F^2`: an outer product.

    Parameters
    ----------
    weights : sequence of H matrices
        ``[W_1, ..., W_H]``.
    X : (n, m)
    layer : int
        k in 1..H.

    Returns
    -------
    array of the shape of :math:`W_k`

    Raises
    ------
    ValueError
        If `layer` is out of range or the shapes do not chain.
    """
    after, before = factors(weights, X, layer)
    xp = array_namespace(X)
    rows = weights[layer - 1].shape[0]
    left = xp.ones(rows, dtype=X.dtype) if after is None else xp.sum(after * after, axis=0)
    right = xp.sum(before * before, axis=1) / X.shape[1]
    return left[:, None] * right[None, :]


def r_med(diagonal: Array, axis: int = -1) -> Array:
    r"""Largest over median absolute entry, :math:`R_{med}`, eq. (1); midpoint median.

    Raises
    ------
    ValueError
        If there is no entry along `axis`, or an entry is NaN.
    """
    return quantile_ratio(diagonal, 1.0, 0.5, axis)


def max_over_min(diagonal: Array, axis: int = -1) -> Array:
    """Largest over smallest absolute entry; infinite where the smallest is 0."""
    return quantile_ratio(diagonal, 1.0, 0.0, axis)


def quantile_ratio(diagonal: Array, upper: float, lower: float, axis: int = -1) -> Array:
    """Ratio of two quantiles of the absolute entries, linear between order statistics.

    ``quantile_ratio(x, 0.9, 0.5)`` says how slow the slow half is, which a median hides.

    Raises
    ------
    ValueError
        If a quantile is outside [0, 1], there is no entry along `axis`, or an entry is NaN.
    """
    for name, value in (("upper", upper), ("lower", lower)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} is {value!r}; it must be in [0, 1]")
    xp = array_namespace(diagonal)
    if diagonal.ndim == 0 or diagonal.shape[axis] == 0:
        raise ValueError(f"diagonal has shape {diagonal.shape}; it must have entries along {axis}")
    if bool(xp.any(xp.isnan(diagonal))):
        raise ValueError("diagonal has NaN entries; it must be numbers")
    ordered = xp.sort(xp.moveaxis(xp.abs(diagonal), axis, -1), axis=-1)
    top, bottom = _quantile(ordered, upper), _quantile(ordered, lower)
    # x/0 is infinite and 0/0 NaN, as in IEEE 754, without a warning.
    empty = bottom == 0
    quotient = xp.where(empty, xp.inf, top / xp.where(empty, 1.0, bottom))
    return xp.where(top == 0, xp.where(empty, xp.nan, quotient), quotient)


def r_opt(hessian: Array) -> Array:
    r"""Mean over rows of :math:`\sqrt{\sum_{j \ne i} H_{ij}^2}/|H_{ii}|`, eq. (40).

    Small where the Hessian is nearly diagonal. Leading axes are batch axes.

    Raises
    ------
    ValueError
        If the matrix is not square, or a diagonal entry is 0.
    """
    xp = array_namespace(hessian)
    if hessian.ndim < 2 or hessian.shape[-1] != hessian.shape[-2]:
        raise ValueError(f"hessian has shape {hessian.shape}; it must be square")
    size = hessian.shape[-1]
    eye = xp.eye(size, dtype=xp.bool)
    diagonal = xp.sum(xp.where(eye, hessian, 0.0), axis=-1)
    if bool(xp.any(diagonal == 0)):
        raise ValueError("hessian has a diagonal entry that is 0; its ratio does not exist")
    off = xp.where(eye, 0.0, hessian)
    return xp.mean(xp.sqrt(xp.sum(off * off, axis=-1)) / xp.abs(diagonal), axis=-1)


def singular_uniformity(matrix: Array, rank: int) -> Array:
    r"""Largest over median of :math:`u_i = \sum_{k \le r} \sigma_k^2 u_k[i]^2`, the paper's R^u.

    Row norms of the best approximation of rank `rank`; for the right singular vectors pass the
    transpose.

    Raises
    ------
    ValueError
        If `rank` is not in 1..min(shape).
    """
    xp = array_namespace(matrix)
    if not 1 <= rank <= min(matrix.shape[-2:]):
        raise ValueError(f"rank is {rank!r}; it must be in 1..{min(matrix.shape[-2:])}")
    left, values, _ = xp.linalg.svd(matrix, full_matrices=False)
    scaled = left[..., :, :rank] * values[..., None, :rank]
    return r_med(xp.sum(scaled * scaled, axis=-1))


def _quantile(ordered: Array, q: float) -> Array:
    position = q * (ordered.shape[-1] - 1)
    low = int(position)
    high = min(low + 1, ordered.shape[-1] - 1)
    weight = position - low
    if weight == 0.0:
        return ordered[..., low]
    return (1 - weight) * ordered[..., low] + weight * ordered[..., high]
