"""Adaptive preconditioners as ellipsoids: a preconditioned step is a first-order trust-region step.

``||w||_A = sqrt(w' A w)``. Public functions check their input; the formulas behind them run on
floats of any Array-API namespace, on exact rationals, on balls and on the symbols of a proof.
"""

from __future__ import annotations

import math
from typing import Any

from theory import arrays
from theory.adaptive_norms.inputs import definite_matrix, finite_array, positive
from theory.adaptive_norms.preconditioners import (
    adagrad_diagonal,
    adagrad_matrix,
    rmsprop_diagonal,
    rmsprop_form,
    rmsprop_matrix,
)
from theory.arrays import dot, inverse_quadratic_form, quadratic_form
from theory.core import Claim, Mutant, Source
from theory.matrix_roots import matrix_square_root

__all__ = [
    "adagrad_diagonal", "adagrad_matrix", "corollary_1", "equivalence_constant",
    "first_order_step", "in_ellipsoid", "in_rmsprop_ellipsoid",
    "largest_eps_for_uniform_equivalence", "lemma_1", "optimality_gap", "rmsprop_diagonal",
    "rmsprop_matrix", "rmsprop_optimality_gap",
]  # fmt: skip

# ---- steps and constants


def first_order_step(gradient: Any, matrix: Any, eta: Any) -> Any:
    """The preconditioned step ``s* = -eta A^{-1} g`` (Kohler et al. 2019, eqs. 4 and 9).

    By Lemma 1 it is the one minimiser of ``g's`` over ``||s||_A <= eta ||g||_{A^-1}``.

    Parameters
    ----------
    gradient : array (d,)
    matrix : array (d, d), or (d,) meaning diagonal
        Symmetric positive definite.
    eta : number > 0

    Returns
    -------
    array (d,)

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not finite, `matrix` is not symmetric positive
        definite, or eta is not > 0.

    >>> import numpy as np
    >>> first_order_step(np.array([1.0, 4.0]), np.array([1.0, 2.0]), 0.5).tolist()
    [-0.5, -1.0]
    """
    gradient = finite_array("gradient", gradient)
    if gradient.ndim != 1:
        raise ValueError(f"gradient has shape {gradient.shape}; it must have shape (d,)")
    matrix = definite_matrix("matrix", matrix)
    if matrix.shape[0] != gradient.shape[0]:
        raise ValueError(f"matrix has shape {matrix.shape} and gradient {gradient.shape}; "
                         "their dimensions must be equal")  # fmt: skip
    return _step(gradient, matrix, positive("eta", eta))


def equivalence_constant(matrix: Any) -> float:
    """The smallest mu of Definition 1: ``sqrt(max(lam_max, 1/lam_min))``, at least 1.

    Parameters
    ----------
    matrix : float array (d, d) or (n, d, d)
        Symmetric positive definite; for several, the constant that serves all of them.

    Raises
    ------
    ValueError
        If `matrix` has another number of axes, or one of them is not finite, not symmetric or
        not positive definite.

    >>> import numpy as np
    >>> equivalence_constant(np.diag([0.25, 2.0]))
    2.0
    """
    stack = finite_array("matrix", matrix)
    if stack.ndim not in (2, 3):
        raise ValueError(f"matrix has shape {stack.shape}; it must be (d, d) or (n, d, d)")
    several = stack if stack.ndim == 3 else stack[None, ...]
    worst = 1.0
    for index in range(several.shape[0]):
        one = definite_matrix("matrix", several[index, ...])
        values = arrays.namespace(one).linalg.eigvalsh(one)
        worst = max(worst, float(values[-1]), 1 / float(values[0]))
    return math.sqrt(worst)


def largest_eps_for_uniform_equivalence(bound: float) -> float:
    """The largest eps for which Lemma 2 holds with ``zeta = 1/eps``: the root of
    ``eps (G^2 + eps) = 1``.

    ``2/(G^2 + sqrt(G^4 + 4))``, which does not cancel as ``(sqrt(G^4 + 4) - G^2)/2`` does.

    Parameters
    ----------
    bound : float >= 0
        G, the bound on the gradient norms.

    Raises
    ------
    ValueError
        If `bound` is negative or not finite.

    >>> largest_eps_for_uniform_equivalence(0.0)
    1.0
    """  # noqa: D205
    if not (math.isfinite(bound) and bound >= 0):
        raise ValueError(f"bound is {bound}; it must be finite and >= 0")
    return 2.0 / (bound**2 + math.hypot(bound**2, 2.0))


def _step(gradient: Any, matrix: Any, eta: Any) -> Any:
    return -eta * arrays.solve(matrix, gradient)


# ---- Lemma 1


