r"""Certificates for a basis from finitely many gradients of a quadratic; no eigengap is needed.

With ``S = V diag(l) V'`` from n samples, ``S = (1/n) sum g_i g_i'`` or that plus ``tau I``, the
numbers ``sqrt(l_i)`` are smoothness constants in the basis V as soon as S is not too small: it is
the matrix that has to be right, not its eigenvectors one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from theory import arrays
from theory.arrays import quadratic_form
from theory.core import Claim, Mutant, Source
from theory.egop.arguments import positive, vector
from theory.egop.gain_bounds import is_orthogonal

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]
_MOST_SAMPLES = 2**62

# ---- certificates


def retained_share(samples: int, dimension: int, deviation: float) -> float:
    r"""Return :math:`1 - \delta = (\sqrt{n-1} - \sqrt d - s)_+^2/n`.

    For n Gaussian points, ``N(0, c^2 I)``, and a quadratic, ``(1 - delta) c^2 Hess^2`` is below the
    empirical EGOP with probability at least ``1 - exp(-s^2/2)``. Zero says nothing.

    Parameters
    ----------
    samples : int
        n >= 1.
    dimension : int
        d >= 1.
    deviation : float
        s >= 0, finite.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    >>> retained_share(101, 4, 3.0) == 25 / 101
    True
    """
    _count("samples", samples)
    _count("dimension", dimension)
    _nonnegative("deviation", deviation)
    return max(0.0, math.sqrt(samples - 1) - math.sqrt(dimension) - deviation) ** 2 / samples


def confidence(deviation: float) -> float:
    """Return ``1 - exp(-s^2/2)``, the probability that goes with a deviation s >= 0.

    Raises
    ------
    ValueError
        If `deviation` is negative or not finite.
    """
    _nonnegative("deviation", deviation)
    return -math.expm1(-(deviation**2) / 2)


def samples_needed(dimension: int, share: float, deviation: float) -> int:
    """Return the least n from which on ``retained_share`` is at least `share`.

    Parameters
    ----------
    dimension : int
        d >= 1.
    share : float
        ``1 - delta``, in (0, 1).
    deviation : float
        s >= 0.

    Raises
    ------
    ValueError
        If an argument is out of its range, or the answer is above 2^62.

    >>> retained_share(samples_needed(10, 0.5, 3.0), 10, 3.0) >= 0.5
    True
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share!r}; it must be in (0, 1)")
    high = 1
    while retained_share(high, dimension, deviation) < share:
        high *= 2
        if high > _MOST_SAMPLES:
            raise ValueError(f"share is {share!r}; it needs more than 2^62 samples")
    low = high // 2
    # the share grows with n wherever it is positive
    while high - low > 1:
        middle = (low + high) // 2
        reached = retained_share(middle, dimension, deviation) >= share
        low, high = (low, middle) if reached else (middle, high)
    return high


def certified_constants(eigenvalues: Any, c: float, share: float, tau: float = 0.0) -> np.ndarray:
    r"""Return smoothness constants :math:`\sqrt{(\hat\lambda_i + \tau)/(1-\delta)}/c`.

    They hold for the quadratic in the eigenbasis of its empirical EGOP if
    ``(1 - delta) c^2 Hess^2 <= EGOP + tau I``; their sum bounds the least sum.

    Parameters
    ----------
    eigenvalues : array (d,)
        Of the empirical EGOP, >= 0, in the order of the basis.
    c : float > 0
        Standard deviation of each coordinate of the points.
    share : float
        ``1 - delta``, in (0, 1].
    tau : float >= 0
        For fewer samples than dimensions.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    >>> certified_constants([4.0, 1.0], 2.0, 0.25)
    array([2., 1.])
    """
    values = vector("eigenvalues", eigenvalues)
    if values.min() < 0:
        raise ValueError(f"eigenvalues reach {values.min():.3g}; they must be >= 0")
    positive("c", c)
    _nonnegative("tau", tau)
    if not 0 < share <= 1:
        raise ValueError(f"share is {share!r}; it must be in (0, 1]")
    return np.asarray(np.sqrt((values + tau) / share) / c)


def _count(name: str, value: int) -> None:
    if not (isinstance(value, int | np.integer) and value >= 1):
        raise ValueError(f"{name} is {value!r}; it must be an integer >= 1")


def _nonnegative(name: str, value: float) -> None:
    if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value!r}; it must be a finite number >= 0")


# ---- the claim


def certificate_sides(
    hessian: Any, basis: Any, roots: Any, c: Any, share: Any, root: Any, excess: Any,
    direction: Any,
) -> Sides:  # fmt: skip
    r"""``|w'V'Hess Vw| <= sum L_i w_i^2`` and ``sum L_i <= sqrt((1+eps)/(1-delta)) tr R/c``.

    ``L_i = sqrt(l_i)/(c sqrt(1-delta))``.

    Parameters
    ----------
    hessian : array (d, d)
        Symmetric, of any signature.
    basis : array (d, d)
        V, orthogonal.
    roots : array (d, d)
        Diagonal, with ``sqrt(l_i)``; ``S = V roots^2 V'`` is the empirical EGOP, or that plus
        ``tau I``.
    c, share : number > 0
        Standard deviation of each coordinate, and ``1 - delta``.
    root : array (d, d)
        R, the positive semidefinite root of the population's EGOP.
    excess : number >= 0
        eps.
    direction : array (d,)
        w.

    Returns
    -------
    (lhs, rhs)
        Three inequalities.
    """
    return _certificate(
        roots / (c * arrays.square_root(share)), hessian, basis, direction,
        arrays.square_root((1 + excess) / share) * arrays.trace(root) / c,
    )  # fmt: skip


