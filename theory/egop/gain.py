"""Lemma 6: dense leading eigenvectors of the EGOP force large constants.

Stated for any feasible L, hence for the least sum ``L_f``. Feasibility is asked for at
``theta*`` alone, so that the
results hold on every domain that contains ``theta*``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source
from theory.egop.gain_bounds import (
    bounds_norm,
    holds_direction,
    is_below,
    is_feasible,
    is_problem,
    is_sign_vector,
    kappa,
    moment_matrix,
    outer_product_error,
    root_error,
)

PAPER = "depavia2025"
Sides = tuple[Any, Any]


def _same(value: Any) -> Any:
    return value


# ---- Lemma 6


def dense_eigenvector_bound(
    *, points: Any, minimizer: Any, c: Any, lipschitz: Any, norm: Any, eigenvalue: Any,
    largest: Any, vector: Any, signs: Any, constants: Any, **problem: Any,
) -> Sides:  # fmt: skip
    """``lam_k (s'v_k)^2 - d e_A <= 2 c sqrt(lam_1 + e_A) sum L_i``; Lemma 6 for ``s = sign(v_k)``.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`).
    norm : number
        ``||Hess f(theta*)||``.
    eigenvalue, vector : number and array (d,)
        ``lam_k`` and ``v_k`` of the EGOP.
    largest : number
        ``lam_1``.
    signs : array (d,)
        s, with entries +-1.
    constants : array (d,)
        L, feasible at ``theta*``.

    Returns
    -------
    (lhs, rhs)
    """
    error = outer_product_error(points, minimizer, norm, lipschitz)
    lhs = eigenvalue * dot(signs, vector) ** 2 - dot(signs, signs) * error
    return lhs, 2 * c * arrays.square_root(largest + error) * quadratic_form(constants, signs)


def dense_eigenvector_data(
    *, norm: Any, eigenvalue: Any, largest: Any, vector: Any, signs: Any, constants: Any,
    **problem: Any,
) -> bool:  # fmt: skip
    """Assumptions 1 and 2, ``Hess f(theta*) >= 0``, L feasible there, and an eigenpair."""
    hessian = problem["hessian"]
    return (
        arrays.is_positive_semidefinite(hessian)
        and is_feasible(constants, hessian)
        and _eigenpair_data(norm, eigenvalue, largest, vector, signs, problem)
    )


def _eigenpair_data(
    norm: Any, eigenvalue: Any, largest: Any, vector: Any, signs: Any, problem: dict[str, Any]
) -> bool:
    matrix = moment_matrix(problem["gradients"])
    return (
        is_sign_vector(signs)
        and bounds_norm(norm, problem["hessian"])
        and is_below(matrix, largest)
        and holds_direction(matrix, eigenvalue, vector)
        and is_problem(**problem)
    )


def _indefinite(
    *, norm: Any, eigenvalue: Any, largest: Any, vector: Any, signs: Any, constants: Any,
    **problem: Any,
) -> bool:  # fmt: skip
    return is_feasible(constants, problem["hessian"]) and _eigenpair_data(
        norm, eigenvalue, largest, vector, signs, problem
    )


def _coordinatewise(
    *, norm: Any, eigenvalue: Any, largest: Any, vector: Any, signs: Any, constants: Any,
    **problem: Any,
) -> bool:  # fmt: skip
    hessian = problem["hessian"]
    return (
        bool((constants >= arrays.diagonal(hessian)).all())
        and arrays.is_positive_semidefinite(hessian)
        and _eigenpair_data(norm, eigenvalue, largest, vector, signs, problem)
    )


def _lemma_6_variant(
    factor: Any = 2,
    deviation: Callable[[Any], Any] = _same,
    error: Callable[..., Any] = outer_product_error,
    root: Callable[[Any], Any] = arrays.square_root,
    per_coordinate: bool = True,
) -> Callable[..., Sides]:
    """`dense_eigenvector_bound` with another constant, power of c, error, or root."""

    def bound(
        *, points: Any, minimizer: Any, c: Any, lipschitz: Any, norm: Any, eigenvalue: Any,
        largest: Any, vector: Any, signs: Any, constants: Any, **problem: Any,
    ) -> Sides:  # fmt: skip
        found = error(points, minimizer, norm, lipschitz)
        loss = dot(signs, signs) * found if per_coordinate else found
        scale = factor * deviation(c) * root(largest + found)
        lhs = eigenvalue * dot(signs, vector) ** 2 - loss
        return lhs, scale * quadratic_form(constants, signs)

    return bound


def _smaller_fourth(points: Any, minimizer: Any, norm: Any, lipschitz: Any) -> Any:
    quadratic = 23 * root_error(points, minimizer, lipschitz) ** 2 / 24
    full = outer_product_error(points, minimizer, norm, lipschitz)
    return full - root_error(points, minimizer, lipschitz) ** 2 + quadratic


def _unsquared(points: Any, minimizer: Any, norm: Any, lipschitz: Any) -> Any:
    full = outer_product_error(points, minimizer, norm, lipschitz)
    square = root_error(points, minimizer, lipschitz) ** 2
    return full - square + (square / lipschitz if lipschitz > 0 else 0)


lemma_6 = Claim(
    id="egop/lemma-6",
    title="A dense eigenvector of the EGOP forces large smoothness constants",
    kind="inequality",
    statement=(
        r"Let $\theta$ have mean $0$ and covariance $c^2 I$, $\|\theta^*\| \le c$, $\nabla"
        r" f(\theta^*) = 0$, $\nabla^2 f(\theta^*) \succeq 0$, and let the Hessian be"
        r" $H$-Lipschitz. With $M_k = E\|\theta - \theta^*\|^k$ and $e_A = H \|\nabla^2"
        r" f(\theta^*)\| M_3 + \tfrac14 H^2 M_4$, every $L$ that is feasible in (1) on a domain"
        r" around $\theta^*$ satisfies, for every eigenpair of the EGOP,"
        r" $\sum_i L_i \ge \frac{\lambda_k \|v_k\|_1^2 - d\, e_A}{2c \sqrt{\lambda_1 + e_A}}$."
    ),
    source=Source(PAPER, item="Lemma 6", equations=("12",)),
    scope={"d": "d >= 1", "c": "> 0", "H": ">= 0", "k": "1, ..., d", "law": "M_4 finite"},
    formula=dense_eigenvector_bound,
    assumes=dense_eigenvector_data,
    notes=(
        "The constants are derived here. Of the domain only theta* is used, of f only Taylor's"
        " inequality for its gradients, of the eigenpair only lam_k v_k v_k' <= EGOP <= lam_1 I."
        " Loose: for quadratics 2 can be sqrt 2 and no less (egop/lemma-6.sharper); it is attained"
        " by a rank-one Hessian along a dense vector with theta* along it and ||theta*|| = c. The"
        " term H^2 M_4/4 of e_A is sharp (Hessian 0 at theta*). False for an indefinite Hessian."
    ),
    mutants={
        "1.4 for 2": _lemma_6_variant(factor=Fraction(7, 5)),
        "c^2 for c": _lemma_6_variant(deviation=lambda c: c * c),
        "lam_1 for its root": _lemma_6_variant(root=_same),
        "e_A dropped": _lemma_6_variant(error=lambda *moments: 0),
        "e_A once, not d times": _lemma_6_variant(per_coordinate=False),
        "M_4 term four per cent smaller": _lemma_6_variant(error=_smaller_fourth),
        "H for H squared": _lemma_6_variant(error=_unsquared),
        "Hessian indefinite": Mutant(assumes=_indefinite),
        "constants of one coordinate at a time": Mutant(assumes=_coordinatewise),
    },
)

# ---- Lemma 6, sharper


def root_bound(
    *, points: Any, minimizer: Any, c: Any, lipschitz: Any, root: Any, signs: Any, slack: Any,
    constants: Any, **problem: Any,
) -> Sides:  # fmt: skip
    """``s'R s - d sqrt(1 + 1/e) e_M <= kappa sqrt(1 + e) sum L_i``, R the root of the EGOP.

    Parameters
    ----------
    points, gradients, hessian, minimizer, c, lipschitz
        The problem (see `theory.egop.gain_bounds`).
    root : array (d, d)
        R, symmetric positive semidefinite, ``R^2 <= EGOP``: then ``R <= EGOP^{1/2}``.
    signs : array (d,)
        s, with entries +-1.
    slack : number > 0
        e.
    constants : array (d,)
        L, feasible at ``theta*``.

    Returns
    -------
    (lhs, rhs)
    """
    error = arrays.square_root(1 + 1 / slack) * root_error(points, minimizer, lipschitz)
    lhs = quadratic_form(root, signs) - dot(signs, signs) * error
    scale = kappa(minimizer, c) * arrays.square_root(1 + slack)
    return lhs, scale * quadratic_form(constants, signs)


def root_data(*, root: Any, signs: Any, slack: Any, constants: Any, **problem: Any) -> bool:
    """Assumptions 1 and 2, ``Hess f(theta*) >= 0``, L feasible there, ``R^2 <= EGOP``, e > 0."""
    semidefinite = arrays.is_positive_semidefinite(problem["hessian"])
    return semidefinite and _root_data_indefinite(
        root=root, signs=signs, slack=slack, constants=constants, **problem
    )


def _root_data_indefinite(
    *, root: Any, signs: Any, slack: Any, constants: Any, **problem: Any
) -> bool:
    below = moment_matrix(problem["gradients"]) - root @ root
    return (
        bool(slack > 0)
        and is_sign_vector(signs)
        and is_feasible(constants, problem["hessian"])
        and arrays.is_positive_semidefinite(root)
        and arrays.is_positive_semidefinite(below)
        and is_problem(**problem)
    )


def _root_variant(
    scale: Callable[[Any, Any], Any] = kappa,
    error: Callable[..., Any] = root_error,
    inverse: Callable[[Any], Any] = lambda slack: 1 + 1 / slack,
    growth: Callable[[Any], Any] = lambda slack: 1 + slack,
    per_coordinate: bool = True,
) -> Callable[..., Sides]:
    """`root_bound` with another constant, error or dependence on the slack."""

    def bound(
        *, points: Any, minimizer: Any, c: Any, lipschitz: Any, root: Any, signs: Any,
        slack: Any, constants: Any, **problem: Any,
    ) -> Sides:  # fmt: skip
        found = arrays.square_root(inverse(slack)) * error(points, minimizer, lipschitz)
        loss = dot(signs, signs) * found if per_coordinate else found
        outside = scale(minimizer, c) * arrays.square_root(growth(slack))
        return quadratic_form(root, signs) - loss, outside * quadratic_form(constants, signs)

    return bound


lemma_6_sharper = Claim(
    id="egop/lemma-6.sharper",
    title="The root of the EGOP bounds the smoothness constants from below",
    kind="inequality",
    statement=(
        r"Under the hypotheses of Lemma 6, with $\kappa = \sqrt{c^2 + \|\theta^*\|^2}$ and $e_M ="
        r" \tfrac12 H \sqrt{M_4}$: for every sign vector $s$ and every $\varepsilon > 0$"
        r" $\sum_i L_i \ge \frac{s^\top \mathrm{EGOP}^{1/2} s - d \sqrt{1 + 1/\varepsilon}\,"
        r" e_M}{\kappa \sqrt{1 + \varepsilon}}$. For quadratics $\kappa L_f \ge s^\top"
        r" \mathrm{EGOP}^{1/2} s$, and $s = \mathrm{sign}(v_1)$ gives $\ge \sqrt{\lambda_1}"
        r" \|v_1\|_1^2$."
    ),
    source=Source(PAPER, item="beyond"),
    scope={"d": "d >= 1", "c": "> 0", "H": ">= 0", "e": "> 0", "law": "M_4 finite"},
    formula=root_bound,
    assumes=root_data,
    notes=(
        "The factor 2c of Lemma 6 becomes kappa <= sqrt 2 c, and all eigenvectors count at once."
        " Equality for quadratics with a rank-one Hessian along a dense vector and theta* along it,"
        " and in the error term for a Hessian 0 at theta* as e grows. False for an indefinite"
        " Hessian."
    ),
    sharpens="egop/lemma-6",
    mutants={
        "c for kappa": _root_variant(scale=lambda minimizer, c: c),
        "kappa three per cent smaller": _root_variant(
            scale=lambda minimizer, c: 97 * kappa(minimizer, c) / 100
        ),
        "kappa squared": _root_variant(scale=lambda minimizer, c: kappa(minimizer, c) ** 2),
        "e_M dropped": _root_variant(error=lambda *moments: 0),
        "e_M three per cent smaller": _root_variant(
            error=lambda *moments: 97 * root_error(*moments) / 100
        ),
        "e_M once, not d times": _root_variant(per_coordinate=False),
        "1/e for 1 + 1/e": _root_variant(inverse=lambda slack: 1 / slack),
        "e for 1 + e": _root_variant(growth=_same),
        "Hessian indefinite": Mutant(assumes=_root_data_indefinite),
    },
)
