"""Hypothesis strategies for the matrices and vectors of optimisation theory.

A random matrix is rarely the worst one. Each strategy here mixes structured kinds (equal,
one-hot, rank one, two-level spectra, ...) with free ones, so that extremal cases are reached,
and shrinks to a small instance that is named in its docstring. A dimension is a positive int or a
strategy of them. Arrays are float64 unless an exact form is asked for: exact forms are object
arrays of `fractions.Fraction` and satisfy their promise without any rounding.

>>> from hypothesis import find, settings
>>> quiet = settings(database=None)
>>> find(positive_definite(2, condition=100.0), lambda a: True, settings=quiet).tolist()
[[1.0, 0.0], [0.0, 0.01]]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import structures as parts
from proofs_check.structures import (
    MAX_CONDITION,
    Array,
    Dimension,
    Draw,
    listed,
    ranked,
    require,
    sized,
    spectrum_of,
)

__all__ = ["MAX_CONDITION", "diagonal", "gradient_sequences", "low_rank", "orthogonal",
           "positive_definite", "positive_semidefinite", "rational_orthogonal", "scales",
           "sign_vectors", "spectra", "symmetric", "vectors"]  # fmt: skip


@parts.remembered
def scales(low: float = 2.0**-200, high: float = 2.0**200) -> SearchStrategy[float]:
    """Positive floats in [low, high], tiny, moderate and huge alike.

    Reaches both ends, powers of two (which scale without rounding) and log-uniform values; the
    default range leaves room for fourth powers. Shrinks to 1, or to the nearer end.
    """
    require(0 < low <= high < math.inf, "low, high", (low, high), "0 < low <= high < inf")
    centre = min(max(1.0, low), high)
    first, last = math.ceil(math.log2(low)), math.floor(math.log2(high))
    kinds: list[SearchStrategy[float]] = [st.just(centre), st.sampled_from([low, high])]
    if first <= last:
        kinds.append(st.integers(first, last).map(lambda k: min(max(2.0**k, low), high)))
    logs = st.floats(math.log(low), math.log(high))
    kinds.append(logs.map(lambda value: min(max(math.exp(value), low), high)))
    return st.one_of(kinds)


@parts.remembered
def sign_vectors(d: Dimension) -> SearchStrategy[Array]:
    """Vectors (d,) of entries +1.0 and -1.0; reaches all of them, shrinks to all ones."""
    return sized("d", d).flatmap(lambda n: listed(parts.signs(), n).map(np.array))


@parts.remembered
def vectors(d: Dimension, *, scale: float | SearchStrategy[float] = 1.0,
            nonzero: bool = False) -> SearchStrategy[Array]:  # fmt: skip
    """Vectors (d,) with entries in [-scale, scale].

    Reaches zero, one-hot, all equal, sign patterns, entries graded over 12 decades, and free
    entries. Shrinks to zero; with `nonzero` to ``(scale, 0, ..., 0)``.

    Parameters
    ----------
    d : int or strategy of int
        Length, >= 1.
    scale : float or strategy of float
        Largest absolute entry, positive and finite; ``scales()`` gives tiny and huge vectors.
    nonzero : bool
        Exclude the zero vector.
    """
    if not isinstance(scale, SearchStrategy):
        require(0 < scale < math.inf, "scale", scale, "a positive finite number")
    sizes = scale if isinstance(scale, SearchStrategy) else st.just(scale)
    return _vectors(sized("d", d), sizes, nonzero)


@st.composite
def _vectors(draw: Draw, d: SearchStrategy[int], scale: SearchStrategy[float],
             nonzero: bool) -> Array:  # fmt: skip
    size, shape = draw(scale), parts.direction(draw, draw(d))
    if nonzero and not (shape * size).any():
        # Zero, or a product that underflows.
        shape[0] = 1.0
    return np.asarray(shape * size)


@parts.remembered
def spectra(d: Dimension, *, low: float = 1.0, high: float = MAX_CONDITION,
            attained: bool = False) -> SearchStrategy[Array]:  # fmt: skip
    """Spectra (d,): numbers in [low, high] in descending order, for eigenvalues.

    Reaches all equal, two levels with any multiplicities, geometric decay, and free values.
    Shrinks to all equal to `low`; with `attained` to ``(high, low, ..., low)``.

    Parameters
    ----------
    d : int or strategy of int
        Length, >= 1; >= 2 where both ends are to be attained.
    low, high : float
        Range, ``0 < low <= high < inf``.
    attained : bool
        Whether the first is exactly `high` and the last exactly `low`.
    """
    require(0 < low <= high < math.inf, "low, high", (low, high), "0 < low <= high < inf")
    if attained and low < high:
        return _spectra(sized("d", d, smallest=2), low, high, True)
    return _spectra(sized("d", d), low, high, False)


@st.composite
def _spectra(draw: Draw, d: SearchStrategy[int], low: float, high: float,
             attained: bool) -> Array:  # fmt: skip
    n = draw(d)
    kind = draw(parts.among("lowest", "two levels", "geometric", "equal", "free"))
    within = scales(low, high)
    if kind == "lowest":
        values = np.full(n, low)
    elif kind == "equal":
        values = np.full(n, draw(within))
    elif kind == "two levels":
        values = np.where(np.arange(n) < draw(st.integers(0, n)), high, low)
    elif kind == "geometric":
        values = np.geomspace(high, low, n)
    else:
        values = np.array(draw(listed(within, n)))
    values = np.clip(np.sort(values)[::-1], low, high)
    if attained:
        values[0], values[-1] = high, low
    return np.asarray(values)


@parts.remembered
def orthogonal(d: Dimension) -> SearchStrategy[Array]:
    """Orthogonal matrices (d, d), of determinant +1 and -1.

    Reaches the identity, signed permutations, plane rotations, Householder reflections (that of
    the all-ones vector among them) and Haar-distributed matrices. ``Q'Q`` differs from the
    identity by rounding only (about 1e-15 d); see `rational_orthogonal` for exact ones. Shrinks
    to the identity.
    """
    return _orthogonal(sized("d", d))


@st.composite
def _orthogonal(draw: Draw, d: SearchStrategy[int]) -> Array:
    n = draw(d)
    kind = draw(parts.among("identity", "permutation", "rotation", "reflection", "haar"))
    if kind == "permutation":
        return parts.signed_permutation(draw, n)
    if kind == "rotation" and n > 1:
        return parts.rotation(draw, n)
    if kind == "reflection":
        return parts.reflection(draw, n)
    return parts.haar(parts.generator(draw), n) if kind == "haar" else np.eye(n)


@parts.remembered
def rational_orthogonal(d: Dimension, *, size: int = 3) -> SearchStrategy[Array]:
    """Exactly orthogonal matrices (d, d): object arrays of `Fraction` with ``Q'Q = I``.

    Signed permutations times Cayley transforms ``(I + S)^{-1} (I - S)`` of skew S with entries
    p/q, ``|p| <= size`` and ``1 <= q <= size``: dense in all orthogonal matrices as `size` grows.
    The columns are exact unit vectors. Shrinks to the identity.
    """
    require(isinstance(size, int) and size >= 1, "size", size, "an int >= 1")
    return _rational_orthogonal(sized("d", d), size)


@st.composite
def _rational_orthogonal(draw: Draw, d: SearchStrategy[int], size: int) -> Array:
    n = draw(d)
    skew = np.full((n, n), Fraction(0), dtype=object)
    if n > 1 and draw(st.booleans()):
        for i in range(n):
            for j in range(i):
                entry = Fraction(draw(st.integers(-size, size)), draw(st.integers(1, size)))
                skew[i, j], skew[j, i] = entry, -entry
    permutation = parts.signed_permutation(draw, n)
    order = np.argmax(np.abs(permutation), axis=1)
    rows = np.array([int(value) for value in permutation.sum(axis=1)], dtype=object)
    return np.asarray(parts.cayley(skew)[order] * rows[:, None])


@parts.remembered
def symmetric(d: Dimension, *, scale: float = 1.0) -> SearchStrategy[Array]:
    """Symmetric matrices (d, d), exactly equal to their transposes, entries up to about `scale`.

    Reaches zero, diagonal, hollow (zero diagonal), rank one of either sign, indefinite with
    eigenvalues ``+-scale`` in any orthogonal basis, and free entries. Shrinks to zero.
    """
    require(0 < scale < math.inf, "scale", scale, "a positive finite number")
    return _symmetric(sized("d", d), scale)


@st.composite
def _symmetric(draw: Draw, d: SearchStrategy[int], scale: float) -> Array:
    n = draw(d)
    kind = draw(parts.among("free", "diagonal", "hollow", "rank one", "signs"))
    if kind == "diagonal":
        return np.asarray(np.diag(parts.direction(draw, n)) * scale)
    if kind == "rank one":
        v = parts.direction(draw, n)
        return np.asarray(np.outer(v, v) * draw(parts.among(scale, -scale)))
    if kind == "signs":
        return parts.conjugate(draw(orthogonal(n)), draw(sign_vectors(n)) * scale)
    lower = np.tril(np.array(draw(listed(parts.entries(), n * n))).reshape(n, n))
    matrix = np.asarray((lower + np.tril(lower, -1).T) * scale)
    if kind == "hollow":
        np.fill_diagonal(matrix, 0.0)
    return matrix


@parts.remembered
def diagonal(d: Dimension, *, low: float = -1.0, high: float = 1.0) -> SearchStrategy[Array]:
    """Diagonal matrices (d, d) with entries in [low, high].

    Reaches multiples of the identity, entries at both ends, and free ones. Shrinks to the
    multiple of the identity that is nearest to zero.
    """
    require(-math.inf < low <= high < math.inf, "low, high", (low, high), "finite, low <= high")
    values = st.one_of(st.just(min(max(0.0, low), high)), st.sampled_from([low, high]),
                       st.floats(low, high))  # fmt: skip
    constant = sized("d", d).flatmap(lambda n: values.map(lambda value: [value] * n))
    free = sized("d", d).flatmap(lambda n: listed(values, n))
    return st.one_of(constant, free).map(lambda row: np.diag(np.array(row)))


def positive_definite(
    d: Dimension,
    *,
    spectrum: Sequence[float] | Array | SearchStrategy[Array] | None = None,
    condition: float | None = None,
    max_condition: float = MAX_CONDITION,
    exact: bool = False,
) -> SearchStrategy[Array]:
    """Symmetric positive definite matrices ``Q diag(spectrum) Q'`` of shape (d, d).

    The bases Q are those of `orthogonal`, so that axis-aligned and rotated matrices occur, and
    the spectra those of `spectra`. The matrix equals its transpose exactly and is positive
    definite in exact arithmetic too; its eigenvalues are the prescribed ones up to rounding
    (about 1e-15 d times the largest). Shrinks to ``diag(spectrum)``: the identity, or
    ``diag(1, 1/condition, ...)``.

    Parameters
    ----------
    d : int or strategy of int
        Dimension, >= 1; >= 2 for a condition number above 1.
    spectrum : sequence or strategy of arrays (d,), optional
        The eigenvalues, positive; their ratio is at most 1e12 unless `exact`.
    condition : float, optional
        The condition number, exactly, in [1, 1e12]; the largest eigenvalue is 1.
    max_condition : float
        Where neither is given: the largest condition number, in [1, 1e12]; the largest
        eigenvalue is 1 and the smallest is at least ``1/max_condition``.
    exact : bool
        Rational bases (`rational_orthogonal`): an object array of `Fraction` whose eigenvalues
        are exactly the prescribed floats.
    """
    for name, value in (("condition", condition), ("max_condition", max_condition)):
        if value is not None:
            require(1 <= value <= MAX_CONDITION, name, value, f"in [1, {MAX_CONDITION:g}]")
    require(spectrum is None or condition is None, "spectrum, condition", (spectrum, condition),
             "at most one of the two")  # fmt: skip
    if spectrum is None:
        limit = max_condition if condition is None else condition
        pinned = condition is not None and limit > 1
        sizes = sized("d", d, smallest=2 if pinned else 1)
        chosen = sizes.flatmap(lambda n: _normalised(n, limit, pinned))
    elif isinstance(spectrum, SearchStrategy):
        chosen = spectrum
    else:
        chosen = st.just(spectrum_of(spectrum, d, exact))
    return _positive_definite(chosen, exact)


@parts.remembered
def _normalised(n: int, limit: float, pinned: bool) -> SearchStrategy[Array]:
    low = 1 / limit
    free = spectra(n, low=low, high=1.0, attained=pinned)
    return free if pinned else st.one_of(st.just(np.ones(n)), free)


@st.composite
def _positive_definite(draw: Draw, spectrum: SearchStrategy[Array], exact: bool) -> Array:
    values = np.asarray(draw(spectrum), dtype=float)
    spectrum_of(values, None, exact)
    if not exact:
        return parts.conjugate(draw(orthogonal(len(values))), values)
    basis = draw(rational_orthogonal(len(values)))
    weights = np.array([Fraction(float(value)) for value in values], dtype=object)
    return parts.product(basis * weights, basis.T)


@parts.remembered
def positive_semidefinite(d: Dimension, *, rank: int | None = None) -> SearchStrategy[Array]:
    """Gram matrices ``G G'`` of shape (d, d), exactly positive semidefinite and symmetric.

    Their factors are multiples of 1/8 of at most 8 in absolute value, so that no product is
    rounded. Reaches the zero matrix, rank one (all ones among them), every rank and the
    identity. Shrinks to zero, or to a coordinate projection of the given rank.

    Parameters
    ----------
    d : int or strategy of int
    rank : int, optional
        The exact rank, ``0 <= rank <= d``; drawn where omitted.
    """
    sizes = ranked(rank, "d", d)
    return _gram(sizes, rank)


@st.composite
def _gram(draw: Draw, d: SearchStrategy[int], rank: int | None) -> Array:
    n = draw(d)
    factor = parts.full_rank_factor(draw, n, draw(st.integers(0, n)) if rank is None else rank)
    return np.asarray(factor @ factor.T)


def low_rank(m: Dimension, n: Dimension, rank: int) -> SearchStrategy[Array]:
    """Matrices (m, n) of exactly the given rank, products of factors as in the Gram matrices.

    Reaches zero (rank 0), one-hot, all ones and general matrices of that rank. Shrinks to
    ``diag(1, ..., 1, 0, ..., 0)``.
    """
    return _low_rank(ranked(rank, "m", m), ranked(rank, "n", n), rank)


@st.composite
def _low_rank(draw: Draw, m: SearchStrategy[int], n: SearchStrategy[int], rank: int) -> Array:
    left = parts.full_rank_factor(draw, draw(m), rank)
    return np.asarray(left @ parts.full_rank_factor(draw, draw(n), rank).T)


@parts.remembered
def gradient_sequences(t: Dimension, d: Dimension, *, bound: float = 1.0,
                       attained: bool = False) -> SearchStrategy[Array]:  # fmt: skip
    """Gradients ``g_0, ..., g_t`` as rows (t+1, d), each with ``||g|| <= bound`` exactly.

    The bound holds in exact arithmetic (floats read as rationals), not only up to rounding.
    Reaches all zero, one gradient alone, all equal, aligned with varying signs and lengths,
    one-hot rows of norm exactly `bound`, Haar-random directions of norm `bound`, and free rows.
    Shrinks to all zero; with `attained` to rows ``(bound, 0, ..., 0)``.

    Parameters
    ----------
    t : int or strategy of int
        Index of the last gradient, >= 0.
    d : int or strategy of int
        Dimension, >= 1.
    bound : float
        Bound on the Euclidean norm of each row, in [1e-100, 1e100].
    attained : bool
        Whether the longest row has norm at least ``(1 - 2^-49) bound``.
    """
    require(1e-100 <= bound <= 1e100, "bound", bound, "in [1e-100, 1e100]")
    return _gradients(sized("t", t, smallest=0), sized("d", d), bound, attained)


@st.composite
def _gradients(draw: Draw, t: SearchStrategy[int], d: SearchStrategy[int], bound: float,
               attained: bool) -> Array:  # fmt: skip
    steps, n = draw(t) + 1, draw(d)
    kinds = ["one-hot", "equal", "aligned", "alone", "haar", "free"]
    kind = draw(parts.among(*kinds) if attained else parts.among("zero", *kinds))
    if kind == "zero":
        return np.zeros((steps, n))
    if kind == "one-hot":
        axes = draw(listed(st.integers(0, n - 1), steps))
        sign = np.array(draw(listed(parts.signs(), steps)))
        return np.asarray(np.eye(n)[axes] * bound * sign[:, None])
    if kind == "haar":
        rows = parts.generator(draw).standard_normal((steps, n))
        return np.array([parts.onto_sphere(row, bound) for row in rows])
    if kind == "free":
        rows = np.array([parts.direction(draw, n) for _ in range(steps)])
        lengths = np.array(draw(listed(parts.lengths(), steps)))
        return parts.with_longest(rows, lengths, bound, attained)
    rows = np.tile(parts.direction(draw, n), (steps, 1))
    if kind == "equal":
        return parts.with_longest(rows, np.ones(steps), bound, attained)
    lengths = np.array(draw(listed(parts.lengths(), steps)))
    if kind == "alone":
        lengths = np.where(np.arange(steps) == draw(st.integers(0, steps - 1)), 1.0, 0.0)
    sign = np.array(draw(listed(parts.signs(), steps)))
    return parts.with_longest(rows * sign[:, None], lengths, bound, attained)
