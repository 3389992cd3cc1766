"""Pieces that the public strategies share: directions, bases, factors, and argument checks."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

import flint
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Array = np.ndarray[Any, Any]
Dimension = int | SearchStrategy[int]
Draw = Callable[[SearchStrategy[Any]], Any]
Make = TypeVar("Make", bound=Callable[..., Any])

# Rounding of Q diag(spectrum) Q' in float64 is about 1e-15: beyond this it could lose definiteness.
MAX_CONDITION = 1e12
# Factors are multiples of 1/8 of at most 8: products and short sums of them are exact in float64.
_DENOMINATOR, _LARGEST = 8, 64
_REMEMBERED = 4096


def remembered(make: Make) -> Make:
    """Return the same strategy for the same arguments, if these can be hashed.

    Hypothesis validates and labels every strategy object anew, which costs more than most draws.
    """
    known = lru_cache(_REMEMBERED, typed=True)(make)

    @wraps(make)
    def look_up(*arguments: Any, **options: Any) -> Any:
        try:
            hash((arguments, tuple(options.values())))
        except TypeError:
            return make(*arguments, **options)
        return known(*arguments, **options)

    return cast(Make, look_up)


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raise ValueError with one line that names argument, value and range."""
    if not condition:
        raise ValueError(f"{name} is {value!r}; it must be {allowed}")


