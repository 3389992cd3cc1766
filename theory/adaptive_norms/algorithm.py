"""Algorithm 1 certifies its own progress: what acceptance test and radius rule alone imply.

Neither the model nor the ellipsoids play a part: the bounds hold for every run whose function
values are exact, and every term of them is in the run's history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.core import Claim, Mutant, Source
from theory.core.claim import Formula
from theory.optimizers.trust_region.history import TrustRegionResult
from theory.optimizers.trust_region.radius import RadiusRule

Array = NDArray[np.float64]
__all__ = ["Progress", "algorithm_1", "recorded_run", "run_certificate"]


@dataclass(frozen=True)
class Progress:
    """A run after some iterations, as far as Algorithm 1's own rules go.

    Attributes
    ----------
    value, radius : number
        L at the iterate, and Delta.
    promised : number
        Predicted decreases summed over the steps that were taken.
    grown, shrunk : number
        ``gamma_inc^S`` and ``gamma_dec^U``, S steps taken and U rejected.
    """

    value: Any
    radius: Any
    promised: Any
    grown: Any
    shrunk: Any

    def after(self, proposed: Any, predicted: Any, rule: RadiusRule) -> Progress:
        """One iteration more: L(x + s), the predicted decrease (> 0), and the rule."""
        rho = (self.value - proposed) / predicted
        radius = rule.next_radius(self.radius, rho)
        if not rule.accepts(rho):
            return replace(self, radius=radius, shrunk=self.shrunk * rule.gamma_dec)
        return Progress(proposed, radius, self.promised + predicted, self.grown * rule.gamma_inc,
                        self.shrunk)  # fmt: skip


def _states(start: Any, outcomes: Any, radius: Any, rule: RadiusRule) -> list[Progress]:
    """The states before each iteration and at the end; a run of symbols brings its own."""
    # Zero and one in the arithmetic of the arguments.
    zero, one = start - start, radius / radius
    state = Progress(start, radius, zero, one, one)
    own = getattr(outcomes, "states", None)
    if own is not None:
        return list(own(state, rule))
    states = [state]
    for index in range(outcomes.shape[0]):
        states.append(states[-1].after(outcomes[index, 0], outcomes[index, 1], rule))
    return states


def run_certificate(
    start: Any, outcomes: Any, recorded: Any, radius: Any, max_radius: Any, eta1: Any, eta2: Any,
    gamma_inc: Any, gamma_dec: Any,
) -> tuple[Sequence[Any], Sequence[Any]]:  # fmt: skip
    """Both sides of the certificate of a run of T iterations, S taken and U = T - S rejected.

    1. ``eta1 sum_{taken} predicted_t <= L_0 - L_T``;
    2. ``Delta_T gamma_dec^U <= Delta_0 gamma_inc^S``, hence
       ``T <= S (1 + ln gamma_inc/ln gamma_dec) + ln(Delta_0/Delta_T)/ln gamma_dec``;
    3. ``Delta_0 <= Delta_T gamma_dec^U``;
    4. ``Delta_T <= Delta_max``;

    and where a history is given, ``recorded = replayed`` as two inequalities for each number.

    Parameters
    ----------
    start : number
        ``L_0``.
    outcomes : array (T, 2)
        L(x_t + s_t) and the predicted decrease of each iteration.
    recorded : array (T+1, 2) or (0, 2)
        L(x_t) and Delta_t as a run recorded them, the end included, or nothing.
    radius, max_radius, eta1, eta2, gamma_inc, gamma_dec : number
        See `RadiusRule`.

    Returns
    -------
    (lhs, rhs) of lists of equal length

    >>> outcomes = np.array([[0.5, 1.0], [2.0, 1.0]])
    >>> lhs, _ = run_certificate(1.0, outcomes, np.empty((0, 2)), 1.0, 8.0, 0.25, 0.75, 2.0, 4.0)
    >>> [float(number) for number in lhs]
    [0.25, 1.0, 1.0, 0.25]
    """
    rule = RadiusRule(eta1, eta2, gamma_inc, gamma_dec, max_radius)
    states = _states(start, outcomes, radius, rule)
    end = states[-1]
    rows = [
        (eta1 * end.promised, start - end.value),
        (end.radius * end.shrunk, radius * end.grown),
        (radius, end.radius * end.shrunk),
        (end.radius, max_radius),
    ]
    # Without a record the second sequence is empty.
    for state, (value, delta) in zip(states, recorded, strict=False):
        rows += [(value, state.value), (state.value, value), (delta, state.radius),
                 (state.radius, delta)]  # fmt: skip
    return [lhs for lhs, _ in rows], [rhs for _, rhs in rows]


def recorded_run(result: TrustRegionResult) -> tuple[float, Array, Array]:
    """``(start, outcomes, recorded)`` of a run of `minimize` with exact function values.

    Parameters
    ----------
    result : TrustRegionResult
        With at least one record, and without batches: their values do not compare.

    Raises
    ------
    ValueError
        If the history is empty.
    """
    if not result.history:
        raise ValueError("result has an empty history; it must have at least one iteration")
    names = ("trial_fun", "model_decrease", "fun", "radius")
    trial, predicted, fun, radius = (result.history.column(name) for name in names)
    before = np.column_stack([fun, radius])
    recorded = np.vstack([before, [result.fun, result.radius]])
    return float(fun[0]), np.column_stack([trial, predicted]), recorded


def is_run(**given: Any) -> bool:
    """``0 < eta1 <= eta2``, factors > 1, ``0 < Delta_0 <= Delta_max``, predicted decreases > 0.

    The arguments are those of `run_certificate`.
    """
    return _is_run(given, least=True, limited=True)


def _is_run(given: dict[str, Any], *, least: bool, limited: bool) -> bool:
    """Without `least` predicted increases are allowed, without `limited` any first radius."""
    numbers = (
        0 < given["eta1"] <= given["eta2"]
        and given["gamma_inc"] > 1
        and given["gamma_dec"] > 1
        and given["radius"] > 0
        and not (limited and given["radius"] > given["max_radius"])
    )
    predicted = [given["outcomes"][index, 1] for index in range(given["outcomes"].shape[0])]
    return bool(numbers) and all(bool(p > 0 if least else p != 0) for p in predicted)


def _changed(row: int, change: Callable[[Any, Any, dict[str, Any]], tuple[Any, Any]]) -> Formula:
    """The certificate with one of its rows changed."""

    def formula(**given: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        lhs, rhs = (list(side) for side in run_certificate(**given))
        lhs[row], rhs[row] = change(lhs[row], rhs[row], given)
        return lhs, rhs

    return formula


def _all_promised(lhs: Any, rhs: Any, given: dict[str, Any]) -> tuple[Any, Any]:
    outcomes = given["outcomes"]
    return given["eta1"] * sum(outcomes[index, 1] for index in range(outcomes.shape[0])), rhs


algorithm_1 = Claim(
    id="adaptive-norms/algorithm-1",
    title="Algorithm 1 certifies its own progress",
    kind="inequality",
    statement=(
        r"Let $0 < \eta_1 \le \eta_2$, $\gamma_{\mathrm{inc}}, \gamma_{\mathrm{dec}} > 1$,"
        r" $0 < \Delta_0 \le \Delta_{\max}$, and let every step predict a decrease $p_t > 0$."
        r" Take it if $\rho_t = (L(x_t) - L(x_t + s_t))/p_t \ge \eta_1$; then"
        r" $\Delta_{t+1} = \min(\gamma_{\mathrm{inc}} \Delta_t, \Delta_{\max})$ if"
        r" $\rho_t > \eta_2$, $\Delta_t$ if $\eta_1 \le \rho_t \le \eta_2$, and"
        r" $\Delta_t / \gamma_{\mathrm{dec}}$ if it is rejected. After $T$ iterations, $S$ steps"
        r" taken and $U = T - S$ rejected, whatever the models and ellipsoids were:"
        r" $\eta_1 \sum_{\mathrm{taken}} p_t \le L_0 - L_T$;"
        r" $\Delta_0 \le \Delta_T \gamma_{\mathrm{dec}}^{U} \le \Delta_0"
        r" \gamma_{\mathrm{inc}}^{S}$; $\Delta_T \le \Delta_{\max}$. A run of the"
        r" implementation has these iterates' values and radii."
    ),
    source=Source("kohler2019", item="Algorithm 1", equations=("50",)),
    scope={
        "T": "T >= 0",
        "eta": "0 < eta1 <= eta2",
        "gamma": "> 1",
        "Delta_0": "(0, Delta_max]",
        "L": "any function, exact values",
        "p": "> 0",
    },
    formula=run_certificate,
    assumes=is_run,
    notes=(
        "A part of a run is a run: L decreases strictly with every step taken. The two bounds on"
        " the radius give T <= S (1 + ln gamma_inc/ln gamma_dec) + ln(Delta_0/Delta_T)/ln"
        " gamma_dec, the count behind Theorem 1. Both are attained: every rho = eta1, every step"
        " rejected, every radius growing. With sub-sampled function values, as in the paper's"
        " experiments, the first bound holds for the batches' own decreases only and says nothing"
        " of L."
    ),
    mutants={
        "eta1 two per cent larger": _changed(0, lambda lhs, rhs, given: (51 * lhs / 50, rhs)),
        "eta2 for eta1": _changed(
            0, lambda lhs, rhs, given: (lhs * given["eta2"] / given["eta1"], rhs)
        ),
        "rejected steps count too": _changed(0, _all_promised),
        "one rejection more": _changed(1, lambda lhs, rhs, given: (lhs * given["gamma_dec"], rhs)),
        "growth two per cent smaller": _changed(1, lambda lhs, rhs, given: (lhs, 49 * rhs / 50)),
        "one rejection fewer": _changed(2, lambda lhs, rhs, given: (lhs, rhs / given["gamma_dec"])),
        "radius two per cent larger": _changed(2, lambda lhs, rhs, given: (51 * lhs / 50, rhs)),
        "limit on the radius two per cent lower": _changed(
            3, lambda lhs, rhs, given: (lhs, 49 * rhs / 50)
        ),
        "Delta_0 above Delta_max": Mutant(
            assumes=lambda **given: _is_run(given, least=True, limited=False)
        ),
        "predicted increases allowed": Mutant(
            assumes=lambda **given: _is_run(given, least=False, limited=True)
        ),
    },
)
