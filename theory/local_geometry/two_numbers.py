r"""SGD with momentum on the two-layer linear network, reduced to two numbers.

The network is :math:`w'W` with target A, :math:`\lambda = \|A\|`, :math:`v = A/\lambda`. Where
the rows of W are multiples of A, w + Wv and w - Wv keep their directions, and only their two
lengths move.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from theory.arrays import dot, is_array, outer
from theory.core import Claim, Mutant, Source
from theory.local_geometry.momentum import gradients, momentum_step

Array = Any


def two_numbers(
    squares: tuple[Any, Any], norm: Any, eta: Any, beta: Any, steps: int,
    start: tuple[Any, Any] = (1, 1), velocity: tuple[Any, Any] = (0, 0),
) -> tuple[Any, Any]:  # fmt: skip
    r"""The numbers a and b after `steps` steps.

    With :math:`s = \lambda - \tfrac12 (a^2 \|x_0\|^2 - b^2 \|y_0\|^2)`:
    :math:`\delta a \leftarrow \beta\,\delta a + \eta s a`,
    :math:`\delta b \leftarrow \beta\,\delta b - \eta s b`, then a and b move by them.

    Parameters
    ----------
    squares : (|x_0|^2, |y_0|^2)
        Numbers or arrays; x = (w + Wv)/sqrt 2, y = (w - Wv)/sqrt 2.
    norm : number
        :math:`\lambda = \|A\|`.
    eta, beta : number
    start, velocity : pairs
        a and b, and their last steps.

    >>> a, b = two_numbers((0.01, 0.01), 1.0, 0.1, 0.0, 1)
    >>> round(a, 12), round(b, 12)
    (1.1, 0.9)
    """
    return _two_numbers(squares, norm, eta, beta, steps, start, velocity)


def _two_numbers(
    squares: tuple[Any, Any], norm: Any, eta: Any, beta: Any, steps: int,
    start: tuple[Any, Any], velocity: tuple[Any, Any], *,
    slope: Callable[..., Any] = lambda a, b, x, y, norm: norm - (a * a * x - b * b * y) / 2,
    turn: int = -1, conserved: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    (a, b), (da, db) = start, velocity
    for _ in range(steps):
        s = slope(a, b, *squares, norm)
        da, db = beta * da + eta * s * a, beta * db + turn * eta * s * b
        a, b = a + da, b + db
    return (a, Fraction(1) / a) if conserved else (a, b)


def two_number_reduction(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, beta: Any, steps: int,
    start: tuple[Any, Any] = (1, 1), velocity: tuple[Any, Any] = (0, 0),
) -> tuple[Any, Any]:  # fmt: skip
    r"""Weights after `steps` steps of SGD with momentum, against the two numbers.

    Parameters
    ----------
    w, W, A : (d,), (d, n), (n,)
        They define x_0 and y_0; all rows of W are multiples of A.
    norm : number
        :math:`\|A\|`.
    start, velocity : pairs
        The run starts from ``x = a x_0, y = b y_0``, whose last steps were da x_0 and db y_0.

    Returns
    -------
    (lhs, rhs)
        w and W: after the steps, and from a and b.
    """
    return _reduction(w, W, A, norm, eta, beta, steps, start, velocity)


def _reduction(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, beta: Any, steps: int,
    start: tuple[Any, Any] = (1, 1), velocity: tuple[Any, Any] = (0, 0), *,
    kept: int = 0, **changes: Any,
) -> tuple[Any, Any]:  # fmt: skip
    v = A / norm
    across = W - outer(W @ v, v)
    # x_0 and y_0 less their factor 1/sqrt 2, so that nothing is irrational.
    x, y = w + W @ v, w - W @ v

    def weights(pair: tuple[Any, Any]) -> tuple[Array, Array]:
        a, b = pair
        return (a * x + b * y) / 2, outer((a * x - b * y) / 2, v)

    (p, first), (q, second) = weights(start), weights(velocity)
    state = (p, first + across, -q / eta, -second / eta)
    for _ in range(steps):
        state = momentum_step(state, A, eta, beta, gradients)
    squares = dot(x, x) / 2, dot(y, y) / 2
    reduced = _two_numbers(squares, norm, eta, beta, steps, start, velocity, **changes)
    claimed, W_claimed = weights(reduced)
    return _together(*state[:2]), _together(claimed, W_claimed + kept * across)


def norm_is_exact(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, beta: Any, steps: int,
    start: tuple[Any, Any] = (1, 1), velocity: tuple[Any, Any] = (0, 0),
) -> bool:  # fmt: skip
    """``norm = |A| > 0``, eta > 0, 0 <= beta < 1, steps >= 0."""
    fine = bool(norm > 0) and bool(norm * norm == dot(A, A)) and bool(eta > 0)
    return fine and bool(beta >= 0) and bool(beta < 1) and steps >= 0


def rows_along_target(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, beta: Any, steps: int,
    start: tuple[Any, Any] = (1, 1), velocity: tuple[Any, Any] = (0, 0),
) -> bool:  # fmt: skip
    """`norm_is_exact`, and every row of W is a multiple of A."""
    across = outer(W @ A, A) - norm * norm * W
    return norm_is_exact(w, W, A, norm, eta, beta, steps) and bool(np.all(across == 0))


def _together(w: Array, W: Array) -> Any:
    return np.concatenate([w[:, None], W], axis=1) if is_array(w) else [w, W]


def _reduced_by(**changes: Any) -> Callable[..., tuple[Any, Any]]:
    def formula(
        w: Array, W: Array, A: Array, norm: Any, eta: Any, beta: Any, steps: int,
        start: tuple[Any, Any] = (1, 1), velocity: tuple[Any, Any] = (0, 0),
    ) -> tuple[Any, Any]:  # fmt: skip
        return _reduction(w, W, A, norm, eta, beta, steps, start, velocity, **changes)

    return formula


reduction = Claim(
    id="local-geometry/two-number-reduction",
    title="SGD with momentum reduced to two numbers",
    kind="identity",
    statement=(
        r"Let every row of $W_0$ be a multiple of $A$, $v = A^\top/\lambda$, $x = (w + Wv)/\sqrt2$"
        r" and $y = (w - Wv)/\sqrt2$. Then SGD with momentum has $x_t = a_t x_0$, $y_t = b_t y_0$"
        r" and $W_t = (W_t v) v^\top$ for every $t$, where $a_0 = b_0 = 1$, $\delta a_0 = \delta"
        r" b_0 = 0$ and $$\delta a_{t+1} = \beta\, \delta a_t + \eta s_t a_t, \quad"
        r" \delta b_{t+1} = \beta\, \delta b_t - \eta s_t b_t, \quad s_t = \lambda - \tfrac12"
        r" (a_t^2 \|x_0\|^2 - b_t^2 \|y_0\|^2),$$ $a_{t+1} = a_t + \delta a_{t+1}$,"
        r" $b_{t+1} = b_t + \delta b_{t+1}$. So $w_t = (a_t x_0 + b_t y_0)/\sqrt2$, and"
        r" $R_{med,1}$ is the maximum of its squares over their median."
    ),
    source=Source("jiang2022", item="beyond"),
    scope={"d": "d >= 1", "eta": "> 0", "beta": "0 <= beta < 1", "t": "t >= 0"},
    formula=two_number_reduction,
    assumes=rows_along_target,
    notes=(
        "Gradient flow has ab = 1 and conserves ww' - WW', hence ||W_i||^2 = w_i^2 - D_ii and"
        " (a^2)' = 2 lambda a^2 - ||x_0||^2 a^4 + ||y_0||^2. With steps neither holds: without"
        " momentum ww' - WW' moves by eta^2 (gg' - GG') a step, g and G the gradients. For any"
        " other W_0 = (W_0 v)v' + R the step of (w, Wv) is disturbed by eta R R'w alone: see"
        " local-geometry/two-number-reduction.order."
    ),
    mutants={
        "b grows too": _reduced_by(turn=1),
        "b = 1/a": _reduced_by(conserved=True),
        "y_0 neglected": _reduced_by(slope=lambda a, b, x, y, norm: norm - a * a * x / 2),
        "half missing": _reduced_by(slope=lambda a, b, x, y, norm: norm - a * a * x + b * b * y),
        "squared lengths added": _reduced_by(
            slope=lambda a, b, x, y, norm: norm - (a * a * x + b * b * y) / 2
        ),
        "length of x one per cent larger": _reduced_by(
            slope=lambda a, b, x, y, norm: norm - (a * a * x * 51 / 50 - b * b * y) / 2
        ),
        "any W": Mutant(formula=_reduced_by(kept=1), assumes=norm_is_exact),
    },
)


def error_of_the_reduction(size: Any, pivot: Any, **run: Any) -> Any:
    r"""Error at a relative size of the part across the target, over that at the size `pivot`.

    :math:`(\text{size}/\text{pivot})^2` to leading order; `run` says which run (width, steps)
    and does not matter.

    >>> error_of_the_reduction(0.02, 0.01)
    4.0
    """
    return (size / pivot) ** 2


order = Claim(
    id="local-geometry/two-number-reduction.order",
    title="The two-number reduction is right to second order for every W",
    kind="rate",
    statement=(
        r"For $W_0 = p v^\top + R$, $Rv = 0$, the error of the two-number reduction of $w_t$, at"
        r" any fixed $t$, is of second order in $\|R\|_F/\|w_0\|$: a step of $(w, Wv)$ is disturbed"
        r" by $\eta R R^\top w$ alone, and R moves by $-\eta w w^\top R$."
    ),
    source=Source("jiang2022", item="beyond"),
    scope={"size": "to 0; measured 0.0002 to 0.02", "t": "fixed; measured until convergence"},
    formula=error_of_the_reduction,
    sharpens="local-geometry/two-number-reduction",
    notes=(
        "At alpha > 1/2 the initial weights of the paper have a relative size of d^(1/2 - alpha),"
        " so that the reduction is right to O(d^(1 - 2 alpha)) for them; the constant was about .1"
        " at d = 12."
    ),
    mutants={
        "of the first order": lambda size, pivot, **run: size / pivot,
        "of the third order": lambda size, pivot, **run: (size / pivot) ** 3,
        "exponent 1.9": lambda size, pivot, **run: (size / pivot) ** 1.9,
        "exponent 2.1": lambda size, pivot, **run: (size / pivot) ** 2.1,
    },
)
