r"""SGD with momentum near the saddle: Jiang, Malik, Li (2022), Lemma 4.

The network is :math:`w'W` with target A, :math:`\lambda = \|A\|` and :math:`E = w'W - A`. SGD
with momentum is :math:`u \leftarrow \beta u + g`, :math:`\theta \leftarrow \theta - \eta u`
from u = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory.arrays import dot, is_array, outer
from theory.core import Claim, Mutant, Source
from theory.local_geometry.root_pairs import Quadratic, root_pair
from theory.scalars import own_method

Array = Any
State = tuple[Any, Any, Any, Any]


def gradients(w: Array, W: Array, A: Array) -> tuple[Array, Array]:
    r"""Gradients :math:`WE'` and :math:`wE`, in every arithmetic and on symbols.

    Parameters
    ----------
    w, W, A : (d,), (d, n), (n,)
    """
    error = w @ W - A
    return W @ error, outer(w, error)


def saddle_gradients(w: Array, W: Array, A: Array) -> tuple[Array, Array]:
    r"""Their linear parts at the origin, where :math:`E = -A`: :math:`-WA'` and :math:`-wA`."""
    return -(W @ A), -outer(w, A)


def momentum_step(
    state: State, A: Array, eta: Any, beta: Any, slope: Callable[..., tuple[Array, Array]]
) -> State:
    """One step from ``(w, W, u, U)``, u and U the momentum of w and of W."""
    w, W, u, U = state
    g, G = slope(w, W, A)
    u, U = beta * u + g, beta * U + G
    return w - eta * u, W - eta * U, u, U


def linearised_mode(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, beta: Any, sign: int, t: int
) -> Array:
    r"""Mode :math:`z_t = W_tA' \pm \lambda w_t` of the dynamics that is linearised at E = -A.

    Parameters
    ----------
    w, W, A : (d,), (d, n), (n,)
        Weights at the start, target.
    norm : number
        :math:`\lambda = \|A\|`.
    eta, beta : number
    sign : {1, -1}
    t : int >= 0

    Returns
    -------
    (d,)
    """
    own = own_method(w, "linearised_mode")
    if own:
        return own(eta * norm, beta, sign, t)
    state = (w, W, 0 * w, 0 * W)
    for _ in range(t):
        state = momentum_step(state, A, eta, beta, saddle_gradients)
    return state[1] @ A + sign * norm * state[0]


def mode_weight(trace: Any, beta: Any, t: Any) -> Quadratic:
    r""":math:`z_t/z_0 = [(r_1 - \beta) r_1^t - (r_2 - \beta) r_2^t]/(r_1 - r_2)`.

    The roots are those of :math:`x^2 - \text{trace}\, x + \beta`; where they are equal it is the
    limit :math:`r^t + t (r - \beta) r^{t-1}`.

    >>> mode_weight(1.6, 0.5, 2).real()  # z_1 = 1.1 z_0, z_2 = 1.6 z_1 - 0.5 z_0
    1.2600000000000002
    """
    first, second = root_pair(trace, beta)
    weight: Quadratic = ((first - beta) * first**t - (second - beta) * second**t) / (first - second)
    return weight


def momentum_modes(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, root_beta: Any, sign: int, t: int
) -> tuple[Any, Any]:
    r"""Lemma 4: modes in closed form, discriminant and characteristic polynomial at -1.

    Parameters
    ----------
    root_beta : number in [0, 1)
        :math:`\sqrt\beta`, which the thresholds are made of.
    w, W, A, norm, eta, sign, t
        As in `linearised_mode`.

    Returns
    -------
    (lhs, rhs)
        Entries of :math:`z_t`, then :math:`(1+\beta\pm x)^2 - 4\beta` and
        :math:`p(-1)`, :math:`x = \eta\lambda`.
    """
    return _modes(w, W, A, norm, eta, root_beta, sign, t)


def _modes(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, root_beta: Any, sign: int, t: Any, *,
    weight: Callable[[Any, Any, Any], Quadratic] = mode_weight,
    real_until: Callable[[Any], Any] = lambda root: (1 - root) ** 2,
    edge: Callable[[Any], Any] = lambda beta: 2 * (1 + beta),
) -> tuple[Any, Any]:  # fmt: skip
    beta = root_beta * root_beta
    move = sign * eta * norm
    trace = 1 + beta + move
    start = linearised_mode(w, W, A, norm, eta, beta, sign, 0)
    reached = linearised_mode(w, W, A, norm, eta, beta, sign, t)
    claimed = weight(trace, beta, t).real() * start
    lhs = [trace * trace - 4 * beta, 1 + trace + beta]
    rhs = [(real_until(root_beta) + move) * ((1 + root_beta) ** 2 + move), edge(beta) + move]
    return [*_entries(reached), *lhs], [*_entries(claimed), *rhs]


def is_saddle_mode(
    w: Array, W: Array, A: Array, norm: Any, eta: Any, root_beta: Any, sign: int, t: int
) -> bool:
    """``norm = |A| > 0``, eta > 0, 0 <= root_beta < 1, sign is 1 or -1, t >= 0."""
    return (
        bool(norm > 0) and bool(norm * norm == dot(A, A)) and bool(eta > 0)
        and bool(root_beta >= 0) and bool(root_beta < 1) and sign in (1, -1) and t >= 0
    )  # fmt: skip


def _entries(value: Array) -> list[Any]:
    return list(value) if is_array(value) else [value]


def _mutant(**changes: Any) -> Callable[..., tuple[Any, Any]]:
    def formula(
        w: Array, W: Array, A: Array, norm: Any, eta: Any, root_beta: Any, sign: int, t: int
    ) -> tuple[Any, Any]:
        return _modes(w, W, A, norm, eta, root_beta, sign, t, **changes)

    return formula


def _plain(value: Any) -> Quadratic:
    return Quadratic(value, 0 * value, 0 * value)


def _growing_root_alone(trace: Any, beta: Any, t: Any) -> Quadratic:
    growing: Quadratic = root_pair(trace, beta)[0] ** t
    return growing


def _second_root_is_beta(trace: Any, beta: Any, t: Any) -> Quadratic:
    first, second = root_pair(trace, beta)
    weight: Quadratic = ((first - beta) * first**t - (second - beta) * beta**t) / (first - second)
    return weight


def _full_first_step(trace: Any, beta: Any, t: Any) -> Quadratic:
    first, second = root_pair(trace, beta)
    weight: Quadratic = (first ** (t + 1) - second ** (t + 1)) / (first - second)
    return weight


def _scaled_rate(trace: Any, beta: Any, t: Any, factor: Any) -> Quadratic:
    return mode_weight(1 + beta + factor * (trace - 1 - beta), beta, t)


lemma_4 = Claim(
    id="local-geometry/lemma-4",
    title="Momentum near the saddle: modes, roots and stability",
    kind="identity",
    statement=(
        r"Linearised at $E = -A$, SGD with momentum moves $z^\pm = WA^\top \pm \lambda w$,"
        r" $\lambda = \|A\|$, by $z_{t+1} = (1 + \beta \pm \eta\lambda) z_t - \beta z_{t-1}$,"
        r" $z_1 = (1 \pm \eta\lambda) z_0$. With the roots $r_1, r_2$ of"
        r" $x^2 - (1 + \beta \pm \eta\lambda) x + \beta$, $$z_t = z_0\, \frac{(r_1 - \beta) r_1^t"
        r" + (\beta - r_2) r_2^t}{r_1 - r_2},$$ and $z_0 [r^t + t (r - \beta) r^{t-1}]$ where they"
        r" are equal. The plus branch always grows, by $r_1 > 1$. The roots of the minus branch"
        r" are real if and only if $\eta\lambda \le (1 - \sqrt\beta)^2$ or $\eta\lambda \ge"
        r" (1 + \sqrt\beta)^2$, of modulus $\sqrt\beta$ between, and it is unstable if and only if"
        r" $\eta\lambda > 2 (1 + \beta)$."
    ),
    source=Source("jiang2022", item="Lemma 4"),
    scope={"d": "d >= 1", "eta": "> 0", "beta": "0 <= beta < 1", "t": "t >= 0"},
    formula=momentum_modes,
    assumes=is_saddle_mode,
    notes=(
        "In the first phase w is proportional to w(0) + W(0)v, of the plus branch. The minus branch"
        " is unstable in the linearisation only; from a small initialisation the whole dynamics"
        " diverges at other step sizes. Effective rate eta/(1 - beta): 1 + eta lambda/(1 - beta) is"
        " r_1 to first order in eta lambda."
    ),
    mutants={
        "momentum root missing": _mutant(weight=_growing_root_alone),
        "second root equal to beta": _mutant(weight=_second_root_is_beta),
        "first step with a history": _mutant(weight=_full_first_step),
        "effective rate 1/(1 - beta)": _mutant(
            weight=lambda trace, beta, t: _plain((1 + (trace - 1 - beta) / (1 - beta)) ** t)
        ),
        "branches exchanged": _mutant(
            weight=lambda trace, beta, t: _scaled_rate(trace, beta, t, -1)
        ),
        "learning rate two per cent larger": _mutant(
            weight=lambda trace, beta, t: _scaled_rate(trace, beta, t, Fraction(51, 50))
        ),
        "averaged gradients": _mutant(
            weight=lambda trace, beta, t: _scaled_rate(trace, beta, t, 1 - beta)
        ),
        "real up to 1 - sqrt(beta)": _mutant(real_until=lambda root: 1 - root),
        "edge of plain gradient descent": _mutant(edge=lambda beta: 2 + 0 * beta),
        "norm of A arbitrary": Mutant(drops_assumptions=True),
    },
)  # fmt: skip
