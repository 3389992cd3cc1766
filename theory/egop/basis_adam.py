"""Adam's smoothness constant, in the norm of sign descent, in the EGOP basis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form, trace
from theory.core import Claim, Source
from theory.egop.basis import (
    is_egop,
    is_sign_vector,
    leads,
    radius_about_zero,
    stable_rank_of_roots,
)

Sides = tuple[tuple[Any, ...], tuple[Any, ...]]


def adam_sides(
    basis: Any, roots: Any, hessian: Any, minimizer: Any, c: Any, axis: Any, turned: Any,
    signs: Any,
) -> Sides:  # fmt: skip
    r"""``c d beta^2 s'V'HVs <= kappa sr r'Hr`` with ``d beta^2 = (r'v_1)^2``, and its two halves.

    Parameters
    ----------
    basis, roots : array (d, d)
        V and M with ``V M^2 V' = EGOP``.
    hessian : array (d, d)
    minimizer : array (d,)
    c : number
    axis : array (d,)
        e, with ``v_1 = V e``.
    turned, signs : array (d,)
        s and r, sign vectors: in the rotated and in the original coordinates.

    Returns
    -------
    (lhs, rhs)
        Three numbers each.
    """
    kappa, rank = radius_about_zero(minimizer, c), stable_rank_of_roots(roots, axis)
    squared_density = dot(signs, basis @ axis) ** 2
    rotated, original = quadratic_form(hessian, basis @ turned), quadratic_form(hessian, signs)
    leading = quadratic_form(roots, axis)
    return (
        (c * squared_density * rotated, c * rotated, leading * squared_density),
        (kappa * rank * original, trace(roots), kappa * original),
    )


def adam_hypotheses(
    basis: Any, roots: Any, hessian: Any, minimizer: Any, c: Any, axis: Any, turned: Any,
    signs: Any,
) -> bool:  # fmt: skip
    """`is_egop`, H >= 0, e the leading axis, s and r sign vectors."""
    return (
        is_egop(basis, roots, hessian, minimizer, c)
        and arrays.is_positive_semidefinite(hessian)
        and leads(roots, axis)
        and is_sign_vector(turned)
        and is_sign_vector(signs)
    )


def _adam_variant(entry: int, change: Any) -> Any:
    """`adam_sides` with one right-hand side times ``change(roots, axis, kappa, c)``."""

    def sides(basis: Any, roots: Any, hessian: Any, minimizer: Any, c: Any, axis: Any,
              turned: Any, signs: Any) -> Sides:  # fmt: skip
        lhs, rhs = adam_sides(basis, roots, hessian, minimizer, c, axis, turned, signs)
        changed = rhs[entry] * change(roots, axis, radius_about_zero(minimizer, c), c)
        return lhs, (*rhs[:entry], changed, *rhs[entry + 1 :])

    return sides


adam_analogue = Claim(
    id="egop/adam-analogue",
    title="Adam's smoothness constant gains as Adagrad's does",
    kind="inequality",
    statement=(
        r"Let $f$ be a quadratic with Hessian $H \succeq 0$, $H \ne 0$, and let $L_\infty(f) ="
        r" \max_{s \in \{\pm1\}^d} s^\top H s$ be its smoothness constant in the $\ell_\infty$"
        r" norm. With the EGOP basis, $\kappa = \sqrt{c^2 + \|\theta_*\|^2}$, $\mathrm{sr} = \sum_i"
        r" \sqrt{\lambda_i/\lambda_1}$ and $\beta = \|v_1\|_1/\sqrt d$:"
        r" $\frac{L_\infty(\tilde f)}{L_\infty(f)} \le \frac{\kappa\,\mathrm{sr}}{c\, d\,\beta^2}$."
        r" It follows from $c\,L_\infty(\tilde f) \le \sum_i \sqrt{\lambda_i}$ and"
        r" $\sqrt{\lambda_1}\, d\,\beta^2 \le \kappa\,L_\infty(f)$."
    ),
    source=Source("depavia2025", item="beyond"),
    scope={
        "d": "d >= 1",
        "H": "symmetric positive semidefinite, not 0",
        "theta*": "any",
        "c": "> 0",
    },
    formula=adam_sides,
    assumes=adam_hypotheses,
    notes=(
        "L_inf governs sign descent, the limit of Adam. For every s, and for r = sign(v_1), where"
        " (r'v_1)^2 = d beta^2; any other r gives a weaker true statement. At theta* = 0 it is"
        " attained by every Hessian of rank one; with theta* != 0 each half is attained, by"
        " theta* across or along the leading eigenvector, so that both are loose by at most"
        " kappa/c together."
    ),
    mutants={
        "stable rank of eigenvalues instead of their roots": _adam_variant(
            0,
            lambda roots, axis, kappa, c: (
                stable_rank_of_roots(roots @ roots, axis) / stable_rank_of_roots(roots, axis)
            ),
        ),
        "density without the root of d": _adam_variant(
            0,
            lambda roots, axis, kappa, c: (
                1 / trace(arrays.identity_matrix(roots.shape[0], like=roots))
            ),
        ),
        "c and kappa exchanged": _adam_variant(2, lambda roots, axis, kappa, c: c / kappa),
        "two per cent smaller": _adam_variant(0, lambda roots, axis, kappa, c: Fraction(49, 50)),
        "kappa two per cent smaller": _adam_variant(
            2, lambda roots, axis, kappa, c: Fraction(49, 50)
        ),
    },
)