@remembered
def sized(name: str, d: Dimension, smallest: int = 1) -> SearchStrategy[int]:
    """A strategy of dimensions that are ints of at least `smallest`; raises ValueError."""

    def check(value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        require(whole and value >= smallest, name, value, f"an int >= {smallest} (or a strategy)")
        return int(value)

    return d.map(check) if isinstance(d, SearchStrategy) else st.just(check(d))


def ranked(rank: int | None, name: str, d: Dimension) -> SearchStrategy[int]:
    """Dimensions that admit the rank; raises ValueError for a rank that is not possible."""
    if rank is None:
        return sized(name, d)
    require(isinstance(rank, int) and rank >= 0, "rank", rank, "an int >= 0")
    require(not isinstance(d, int) or rank <= d, "rank", rank, f"at most {name} = {d}")
    return sized(name, d, smallest=max(rank, 1))


def spectrum_of(values: Any, d: Dimension | None, exact: bool) -> Array:
    """The eigenvalues as an array, or ValueError if they cannot be a spectrum here."""
    spectrum = np.asarray(values, dtype=float)
    shown = spectrum.tolist()
    require(spectrum.ndim == 1 and spectrum.size > 0 and bool(np.all(spectrum > 0))
            and bool(np.all(np.isfinite(spectrum))), "spectrum", shown,
            "a non-empty sequence of positive finite numbers")  # fmt: skip
    require(not isinstance(d, int) or len(spectrum) == d, "spectrum", shown, f"of length d = {d}")
    require(exact or spectrum.max() <= MAX_CONDITION * spectrum.min(), "spectrum", shown,
            f"of ratio at most {MAX_CONDITION:g} (or exact=True)")  # fmt: skip
    return spectrum


@remembered
def listed(elements: SearchStrategy[Any], n: int) -> SearchStrategy[list[Any]]:
    """Lists of exactly n elements."""
    return st.lists(elements, min_size=n, max_size=n)


@remembered
def among(*options: Any) -> SearchStrategy[Any]:
    """One of the options; shrinks to the first."""
    return st.sampled_from(options)


@remembered
def multiples(least: int) -> SearchStrategy[float]:
    """Multiples k/8 of at most 8, k from `least`."""
    return st.integers(least, _LARGEST).map(lambda k: k / _DENOMINATOR)


@remembered
def _pivots() -> SearchStrategy[float]:
    return st.one_of(st.just(1.0), multiples(1))


@remembered
def _angles() -> SearchStrategy[float]:
    return st.one_of(st.just(math.pi / 4), st.floats(-math.pi, math.pi))


@remembered
def _orders(n: int) -> SearchStrategy[list[int]]:
    return st.permutations(range(n))


@remembered
def entries() -> SearchStrategy[float]:
    """Floats in [-1, 1]: simple ones and general ones; shrinks to 0."""
    simple = st.integers(-_DENOMINATOR, _DENOMINATOR).map(lambda k: k / _DENOMINATOR)
    return st.one_of(simple, st.floats(-1, 1, allow_subnormal=False))


@remembered
def signs() -> SearchStrategy[float]:
    """1.0 or -1.0."""
    return st.sampled_from([1.0, -1.0])


@remembered
def lengths() -> SearchStrategy[float]:
    """Factors in [0, 1], both ends included; shrinks to 1."""
    return st.one_of(st.sampled_from([1.0, 0.0, 0.5]), st.floats(2.0**-40, 1.0))


def generator(draw: Draw) -> np.random.Generator:
    """A NumPy generator with a drawn seed."""
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def direction(draw: Draw, n: int) -> Array:
    """A vector (n,) of largest entry at most 1: zero, structured or free."""
    kind = draw(among("zero", "one-hot", "equal", "signs", "graded", "free"))
    if kind == "zero":
        return np.zeros(n)
    if kind == "one-hot":
        return np.asarray(np.eye(n)[draw(st.integers(0, n - 1))] * draw(signs()))
    if kind == "equal":
        return np.full(n, draw(signs()))
    if kind == "signs":
        return np.array(draw(listed(signs(), n)))
    values = np.array(draw(listed(entries(), n)))
    if kind == "graded":
        decades = np.array(draw(listed(st.integers(0, 12), n)), dtype=float)
        return np.asarray(values * 10.0**-decades)
    return values


def signed_permutation(draw: Draw, n: int) -> Array:
    """A permutation matrix (n, n) with signs."""
    order = draw(_orders(n))
    return np.asarray(np.eye(n)[order] * np.array(draw(listed(signs(), n)))[:, None])


def rotation(draw: Draw, n: int) -> Array:
    """A rotation in one coordinate plane of R^n, n >= 2."""
    i = draw(st.integers(0, n - 2))
    j = draw(st.integers(i + 1, n - 1))
    angle = draw(_angles())
    matrix = np.eye(n)
    matrix[[i, j], [i, j]] = math.cos(angle)
    matrix[i, j], matrix[j, i] = -math.sin(angle), math.sin(angle)
    return matrix


def reflection(draw: Draw, n: int) -> Array:
    """The Householder reflection ``I - 2 v v'/v'v``; in the hyperplane of 1 for a zero v."""
    v = direction(draw, n)
    v = v / np.max(np.abs(v)) if v.any() else np.ones(n)
    return np.asarray(np.eye(n) - 2 * np.outer(v, v) / (v @ v))


def haar(rng: np.random.Generator, n: int) -> Array:
    """An orthogonal matrix of Haar distribution: QR of a Gaussian matrix, signs of R removed."""
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return np.asarray(q * np.where(np.diagonal(r) < 0, -1.0, 1.0))


def conjugate(basis: Array, values: Array) -> Array:
    """``Q diag(values) Q'``, exactly symmetric."""
    matrix = (basis * values) @ basis.T
    return np.asarray((matrix + matrix.T) / 2)


def full_rank_factor(draw: Draw, n: int, rank: int) -> Array:
    """A matrix (n, rank) of exactly that rank: rows of a trapezoidal one, in any order."""
    kind = draw(among("projection", "ones", "free"))
    below = np.full((n, rank), float(kind == "ones"))
    if kind == "free":
        below = np.array(draw(listed(multiples(-_LARGEST), n * rank))).reshape(n, rank)
    factor = np.tril(below, -1)
    diagonal = draw(listed(_pivots(), rank)) if kind == "free" else np.ones(rank)
    factor[range(rank), range(rank)] = diagonal
    return np.asarray(factor[draw(_orders(n))])


def product(left: Array, right: Array) -> Array:
    """``left @ right`` of arrays (m, k) and (k, n) as an object array of `Fraction`.

    Entries are Fractions, or ints and floats of Python or NumPy, which count as what they are
    exactly. By flint's matrices.
    """
    return _fractions(_rational_matrix(left) * _rational_matrix(right))


def cayley(skew: Array) -> Array:
    """``(I + S)^{-1} (I - S)``, orthogonal, of a skew-symmetric object array S of `Fraction`."""
    s = _rational_matrix(skew)
    one = _rational_matrix(np.eye(len(skew), dtype=int))
    return _fractions((one + s).solve(one - s))


def _rational_matrix(array: Array) -> flint.fmpq_mat:
    return flint.fmpq_mat(*array.shape, [_rational(x) for x in array.ravel().tolist()])


def _rational(entry: Any) -> flint.fmpq:
    if isinstance(entry, np.generic):
        # In object arrays NumPy's scalars stay what they are.
        entry = entry.item()
    if isinstance(entry, float):
        entry = Fraction(entry)
    return flint.fmpq(entry.numerator, entry.denominator)


def _fractions(matrix: flint.fmpq_mat) -> Array:
    entries = (Fraction(int(x.p), int(x.q)) for x in matrix.entries())
    shape = matrix.nrows(), matrix.ncols()
    return np.fromiter(entries, dtype=object, count=math.prod(shape)).reshape(shape)


def onto_sphere(row: Array, radius: float) -> Array:
    """The row at length `radius`: at most that in exact arithmetic, and at least (1 - 2^-49) of it.

    A zero row stays zero; a one-hot row gets the length exactly.
    """
    if radius == 0 or not row.any():
        return np.zeros_like(row)
    scaled = row / np.max(np.abs(row))
    moved = scaled / math.hypot(*scaled) * radius
    while sum(Fraction(value) ** 2 for value in moved.tolist()) > Fraction(radius) ** 2:
        moved = moved * (1 - 2.0**-52)
    return np.asarray(moved)


def with_longest(rows: Array, factors: Array, bound: float, attained: bool) -> Array:
    """Rows at lengths ``factors * bound``; if `attained`, the first longest one at `bound`."""
    if attained:
        rows, factors = rows.copy(), factors.copy()
        rows[~rows.any(axis=1), 0] = 1.0
        factors[np.argmax(factors)] = 1.0
    pairs = zip(rows, factors.tolist(), strict=True)
    return np.array([onto_sphere(row, bound * factor) for row, factor in pairs])
