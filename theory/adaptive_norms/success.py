r"""When a trust-region step must succeed: the model's error (Lemma 7) and small radii (Lemma 8).

Kohler, Adolphs, Lucchi (2019), appendix C. The model at w is
:math:`m(s) = L(w) + g^\top s + \tfrac12 s^\top B s` with reported derivatives g and B, off by at
most delta_g and delta_H from those of L; a step succeeds if
:math:`\rho = (L(w) - L(w+s))/(m(0) - m(s)) \ge \eta`. The norms
:math:`\|s\|_A^2 = s^\top A s` satisfy :math:`\|w\|_A/\mu \le \|w\| \le \mu\|w\|_A`.

Objectives and models are those of `theory.adaptive_norms.local_models`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from theory import arrays
from theory.adaptive_norms.local_models import (
    cauchy_decrease,
    equivalent,
    feasible,
    gradient_slacks,
    hessian_within,
    increase,
    lipschitz_within,
    predicted_decrease,
    reported_within,
    scaled_gradient_slacks,
)
from theory.arrays import dot, square_root
from theory.core import Claim, Mutant, Source

Sides = tuple[Any, Any]
Predicate = Callable[..., bool]

# ---- Lemma 7


def remainder_bound(length: Any, delta_H: Any, L_H: Any) -> Any:
    r"""``delta_H l^2/2 + L_H l^3/6``: what the model misses beyond the gradient's error."""
    return delta_H * length**2 / 2 + L_H * length**3 / 6


def model_error(
    gradient: Any, hessian: Any, cubic: Any, reported_gradient: Any, reported_hessian: Any,
    step: Any, radius: Any, mu: Any, delta_H: Any, L_H: Any, **other: Any,
) -> Sides:  # fmt: skip
    r"""Lemma 7: both signs of the error against `remainder_bound` at ``||s||`` and ``mu Delta``.

    The error is :math:`L(w+s) - m(s) - (\nabla L - g)^\top s`.

    Parameters
    ----------
    gradient, reported_gradient, step : array (d,)
    hessian, reported_hessian : array (d, d)
    cubic : see `third_order`
    radius, mu, delta_H, L_H : number

    Returns
    -------
    (lhs, rhs)
        Four numbers each.
    """
    error = increase(gradient, hessian, cubic, step) + predicted_decrease(
        reported_gradient, reported_hessian, step
    )
    error = error - dot(gradient - reported_gradient, step)
    return _both_lengths(error, step, mu * radius, delta_H, L_H)


def _both_lengths(error: Any, step: Any, reach: Any, delta_H: Any, L_H: Any,
                  bound: Any = remainder_bound) -> Sides:  # fmt: skip
    own = bound(square_root(dot(step, step)), delta_H, L_H)
    uniform = bound(reach, delta_H, L_H)
    return (error, -error, error, -error), (own, own, uniform, uniform)


def smooth_and_feasible(
    hessian: Any, cubic: Any, reported_hessian: Any, step: Any, matrix: Any, radius: Any, mu: Any,
    delta_H: Any, L_H: Any, **other: Any,
) -> bool:  # fmt: skip
    """``||H - B|| <= delta_H``, T has L_H, ``||s||_A <= Delta``, A is equivalent with mu."""
    return (
        feasible(step, matrix, radius)
        and lipschitz_within(cubic, L_H)
        and equivalent(matrix, mu)
        and hessian_within(hessian, reported_hessian, delta_H)
    )


def _other_bound(bound: Any) -> Any:
    def sides(step: Any, radius: Any, mu: Any, delta_H: Any, L_H: Any, **rest: Any) -> Sides:
        lhs, _ = model_error(step=step, radius=radius, mu=mu, delta_H=delta_H, L_H=L_H, **rest)
        return _both_lengths(lhs[0], step, mu * radius, delta_H, L_H, bound)

    return sides


def _other_reach(reach: Any) -> Any:
    def sides(step: Any, radius: Any, mu: Any, delta_H: Any, L_H: Any, **rest: Any) -> Sides:
        lhs, _ = model_error(step=step, radius=radius, mu=mu, delta_H=delta_H, L_H=L_H, **rest)
        return _both_lengths(lhs[0], step, reach(mu, radius), delta_H, L_H)

    return sides


