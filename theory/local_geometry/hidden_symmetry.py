r"""The invariant manifold of coordinatewise optimizers: all hidden units equal up to sign.

In the two-layer linear network of Jiang, Malik, Li (2022) a permutation of the hidden units, and
the change of sign of a unit in both layers, leave the loss as it is. An optimizer that works
coordinate by coordinate with an odd update commutes with both. The weights that all signed
permutations preserving a sign vector s leave fixed, :math:`w_i = s_i c` and :math:`W_i = s_i a`,
are therefore invariant, and there :math:`R_{med,1} = R_{med,2} = 1`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theory.arrays import maximum, square_root
from theory.core import Claim, Source
from theory.scalars import has_objects

Array = Any
Moments = tuple[Array, Array, Array]
MEMORIES = ("average", "sum", "maximum")


def network_gradients(
    w: Array, W: Array, counts: Array, covariance: Array, target: Array
) -> tuple[Array, Array]:
    r"""Batch gradients :math:`W\tilde e` and :math:`w\tilde e'` of hidden units that occur often.

    Row k stands for `counts[k]` equal hidden units, so that
    :math:`\tilde e = \tilde\Lambda \sum_k n_k w_k W_k' - \tilde a`. With all counts 1 these are
    the gradients of a batch with covariance :math:`\tilde\Lambda` and :math:`\tilde a`; the whole
    whitened data have :math:`\tilde\Lambda = I`, :math:`\tilde a = A'`.

    Parameters
    ----------
    w : (K,)
    W : (K, n)
    counts : (K,), or a number for all
    covariance : (n, n) symmetric
    target : (n,)
        Floats, exact numbers, balls or symbols; or columns and matrices of a matrix algebra.

    Returns
    -------
    (K,) and (K, n)
    """
    error = covariance @ (W.T @ (counts * w)) - target
    return W @ error, _outer(w, error)


def _outer(w: Array, error: Array) -> Array:
    return w[:, None] * error[None, :] if isinstance(w, np.ndarray) else w @ error.T


def adaptive_step(
    g: Array, moments: Moments, *, memory: str, beta1: Any, beta2: Any, xi: Any
) -> tuple[Array, Moments]:
    r"""Direction and new moments of the adaptive family, coordinate by coordinate.

    The moments are m, v and the largest v so far, u:
    :math:`m \leftarrow \beta_1 m + (1-\beta_1) g`; :math:`v \leftarrow v + g^2` for `memory`
    ``"sum"`` (Adagrad), else :math:`v \leftarrow \beta_2 v + (1-\beta_2) g^2`;
    :math:`u \leftarrow \max(u, v)`. The direction is :math:`m/(\sqrt v + \xi)`, with u for v if
    `memory` is ``"maximum"`` (AMSGrad), and 0 where the denominator is 0. Bias corrections are
    part of the step sizes. ``"average"`` is Adam and RMSprop, and sign descent for
    :math:`\beta_1 = \beta_2 = \xi = 0`.

    Returns
    -------
    direction, moments
        Shapes of g.

    Raises
    ------
    ValueError
        If `memory` is unknown.
    """
    if memory not in MEMORIES:
        raise ValueError(f"memory is {memory!r}; it must be one of {', '.join(MEMORIES)}")
    m, v, peak = moments
    m = beta1 * m + (1 - beta1) * g
    v = v + g * g if memory == "sum" else beta2 * v + (1 - beta2) * g * g
    peak = maximum(peak, v)
    size = peak if memory == "maximum" else v
    return _ratio(m, square_root(size) + xi), (m, v, peak)


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Divide, with 0/0 = 0: a coordinate that never had a gradient does not move."""
    if has_objects(numerator):
        return np.frompyfunc(lambda p, q: 0 * p if q == 0 else p / q, 2, 1)(numerator, denominator)
    if not isinstance(numerator, np.ndarray):
        return numerator / denominator
    idle = denominator == 0
    return np.where(idle, 0.0, numerator / np.where(idle, 1.0, denominator))


