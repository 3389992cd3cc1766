r"""Gradient descent and heavy ball do not see an orthogonal change of coordinates.

``f~(x) = f(Vx)`` has the gradient ``V' grad f(Vx)``; from ``x_0 = V' theta_0`` the points of
(stochastic) gradient descent satisfy ``V x_t = theta_t`` in every basis, those of a rule that
treats coordinates one by one do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory import arrays
from theory.arrays import transpose
from theory.core import Claim, Mutant, Source

Pair = tuple[Any, Any]
Steps = list[Any]


def heavy_ball(gradient: Callable[[int, Any], Any], steps: int, start: Any, velocity: Any,
               rate: Any, momentum: Any) -> Pair:  # fmt: skip
    """``u <- beta u + g_t(theta)``, ``theta <- theta - eta u``: the last theta and u.

    Parameters
    ----------
    gradient : callable (t, theta) -> array (d,)
        The gradient of step t = 0, ..., steps - 1; beta = 0 is plain gradient descent.
    steps : int
    start, velocity : array (d,)
        theta and u before the first step.
    rate, momentum : number
        eta and beta.
    """
    point, moving = start, velocity
    for t in range(steps):
        moving = momentum * moving + gradient(t, point)
        point = point - rate * moving
    return point, moving


def same_points(hessian: Any, minimizer: Any, noise: Any, start: Any, velocity: Any, basis: Any,
                rate: Any, momentum: Any) -> Pair:  # fmt: skip
    """Return ``(V x_t, V w_t)`` and ``(theta_t, u_t)`` after as many steps as `noise` has rows.

    The gradient of step t at theta is ``H(theta - theta*) + noise_t``: any gradient at one point
    is of this form, so that one step from any state stands for one of any objective.

    Parameters
    ----------
    hessian : array (d, d)
        H.
    minimizer : array (d,)
        theta*.
    noise : array (T, d)
    start, velocity : array (d,)
        theta_0 and u_0; x_0 = V' theta_0, w_0 = V' u_0.
    basis : array (d, d)
        V.
    rate, momentum : number
        eta and beta.

    Returns
    -------
    (lhs, rhs)
        Two vectors each.
    """
    return _runs(hessian, minimizer, noise, start, velocity, basis, rate, momentum)


def _runs(hessian: Any, minimizer: Any, noise: Any, start: Any, velocity: Any, basis: Any,
          rate: Any, momentum: Any, *, inwards: Any = None, opening: Any = None,
          rule: Callable[[Any], Any] = lambda g: g) -> Pair:  # fmt: skip
    """Both runs; `inwards` turns gradients and `opening` the state, V' both unless told."""
    back = transpose(basis)
    turn, enter = (back if matrix is None else matrix for matrix in (inwards, opening))

    def original(t: int, theta: Any) -> Any:
        return rule(hessian @ (theta - minimizer) + noise[t])

    def turned(t: int, x: Any) -> Any:
        return rule(turn @ (hessian @ (basis @ x - minimizer) + noise[t]))

    x, w = heavy_ball(turned, len(noise), enter @ start, enter @ velocity, rate, momentum)
    return (basis @ x, basis @ w), heavy_ball(original, len(noise), start, velocity, rate,
                                              momentum)  # fmt: skip


def is_orthogonal_basis(hessian: Any, minimizer: Any, noise: Any, start: Any, velocity: Any,
                        basis: Any, rate: Any, momentum: Any) -> bool:  # fmt: skip
    """Whether ``V'V = I``."""
    gram = transpose(basis) @ basis
    return bool((gram == arrays.identity_matrix(len(basis), like=gram)).all())


def _coordinatewise(g: Any) -> Any:
    return g / (1 + arrays.absolute(g))


def _variant(**changed: Any) -> Any:
    def sides(hessian: Any, minimizer: Any, noise: Any, start: Any, velocity: Any, basis: Any,
              rate: Any, momentum: Any) -> Pair:  # fmt: skip
        options = {key: value(basis) if key != "rule" else value for key, value in changed.items()}
        return _runs(hessian, minimizer, noise, start, velocity, basis, rate, momentum, **options)

    return sides


equivariance_of_sgd = Claim(
    id="egop/equivariance-of-sgd",
    title="Stochastic gradient descent is the same in every orthogonal basis",
    kind="identity",
    statement=(
        r"Let $V$ be orthogonal, $\tilde f_t(x) = f_t(Vx)$, $x_0 = V^\top \theta_0$, and run"
        r" $u \leftarrow \beta u + \nabla f_t(\theta)$, $\theta \leftarrow \theta - \eta u$ on"
        r" $f_t$ from $\theta_0$ and on $\tilde f_t$ from $x_0$, with the same $\eta_t, \beta$ and"
        r" samples. Then $V x_t = \theta_t$ for every $t$: gradient descent, its stochastic and"
        r" its heavy-ball form neither gain nor lose by reparameterisation."
    ),
    source=Source("depavia2025", item="section 1"),
    scope={"d": "d >= 1", "f_t": "any differentiable", "V": "orthogonal", "eta, beta": "real"},
    formula=same_points,
    assumes=is_orthogonal_basis,
    notes=(
        "In floating point the two runs part by rounding errors, which the dynamics may amplify."
        " Weight decay in the l2 norm and Nesterov's form are linear in gradients and states as"
        " well; a rule that divides each coordinate by its own scale is not."
    ),
    mutants={
        "gradients turned by V": _variant(inwards=lambda basis: basis),
        "started at V theta_0": _variant(opening=lambda basis: basis),
        "a rule that scales each coordinate": _variant(rule=_coordinatewise),
        "V not orthogonal": Mutant(drops_assumptions=True),
    },
)