def _without_slope(
    gradient: Any, reported_gradient: Any, step: Any, radius: Any, mu: Any, delta_H: Any, L_H: Any,
    **rest: Any,
) -> Sides:  # fmt: skip
    lhs, _ = model_error(
        gradient=gradient, reported_gradient=reported_gradient, step=step, radius=radius, mu=mu,
        delta_H=delta_H, L_H=L_H, **rest,
    )  # fmt: skip
    error = lhs[0] + dot(gradient - reported_gradient, step)
    return _both_lengths(error, step, mu * radius, delta_H, L_H)


lemma_7 = Claim(
    id="adaptive-norms/lemma-7",
    title="What a quadratic model misses",
    kind="inequality",
    statement=(
        r"Let $\nabla^2 L$ be Lipschitz with constant $L_H$ and $\|\nabla^2 L(w) - B\| \le"
        r" \delta_H$. Then $|L(w+s) - m(s) - (\nabla L(w) - g)^\top s| \le \tfrac{\delta_H}{2}"
        r" \|s\|^2 + \tfrac{L_H}{6} \|s\|^3$, hence $|L(w+s) - m(s)| \le |(\nabla L(w) - g)^\top s|"
        r" + \tfrac{\delta_H}{2} \|s\|^2 + \tfrac{L_H}{6} \|s\|^3$, and $\|s\| \le \mu\Delta$ for"
        r" every $s$ with $\|s\|_A \le \Delta$."
    ),
    source=Source("kohler2019", item="Lemma 7", equations=("31",)),
    scope={"d": "d >= 1", "L": "twice differentiable, Hessian Lipschitz on the segment",
           "delta_H, L_H": ">= 0", "A": "uniformly equivalent, mu >= 1", "Delta": "> 0"},
    formula=model_error,
    assumes=smooth_and_feasible,
    notes=(
        "1/6 is derived here and sharp: L = L_H x^3/6. A proof that bounds the Hessian along the"
        " segment without integrating gets 1/2. Instances of the search have L = quadratic +"
        " T(s)/6 with one ridge; the proof is for every L. Only the segment from w to w + s counts."
    ),
    mutants={
        "third-order term five per cent smaller": _other_bound(
            lambda length, delta_H, L_H: remainder_bound(length, delta_H, 19 * L_H / 20)
        ),
        "Hessian's error five per cent smaller": _other_bound(
            lambda length, delta_H, L_H: remainder_bound(length, 19 * delta_H / 20, L_H)
        ),
        "square for the cube": _other_bound(
            lambda length, delta_H, L_H: remainder_bound(length, delta_H + L_H / 3, 0)
        ),
        "the Hessian's error forgotten": _other_bound(
            lambda length, delta_H, L_H: remainder_bound(length, 0, L_H)
        ),
        "the gradient's error forgotten": _without_slope,
        "steps no longer than the radius": _other_reach(lambda mu, radius: radius),
        "steps no longer than radius over mu": _other_reach(lambda mu, radius: radius / mu),
        "reach five per cent shorter": _other_reach(lambda mu, radius: 19 * mu * radius / 20),
    },
)  # fmt: skip

# ---- Lemma 8


def success(
    gradient: Any, hessian: Any, cubic: Any, reported_gradient: Any, reported_hessian: Any,
    step: Any, eta: Any, **other: Any,
) -> Sides:  # fmt: skip
    """``eta (m(0) - m(s)) <= L(w) - L(w+s)``, which is ``rho >= eta`` where the model decreases.

    Parameters
    ----------
    gradient, reported_gradient, step : array (d,)
    hessian, reported_hessian : array (d, d)
    cubic : see `third_order`
    eta : number

    Returns
    -------
    (lhs, rhs)
    """
    predicted = predicted_decrease(reported_gradient, reported_hessian, step)
    return eta * predicted, -increase(gradient, hessian, cubic, step)


def in_range(eta: Any, cA: Any, **other: Any) -> bool:
    """0 < eta < 1 and 0 < cA <= 1."""
    return bool(eta > 0 and eta < 1 and cA > 0 and cA <= 1)


def _large_gradient(reported_gradient: Any, eps_g: Any, **other: Any) -> bool:
    return bool(eps_g > 0 and dot(reported_gradient, reported_gradient) >= eps_g * eps_g)


def _gradient_case(
    slacks: Any = None, large: Predicate = _large_gradient, decrease: Predicate = cauchy_decrease
) -> Predicate:
    """The hypotheses of Lemma 8, with some of them replaced."""
    limits = slacks or gradient_slacks

    def holds(step: Any, matrix: Any, radius: Any, mu: Any, **rest: Any) -> bool:
        everything = {"step": step, "matrix": matrix, "radius": radius, "mu": mu, **rest}
        return (
            in_range(**rest)
            and feasible(step, matrix, radius)
            and all(bool(slack >= 0) for slack in limits(**everything))
            and large(**everything)
            and decrease(**everything)
            and reported_within(**everything)
            and equivalent(matrix, mu)
        )

    return holds


