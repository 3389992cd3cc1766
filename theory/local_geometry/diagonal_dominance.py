r"""How far the rows of the two-layer Hessian are from diagonal: Lemma 28.

The ratio of a row is :math:`\sqrt{\sum_{q \ne p} H_{pq}^2}/|H_{pp}|`, and r_OPT, eq. (40), is
their mean over all rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from theory.arrays import absolute, dot, square_root, total
from theory.core import Claim, Mutant, Source
from theory.local_geometry.hessian_diagonal import two_layer_hessian
from theory.local_geometry.rank_one_structure import is_nearly_rank_one, nearly_rank_one
from theory.models.two_layer import residual
from theory.scalars import own_method

Array = Any


def row_ratios(w: Array, W: Array, A: Array) -> tuple[Array, Array]:
    r"""Ratios of all rows of `two_layer_hessian`, without the matrix.

    Row of :math:`W_{ij}`: off-diagonal square
    :math:`w_i^2(\|w\|^2 - w_i^2 + \|W_{\cdot j}\|^2) + 2w_iW_{ij}E_j + E_j^2`, diagonal
    :math:`w_i^2`. Row of :math:`w_i`:
    :math:`\sum_{k\ne i}(W_iW_k')^2 + \|w\|^2\|W_i\|^2 + 2w_iW_iE' + \|E\|^2`, diagonal
    :math:`\|W_i\|^2`.

    Parameters
    ----------
    w : (..., d)
    W : (..., d, n)
    A : (n,)

    Returns
    -------
    (..., d, n) and (..., d)
        Infinite or NaN where a diagonal entry is 0.
    """
    xp = array_namespace(w, W, A)
    error = residual(w, W, A)
    square, norm = w * w, xp.sum(w * w, axis=-1)
    columns = xp.sum(W * W, axis=-2)
    gram = W @ xp.matrix_transpose(W)
    rows = xp.sum(W * W, axis=-1)
    first = square[..., :, None] * (norm[..., None] - square)[..., :, None]
    first = first + square[..., :, None] * columns[..., None, :]
    first = first + 2 * w[..., :, None] * W * error[..., None, :]
    first = first + (error * error)[..., None, :]
    second = xp.sum(gram * gram, axis=-1) - rows * rows + norm[..., None] * rows
    second = second + 2 * w * (W @ error[..., :, None])[..., 0]
    second = second + xp.sum(error * error, axis=-1)[..., None]
    return xp.sqrt(first) / square[..., :, None], xp.sqrt(second) / rows


def r_opt_of_network(w: Array, W: Array, A: Array) -> Array:
    r"""r_OPT of the two-layer Hessian in O(d^3) operations; equals ``r_opt(two_layer_hessian)``.

    Parameters
    ----------
    w : (..., d)
    W : (..., d, n)
    A : (n,)

    Returns
    -------
    (...)

    >>> import numpy as np
    >>> w, W = np.array([1.0, 1.0]), np.eye(2)
    >>> round(float(r_opt_of_network(w, W, np.array([1.0, 1.0]))), 4)
    1.4142
    """
    first, second = row_ratios(w, W, A)
    xp = array_namespace(first)
    d, n = W.shape[-2:]
    whole = xp.sum(first, axis=(-2, -1)) + xp.sum(second, axis=-1)
    return whole / (d * n + d)


def ratios_of_matrix(hessian: Array) -> Array:
    """Ratio of every row of a matrix (n, n), in any arithmetic."""
    diagonal = np.asarray([hessian[i, i] for i in range(len(hessian))])
    rest = total(hessian * hessian, axis=1) - diagonal * diagonal
    return square_root(rest) / absolute(diagonal)


@dataclass(frozen=True)
class RowBounds:
    """Ratios of some rows of the Hessian with the two terms of their bound.

    Attributes
    ----------
    ratios, main, residual : arrays or lists of equal length
        Lemma 28 claims ``ratios <= main + residual``; the residual vanishes at a minimum.
    """

    ratios: Any
    main: Any
    residual: Any


def lemma_28_rows(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array,
                  error: Array) -> list[RowBounds]:  # fmt: skip
    r"""Rows of W, rows of w, and both bounds again in terms of u, v, c and delta.

    Rows of W: :math:`\sqrt{\|w\|^2 + \|W_{\cdot j}\|^2}/|w_i| + |E_j|/w_i^2`; rows of w:
    :math:`\sqrt{\|W\|_F^2 + \|w\|^2}/\|W_i\| + \|E\|/\|W_i\|^2`. With weights of rank one up to
    delta these are at most :math:`\frac{1+\delta}{1-\delta}\frac{\|u\|}{|u_i|}
    \sqrt{1 + v_j^2/c^2} + \frac{|E_j|}{(1-\delta)^2c^2u_i^2}` and
    :math:`\frac{1+\delta}{1-\delta}\frac{\sqrt{\|u\|^2\|v\|^2 + \|w\|^2}}{|u_i|\|v\|} +
    \frac{\|E\|}{(1-\delta)^2u_i^2\|v\|^2}`.

    A symbol with its own ``lemma_28_rows()`` in place of u answers for itself.
    """
    own = own_method(u, "lemma_28_rows")
    if own:
        return list(own())
    w, W = nearly_rank_one(u, v, c, delta, first, second)
    ratios = ratios_of_matrix(two_layer_hessian(w, W, w @ W - error))
    d, n = W.shape
    norm, rows, columns = dot(w, w), total(W * W, axis=1), total(W * W, axis=0)
    size = square_root(dot(error, error))
    of_first = RowBounds(
        ratios[: d * n].reshape(d, n),
        square_root(norm + columns)[None, :] / absolute(w)[:, None],
        absolute(error)[None, :] / (w * w)[:, None],
    )
    of_second = RowBounds(
        ratios[d * n :], square_root(total(rows) + norm) / square_root(rows), size / rows
    )
    spread, smallest = (1 + delta) / (1 - delta), (1 - delta) ** 2
    left, right = dot(u, u), dot(v, v)
    main = square_root(left * (1 + v * v / (c * c)))[None, :] / absolute(u)[:, None]
    structured_first = RowBounds(
        of_first.main + of_first.residual, spread * main,
        absolute(error)[None, :] / (smallest * c * c * u * u)[:, None],
    )  # fmt: skip
    structured_second = RowBounds(
        of_second.main + of_second.residual,
        spread * square_root(left * right + norm) / square_root(u * u * right),
        size / (smallest * right * u * u),
    )
    return [of_first, of_second, structured_first, structured_second]


def lemma_28_sides(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array,
                   error: Array) -> tuple[Array, Array]:  # fmt: skip
    """Lemma 28: ratios of the Hessian's rows, and their bounds.

    Parameters
    ----------
    u, v, c, delta, first, second
        Weights, as in `nearly_rank_one`.
    error : (n,)
        The residual E = w'W - A.

    Returns
    -------
    lhs, rhs : 1-d arrays
        One entry for every row of W, every row of w, and every structured bound of either.
    """
    return _gather(lemma_28_rows(u, v, c, delta, first, second, error))


def _gather(groups: list[RowBounds], main: Any = 1, residual: Any = 1) -> tuple[Array, Array]:
    lhs = [np.asarray(group.ratios, dtype=object).reshape(-1) for group in groups]
    rhs = [
        (np.asarray(group.main, dtype=object) * main
         + np.asarray(group.residual, dtype=object) * residual).reshape(-1)
        for group in groups
    ]  # fmt: skip
    return np.concatenate(lhs), np.concatenate(rhs)


def _lemma_28_mutant(groups: slice, main: Any = 1, residual: Any = 1) -> Callable[..., Any]:
    """Some of the bounds with other factors; the rest is left out."""

    def sides(u: Array, v: Array, c: Any, delta: Any, first: Array, second: Array,
              error: Array) -> tuple[Array, Array]:  # fmt: skip
        found = lemma_28_rows(u, v, c, delta, first, second, error)[groups]
        return _gather(found, main, residual)

    return sides


lemma_28 = Claim(
    id="local-geometry/lemma-28",
    title="Rows of the Hessian are dominated as the weights say",
    kind="inequality",
    statement=r"For the Hessian of $\frac12\|w'W-A\|^2$ and $E=w'W-A$, the ratio "
    r"$\sqrt{\sum_{q\ne p}H_{pq}^2}/|H_{pp}|$ of a row is at most "
    r"$\frac{\sqrt{\|w\|^2+\|W_{\cdot j}\|^2}}{|w_i|}+\frac{|E_j|}{w_i^2}$ for $W_{ij}$ and "
    r"$\frac{\sqrt{\|W\|_F^2+\|w\|^2}}{\|W_i\|}+\frac{\|E\|}{\|W_i\|^2}$ for $w_i$. If "
    r"$W=uv'+R_1$, $w=cu+R_2$ with relative errors at most $\delta<1$, the first terms are at "
    r"most $\frac{1+\delta}{1-\delta}\frac{\|u\|}{|u_i|}\sqrt{1+v_j^2/c^2}$ and "
    r"$\frac{1+\delta}{1-\delta}\frac{\sqrt{\|u\|^2\|v\|^2+\|w\|^2}}{|u_i|\|v\|}$.",
    notes="Upper bounds for both kinds of rows, approached as a row becomes small beside the "
    "others; constants are explicit here.",
    source=Source("jiang2022", item="Lemma 28"),
    scope={"w, W, A": "any without a zero row", "delta": "[0, 1)"},
    formula=lemma_28_sides,
    assumes=is_nearly_rank_one,
    mutants={
        "rows of W: first term 2 % smaller": _lemma_28_mutant(slice(0, 1), main=Fraction(49, 50)),
        "rows of w: first term 2 % smaller": _lemma_28_mutant(slice(1, 2), main=Fraction(49, 50)),
        "structured bounds 2 % smaller": _lemma_28_mutant(slice(2, 4), main=Fraction(49, 50)),
        "without the residual": _lemma_28_mutant(slice(0, 2), residual=0),
        "residual halved": _lemma_28_mutant(slice(0, 2), residual=Fraction(1, 2)),
        "errors without bound": Mutant(drops_assumptions=True),
    },
)
