"""Corollary 7: for quadratics the sum of constants is at least density times dimension."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source
from theory.egop.gain_bounds import (
    holds_direction,
    is_below,
    is_feasible,
    is_sign_vector,
    quadratic_moment_matrix,
)

Sides = tuple[Any, Any]


def _same(value: Any) -> Any:
    return value


def density_bound(
    hessian: Any, minimizer: Any, c: Any, largest: Any, vector: Any, signs: Any, constants: Any
) -> Sides:
    """``sqrt(lam_1) (s'v_1)^2 <= 2 c sum L_i``; for ``s = sign(v_1)`` it is ``d beta^2``.

    Parameters
    ----------
    hessian : array (d, d)
    minimizer : array (d,)
    c : number
    largest, vector : number and array (d,)
        ``lam_1`` and ``v_1`` of the EGOP of the quadratic.
    signs : array (d,)
        s, with entries +-1.
    constants : array (d,)
        L, feasible.

    Returns
    -------
    (lhs, rhs)
    """
    lhs = arrays.square_root(largest) * dot(signs, vector) ** 2
    return lhs, 2 * c * quadratic_form(constants, signs)


def density_data(
    hessian: Any, minimizer: Any, c: Any, largest: Any, vector: Any, signs: Any, constants: Any
) -> bool:
    """``Hess >= 0``, ``||theta*|| <= c``, L feasible, ``lam_1 v_1 v_1' <= EGOP <= lam_1 I``."""
    near = bool(dot(minimizer, minimizer) <= c * c)
    return near and _density_far(hessian, minimizer, c, largest, vector, signs, constants)


def _density_far(
    hessian: Any, minimizer: Any, c: Any, largest: Any, vector: Any, signs: Any, constants: Any
) -> bool:
    semidefinite = arrays.is_positive_semidefinite(hessian)
    return semidefinite and _leading_pair(hessian, minimizer, c, largest, vector, signs, constants)


def _density_indefinite(
    hessian: Any, minimizer: Any, c: Any, largest: Any, vector: Any, signs: Any, constants: Any
) -> bool:
    near = bool(dot(minimizer, minimizer) <= c * c)
    return near and _leading_pair(hessian, minimizer, c, largest, vector, signs, constants)


def _leading_pair(
    hessian: Any, minimizer: Any, c: Any, largest: Any, vector: Any, signs: Any, constants: Any
) -> bool:
    matrix = quadratic_moment_matrix(hessian, minimizer, c)
    return (
        bool(c > 0)
        and is_sign_vector(signs)
        and is_feasible(constants, hessian)
        and is_below(matrix, largest)
        and holds_direction(matrix, largest, vector)
    )


def _density_variant(
    factor: Any = 2,
    deviation: Callable[[Any], Any] = _same,
    root: Callable[[Any], Any] = arrays.square_root,
    density: Callable[[Any, Any], Any] = lambda product, d: product**2,
) -> Callable[..., Sides]:
    """`density_bound` with another constant, power of c, root, or density."""

    def bound(
        hessian: Any, minimizer: Any, c: Any, largest: Any, vector: Any, signs: Any, constants: Any
    ) -> Sides:
        lhs = root(largest) * density(dot(signs, vector), dot(signs, signs))
        return lhs, factor * deviation(c) * quadratic_form(constants, signs)

    return bound


corollary_7 = Claim(
    id="egop/corollary-7",
    title="Dense leading eigenvector: the sum of constants grows with the dimension",
    kind="inequality",
    statement=(
        r"For a quadratic with $\nabla^2 f \succeq 0$, $\|\theta^*\| \le c$ and leading eigenpair"
        r" $(\lambda_1, v_1)$ of its EGOP, and $\beta = \|v_1\|_1/\sqrt d$: every feasible $L$"
        r" satisfies $\sum_i L_i \ge \frac{\lambda_1 \|v_1\|_1^2}{2c \sqrt{\lambda_1}} ="
        r" \frac{d \beta^2 \sqrt{\lambda_1}}{2c}$. It is the limit of Lemma 6 as $H \to 0$."
    ),
    source=Source("depavia2025", item="Corollary 7"),
    scope={"d": "d >= 1", "c": "> 0", "Hess": ">= 0"},
    formula=density_bound,
    assumes=density_data,
    notes=(
        "The constant is derived here. For H > 0 Lemma 6 says what is lost, d e_A and e_A. Loose:"
        " 2c can be kappa = sqrt(c^2 + ||theta*||^2) <= sqrt 2 c, and then a rank-one Hessian along"
        " a dense vector attains it. False for an indefinite Hessian, and for theta* farther than"
        " sqrt 3 c."
    ),
    mutants={
        "1.4 for 2": _density_variant(factor=Fraction(7, 5)),
        "c^2 for c": _density_variant(deviation=lambda c: c * c),
        "lam_1 for its root": _density_variant(root=_same),
        "density without the root of d": _density_variant(
            density=lambda product, d: d * product**2
        ),
        "density not squared": _density_variant(
            density=lambda product, d: arrays.square_root(d) * product
        ),
        "Hessian indefinite": Mutant(assumes=_density_indefinite),
        "theta* far away": Mutant(assumes=_density_far),
    },
)
