"""What Lemmas 6 and 8 and Theorem 5 are made of: moments of a law, error terms, hypotheses.

A sampling law is n equally likely points. All that the results use of the objective f is its
stationary point, its Hessian there, and the inequality of Taylor's formula for its gradients at
the points, ``||g_i - Hess (x_i - theta*)|| <= (H/2) ||x_i - theta*||^2``; each function with an
H-Lipschitz Hessian has it. These six arguments are the *problem* of a claim:

points : array (n, d)
    The law, mean zero and covariance ``c^2 I``.
gradients : array (n, d)
    ``grad f`` at the points.
hessian : array (d, d)
    ``Hess f(theta*)``.
minimizer : array (d,)
    ``theta*``, where the gradient of f vanishes; ``||theta*|| <= c``.
c : number > 0
    Standard deviation of each coordinate, in the units of theta.
lipschitz : number >= 0
    H, the Lipschitz constant of the Hessian.

DePavia, Charisopoulos, Willett (2025), section 4 and appendix A.1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot


def central_moment(points: Any, minimizer: Any, order: int) -> Any:
    """``M_k = E ||theta - theta*||^k`` over equally likely points (n, d).

    >>> import numpy as np
    >>> float(central_moment(np.array([[3.0], [-3.0]]), np.array([0.0]), 4))
    81.0
    """
    own = getattr(points, "central_moment", None)
    if own:
        return own(minimizer, order)
    deviations = points - minimizer
    return arrays.mean(arrays.power(dot(deviations, deviations), Fraction(order, 2)))


def outer_product_error(points: Any, minimizer: Any, norm: Any, lipschitz: Any) -> Any:
    """``e_A = H ||Hess|| M_3 + H^2 M_4/4``: how far Lemma 11 moves the EGOP of a quadratic.

    Parameters
    ----------
    points : array (n, d)
    minimizer : array (d,)
    norm : number
        The spectral norm of the Hessian at the minimizer, or an upper bound of it.
    lipschitz : number
        H.
    """
    third, fourth = (central_moment(points, minimizer, order) for order in (3, 4))
    return lipschitz * norm * third + lipschitz * lipschitz * fourth / 4


def root_error(points: Any, minimizer: Any, lipschitz: Any) -> Any:
    """``e_M = (H/2) sqrt(M_4)``: the same at the scale of the root of the EGOP.

    >>> import numpy as np
    >>> float(root_error(np.array([[3.0], [-3.0]]), np.array([0.0]), 2.0))
    9.0
    """
    return lipschitz * arrays.square_root(central_moment(points, minimizer, 4)) / 2


def kappa(minimizer: Any, c: Any) -> Any:
    """``sqrt(c^2 + ||theta*||^2)``, at most ``sqrt(2) c`` by Assumption 1.

    >>> import numpy as np
    >>> float(kappa(np.array([4.0]), 3.0))
    5.0
    """
    return arrays.square_root(c * c + dot(minimizer, minimizer))


def moment_matrix(gradients: Any) -> Any:
    """The EGOP ``(1/n) sum g_i g_i'`` (d, d) of equally likely gradients (n, d)."""
    return arrays.transpose(gradients) @ gradients / gradients.shape[0]


def quadratic_moment_matrix(hessian: Any, minimizer: Any, c: Any) -> Any:
    """``Hess (c^2 I + theta* theta*') Hess`` (d, d), the EGOP of a quadratic, in any arithmetic."""
    pushed = hessian @ minimizer
    return c * c * (hessian @ hessian) + arrays.outer(pushed, pushed)


# ---- hypotheses


def is_problem(
    points: Any, gradients: Any, hessian: Any, minimizer: Any, c: Any, lipschitz: Any
) -> bool:
    """Assumption 1 for the law, Assumption 2 through Taylor's inequality at its points."""
    return (
        bool(c > 0 and lipschitz >= 0 and dot(minimizer, minimizer) <= c * c)
        and arrays.is_symmetric(hessian)
        and _is_isotropic(points, c)
        and _obeys_taylor(points, gradients, hessian, minimizer, lipschitz)
    )


def _is_isotropic(points: Any, c: Any) -> bool:
    covariance = moment_matrix(points)
    one = arrays.identity_matrix(points.shape[1], like=points)
    centred = arrays.total(points, axis=0) == 0
    return bool(centred.all() and (covariance == c * c * one).all())


def _obeys_taylor(
    points: Any, gradients: Any, hessian: Any, minimizer: Any, lipschitz: Any
) -> bool:
    deviations = points - minimizer
    remainders = gradients - deviations @ hessian
    squares = dot(deviations, deviations)
    allowed = lipschitz * lipschitz * squares * squares / 4
    return bool((dot(remainders, remainders) <= allowed).all())


def bounds_norm(norm: Any, hessian: Any) -> bool:
    """Whether ``-norm I <= Hess <= norm I``."""
    return is_feasible(norm * arrays.diagonal(arrays.identity_matrix(len(hessian), hessian)),
                       hessian)  # fmt: skip


def is_feasible(constants: Any, hessian: Any) -> bool:
    """Whether ``-diag(L) <= Hess <= diag(L)``: what Lemma 10 asks of L (d,) at a point."""
    diagonal = arrays.diagonal_matrix(constants)
    return arrays.is_positive_semidefinite(diagonal - hessian) and (
        arrays.is_positive_semidefinite(diagonal + hessian)
    )


def is_sign_vector(signs: Any) -> bool:
    """Whether every entry is 1 or -1."""
    return bool((signs * signs == 1).all())


def is_orthogonal(basis: Any) -> bool:
    """Whether ``V'V = I``, entry by entry."""
    gram = arrays.transpose(basis) @ basis
    return bool((gram == arrays.identity_matrix(len(basis), like=gram)).all())


def holds_direction(matrix: Any, eigenvalue: Any, vector: Any) -> bool:
    """Whether ``eigenvalue v v' <= matrix``: true for an eigenpair of a semidefinite matrix."""
    return bool(eigenvalue >= 0) and arrays.is_positive_semidefinite(
        matrix - eigenvalue * arrays.outer(vector, vector)
    )


def is_below(matrix: Any, number: Any) -> bool:
    """Whether ``matrix <= number I``."""
    one = arrays.identity_matrix(len(matrix), like=matrix)
    return arrays.is_positive_semidefinite(number * one - matrix)


def diagonalised(matrix: Any, basis: Any, spectrum: Any) -> bool:
    """Whether V is orthogonal and ``V'E V <= diag(spectrum)``, entries >= 0.

    With equality for an eigenbasis and its eigenvalues; the inequality is all that is used, so
    that a computed basis serves as well.
    """
    turned = arrays.transpose(basis) @ matrix @ basis
    return (
        bool((spectrum >= 0).all())
        and is_orthogonal(basis)
        and arrays.is_positive_semidefinite(arrays.diagonal_matrix(spectrum) - turned)
    )


def is_nearby_hessian(
    curvature: Any, position: Any, hessian: Any, minimizer: Any, lipschitz: Any
) -> bool:
    """Whether ``||K - Hess|| <= H ||x - theta*||``: Lemma 9 for the Hessian K at a point x."""
    change, away = curvature - hessian, position - minimizer
    return arrays.is_symmetric(curvature) and is_below(
        change @ change, lipschitz * lipschitz * dot(away, away)
    )