def optimality_gap(gradient: Any, matrix: Any, eta: Any, competitor: Any) -> tuple[Any, Any]:
    """``1/2 ||s - s*||_A^2 <= eta (g's - g's*)``, s* the first-order step, s a competitor.

    The inequality holds if and only if s lies in the ellipsoid ``||s||_A <= eta ||g||_{A^-1}``; it
    says at once that s* minimises g's there and that no other point does.

    Parameters
    ----------
    gradient, competitor : array (d,)
    matrix : array (d, d), or (d,) meaning diagonal
        Symmetric positive definite.
    eta : number > 0

    Returns
    -------
    (lhs, rhs)
    """
    return _gap(gradient, matrix, eta, competitor, _step(gradient, matrix, eta))


def in_ellipsoid(gradient: Any, matrix: Any, eta: Any, competitor: Any) -> bool:
    """A symmetric positive definite, eta > 0, and ``||s||_A <= eta ||g||_{A^-1}``."""
    return arrays.is_positive_definite(matrix) and _inside(gradient, matrix, eta, competitor)


def _inside(gradient: Any, matrix: Any, eta: Any, competitor: Any) -> bool:
    radius = eta * eta * inverse_quadratic_form(matrix, gradient)
    return bool(eta > 0 and quadratic_form(matrix, competitor) <= radius)


def _gap(gradient: Any, matrix: Any, eta: Any, competitor: Any, step: Any) -> tuple[Any, Any]:
    excess = dot(gradient, competitor) - dot(gradient, step)
    return quadratic_form(matrix, competitor - step) / 2, eta * excess


def _symmetric_part_definite(gradient: Any, matrix: Any, eta: Any, competitor: Any) -> bool:
    part = (matrix + arrays.transpose(matrix)) / 2
    return arrays.is_positive_definite(part) and _inside(gradient, matrix, eta, competitor)


def _in_wider_ellipsoid(gradient: Any, matrix: Any, eta: Any, competitor: Any) -> bool:
    return in_ellipsoid(51 * gradient, matrix, eta, 50 * competitor)


def _in_ellipsoid_of_wrong_norm(gradient: Any, matrix: Any, eta: Any, competitor: Any) -> bool:
    radius = eta * eta * quadratic_form(matrix, gradient)
    inside = quadratic_form(matrix, competitor) <= radius
    return bool(eta > 0 and arrays.is_positive_definite(matrix) and inside)


lemma_1 = Claim(
    id="adaptive-norms/lemma-1",
    title="A preconditioned gradient step is a first-order trust-region step",
    kind="inequality",
    statement=(
        r"Let $A$ be symmetric positive definite, $\eta > 0$ and $s^* = -\eta A^{-1} g$. Then"
        r" $\|s^*\|_A = \eta \|g\|_{A^{-1}}$, and every $s$ with"
        r" $\|s\|_A \le \eta \|g\|_{A^{-1}}$ satisfies"
        r" $\tfrac12 \|s - s^*\|_A^2 \le \eta (g^\top s - g^\top s^*)$."
        r" So $s^*$ is the one minimiser of $f(w) + g^\top s$ over that ellipsoid."
    ),
    source=Source("kohler2019", item="Lemma 1 / Theorem 2", equations=("4", "5", "9", "10")),
    scope={"d": "d >= 1", "A": "symmetric positive definite", "eta": "> 0", "g": "any, 0 included"},
    formula=optimality_gap,
    assumes=in_ellipsoid,
    notes=(
        "Sharper than printed: uniqueness and the growth away from the minimiser come with it, and"
        " no KKT or Slater condition is used, so that g = 0, which the paper excludes, is covered."
        " The ellipsoid depends on the gradient of the step: its radius is eta ||g||_{A^-1}."
    ),
    mutants={
        "A forgotten in the step": lambda gradient, matrix, eta, competitor: _gap(
            gradient, matrix, eta, competitor, -eta * gradient
        ),
        "A in place of its inverse": lambda gradient, matrix, eta, competitor: _gap(
            gradient, matrix, eta, competitor, -eta * (matrix @ gradient)
        ),
        "step two per cent short": lambda gradient, matrix, eta, competitor: _gap(
            gradient, matrix, eta, competitor, 49 * _step(gradient, matrix, eta) / 50
        ),
        "growth two per cent larger": lambda gradient, matrix, eta, competitor: _scaled_lhs(
            51, optimality_gap(gradient, matrix, eta, competitor)
        ),
        "radius two per cent larger": Mutant(assumes=_in_wider_ellipsoid),
        "radius in the norm of A": Mutant(assumes=_in_ellipsoid_of_wrong_norm),
        "A not symmetric": Mutant(assumes=_symmetric_part_definite),
    },
)


