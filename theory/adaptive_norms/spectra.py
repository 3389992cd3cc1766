"""Spectral moments of OLS Hessians: exact Wishart moments and the Marchenko-Pastur limit."""

from __future__ import annotations

import math
from typing import Any

from theory.core import Claim, Mutant, Source

MAX_ORDER = 4


def wishart_moment(k: int, d: Any, n: Any) -> Any:
    """``E tr(W^k) / d`` of ``W = X X'/n``, X d x n with i.i.d. standard Gaussian entries.

    k = 1: 1;  k = 2: (n + d + 1)/n;  k = 3: (n^2 + 3nd + d^2 + 3n + 3d + 4)/n^2;
    k = 4: (n^3 + 6n^2 d + 6nd^2 + d^3 + 6n^2 + 17nd + 6d^2 + 21n + 21d + 20)/n^3.

    Parameters
    ----------
    k : int in [1, 4]
    d, n : number or symbol, >= 1

    Raises
    ------
    ValueError
        If k is out of range.

    >>> from fractions import Fraction
    >>> wishart_moment(3, Fraction(2), Fraction(4))
    Fraction(33, 8)
    """
    _require_order(k)
    numerators = (
        1,
        n + d + 1,
        n**2 + 3 * n * d + d**2 + 3 * n + 3 * d + 4,
        n**3 + 6 * n**2 * d + 6 * n * d**2 + d**3
        + 6 * n**2 + 17 * n * d + 6 * d**2 + 21 * n + 21 * d + 20,
    )  # fmt: skip
    return numerators[k - 1] / n ** (k - 1)


def marchenko_pastur_moment(k: int, aspect: Any) -> Any:
    """Limit of `wishart_moment` for d/n -> aspect: ``sum_r N(k, r) aspect^(r-1)``.

    ``N(k, r) = C(k, r) C(k, r-1)/k`` are the Narayana numbers: 1, 1 + c, 1 + 3c + c^2, ...

    Parameters
    ----------
    k : int in [1, 4]
    aspect : number or symbol, d/n

    Source: Marchenko and Pastur (1967).

    >>> [marchenko_pastur_moment(k, 1) for k in (1, 2, 3, 4)]
    [1, 2, 5, 14]
    """
    _require_order(k)
    return sum(_narayana(k, r) * aspect ** (r - 1) for r in range(1, k + 1))


def _require_order(k: int) -> None:
    if k not in range(1, MAX_ORDER + 1):
        raise ValueError(f"k is {k!r}; it must be an integer in [1, {MAX_ORDER}]")


def _narayana(k: int, r: int) -> int:
    return math.comb(k, r) * math.comb(k, r - 1) // k


def _limit_as_exact(k: int, d: Any, n: Any) -> Any:
    return marchenko_pastur_moment(k, d / n)


def _complex_entries(k: int, d: Any, n: Any) -> Any:
    # Complex Gaussian entries: no term of relative order 1/n, and 1/n^2 from the third moment on.
    corrections = {1: 0, 2: 0, 3: 1 / n**2, 4: 5 * (n + d) / n**3}
    return marchenko_pastur_moment(k, d / n) + corrections[k]


marchenko_pastur = Claim(
    id="adaptive-norms/marchenko-pastur",
    title="Spectral moments of a Gaussian OLS Hessian",
    kind="law",
    statement=r"For $W=\frac1nXX^\top$ with $X\in\mathbb{R}^{d\times n}$ standard Gaussian, "
    r"$\frac1d\mathbb{E}\,\mathrm{tr}\,W=1$, "
    r"$\frac1d\mathbb{E}\,\mathrm{tr}\,W^2=\frac{n+d+1}{n}$ and "
    r"$\frac1d\mathbb{E}\,\mathrm{tr}\,W^3=\frac{n^2+3nd+d^2+3n+3d+4}{n^2}$ for all $d,n\ge1$. "
    r"For $d/n\to c$ they tend to the moments $1$, $1+c$, $1+3c+c^2$ of the "
    r"Marchenko-Pastur law, with an error of order $1/n$.",
    notes="Exact at finite size, so that the comparison is sharp; the limits are the Narayana "
    "polynomials. The fourth moment is checked as well; higher ones are not claimed.",
    source=Source("kohler2019", item="beyond"),
    scope={"k": "1, 2, 3, 4", "d": "d >= 1", "n": "n >= 1"},
    formula=wishart_moment,
    mutants={
        "Marchenko-Pastur limit at finite n": _limit_as_exact,
        "complex entries": _complex_entries,
        "n - 1 for n": lambda k, d, n: wishart_moment(k, d, n - 1),
        "aspect ratio inverted": lambda k, d, n: wishart_moment(k, n, d),
        "two per cent larger": lambda k, d, n: wishart_moment(k, d, n) * 51 / 50,
        "entries are signs": Mutant(given={"law": "rademacher"}),
    },
)