def _ideal_direction(cA: Any, **rest: Any) -> tuple[Any, ...]:
    return gradient_slacks(cA=1, **rest)


def _higher_ratio(eta: Any, **rest: Any) -> Sides:
    return success(eta=51 * eta / 50, **rest)


def _scaled(index: int) -> Mutant:
    scale: list[Any] = [1] * 4
    scale[index] = Fraction(21, 20)
    return Mutant(assumes=_gradient_case(scaled_gradient_slacks(scale)))


lemma_8 = Claim(
    id="adaptive-norms/lemma-8",
    title="While the gradient is large, steps of small radius succeed",
    kind="inequality",
    statement=(
        r"Let Assumptions 1 and 2 hold, $\|\nabla^2 L(w)\| \le L_g$, $\nabla^2 L$ be Lipschitz with"
        r" $L_H$, $\|\nabla L - g\| \le \delta_g$, $\|\nabla^2 L - B\| \le \delta_H$, $\|g\| \ge"
        r" \epsilon_g$. If $\delta_g \le \tfrac{(1-\eta)\epsilon_g}{4\mu^2}$ and $\Delta \le D_g :="
        r" \min\big\{\tfrac{\mu c_A \epsilon_g}{L_g + \delta_H}, \tfrac{(1-\eta)\epsilon_g}{4"
        r" \delta_H \mu^3}, \sqrt{\tfrac{3(1-\eta)\epsilon_g}{4 L_H \mu^4}}\big\}$, then $\rho \ge"
        r" \eta$. Of Assumption 2 only what Lemma 5 makes of it is used, with $c_A = 1$:"
        r" $m(0) - m(s) \ge \tfrac12 \|g\| \min\{c_A \|g\|/(L_g+\delta_H), \Delta/\mu\}$."
    ),
    source=Source("kohler2019", item="Lemma 8", equations=("32",)),
    scope={"d": "d >= 1", "mu": ">= 1", "eta": "(0, 1)", "eps_g": "> 0",
           "cA": "(0, 1]: 1 under Assumption 2, 4 kappa/(1+kappa)^2 for preconditioned CG",
           "L_g, L_H, delta_g, delta_H": ">= 0; L_g at w, L_H on the segment"},
    formula=success,
    assumes=_gradient_case(),
    notes=(
        "The constants are derived here. All of them are sharp at once: the search reaches rho ="
        " eta with every limit attained, by a step that satisfies Assumption 2 itself. The errors"
        " share the room (1-eta) eps_g Delta/(2 mu) as 1/2, 1/4, 1/4. With a radius of order 1 the"
        " hypotheses are not met at all and a test says nothing: the measurement starts at small"
        " radii with noise at the permitted level, and its trials are the exercised implications."
    ),
    mutants={
        "error of the gradient five per cent larger": _scaled(0),
        "first term of D_g five per cent larger": _scaled(1),
        "second term of D_g five per cent larger": _scaled(2),
        "third term of D_g larger by two and a half per cent": _scaled(3),
        "error of the gradient without mu^2": Mutant(
            assumes=_gradient_case(scaled_gradient_slacks(powers=(0, 1, 3, 4))),
            given={"error_power": 0},
        ),
        "error of the gradient with mu": Mutant(
            assumes=_gradient_case(scaled_gradient_slacks(powers=(1, 1, 3, 4)))
        ),
        "first term with mu^2": Mutant(
            assumes=_gradient_case(scaled_gradient_slacks(powers=(2, 2, 3, 4)))
        ),
        "second term with mu^2": Mutant(
            assumes=_gradient_case(scaled_gradient_slacks(powers=(2, 1, 2, 4)))
        ),
        "third term with mu^3 under the root": Mutant(
            assumes=_gradient_case(scaled_gradient_slacks(powers=(2, 1, 3, 3)))
        ),
        "first term without cA": Mutant(assumes=_gradient_case(_ideal_direction)),
        "gradients of any size": Mutant(assumes=_gradient_case(large=lambda **rest: True)),
        "steps that need not decrease the model enough": Mutant(
            assumes=_gradient_case(decrease=lambda **rest: True)
        ),
        "ratio two per cent above eta": _higher_ratio,
    },
)  # fmt: skip

# ---- the power of mu is needed


