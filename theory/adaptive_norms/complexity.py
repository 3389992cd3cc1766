r"""Iteration complexity of Algorithm 1: Lemmas 10 and 11, Theorem 1, and the safeguarded variant.

Constants and the two phases of an iteration as in `theory.optimizers.trust_region.bounds`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory.arrays import minimum, smallest
from theory.core import Claim, Mutant, Source
from theory.optimizers.trust_region.bounds import (
    iteration_bound,
    logarithm,
    minimal_radius,
    model_decrease_bound,
    permitted_errors,
    safeguarded_thresholds,
    success_bound,
    success_thresholds,
)

Sides = tuple[Any, Any]
Formula = Callable[..., Any]


def radius_bound(
    radii: Any, *, mu: Any, eta: Any, eps_g: Any, eps_H: Any, nu: Any, L_g: Any, L_H: Any,
    delta_g: Any, delta_H: Any, delta0: Any, gamma_dec: Any, cA: Any = 1, max_radius: Any = None,
) -> Sides:  # fmt: skip
    r"""Lemma 10: :math:`D_{\min}` against the smallest radius of a run.

    Parameters
    ----------
    radii : array (T,)
        Radii of the iterations before both tests of optimality are met.
    others
        As in `success_thresholds` and `minimal_radius`.

    Returns
    -------
    (lhs, rhs)
    """
    thresholds = success_thresholds(
        mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu, L_g=L_g, L_H=L_H, delta_g=delta_g,
        delta_H=delta_H, cA=cA,
    )  # fmt: skip
    least = minimal_radius(*thresholds, delta0=delta0, gamma_dec=gamma_dec, max_radius=max_radius)
    return least, smallest(radii)


def successes_bound(
    successes: Any, *, radius: Any, gap: Any, eta: Any, mu: Any, eps_g: Any, eps_H: Any, nu: Any
) -> Sides:
    r"""Lemma 11: the number of successes against :math:`S = (L_0-L^*)/(\eta\,\mathrm{Dec})`.

    Parameters
    ----------
    successes : number
        Successful iterations before both tests of optimality are met.
    radius : number
        D_min of Lemma 10.
    others
        As in `success_bound`.

    Returns
    -------
    (lhs, rhs)
    """
    bound = success_bound(radius, gap=gap, eta=eta, mu=mu, eps_g=eps_g, eps_H=eps_H, nu=nu)
    return successes, bound


def safeguarded_bound(
    *, mu: Any, eta: Any, eps_g: Any, eps_H: Any, nu: Any, L_g: Any, L_H: Any, delta_g: Any,
    delta_H: Any, gap: Any, delta0: Any, gamma_inc: Any, gamma_dec: Any, max_radius: Any = None,
) -> Any:  # fmt: skip
    """T of `iteration_bound` for the safeguarded method."""
    return iteration_bound(
        mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu, L_g=L_g, L_H=L_H, delta_g=delta_g,
        delta_H=delta_H, gap=gap, delta0=delta0, gamma_inc=gamma_inc, gamma_dec=gamma_dec,
        max_radius=max_radius, safeguarded=True,
    )  # fmt: skip


def in_range(count: Any = None, *, mu: Any, eta: Any, nu: Any, **others: Any) -> bool:
    """Mu >= 1, 0 < eta < 1, 0 < nu <= 1."""
    return bool(mu >= 1) and bool(eta > 0) and bool(eta < 1) and bool(nu > 0) and bool(nu <= 1)


def errors_permitted(radii: Any = None, **constants: Any) -> bool:
    """Numbers in range, and delta_g and delta_H at most `permitted_errors`."""
    return in_range(**constants) and _permitted(False, **constants)


def safeguarded_errors_permitted(**constants: Any) -> bool:
    """The same with the errors that the safeguarded method permits."""
    return in_range(**constants) and _permitted(True, **constants)


def _permitted(safeguard: bool, *, delta_g: Any, delta_H: Any, **constants: Any) -> bool:
    own = {name: constants[name] for name in ("mu", "eta", "eps_g", "eps_H", "nu")}
    largest = permitted_errors(**own, safeguarded=safeguard)
    return bool(delta_g <= largest[0]) and bool(delta_H <= largest[1])


# ---- false variants, each with the signature of the formula that it varies


def _least(constants: dict[str, Any], change: Formula | None, safeguarded: bool = False) -> Any:
    """D_min from the thresholds that `change` makes of those of the constants."""
    c = dict(constants)
    own = {name: c.pop(name) for name in ("delta0", "gamma_dec")}
    max_radius = c.pop("max_radius", None)
    bounds = safeguarded_thresholds(**c) if safeguarded else success_thresholds(**c)
    if change is not None:
        bounds = change(*bounds, gamma_dec=own["gamma_dec"], **c)
    return minimal_radius(*bounds, **own, max_radius=max_radius)


def _radius_mutant(change: Formula) -> Formula:
    """Lemma 10 with the thresholds that ``change(Dg, DH, **constants)`` makes of them."""

    @functools.wraps(radius_bound)
    def formula(radii: Any, **constants: Any) -> Sides:
        return _least(constants, change), smallest(radii)

    return formula


@functools.wraps(radius_bound)
def _without_initial_radius(radii: Any, **constants: Any) -> Sides:
    return radius_bound(radii, **constants | {"delta0": 1000 * constants["delta0"]})


def _successes_mutant(decrease: Formula, share: Any = 1) -> Formula:
    """Lemma 11 with another decrease, or `share` of the bound."""

    @functools.wraps(successes_bound)
    def formula(successes: Any, *, gap: Any, eta: Any, **own: Any) -> Sides:
        return successes, share * gap / (eta * decrease(**own))

    return formula


@functools.wraps(successes_bound)
def _successes_without_eta(successes: Any, *, gap: Any, eta: Any, **own: Any) -> Sides:
    return successes, gap / model_decrease_bound(**own)


def _bound_mutant(
    *, safeguarded: bool = False, change: Formula | None = None,
    decrease: Formula = model_decrease_bound, share: Any = 1, growth: Any = 1, shrinking: Any = 1,
) -> Formula:  # fmt: skip
    """T with other thresholds, another decrease, or shares of it and of its terms."""

    @functools.wraps(safeguarded_bound if safeguarded else iteration_bound)
    def formula(*, gap: Any, gamma_inc: Any, **c: Any) -> Any:
        least = _least(c, change, safeguarded)
        own = {name: c[name] for name in ("mu", "eps_g", "eps_H", "nu")}
        successes = gap / (c["eta"] * decrease(radius=least, **own))
        rate = logarithm(c["gamma_dec"])
        rises = successes * (1 + growth * logarithm(gamma_inc) / rate)
        return share * (rises + shrinking * logarithm(c["delta0"] / least) / rate)

    return formula


def _scaled(name: str) -> Formula:
    """Thresholds with one change, by what it is called."""
    changes: dict[str, Formula] = {
        "no gamma_dec": lambda Dg, DH, *, gamma_dec, **c: (Dg * gamma_dec, DH * gamma_dec),
        "one mu less": lambda Dg, DH, *, mu, **c: (Dg * mu, DH * mu),
        "no nu": lambda Dg, DH, *, nu, **c: (Dg, DH / nu),
        "no 1 - eta": lambda Dg, DH, *, eta, **c: (Dg, DH / (1 - eta)),
        "five per cent": lambda Dg, DH, **c: (Dg * 21 / 20, DH * 21 / 20),
    }
    return changes[name]


def _decrease(*, radius: Any, mu: Any, eps_g: Any, eps_H: Any, nu: Any, powers: tuple[int, ...]
              ) -> Any:  # fmt: skip
    """Dec with other powers of mu (gradient, curvature), nu, and the radius (curvature)."""
    gradient, curvature, quality, size = powers
    return minimum(eps_g * radius / (2 * mu**gradient),
                   nu**quality * eps_H * radius**size / (2 * mu**curvature))  # fmt: skip


def _with_powers(*powers: int) -> Formula:
    return lambda **own: _decrease(**own, powers=powers)


def _certain_decrease(**own: Any) -> Any:
    return 2 * model_decrease_bound(**own)


_KOHLER = "kohler2019"
_HYPOTHESES = (
    r" Hypotheses: $\|w\|_{A_t}/\mu \leq \|w\| \leq \mu\|w\|_{A_t}$; exact function values, $L \geq"
    r" L^*$; $\|\nabla^2 L\| \leq L_g$ at the iterates, $\nabla^2 L$ is $L_H$-Lipschitz; errors"
    r" $\delta_g \leq {g}$, $\delta_H \leq {H}$. While $\|g_t\| > \epsilon_g$, the step decreases"
    r" the model by at least $\tfrac12\|g_t\| \min\{c_A\|g_t\|/(L_g+\delta_H), \Delta_t/\mu\}$"
    r" (Lemma 5); else, while $\lambda_{\min}(B_t) < -\epsilon_H$, $g_t$ is dropped, the step"
    r" decreases the model by at least $\tfrac12\nu\epsilon_H\Delta_t^2/\mu^2$ (Lemma 6), and both"
    r" signs are tried."
)


_ERRORS = _HYPOTHESES.replace("{g}", r"(1-\eta)\epsilon_g/(4\mu^2)").replace(
    "{H}", r"(1-\eta)\nu\epsilon_H/(2\mu^4)"
)
_SAFEGUARDED_ERRORS = _HYPOTHESES.replace("{g}", r"(1-\eta)\epsilon_g/4").replace(
    "{H}", r"(1-\eta)\nu\epsilon_H/2"
)
_SCOPE = {
    "mu": ">= 1", "eta": "(0, 1)", "nu, cA": "(0, 1]", "eps_g, eps_H": "> 0",
    "gamma_inc, gamma_dec": "> 1", "delta0, max_radius": "> 0",
}  # fmt: skip
_LOST = "The paper's constants are lost with its formulas; these are derived here. "

lemma_10 = Claim(
    id="adaptive-norms/lemma-10",
    title="Lower bound on the radius",
    kind="inequality",
    statement=(
        r"Until both tests of optimality are met, $\Delta_t \geq D_{\min} = \min\{\Delta_0,"
        r" \Delta_{\max}, D_g/\gamma_{dec}, D_H/\gamma_{dec}\}$ with $D_g = \min\{\mu c_A\epsilon_g"
        r"/(L_g+\delta_H), (1-\eta)\epsilon_g/(4\delta_H\mu^3), \sqrt{3(1-\eta)\epsilon_g/(4L_H"
        r"\mu^4)}\}$, $D_H = 3(1-\eta)\nu\epsilon_H/(2L_H\mu^5)$." + _ERRORS
    ),
    source=Source(_KOHLER, item="Lemma 10"),
    scope=_SCOPE,
    formula=radius_bound,
    assumes=errors_permitted,
    notes=(
        _LOST + "Attained: exact runs at mu = 5/4 and nu = 3/4 (D_H), and at mu = 2 (all three"
        " terms of D_g at once) come as close to it as one likes. Each term of D_g alone can be"
        " larger, the root by sqrt 2 where delta_H = 0, since the margin 1 - eta is shared out in"
        " fixed parts 1/2, 1/4, 1/4. Steps along the exact eigenvector need only mu in D_H."
    ),
    mutants={
        "gamma_dec left out": _radius_mutant(_scaled("no gamma_dec")),
        "D_g, D_H five per cent larger": _radius_mutant(_scaled("five per cent")),
        "one power of mu less": _radius_mutant(_scaled("one mu less")),
        "nu left out of D_H": _radius_mutant(_scaled("no nu")),
        "1 - eta left out of D_H": _radius_mutant(_scaled("no 1 - eta")),
        "initial radius left out": _without_initial_radius,
        "gradient's error as large as without mu": Mutant(given={"excess": 9.0}),
    },
)

lemma_11 = Claim(
    id="adaptive-norms/lemma-11",
    title="Number of successful iterations",
    kind="inequality",
    statement=(
        r"With $D_{\min}$ of Lemma 10, at most $S = \frac{L_0-L^*}{\eta\,\mathrm{Dec}}$ iterations"
        r" before both tests of optimality are met are successful, $\mathrm{Dec} ="
        r" \min\{\frac{\epsilon_g D_{\min}}{2\mu}, \frac{\nu\epsilon_H D_{\min}^2}{2\mu^2}\}$."
        + _ERRORS
    ),
    source=Source(_KOHLER, item="Lemma 11"),
    scope=_SCOPE | {"gap": ">= 0"},
    formula=successes_bound,
    assumes=in_range,
    notes=(
        _LOST + "Attained up to gamma_dec^2 at eta = 1/5: there the longest step that Lemma 9 lets"
        " pass ends exactly at the minimiser of -h w^2/2 + L_H |w|^3/6. With many such saddles the"
        " factor is 1.025 at mu = 5/4. On generic functions it is loose by orders of magnitude."
    ),
    mutants={
        "five per cent fewer": _successes_mutant(model_decrease_bound, Fraction(19, 20)),
        "half as many": _successes_mutant(_certain_decrease),
        "eta left out": _successes_without_eta,
        "mu left out of the gradient's decrease": _successes_mutant(_with_powers(0, 2, 1, 2)),
        "one power of mu less in the curvature's": _successes_mutant(_with_powers(1, 1, 1, 2)),
        "nu left out": _successes_mutant(_with_powers(1, 2, 0, 2)),
        "radius for its square": _successes_mutant(_with_powers(1, 2, 1, 1)),
    },
)  # fmt: skip

theorem_1 = Claim(
    id="adaptive-norms/theorem-1",
    title="Iteration complexity of Algorithm 1",
    kind="rate",
    statement=(
        r"Algorithm 1 takes at most $T = S\big(1+\frac{\ln\gamma_{inc}}{\ln\gamma_{dec}}\big) +"
        r" \frac{\ln(\Delta_0/D_{\min})}{\ln\gamma_{dec}} = O(\max\{\epsilon_g^{-2}\epsilon_H^{-1},"
        r" \epsilon_H^{-3}\})$ iterations ($\epsilon_g, \epsilon_H \leq 1$) until $\|\nabla L\|"
        r" \leq \epsilon_g + \delta_g$ and $\lambda_{\min}(\nabla^2 L) \geq -\epsilon_H -"
        r" \delta_H$, S and $D_{\min}$ as in Lemmas 10 and 11." + _ERRORS
    ),
    source=Source(_KOHLER, item="Theorem 1 / 3"),
    scope=_SCOPE | {"gap": ">= 0"},
    formula=iteration_bound,
    assumes=errors_permitted,
    notes=(
        _LOST + "The rate is that of the sphere, the constant is not: S = 8 gamma_dec^2 L_H^2"
        " (L_0 - L*) mu^12/(9 eta (1-eta)^2 nu^3 eps_H^3) where D_H is the smallest, and mu^12 is"
        " needed for steps that are only asked to decrease the model as much as the eigenpoint. At"
        " eps = 1e-8 the best scaling has mu = 100, hence 1e24. The powers of mu elsewhere: 0 on"
        " eps_g^-2 and eps_g^-2 eps_H^-1 (4 and 8 with cA = 4 kappa/(1+kappa)^2, kappa = mu^4,"
        " which preconditioned conjugate gradients guarantee), 6 on eps_g^-1 eps_H^-1, 3 on"
        " eps_g^(-3/2). Attained: a run takes exactly floor(T) iterations (mu = 1), an exact one"
        " T/1.027 (mu = 5/4)."
    ),
    mutants={
        "five per cent fewer": _bound_mutant(share=Fraction(19, 20)),
        "gamma_dec left out of D_min": _bound_mutant(change=_scaled("no gamma_dec")),
        "one power of mu less in D_min": _bound_mutant(change=_scaled("one mu less")),
        "nu squared, not cubed": _bound_mutant(decrease=_with_powers(1, 2, 0, 2)),
        "mu^11, not mu^12": _bound_mutant(decrease=_with_powers(1, 1, 1, 2)),
        "eps_H^-2, not eps_H^-3": _bound_mutant(decrease=_with_powers(1, 2, 1, 1)),
        "logarithm of the initial radius left out": _bound_mutant(shrinking=0),
        "growth of the radius left out": _bound_mutant(growth=0),
    },
)

theorem_1_safeguarded = Claim(
    id="adaptive-norms/theorem-1.safeguarded",
    title="Iteration complexity with a safeguard: mu^4 for mu^12",
    kind="rate",
    statement=(
        r"Accept a step as candidate only if its predicted decrease is also at least $\tfrac12"
        r"\|g_t\|\|s\|$ (else $\tfrac12\nu\epsilon_H\|s\|^2$ where the gradient is dropped); the"
        r" Cauchy point along $-g_t$ and the eigenpoint always qualify. Then Theorem 1 holds with"
        r" $D_g = \min\{\mu\epsilon_g/(L_g+\delta_H), (1-\eta)\epsilon_g/(4\delta_H\mu),"
        r" \sqrt{3(1-\eta)\epsilon_g/(4L_H\mu^2)}\}$, $D_H = 3(1-\eta)\nu\epsilon_H/(2L_H\mu)$."
        + _SAFEGUARDED_ERRORS
    ),
    source=Source(_KOHLER, item="beyond"),
    scope=_SCOPE | {"gap": ">= 0"},
    formula=safeguarded_bound,
    assumes=safeguarded_errors_permitted,
    sharpens="adaptive-norms/theorem-1",
    notes=(
        "S = 8 gamma_dec^2 L_H^2 (L_0 - L*) mu^4/(9 eta (1-eta)^2 nu^3 eps_H^3) where D_H is the"
        " smallest; no other term has a higher power of mu. D_H is attained for every"
        " mu. That mu^4 is needed is not shown. Dec does not need D_g below mu eps_g/(L_g +"
        " delta_H): success does not rest on it, so that with eps_g/(L_g + delta_H) beside D_min/mu"
        " in Dec the rate becomes O(max{eps_g^-2, eps_H^-3})."
    ),
    mutants={
        "five per cent fewer": _bound_mutant(safeguarded=True, share=Fraction(19, 20)),
        "gamma_dec left out of D_min": _bound_mutant(safeguarded=True,
                                                     change=_scaled("no gamma_dec")),
        "mu left out of D_min": _bound_mutant(safeguarded=True, change=_scaled("one mu less")),
        "mu left out of the gradient's decrease": _bound_mutant(
            safeguarded=True, decrease=_with_powers(0, 2, 1, 2)
        ),
        "1 - eta left out of D_H": _bound_mutant(safeguarded=True, change=_scaled("no 1 - eta")),
        "logarithm of the initial radius left out": _bound_mutant(safeguarded=True, shrinking=0),
        "growth of the radius left out": _bound_mutant(safeguarded=True, growth=0),
    },
)  # fmt: skip
