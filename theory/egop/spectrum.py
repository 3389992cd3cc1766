"""Lemmas 18 and 19: how the singular values of a data matrix shape the spectrum of the EGOP.

For ``f(theta) = h(A theta)`` the EGOP is ``A' G A`` with ``G = E[grad h grad h']`` at ``A theta``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory import arrays
from theory.arrays import dot
from theory.core import Claim, Source
from theory.egop.eigenvalues import eigenvalue
from theory.egop.gain_bounds import is_below

PAPER = "depavia2025"
Sides = tuple[tuple[Any, Any], tuple[Any, Any]]

# ---- Lemma 19


def least_squares_outer_product(A: Any, y: Any, c: Any) -> Any:
    r"""``c^2 (A'A)^2 + uu'``, ``u = A'y``, in any arithmetic: the EGOP of ``||A theta - y||^2/2``.

    Parameters
    ----------
    A : array (n, d)
    y : array (n,)
    c : number
        Standard deviation of each coordinate of theta, whose law is centred and isotropic.

    Returns
    -------
    array (d, d)
    """
    gram, u = arrays.transpose(A) @ A, arrays.transpose(A) @ y
    return c * c * (gram @ gram) + arrays.outer(u, u)


def least_squares_spectrum(A: Any, y: Any, c: Any, k: Any) -> Sides:
    r"""``c^2 sigma_k^4 <= lam_k <= c^2 sigma_{k-1}^4``; ``c^2 sigma_1^4 + ||A'y||^2`` for k = 1.

    Parameters
    ----------
    A : array (n, d)
        Data, with singular values sigma, descending, 0 beyond the n-th.
    y : array (n,)
        Targets.
    c : number > 0
        Standard deviation of each coordinate of theta.
    k : int
        Position of the eigenvalue of the EGOP, 1 <= k <= d.

    Returns
    -------
    (lhs, rhs)
        Two inequalities.
    """
    return _interlaced(A, y, c, k, lambda value: value)


def is_least_squares(A: Any, y: Any, c: Any, k: Any) -> bool:
    """``c > 0`` and ``1 <= k <= d``."""
    return bool(c > 0) and 1 <= k <= A.shape[1] and len(y) == len(A)


def _interlaced(
    A: Any, y: Any, c: Any, k: Any, lower: Callable[[Any], Any], shift: int = 1,
    rise: Callable[[Any, Any], Any] | None = None,
) -> Sides:  # fmt: skip
    own = eigenvalue(least_squares_outer_product(A, y, c), k)
    bare = _quartic(A, c, k)
    if k == 1:
        u = arrays.transpose(A) @ y
        above = bare + (rise(u, y) if rise else dot(u, u))
    else:
        above = _quartic(A, c, k - shift)
    return (lower(bare), own), (own, above)


def _quartic(A: Any, c: Any, k: Any) -> Any:
    squared = eigenvalue(arrays.transpose(A) @ A, k)
    return c * c * squared * squared


def _second_power(A: Any, y: Any, c: Any, k: Any) -> Sides:
    gram = arrays.transpose(A) @ A
    (_, own), (_, above) = least_squares_spectrum(A, y, c, k)
    return (c * c * eigenvalue(gram, k), own), (own, above)


def _without_scale(A: Any, y: Any, c: Any, k: Any) -> Sides:
    own = eigenvalue(least_squares_outer_product(A, y, c), k)
    (bare, _), (_, above) = least_squares_spectrum(A, y, c / c, k)
    return (bare, own), (own, above)


lemma_19 = Claim(
    id="egop/lemma-19",
    title="Least squares: the EGOP's eigenvalues interlace with fourth powers",
    kind="inequality",
    statement=(
        r"Let $f(\theta) = \tfrac12\|A\theta - y\|^2$, $\mathbb{E}\theta = 0$,"
        r" $\mathbb{E}\theta\theta^\top = c^2 I$ and $u = A^\top y$. Then the EGOP is"
        r" $c^2 (A^\top A)^2 + uu^\top$; its eigenvalues satisfy"
        r" $c^2\sigma_1^4 \le \lambda_1 \le c^2\sigma_1^4 + \|u\|^2$ and"
        r" $c^2\sigma_k^4 \le \lambda_k \le c^2\sigma_{k-1}^4$ for $k \ge 2$, and"
        r" $\sum_k (\lambda_k - c^2\sigma_k^4) = \|u\|^2$."
    ),
    source=Source(PAPER, item="Lemma 19", equations=("25",)),
    scope={"n, d": ">= 1, any rank of A", "y": "any", "c": "> 0", "k": "1 <= k <= d"},
    formula=least_squares_spectrum,
    assumes=is_least_squares,
    notes=(
        "Printed for c = 1 and a Gaussian; only mean and covariance are used, and y need not be"
        " A theta* plus noise. ||u||^2 does not scale with c. Both ends are attained: the lower"
        " by u = 0, the upper by u along the leading singular vector, or by u large and along a"
        " lower one. The search takes n >= d; every other shape is covered by the proof."
    ),
    mutants={
        "lower end four per cent larger": lambda A, y, c, k: _interlaced(
            A, y, c, k, lambda value: 26 * value / 25
        ),
        "no shift of the index": lambda A, y, c, k: _interlaced(
            A, y, c, k, lambda value: value, shift=0
        ),
        "rise four per cent smaller": lambda A, y, c, k: _interlaced(
            A, y, c, k, lambda value: value, rise=lambda u, y: 24 * dot(u, u) / 25
        ),
        "y in place of A'y": lambda A, y, c, k: _interlaced(
            A, y, c, k, lambda value: value, rise=lambda u, y: dot(y, y)
        ),
        "squares in place of fourth powers": _second_power,
        "c forgotten": _without_scale,
    },
)


# ---- Lemma 18


def composed_outer_product(A: Any, weights: Any) -> Any:
    """``A'GA`` (d, d): the EGOP of ``h(A .)``, ``G = E[grad h grad h']`` (n, n), eq. (24)."""
    return arrays.transpose(A) @ weights @ A


def composed_spectrum(A: Any, weights: Any, low: Any, high: Any, k: Any) -> Sides:
    r"""``low sigma_k^2 <= lam_k <= high sigma_k^2`` for ``low I <= G <= high I``.

    Parameters
    ----------
    A : array (n, d)
        Data, with singular values sigma, descending.
    weights : array (n, n)
        G, the expected outer product of ``grad h`` at ``A theta``.
    low, high : number >= 0
        At best the extreme eigenvalues of G.
    k : int
        Position of the eigenvalue, 1 <= k <= d.

    Returns
    -------
    (lhs, rhs)
        Two inequalities.
    """
    own = eigenvalue(composed_outer_product(A, weights), k)
    squared = eigenvalue(arrays.transpose(A) @ A, k)
    return (low * squared, own), (own, high * squared)


def is_composed(A: Any, weights: Any, low: Any, high: Any, k: Any) -> bool:
    """``0 <= low``, ``low I <= G <= high I`` and ``1 <= k <= d``."""
    least = low * arrays.identity_matrix(len(weights), like=weights)
    return (
        bool(low >= 0)
        and 1 <= k <= A.shape[1]
        and arrays.is_positive_semidefinite(weights - least)
        and is_below(weights, high)
    )


def _exchanged(A: Any, weights: Any, low: Any, high: Any, k: Any) -> Sides:
    return composed_spectrum(A, weights, high, low, k)


def _scaled(low_factor: int, high_factor: int) -> Callable[..., Sides]:
    def sides(A: Any, weights: Any, low: Any, high: Any, k: Any) -> Sides:
        return composed_spectrum(A, weights, low_factor * low / 25, high_factor * high / 25, k)

    return sides


def _unsquared(A: Any, weights: Any, low: Any, high: Any, k: Any) -> Sides:
    own = eigenvalue(composed_outer_product(A, weights), k)
    value = arrays.square_root(eigenvalue(arrays.transpose(A) @ A, k))
    return (low * value, own), (own, high * value)


def _average(A: Any, weights: Any, low: Any, high: Any, k: Any) -> Sides:
    middle = arrays.trace(weights) / len(weights)
    return composed_spectrum(A, weights, low, middle, k)


lemma_18 = Claim(
    id="egop/lemma-18",
    title="Decay of the data's singular values is decay of the EGOP's eigenvalues",
    kind="inequality",
    statement=(
        r"Let $f(\theta) = h(A\theta)$ and $G = \mathbb{E}[\nabla h \nabla h^\top]$ at $A\theta$."
        r" Then for all $n$, $d$ and $k$:"
        r" $\lambda_{\min}(G)\,\sigma_k^2 \le \lambda_k(\mathrm{EGOP}) \le"
        r" \lambda_{\max}(G)\,\sigma_k^2$."
    ),
    source=Source(PAPER, item="Lemma 18", equations=("24",)),
    scope={"n, d": ">= 1, any rank of A", "G": "positive semidefinite", "k": "1 <= k <= d"},
    formula=composed_spectrum,
    assumes=is_composed,
    notes=(
        "No rank or shape of A is needed. Where n > d, G may be compressed to the range of A,"
        " EGOP = B'(Q'GQ)B for A = QB with orthonormal columns of Q, which only narrows the"
        " bounds. The search takes n >= d; every other shape is covered by the proof."
    ),
    mutants={
        "lower end four per cent larger": _scaled(26, 25),
        "upper end four per cent smaller": _scaled(25, 24),
        "ends exchanged": _exchanged,
        "singular values not squared": _unsquared,
        "mean eigenvalue as upper end": _average,
    },
)