def train(
    weights: tuple[Array, Array],
    moments: tuple[Moments, Moments],
    counts: Array,
    rates: Sequence[Any],
    covariances: Array,
    targets: Array,
    *,
    decay: Any,
    unit_rates: Array | None = None,
    direction: Callable[..., tuple[Array, Moments]] = adaptive_step,
    **rule: Any,
) -> tuple[Array, Array]:
    r"""Weights after the steps :math:`\theta \leftarrow \theta - \eta_t\,\mathrm{direction}_t`.

    Parameters
    ----------
    weights : (K,) and (K, n)
        w and W at the start.
    moments : pair of triples (K,) and (K, n)
        Moments of w and of W at the start, as in `adaptive_step`.
    counts : (K,)
        How many hidden units each row stands for.
    rates : (T,)
        Step sizes with bias correction, if any.
    covariances, targets : (T, n, n) and (T, n)
        The batches.
    decay : number
        L2 penalty, added to the gradients.
    unit_rates : (K,), optional
        Factors of the step size by unit; all 1 for a coordinatewise optimizer.
    direction, rule
        An update and its hyperparameters, as in `adaptive_step`.
    """
    for eta, covariance, target in zip(rates, covariances, targets, strict=True):
        gradients = network_gradients(*weights, counts, covariance, target)
        moved = [
            direction(g + decay * p, state, **rule)
            for g, p, state in zip(gradients, weights, moments, strict=True)
        ]
        of_w, of_W = (eta * step for step, _ in moved)
        if unit_rates is not None:
            of_w, of_W = unit_rates * of_w, unit_rates[:, None] * of_W
        weights = weights[0] - of_w, weights[1] - of_W
        moments = moved[0][1], moved[1][1]
    return weights


def manifold_trajectory(
    signs: Array,
    start: Array,
    first: Array,
    second: Array,
    rates: Sequence[Any],
    covariances: Array,
    targets: Array,
    memory: str,
    beta1: Any,
    beta2: Any,
    xi: Any,
    decay: Any,
    counts: Array | None = None,
) -> tuple[Array, Array]:
    r"""The network's weights on the manifold, and those of one unit that stands for all.

    The left side trains d units from :math:`w_i = s_i c`, :math:`W_i = s_i a` with moments
    :math:`s_i m` and v; the right side trains the one unit (c, a) that counts d times, and
    multiplies its weights by :math:`s_i`. The claim is that they are equal, coordinate by
    coordinate, after any number of steps.

    Parameters
    ----------
    signs : (K,) of +-1
    start, first, second : (1 + n,)
        (c, a), and the moments m and v >= 0 of the one unit at the start.
    rates : (T,)
    covariances, targets : (T, n, n) and (T, n)
    memory, beta1, beta2, xi, decay
        As in `adaptive_step` and `train`.
    counts : (K,), optional
        Units of each sign; one each when omitted.

    Returns
    -------
    lhs, rhs : (K, 1 + n)
        Columns: w, then W.
    """
    return _trajectories(
        signs, start, first, second, rates, covariances, targets, counts,
        memory=memory, beta1=beta1, beta2=beta2, xi=xi, decay=decay,
    )  # fmt: skip


def _trajectories(
    signs: Array,
    start: Array,
    first: Array,
    second: Array,
    rates: Sequence[Any],
    covariances: Array,
    targets: Array,
    counts: Array | None,
    *,
    row_signs: Array | None = None,
    missing: int = 0,
    unit_rates: Array | None = None,
    **rule: Any,
) -> tuple[Array, Array]:
    counts = np.ones(len(signs), dtype=int) if counts is None else counts
    rows = signs if row_signs is None else row_signs
    one = np.ones(1, dtype=int)

    def units(of_w: Array, of_W: Array) -> tuple[tuple[Array, Array], tuple[Moments, Moments]]:
        """Weights and moments of units with these signs; squares have none."""
        even = of_w * of_w, of_W * of_W
        columns = [(start, of_w, of_W), (first, of_w, of_W), (second, *even), (second, *even)]
        w, *of_first = [sign * values[0] for values, sign, _ in columns]
        W, *of_second = [sign[:, None] * values[None, 1:] for values, _, sign in columns]
        return (w, W), (tuple(of_first), tuple(of_second))

    batches = (rates, covariances, targets)
    w, W = train(*units(signs, rows), counts, *batches, unit_rates=unit_rates, **rule)
    c, a = train(*units(one, one), np.asarray([sum(counts) - missing]), *batches, **rule)
    lhs = np.concatenate([w[:, None], W], axis=1)
    return lhs, np.concatenate([signs[:, None] * c, signs[:, None] * a], axis=1)


