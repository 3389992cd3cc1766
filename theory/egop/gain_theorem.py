"""Theorem 5: the gain, the sum of smoothness constants in the eigenbasis over the original one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source
from theory.egop.gain_bounds import (
    diagonalised,
    holds_direction,
    is_feasible,
    is_nearby_hessian,
    is_problem,
    is_sign_vector,
    kappa,
    moment_matrix,
    root_error,
)

Sides = tuple[Any, Any]


def gain_sides(
    *, minimizer: Any, c: Any, basis: Any, spectrum: Any, curvature: Any, signs: Any,
    rotated_signs: Any, slack: Any, constants: Any, **problem: Any,
) -> Sides:  # fmt: skip
    """Theorem 5 without denominators, for a lower bound of ``L_f~`` and a feasible L.

    ``(1 - e) c d beta^2 sqrt(lam_1) L_f~ <= kappa g(e) sum_i sqrt(lam_i) sum_i L_i`` with
    ``g(e) = sqrt(1 + e) (sqrt(1 + e) + e)``, ``d beta^2 = (s'v_1)^2`` for ``s = sign(v_1)``, and
    ``L_f~ >= r'V'K V r`` for every sign vector r and every Hessian K in the ball.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`).
    basis, spectrum : arrays (d, d) and (d,)
        V and lam: the eigenbasis and the eigenvalues of the EGOP, the largest first.
    curvature, position : arrays (d, d) and (d,)
        K and the point of the ball where it is the Hessian.
    radius : number
        B.
    signs, rotated_signs : arrays (d,)
        s and r, with entries +-1.
    slack : number
        e, between 0 and 1.
    constants : array (d,)
        L, feasible at ``theta*``.

    Returns
    -------
    (lhs, rhs)
    """
    return _sides(
        quadratic_form(curvature, basis @ rotated_signs), dot(signs, basis[:, 0]) ** 2, spectrum,
        kappa(minimizer, c) / c, slack, quadratic_form(constants, signs),
    )  # fmt: skip


def _sides(
    rotated: Any, density: Any, spectrum: Any, ratio: Any, slack: Any, original: Any
) -> Sides:
    roots = arrays.square_root(spectrum)
    root = arrays.square_root(1 + slack)
    lhs = (1 - slack) * density * roots[0] * rotated
    return lhs, ratio * root * (root + slack) * arrays.total(roots) * original


def gain_data(
    *, basis: Any, spectrum: Any, curvature: Any, position: Any, radius: Any, signs: Any,
    rotated_signs: Any, slack: Any, constants: Any, **problem: Any,
) -> bool:  # fmt: skip
    """The hypotheses of Lemmas 6 and 8, ``B >= ||theta*||``, and H small against e."""
    return small_errors(
        problem["points"], problem["minimizer"], problem["c"], problem["lipschitz"], basis,
        spectrum, radius, signs, slack,
    ) and _gain_data(
        basis, spectrum, curvature, position, radius, signs, rotated_signs, slack, constants,
        problem,
    )  # fmt: skip


def small_errors(
    points: Any, minimizer: Any, c: Any, lipschitz: Any, basis: Any, spectrum: Any, radius: Any,
    signs: Any, slack: Any,
) -> bool:  # fmt: skip
    """``sqrt(1 + 1/e) e_M <= e sqrt(lam_1) beta^2`` and ``d (that + c H r) <= e sqrt(lam_1) sr``.

    With ``r = B + ||theta*||`` and sr the stable rank, ``sum_i sqrt(lam_i/lam_1)``.
    """
    d = dot(signs, signs)
    error = arrays.square_root(1 + 1 / slack) * root_error(points, minimizer, lipschitz)
    roots = arrays.square_root(spectrum)
    density = dot(signs, basis[:, 0]) ** 2
    reach = radius + arrays.square_root(dot(minimizer, minimizer))
    return bool(
        d * error <= slack * roots[0] * density
        and d * (error + c * lipschitz * reach) <= slack * arrays.total(roots)
    )


def _gain_data(
    basis: Any, spectrum: Any, curvature: Any, position: Any, radius: Any, signs: Any,
    rotated_signs: Any, slack: Any, constants: Any, problem: dict[str, Any],
) -> bool:  # fmt: skip
    hessian, minimizer = problem["hessian"], problem["minimizer"]
    matrix = moment_matrix(problem["gradients"])
    reaches = dot(minimizer, minimizer) <= radius * radius
    inside = dot(position, position) <= radius * radius
    return (
        bool(0 < slack < 1 and radius >= 0 and reaches and inside)
        and is_sign_vector(signs)
        and is_sign_vector(rotated_signs)
        and arrays.is_positive_semidefinite(hessian)
        and is_feasible(constants, hessian)
        and bool((spectrum <= spectrum[0]).all())
        and holds_direction(matrix, spectrum[0], basis[:, 0])
        and diagonalised(matrix, basis, spectrum)
        and is_nearby_hessian(curvature, position, hessian, minimizer, problem["lipschitz"])
        and is_problem(**problem)
    )


def _large_errors(
    *, basis: Any, spectrum: Any, curvature: Any, position: Any, radius: Any, signs: Any,
    rotated_signs: Any, slack: Any, constants: Any, **problem: Any,
) -> bool:  # fmt: skip
    return _gain_data(
        basis, spectrum, curvature, position, radius, signs, rotated_signs, slack, constants,
        problem,
    )  # fmt: skip


def _variant(
    ratio: Callable[[Any, Any], Any] = lambda minimizer, c: kappa(minimizer, c) / c,
    density: Callable[[Any, Any], Any] = lambda product, d: product**2,
    spectrum_of: Callable[[Any], Any] = lambda spectrum: spectrum,
    factor: Any = 1,
) -> Callable[..., Sides]:
    """`gain_sides` with another constant, density or stable rank."""

    def sides(
        *, minimizer: Any, c: Any, basis: Any, spectrum: Any, curvature: Any, signs: Any,
        rotated_signs: Any, slack: Any, constants: Any, **problem: Any,
    ) -> Sides:  # fmt: skip
        return _sides(
            quadratic_form(curvature, basis @ rotated_signs),
            density(dot(signs, basis[:, 0]), dot(signs, signs)), spectrum_of(spectrum),
            factor * ratio(minimizer, c), slack, quadratic_form(constants, signs),
        )  # fmt: skip

    return sides


theorem_5 = Claim(
    id="egop/theorem-5",
    title="The gain of the eigenbasis: stable rank over dimension and density",
    kind="inequality",
    statement=(
        r"Let $\theta$ have mean $0$ and covariance $c^2 I$, $\|\theta^*\| \le c$, $\nabla"
        r" f(\theta^*) = 0$, $\nabla^2 f(\theta^*) \succeq 0$, let the Hessian be $H$-Lipschitz,"
        r" $B \ge \|\theta^*\|$, $\kappa = \sqrt{c^2 + \|\theta^*\|^2} \le \sqrt2\, c$, $\beta ="
        r" \|v_1\|_1/\sqrt d$, $\mathrm{sr} = \sum_i \sqrt{\lambda_i/\lambda_1}$, $e_M = \tfrac12"
        r" H \sqrt{M_4}$ and $0 < \varepsilon < 1$. If $\sqrt{1 + 1/\varepsilon}\, e_M \le"
        r" \varepsilon \sqrt{\lambda_1} \beta^2$ and $d (\sqrt{1 + 1/\varepsilon}\, e_M + c H (B +"
        r" \|\theta^*\|)) \le \varepsilon \sqrt{\lambda_1}\, \mathrm{sr}$, then on the ball of"
        r" radius $B$ $\frac{L_{\tilde f}}{L_f} \le \frac{\kappa}{c} \cdot \frac{\sqrt{1 +"
        r" \varepsilon} (\sqrt{1 + \varepsilon} + \varepsilon)}{1 - \varepsilon} \cdot"
        r" \frac{\mathrm{sr}}{d \beta^2}$."
    ),
    source=Source("depavia2025", item="Theorem 5", equations=("14",)),
    scope={"d": "d >= 1", "c": "> 0", "H": ">= 0, small", "B": ">= t", "e": "(0, 1)"},
    formula=gain_sides,
    assumes=gain_data,
    notes=(
        "The constants are derived here: kappa/c <= sqrt 2 in the place of the 2 of the paper's"
        " route. For quadratics e -> 0. Tight: theta* = 0 with a flat spectrum, or a rank-one"
        " Hessian; kappa/c is approached by a multiple of the identity with theta* along a dense"
        " vector as d grows, where the ratio of the two sides is 1/(1 + (kappa/c - 1)/d). The"
        " search bounds L_f~ from below by sign vectors, which misses at most a factor pi/2 of it."
    ),
    mutants={
        "kappa dropped": _variant(ratio=lambda minimizer, c: 1),
        "c^2 for c": _variant(ratio=lambda minimizer, c: kappa(minimizer, c) / (c * c)),
        "three per cent smaller": _variant(factor=Fraction(97, 100)),
        "stable rank with eigenvalues": _variant(spectrum_of=lambda spectrum: spectrum**2),
        "density without the root of d": _variant(density=lambda product, d: d * product**2),
        "density not squared": _variant(density=lambda product, d: arrays.square_root(d) * product),
        "H not small": Mutant(assumes=_large_errors),
    },
)