def rejected_ratio(mu: Any, eta: Any, radius: Any, power: Any) -> Sides:
    r"""The ratio rho of the exact model step in one example, and its closed form.

    B = 0, :math:`A = \mathrm{diag}(\mu^{-2}, \mu^2)`, :math:`g = (1, \mu^2)`,
    :math:`s = -\Delta A^{-1}g/\|g\|_{A^{-1}}`, :math:`\delta_g = (1-\eta)\|g\|/(4\mu^p)`, and L
    linear with :math:`\nabla L = g + \delta_g s/\|s\|`.

    Parameters
    ----------
    mu : number >= 1
    eta : number in [0, 1)
    radius : number > 0
        Delta, without influence.
    power : number
        p, the power of mu in the condition on delta_g.

    Returns
    -------
    (lhs, rhs)
        rho and :math:`1 - (1-\eta)(\mu^{2-p} + \mu^{-2-p})/8`.
    """
    rho = _ratio(mu, eta, radius, power)
    return rho, 1 - (1 - eta) * (mu * mu + 1 / (mu * mu)) / (8 * arrays.power(mu, power))


def _ratio(mu: Any, eta: Any, radius: Any, power: Any) -> Any:
    square = mu * mu
    gradient, matrix = np.array([square / square, square]), np.array([1 / square, square])
    toward = arrays.solve(matrix, gradient)
    step = -radius * toward / square_root(dot(gradient, toward))
    error = (1 - eta) * square_root(dot(gradient, gradient)) / (4 * arrays.power(mu, power))
    true = gradient + error * step / square_root(dot(step, step))
    return dot(true, step) / dot(gradient, step)


def _example_in_range(mu: Any, eta: Any, radius: Any, power: Any) -> bool:
    return bool(mu >= 1 and eta >= 0 and eta < 1 and radius > 0)


def _other_ratio(closed_form: Any) -> Any:
    def sides(mu: Any, eta: Any, radius: Any, power: Any) -> Sides:
        return _ratio(mu, eta, radius, power), closed_form(mu, eta, arrays.power(mu, power))

    return sides


mu_is_needed = Claim(
    id="adaptive-norms/lemma-8.mu-is-needed",
    title="The error of the gradient must fall with the square of mu",
    kind="identity",
    statement=(
        r"Let $A = \mathrm{diag}(\mu^{-2}, \mu^2)$, $B = 0$, $g = (1, \mu^2)$, $\epsilon_g ="
        r" \|g\|$, $s$ the model's minimiser over $\|s\|_A \le \Delta$, $L$ linear with $\nabla L ="
        r" g + \delta_g s/\|s\|$, $\delta_g = \tfrac{(1-\eta)\epsilon_g}{4\mu^p}$. Then $\rho = 1 -"
        r" (1-\eta) \tfrac{\mu^{2-p} + \mu^{-2-p}}{8}$ for every $\Delta$. So with $p = 0$ every"
        r" step is rejected for ever exactly where $\mu^2 + \mu^{-2} > 8$ ($\mu > 2.806$), for"
        r" every $\eta$, and no $p < 2$ serves for all $\mu$."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"mu": ">= 1", "eta": "[0, 1)", "Delta": "> 0", "p": "any"},
    formula=rejected_ratio,
    assumes=_example_in_range,
    notes=(
        "The method ends neither: with p = 0 and mu = 3 the radius shrinks for ever. delta_H = L_H"
        " = 0 and L_g = 0, so that D_g is infinite and every other condition of Lemma 8 holds."
        " L is unbounded below, which Lemma 8 does not exclude; outside the largest region it may"
        " be continued at will."
    ),
    sharpens="adaptive-norms/lemma-8",
    mutants={
        "eighth five per cent smaller": _other_ratio(
            lambda mu, eta, raised: 1 - 19 * (1 - eta) * (mu**2 + 1 / mu**2) / (160 * raised)
        ),
        "without 1 - eta": _other_ratio(
            lambda mu, eta, raised: 1 - (mu**2 + 1 / mu**2) / (8 * raised)
        ),
        "without the smaller term": _other_ratio(
            lambda mu, eta, raised: 1 - (1 - eta) * mu**2 / (8 * raised)
        ),
        "mu for its square": _other_ratio(
            lambda mu, eta, raised: 1 - (1 - eta) * (mu + 1 / mu) / (8 * raised)
        ),
        "power of mu without effect": _other_ratio(
            lambda mu, eta, raised: 1 - (1 - eta) * (mu**2 + 1 / mu**2) / 8
        ),
    },
)