def _on_the_manifold(
    signs: Array,
    start: Array,
    first: Array,
    second: Array,
    rates: Sequence[Any],
    covariances: Array,
    targets: Array,
    memory: str,
    beta1: Any,
    beta2: Any,
    xi: Any,
    decay: Any,
    counts: Array | None = None,
) -> bool:
    """Signs are +-1, second moments and xi are nonnegative, memory rates are in [0, 1)."""
    return (
        all(bool(sign * sign == 1) for sign in signs)
        and all(bool(value >= 0) for value in second)
        and bool(xi >= 0)
        and all(bool(beta >= 0) and bool(beta < 1) for beta in (beta1, beta2))
    )


def _variant(**change: Any) -> Callable[..., tuple[Array, Array]]:
    """The identity with one ingredient changed."""

    def formula(
        signs: Array, start: Array, first: Array, second: Array, rates: Array,
        covariances: Array, targets: Array, memory: str, beta1: Any, beta2: Any, xi: Any,
        decay: Any, counts: Array | None = None,
    ) -> tuple[Array, Array]:  # fmt: skip
        made = {name: make(signs) if callable(make) and name != "direction" else make
                for name, make in change.items()}  # fmt: skip
        return _trajectories(
            signs, start, first, second, rates, covariances, targets, counts, memory=memory,
            beta1=beta1, beta2=beta2, xi=xi, decay=decay, **made,
        )  # fmt: skip

    return formula


def _even_step(g: Array, moments: Moments, **rule: Any) -> tuple[Array, Moments]:
    """An update that is not odd: one per cent of the squared gradient is added to it."""
    return adaptive_step(g + g * g / 100, moments, **rule)


adam_invariant_manifold = Claim(
    id="local-geometry/adam-invariant-manifold",
    title="The invariant manifold of coordinatewise optimizers",
    kind="identity",
    statement=r"Let $s\in\{\pm1\}^d$. Under every coordinatewise optimizer with an odd update "
    r"(signs, Adam, RMSprop, Adagrad, AMSGrad; any step sizes, $\beta_1$, $\beta_2$, $\xi$, L2 "
    r"penalty and batches $(\tilde\Lambda_t,\tilde a_t)$) the set $\{w_i=s_ic,\ W_i=s_ia\}$, with "
    r"moments of the same form, is invariant, and $(c,a)$ moves as one hidden unit that counts "
    r"$d$ times: $\tilde e=\tilde\Lambda_t\,d\,c\,a-\tilde a_t$. There "
    r"$R_{\mathrm{med},1}=R_{\mathrm{med},2}=1$.",
    notes="It is the fixed set of the signed permutations of hidden units that preserve s; the "
    "second part of Theorem 1 is the statement that Adam is attracted to it. Stochastic gradients "
    "do not leave it, since a batch enters only through the residual that all units share. Noise "
    "that differs from unit to unit (dropout, say) does.",
    source=Source("jiang2022", item="beyond"),
    scope={
        "d": "d >= 1",
        "signs": "+-1",
        "beta1, beta2": "[0, 1)",
        "xi": ">= 0",
        "batches": "any, common to all units",
    },
    formula=manifold_trajectory,
    assumes=_on_the_manifold,
    mutants={
        "rows of W without the signs": _variant(row_signs=lambda signs: signs * signs),
        "the unit counts d - 1 times": _variant(missing=1),
        "an update that is not odd": _variant(direction=_even_step),
        "step sizes that differ by 1 % between units": _variant(
            unit_rates=lambda signs: 1 + np.arange(len(signs)) * (signs * signs) / 100
        ),
    },
)