def _certificate(constants: Any, hessian: Any, basis: Any, w: Any, bound: Any) -> Sides:
    form = quadratic_form(arrays.transpose(basis) @ hessian @ basis, w)
    allowed = quadratic_form(constants, w)
    return (form, -form, arrays.trace(constants)), (allowed, allowed, bound)


def is_sandwiched(
    hessian: Any, basis: Any, roots: Any, c: Any, share: Any, root: Any, excess: Any,
    direction: Any,
) -> bool:  # fmt: skip
    """``(1-delta) c^2 Hess^2 <= S <= (1+eps) R^2``; V orthogonal, roots and R semidefinite."""
    return _is_bounded_above(
        hessian, basis, roots, c, share, root, excess, direction
    ) and arrays.is_positive_semidefinite(
        _estimate(basis, roots) - share * c * c * (hessian @ hessian)
    )


def _is_bounded_above(
    hessian: Any, basis: Any, roots: Any, c: Any, share: Any, root: Any, excess: Any,
    direction: Any,
) -> bool:  # fmt: skip
    diagonal = arrays.diagonal(roots)
    return (
        bool(c > 0 and share > 0 and excess >= 0 and (diagonal >= 0).all())
        and bool((roots == arrays.diagonal_matrix(diagonal)).all())
        and is_orthogonal(basis)
        and arrays.is_symmetric(hessian)
        and arrays.is_positive_semidefinite(root)
        and arrays.is_positive_semidefinite(
            (1 + excess) * (root @ root) - _estimate(basis, roots)
        )
    )  # fmt: skip


def _estimate(basis: Any, roots: Any) -> Any:
    return basis @ (roots @ roots) @ arrays.transpose(basis)


def _variant(
    constants: Callable[[Any, Any, Any], Any] | None = None,
    growth: Callable[[Any], Any] | None = None,
) -> Callable[..., Sides]:  # fmt: skip
    def sides(
        hessian: Any, basis: Any, roots: Any, c: Any, share: Any, root: Any, excess: Any,
        direction: Any,
    ) -> Sides:  # fmt: skip
        plain = roots / (c * arrays.square_root(share))
        found = constants(roots, c, share) if constants else plain
        factor = growth(excess) if growth else arrays.square_root(1 + excess)
        bound = factor / arrays.square_root(share) * arrays.trace(root) / c
        return _certificate(found, hessian, basis, direction, bound)

    return sides


gap_free_samples = Claim(
    id="egop/gap-free-samples",
    title="A sampled basis is certified by the matrix, without an eigengap",
    kind="inequality",
    statement=(
        r"Let $f$ be a quadratic with Hessian $K$, $\hat E = \frac1n\sum_i g_i g_i^\top$ with"
        r" eigenpairs $(\hat\lambda, \hat V)$, $\tau \ge 0$ and $0 \le \delta < 1$. If"
        r" $(1-\delta) c^2 K^2 \preceq \hat E + \tau I$, then"
        r" $L_i = \sqrt{(\hat\lambda_i + \tau)/(1-\delta)}/c$ are smoothness constants of"
        r" $f(\hat V\,\cdot)$; if also $\hat E + \tau I \preceq (1+\varepsilon) E$, then"
        r" $\sum_i L_i \le \sqrt{(1+\varepsilon)/(1-\delta)}\,\mathrm{tr}(E^{1/2})/c$. For"
        r" $\rho = N(0, c^2 I)$, $n - 1 \ge d$, $s \ge 0$ and $\tau = 0$ the first hypothesis holds"
        r" with $1 - \delta = (\sqrt{(n-1)/n} - \sqrt{d/n} - s/\sqrt n)_+^2$ with probability at"
        r" least $1 - e^{-s^2/2}$."
    ),
    source=Source("depavia2025", item="beyond"),
    scope={
        "d": ">= 1",
        "K": "symmetric, indefinite too",
        "n": ">= 1; n > d for the probability",
        "delta": "[0, 1)",
        "eps": ">= 0",
        "tau": ">= 0",
        "s": ">= 0",
    },
    formula=certificate_sides,
    assumes=is_sandwiched,
    notes=(
        "Both implications are tight: equality for a Hessian with the eigenvectors and the"
        " constants themselves. The probability is loose: Davidson and Szarek's tail is that of"
        " any Lipschitz function, and the smallest singular value varies less, around a mean"
        " that is larger. The bound is vacuous up to about n = (sqrt d + s)^2 + 1 samples."
    ),
    mutants={
        "constants four per cent smaller": _variant(
            lambda roots, c, share: 24 * roots / (25 * c * arrays.square_root(share))
        ),
        "delta forgotten": _variant(lambda roots, c, share: roots / c),
        "c squared": _variant(lambda roots, c, share: roots / (c * c * arrays.square_root(share))),
        "eigenvalues in place of their roots": _variant(
            lambda roots, c, share: roots @ roots / (c * arrays.square_root(share))
        ),
        "eps forgotten": _variant(growth=lambda excess: 1),
        "root of 1 + 9 eps/10": _variant(
            growth=lambda excess: arrays.square_root(1 + 9 * excess / 10)
        ),
        "no lower bound on the estimate": Mutant(assumes=_is_bounded_above),
        "dimension forgotten in the share": Mutant(given={"forgotten": "dimension"}),
        "deviation forgotten in the share": Mutant(given={"forgotten": "deviation"}),
    },
)
