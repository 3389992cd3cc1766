r"""Over-parameterised matrix factorisation: the form of its Hessian, and its Lipschitz constant.

``f(L, R) = 1/2 ||A(LR') - b||^2`` with a linear map A of p x q matrices to m measurements, L
p x r and R q x r. A point is the pair theta = (L, R) of norm ``(||L||_F^2 + ||R||_F^2)^{1/2}``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory import arrays
from theory.arrays import dot, trace, transpose
from theory.core import Claim, Mutant, Source
from theory.scalars import own_method

Pair = tuple[Any, Any]
Factors = tuple[Any, Any]
# ``phi''(0)`` from phi(-2), ..., phi(2), exact for polynomials of degree at most five.
SECOND_DERIVATIVE = tuple(Fraction(weight, 12) for weight in (-1, 16, -30, 16, -1))


def measured(operator: Any, matrix: Any) -> Any:
    """``A(M)``, the vector (m,) of the ``<A_k, M>``, for A (m, p, q) and M (p, q)."""
    own = own_method(operator, "measure")
    if own:
        return own(matrix)
    return operator.reshape(operator.shape[0], -1) @ matrix.reshape(-1)


def factorisation_loss(operator: Any, target: Any, point: Factors) -> Any:
    """``1/2 ||A(LR') - b||^2`` (DePavia et al. 2025, eq. 18) at the point (L, R)."""
    left, right = point
    residual = measured(operator, left @ transpose(right)) - target
    return dot(residual, residual) / 2


def hessian_form(operator: Any, target: Any, point: Factors, direction: Factors) -> Any:
    """``v' Hess f v = ||A(UR' + LW')||^2 + 2 <A(LR') - b, A(UW')>`` (Lemma 17).

    Parameters
    ----------
    operator : array (m, p, q)
        The map A.
    target : array (m,)
        b.
    point, direction : pair of array (p, r), array (q, r)
        (L, R) and v = (U, W).
    """
    return _form(operator, target, point, direction)


def _form(operator: Any, target: Any, point: Factors, direction: Factors, curvature: int = 2,
          sign: int = 1) -> Any:  # fmt: skip
    (left, right), (up, down) = point, direction
    moved = measured(operator, up @ transpose(right) + sign * (left @ transpose(down)))
    residual = measured(operator, left @ transpose(right)) - target
    return dot(moved, moved) + curvature * dot(residual, measured(operator, up @ transpose(down)))


def moved_by(point: Factors, direction: Factors, t: Any) -> Factors:
    """``theta + t v``."""
    return point[0] + t * direction[0], point[1] + t * direction[1]


def squared_norm(point: Factors) -> Any:
    """``||L||_F^2 + ||R||_F^2``."""
    return trace(transpose(point[0]) @ point[0]) + trace(transpose(point[1]) @ point[1])


# ---- Lemma 17


def second_derivative(operator: Any, target: Any, left: Any, right: Any, up: Any,
                      down: Any) -> Pair:  # fmt: skip
    """The second derivative of f along v, and the form of Lemma 17.

    f is a quartic along a line, so that five of its values give the derivative exactly.

    Parameters
    ----------
    operator : array (m, p, q)
    target : array (m,)
    left, up : array (p, r)
    right, down : array (q, r)

    Returns
    -------
    (lhs, rhs)
    """
    return _along(operator, target, (left, right), (up, down)), hessian_form(
        operator, target, (left, right), (up, down)
    )


def _along(operator: Any, target: Any, point: Factors, direction: Factors) -> Any:
    values = [
        weight * factorisation_loss(operator, target, moved_by(point, direction, t))
        for t, weight in enumerate(SECOND_DERIVATIVE, start=-2)
    ]
    return sum(values[1:], start=values[0])


def _form_variant(curvature: int = 2, sign: int = 1, *, residual: bool = True) -> Any:
    def sides(operator: Any, target: Any, left: Any, right: Any, up: Any, down: Any) -> Pair:
        point, direction = (left, right), (up, down)
        aim = target if residual else 0 * target
        form = _form(operator, aim, point, direction, curvature, sign)
        return _along(operator, target, point, direction), form

    return sides


lemma_17 = Claim(
    id="egop/lemma-17",
    title="The Hessian of over-parameterised matrix factorisation",
    kind="identity",
    statement=(
        r"For $f(L, R) = \frac12 \|\mathcal A(L R^\top) - b\|^2$ and every direction"
        r" $v = (U, W)$: $v^\top \nabla^2 f(L, R)\, v = \|\mathcal A(U R^\top + L W^\top)\|^2"
        r" + 2 \langle \mathcal A(L R^\top) - b, \mathcal A(U W^\top) \rangle$."
    ),
    source=Source("depavia2025", item="Lemma 17", equations=("18",)),
    scope={"m, p, q, r": ">= 1", "A": "linear", "b, L, R, U, W": "real"},
    formula=second_derivative,
    notes=(
        "The second term is indefinite in v: away from a perfect fit the Hessian has negative"
        " eigenvalues wherever the residual matrix is not 0."
    ),
    mutants={
        "cross term counted once": _form_variant(curvature=1),
        "the Gauss-Newton form alone": _form_variant(curvature=0),
        "measurements without b": _form_variant(residual=False),
        "opposite sign of L W'": _form_variant(sign=-1),
    },
)

# ---- Lemma 16


def hessian_change(operator: Any, target: Any, first: Factors, second: Factors,
                   direction: Factors, radius: Any, norm: Any) -> Pair:  # fmt: skip
    r"""Squares of ``|v'(Hess f(theta_1) - Hess f(theta_2)) v|`` and of its bound (Lemma 16).

    .. math:: 3 B \|\mathcal A\|^2\, \|\theta_1 - \theta_2\|\, \|v\|^2.

    Parameters
    ----------
    operator : array (m, p, q)
    target : array (m,)
    first, second, direction : pair of array (p, r), array (q, r)
        The points theta_1, theta_2 and v.
    radius, norm : number
        B, with both points in its ball about 0; a bound on the operator norm of A.

    Returns
    -------
    (lhs, rhs)
    """
    return _change(operator, target, first, second, direction, 3 * radius * norm**2)


def _change(operator: Any, target: Any, first: Factors, second: Factors, direction: Factors,
            constant: Any) -> Pair:  # fmt: skip
    change = hessian_form(operator, target, first, direction) - hessian_form(
        operator, target, second, direction
    )
    distance = squared_norm(moved_by(first, second, -1))
    return change**2, constant**2 * distance * squared_norm(direction) ** 2


def in_the_ball(operator: Any, target: Any, first: Factors, second: Factors, direction: Factors,
                radius: Any, norm: Any) -> bool:  # fmt: skip
    """``||theta_1||, ||theta_2|| <= B`` and ``||A|| <= norm``, B > 0 and norm > 0."""
    return bool(radius > 0) and _bounded(operator, norm) and all(
        bool(squared_norm(point) <= radius**2) for point in (first, second)
    )  # fmt: skip


def _bounded(operator: Any, norm: Any) -> bool:
    rows = operator.reshape(operator.shape[0], -1)
    gram = rows @ transpose(rows)
    one = arrays.identity_matrix(operator.shape[0], like=gram)
    return bool(norm > 0) and arrays.is_positive_semidefinite(norm**2 * one - gram)


def _in_a_wider_ball(operator: Any, target: Any, first: Factors, second: Factors,
                     direction: Factors, radius: Any, norm: Any) -> bool:  # fmt: skip
    wider = radius * Fraction(26, 25)
    return in_the_ball(operator, target, first, second, direction, wider, norm)


def _with_constant(constant: Any) -> Any:
    def sides(operator: Any, target: Any, first: Factors, second: Factors, direction: Factors,
              radius: Any, norm: Any) -> Pair:  # fmt: skip
        return _change(operator, target, first, second, direction, constant(radius, norm))

    return sides


lemma_16 = Claim(
    id="egop/lemma-16",
    title="The Hessian of matrix factorisation is Lipschitz on a ball",
    kind="inequality",
    statement=(
        r"Let $\|\theta_1\|, \|\theta_2\| \le B$ and $\|\mathcal A\|$ the operator norm of"
        r" $\mathcal A$ from the Frobenius norm. Then $|v^\top (\nabla^2 f(\theta_1) -"
        r" \nabla^2 f(\theta_2)) v| \le 3 B \|\mathcal A\|^2 \|\theta_1 - \theta_2\| \|v\|^2$ for"
        r" every $v$: the Hessian of (18) is $3 B \|\mathcal A\|^2$-Lipschitz on the ball."
    ),
    source=Source("depavia2025", item="Lemma 16"),
    scope={"m, p, q, r": ">= 1", "B": "> 0", "A": "linear", "b": "real"},
    formula=hessian_change,
    assumes=in_the_ball,
    notes=(
        "3 is the best constant that serves all A: f = (l r)^2/2 has third derivative 3 t along"
        " theta = t (1, 1)/sqrt 2. The constant grows with B, so that f has no finite"
        " Hessian-Lipschitz constant on the whole space: with a Gaussian law of theta the results"
        " that ask for one do not apply, with a bounded law they do. Both sides are squared in the"
        " formula."
    ),
    mutants={
        "2.9 in place of 3": _with_constant(lambda B, norm: Fraction(29, 10) * B * norm**2),
        "radius left out": _with_constant(lambda B, norm: 3 * norm**2),
        "norm of A not squared": _with_constant(lambda B, norm: 3 * B * norm),
        "points four per cent outside the ball": Mutant(assumes=_in_a_wider_ball),
    },
)