def _scaled_lhs(numerator: int, sides: tuple[Any, Any]) -> tuple[Any, Any]:
    lhs, rhs = sides
    return numerator * lhs / 50, rhs


# ---- Corollary 1


def rmsprop_optimality_gap(
    gradients: Any, beta: Any, eps: Any, eta: Any, competitor: Any
) -> tuple[Any, Any]:
    """`optimality_gap` of RMSProp's step ``-eta A^{-1/2} g_t`` in the ellipsoid of ``A^{1/2}``.

    Parameters
    ----------
    gradients : array (t+1, d)
        The last row is the gradient of the step.
    beta, eps, eta : number
    competitor : array (d,)

    Returns
    -------
    (lhs, rhs)
    """
    root = matrix_square_root(rmsprop_form(gradients, beta, eps))
    return optimality_gap(gradients[-1], root, eta, competitor)


def in_rmsprop_ellipsoid(gradients: Any, beta: Any, eps: Any, eta: Any, competitor: Any) -> bool:
    """0 <= beta < 1, eps > 0, eta > 0, and ``||s||_R <= eta ||g_t||_{R^-1}``, R = A^{1/2}."""
    return bool(0 <= beta < 1 and eps > 0) and in_ellipsoid(
        gradients[-1], matrix_square_root(rmsprop_form(gradients, beta, eps)), eta, competitor
    )


def _in_ellipsoid_of_lemma_2(
    gradients: Any, beta: Any, eps: Any, eta: Any, competitor: Any
) -> bool:
    return bool(0 <= beta < 1 and eps > 0) and in_ellipsoid(
        gradients[-1], rmsprop_form(gradients, beta, eps), eta, competitor
    )


def _in_wider_rmsprop_ellipsoid(
    gradients: Any, beta: Any, eps: Any, eta: Any, competitor: Any
) -> bool:
    return bool(0 <= beta < 1 and eps > 0) and _in_wider_ellipsoid(
        gradients[-1], matrix_square_root(rmsprop_form(gradients, beta, eps)), eta, competitor
    )


def _gap_in_ellipsoid_of_lemma_2(
    gradients: Any, beta: Any, eps: Any, eta: Any, competitor: Any
) -> tuple[Any, Any]:
    matrix = rmsprop_form(gradients, beta, eps)
    step = _step(gradients[-1], matrix_square_root(matrix), eta)
    return _gap(gradients[-1], matrix, eta, competitor, step)


def _gap_without_root(
    gradients: Any, beta: Any, eps: Any, eta: Any, competitor: Any
) -> tuple[Any, Any]:
    matrix = rmsprop_form(gradients, beta, eps)
    step = _step(gradients[-1], matrix, eta)
    return _gap(gradients[-1], matrix_square_root(matrix), eta, competitor, step)


corollary_1 = Claim(
    id="adaptive-norms/corollary-1",
    title="RMSProp's step is a trust-region step in the norm of the square root",
    kind="inequality",
    statement=(
        r"Let $A$ be RMSProp's matrix (3), $0 \le \beta < 1$, $\varepsilon, \eta > 0$, and"
        r" $s^* = -\eta A^{-1/2} g_t$ its step. Then every $s$ with $\|s\|_{A^{1/2}} \le \eta"
        r" \|g_t\|_{A^{-1/2}}$ satisfies $\tfrac12 \|s - s^*\|_{A^{1/2}}^2 \le"
        r" \eta (g_t^\top s - g_t^\top s^*)$: the step is the one minimiser of the linear model"
        r" over that ellipsoid, which is that of $A^{1/2}$ and not of $A$."
    ),
    source=Source("kohler2019", item="Corollary 1", equations=("6",)),
    scope={"d": "d >= 1", "t": "t >= 0", "beta": "[0, 1)", "eps": "> 0", "eta": "> 0"},
    formula=rmsprop_optimality_gap,
    assumes=in_rmsprop_ellipsoid,
    notes=(
        "The first-order analogy needs the matrix A^{1/2}; Lemma 2 and the second-order method use"
        " A itself. The two ellipsoids share a minimiser only where g is an eigenvector of A, so"
        " these are two different methods. eps stands inside the root, as in eq. (3)."
    ),
    mutants={
        "the ellipsoid of Lemma 2": Mutant(
            formula=_gap_in_ellipsoid_of_lemma_2, assumes=_in_ellipsoid_of_lemma_2
        ),
        "the step without the root": _gap_without_root,
        "growth two per cent larger": lambda gradients, beta, eps, eta, competitor: _scaled_lhs(
            51, rmsprop_optimality_gap(gradients, beta, eps, eta, competitor)
        ),
        "radius two per cent larger": Mutant(assumes=_in_wider_rmsprop_ellipsoid),
    },
)
