"""Lemma 8 and Theorem 5: in the eigenbasis of the EGOP the constants are small.

Lemma 8 names constants for ``f~(y) = f(Vy)`` on the ball of radius B about 0; that they are
feasible is an inequality for the Hessian at every point and for every direction. Their sum
bounds ``L_f~``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Source
from theory.egop.gain_bounds import (
    bounds_norm,
    diagonalised,
    is_nearby_hessian,
    is_problem,
    moment_matrix,
    outer_product_error,
    root_error,
)

PAPER = "depavia2025"
Sides = tuple[Any, Any]
Pair = tuple[tuple[Any, Any], tuple[Any, Any]]


def _same(value: Any) -> Any:
    return value


def _both_signs(basis: Any, curvature: Any, direction: Any, allowed: Any) -> Pair:
    form = quadratic_form(curvature, basis @ direction)
    return (form, -form), (allowed, allowed)


def _reach(minimizer: Any, radius: Any) -> Any:
    return radius + arrays.square_root(dot(minimizer, minimizer))


# ---- Lemma 8


def rotated_constants(
    *, points: Any, minimizer: Any, c: Any, lipschitz: Any, norm: Any, basis: Any, spectrum: Any,
    curvature: Any, radius: Any, direction: Any, **problem: Any,
) -> Pair:  # fmt: skip
    """``+-w'V'K Vw <= sum_i L_i w_i^2`` with ``L_i = sqrt(lam_i + e_A)/c + H (B + ||theta*||)``.

    K is the Hessian of f at a point x of the ball, so that ``V'KV`` is that of f~ at ``V'x``.
    ``sum L_i`` is the bound of Lemma 8.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`).
    norm : number
        ``||Hess f(theta*)||``.
    basis, spectrum : arrays (d, d) and (d,)
        V and lam: the eigenbasis and the eigenvalues of the EGOP.
    curvature, position : arrays (d, d) and (d,)
        K and x.
    radius : number
        B.
    direction : array (d,)
        w.

    Returns
    -------
    (lhs, rhs)
        Two numbers each, for the two signs.
    """
    error = outer_product_error(points, minimizer, norm, lipschitz)
    near = quadratic_form(arrays.square_root(spectrum + error), direction) / c
    far = lipschitz * _reach(minimizer, radius) * dot(direction, direction)
    return _both_signs(basis, curvature, direction, near + far)


def rotated_data(
    *, basis: Any, spectrum: Any, curvature: Any, position: Any, radius: Any, norm: Any,
    direction: Any, **problem: Any,
) -> bool:  # fmt: skip
    """Assumptions 1 and 2, an eigenbasis of the EGOP, a point of the ball and the Hessian there."""
    return (
        bounds_norm(norm, problem["hessian"])
        and _in_the_ball(position, radius)
        and _in_the_eigenbasis(basis, spectrum, curvature, position, problem)
    )


def _in_the_ball(position: Any, radius: Any) -> bool:
    return bool(radius >= 0 and dot(position, position) <= radius * radius)


def _in_the_eigenbasis(
    basis: Any, spectrum: Any, curvature: Any, position: Any, problem: dict[str, Any]
) -> bool:
    return (
        diagonalised(moment_matrix(problem["gradients"]), basis, spectrum)
        and is_nearby_hessian(
            curvature, position, problem["hessian"], problem["minimizer"], problem["lipschitz"]
        )
        and is_problem(**problem)
    )


def _lemma_8_variant(
    deviation: Callable[[Any], Any] = _same,
    error: Callable[..., Any] = outer_product_error,
    roots: Callable[[Any], Any] = arrays.square_root,
    reach: Callable[[Any], Any] = _same,
) -> Callable[..., Pair]:
    """`rotated_constants` with another power of c, error, root or distance."""

    def constants(
        *, points: Any, minimizer: Any, c: Any, lipschitz: Any, norm: Any, basis: Any,
        spectrum: Any, curvature: Any, radius: Any, direction: Any, **problem: Any,
    ) -> Pair:  # fmt: skip
        found = error(points, minimizer, norm, lipschitz)
        near = quadratic_form(roots(spectrum + found), direction) / deviation(c)
        distance = reach(_reach(minimizer, radius))
        far = lipschitz * distance * dot(direction, direction)
        return _both_signs(basis, curvature, direction, near + far)

    return constants


def _eigenvalues_for_roots(spectrum: Any) -> Any:
    return spectrum / arrays.square_root(arrays.largest(spectrum))


lemma_8 = Claim(
    id="egop/lemma-8",
    title="Smoothness constants in the eigenbasis of the EGOP",
    kind="inequality",
    statement=(
        r"Let $\theta$ have mean $0$ and covariance $c^2 I$, $\|\theta^*\| \le c$, $\nabla"
        r" f(\theta^*) = 0$, and let the Hessian be $H$-Lipschitz; let $V$ be an eigenbasis of the"
        r" EGOP with eigenvalues $\lambda_i$, $\tilde f(y) = f(Vy)$, and $e_A = H \|\nabla^2"
        r" f(\theta^*)\| M_3 + \tfrac14 H^2 M_4$. On the ball of radius $B$ about $0$ the constants"
        r" $L_i = \tfrac1c \sqrt{\lambda_i + e_A} + H (B + \|\theta^*\|)$ are feasible for $\tilde"
        r" f$, so that $L_{\tilde f} \le \tfrac1c \sum_i \sqrt{\lambda_i + e_A} + d H (B +"
        r" \|\theta^*\|)$."
    ),
    source=Source(PAPER, item="Lemma 8", equations=("13",)),
    scope={"d": "d >= 1", "c": "> 0", "H": ">= 0", "B": ">= 0", "law": "M_4 finite"},
    formula=rotated_constants,
    assumes=rotated_data,
    notes=(
        "The constants are derived here. The Hessian at theta* may be indefinite. V and lam need"
        " only satisfy V' EGOP V <= diag(lam): a computed basis serves. Equality for quadratics"
        " with theta* = 0; to first order in H also in both error terms, as c -> 0 at fixed B."
    ),
    mutants={
        "c^2 for c": _lemma_8_variant(deviation=lambda c: c * c),
        "1.03 c for c": _lemma_8_variant(deviation=lambda c: 103 * c / 100),
        "eigenvalues for their roots": _lemma_8_variant(roots=_eigenvalues_for_roots),
        "e_A dropped": _lemma_8_variant(error=lambda *moments: 0),
        "e_A ten per cent smaller": _lemma_8_variant(
            error=lambda *moments: 9 * outer_product_error(*moments) / 10
        ),
        "d H r dropped": _lemma_8_variant(reach=lambda reach: 0),
        "d H r five per cent smaller": _lemma_8_variant(reach=lambda reach: 19 * reach / 20),
    },
)

# ---- Lemma 8, sharper


def rotated_root_constants(
    *, points: Any, minimizer: Any, c: Any, lipschitz: Any, basis: Any, spectrum: Any,
    curvature: Any, radius: Any, direction: Any, slack: Any, **problem: Any,
) -> Pair:  # fmt: skip
    """``+-w'V'K Vw <= sum_i L_i w_i^2`` with the constants of the root-scale error.

    ``L_i = (1/c) (sqrt(1 + e) sqrt(lam_i) + sqrt(1 + 1/e) e_M) + H (B + ||theta*||)``.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`).
    basis, spectrum, curvature, position, radius, direction
        As in `rotated_constants`.
    slack : number > 0
        e.

    Returns
    -------
    (lhs, rhs)
        Two numbers each, for the two signs.
    """
    error = arrays.square_root(1 + 1 / slack) * root_error(points, minimizer, lipschitz)
    roots = quadratic_form(arrays.square_root(spectrum), direction)
    square = dot(direction, direction)
    near = (arrays.square_root(1 + slack) * roots + error * square) / c
    far = lipschitz * _reach(minimizer, radius) * square
    return _both_signs(basis, curvature, direction, near + far)


def rotated_root_data(
    *, basis: Any, spectrum: Any, curvature: Any, position: Any, radius: Any, direction: Any,
    slack: Any, **problem: Any,
) -> bool:  # fmt: skip
    """The hypotheses of Lemma 8, and e > 0."""
    return (
        bool(slack > 0)
        and _in_the_ball(position, radius)
        and _in_the_eigenbasis(basis, spectrum, curvature, position, problem)
    )


def _root_variant(
    deviation: Callable[[Any], Any] = _same,
    error: Callable[..., Any] = root_error,
    growth: Callable[[Any], Any] = lambda slack: 1 + slack,
    inverse: Callable[[Any], Any] = lambda slack: 1 + 1 / slack,
    roots: Callable[[Any], Any] = arrays.square_root,
    reach: Callable[[Any], Any] = _same,
) -> Callable[..., Pair]:
    """`rotated_root_constants` with another power of c, error, slack, root or distance."""

    def constants(
        *, points: Any, minimizer: Any, c: Any, lipschitz: Any, basis: Any, spectrum: Any,
        curvature: Any, radius: Any, direction: Any, slack: Any, **problem: Any,
    ) -> Pair:  # fmt: skip
        found = arrays.square_root(inverse(slack)) * error(points, minimizer, lipschitz)
        square = dot(direction, direction)
        main = arrays.square_root(growth(slack)) * quadratic_form(roots(spectrum), direction)
        near = (main + found * square) / deviation(c)
        far = lipschitz * reach(_reach(minimizer, radius)) * square
        return _both_signs(basis, curvature, direction, near + far)

    return constants


lemma_8_sharper = Claim(
    id="egop/lemma-8.sharper",
    title="Constants in the eigenbasis with the error at the scale of roots",
    kind="inequality",
    statement=(
        r"Under the hypotheses of Lemma 8, with $e_M = \tfrac12 H \sqrt{M_4}$: for every"
        r" $\varepsilon > 0$ the constants $L_i = \tfrac1c \big(\sqrt{1 + \varepsilon}"
        r" \sqrt{\lambda_i} + \sqrt{1 + 1/\varepsilon}\, e_M\big) + H (B + \|\theta^*\|)$ are"
        r" feasible for $\tilde f$ on the ball of radius $B$ about $0$, so that $L_{\tilde f} \le"
        r" \tfrac1c \big(\sqrt{1 + \varepsilon} \sum_i \sqrt{\lambda_i} + d \sqrt{1 +"
        r" 1/\varepsilon}\, e_M\big) + d H (B + \|\theta^*\|)$."
    ),
    source=Source(PAPER, item="beyond"),
    scope={"d": "d >= 1", "c": "> 0", "H": ">= 0", "B": ">= 0", "e": "> 0", "law": "M_4 finite"},
    formula=rotated_root_constants,
    assumes=rotated_root_data,
    notes=(
        "No norm of the Hessian enters: e_M is linear in H where sqrt(e_A) is of the order of its"
        " root. The Hessian at theta* may be indefinite. Equality for quadratics with theta* = 0 as"
        " e -> 0, and in the term of e_M where the gradients vanish at every point of the law"
        " (d = 1, e -> infinity)."
    ),
    sharpens="egop/lemma-8",
    mutants={
        "c^2 for c": _root_variant(deviation=lambda c: c * c),
        "1.03 c for c": _root_variant(deviation=lambda c: 103 * c / 100),
        "eigenvalues for their roots": _root_variant(roots=_eigenvalues_for_roots),
        "e_M dropped": _root_variant(error=lambda *moments: 0),
        "e_M three per cent smaller": _root_variant(
            error=lambda *moments: 97 * root_error(*moments) / 100
        ),
        "M_4 for its root": _root_variant(error=lambda *moments: root_error(*moments) ** 2),
        "e for 1 + e": _root_variant(growth=_same),
        "1/e for 1 + 1/e": _root_variant(inverse=lambda slack: 1 / slack),
        "d H r dropped": _root_variant(reach=lambda reach: 0),
        "d H r five per cent smaller": _root_variant(reach=lambda reach: 19 * reach / 20),
    },
)
