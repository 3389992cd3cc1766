r"""Adagrad's ellipsoids are not uniformly equivalent, and still the trust-region method terminates.

The ellipsoids of step k are those of :math:`A_k^p`,
:math:`A_k = \varepsilon I + \sum_{i \le k} g_i g_i^\top` over the points after each success,
0 < p <= 1. Since :math:`\lambda_{\max}(A_k) \le S_k = \varepsilon + \sum_{i\le k} \|g_i\|^2`
grows at most linearly, the guaranteed decreases :math:`c\,\epsilon_g^2 / S_k^p` have an infinite
sum.
"""

from __future__ import annotations

import math
from typing import Any

from theory.arrays import power as raised
from theory.core import Claim, Source

QUANTITIES = ("radius", "decrease", "successes")


def safe_radius(power: Any, total: Any, eps_g: Any, eps: Any, beta: Any, eta: Any) -> Any:
    r"""A radius at which every step succeeds:
    :math:`\theta = (1-\eta)\, \varepsilon^p \epsilon_g / (2 \beta S^{p/2})`.

    Parameters
    ----------
    power : number in (0, 1]
        p.
    total : number >= eps
        S, eps plus the squared gradient norms in A.
    eps_g : number > 0
        Lower bound of the gradient norm.
    eps : number > 0
        Adagrad's eps.
    beta : number > 0
        At least the Lipschitz constant of the gradient and every ``||B||``.
    eta : number in (0, 1)
        Smallest ratio of a success.

    Returns
    -------
    number
        In units of :math:`\|s\|_{A^p}`.
    """  # noqa: D205
    return (1 - eta) * raised(eps, power) * eps_g / (2 * beta * raised(total, power / 2))


def guaranteed_decrease(
    power: Any, total: Any, eps_g: Any, eps: Any, beta: Any, eta: Any, shrink: Any
) -> Any:
    r"""What every success gains at least: :math:`c\,\epsilon_g^2/S^p`,
    :math:`c = \eta(1-\eta)\varepsilon^p/(4\beta\gamma)`.

    Parameters
    ----------
    power, total, eps_g, eps, beta, eta
        As in `safe_radius`.
    shrink : number > 1
        gamma, by which the radius is divided after a rejection.
    """  # noqa: D205
    gain = eta * (1 - eta) * raised(eps, power) / (4 * beta * shrink)
    return gain * eps_g * eps_g / raised(total, power)


def total_guaranteed(
    power: Any, count: Any, eps_g: Any, eps: Any, bound: Any, beta: Any, eta: Any, shrink: Any
) -> Any:
    r"""What k successes gain at least: :math:`c\,\epsilon_g^2 \int_0^k
    (\varepsilon + (x+1) G^2)^{-p} dx`.

    Parameters
    ----------
    count : number >= 0
        k.
    bound : number > 0
        G, a bound on the gradient norms.
    power, eps_g, eps, beta, eta, shrink
        As in `guaranteed_decrease`.
    """  # noqa: D205
    unit = guaranteed_decrease(power, 1, eps_g, eps, beta, eta, shrink) / (bound * bound)
    first, last = eps + bound * bound, eps + (count + 1) * bound * bound
    if power == 1:
        return unit * _apply("log", last / first)
    rest = 1 - power
    return unit * (raised(last, rest) - raised(first, rest)) / rest


def success_bound(
    power: Any, gap: Any, eps_g: Any, eps: Any, bound: Any, beta: Any, eta: Any, shrink: Any
) -> Any:
    r"""The number K of successes at which `total_guaranteed` reaches the gap L_0 - L*.

    p = 1: :math:`K = (1 + \varepsilon/G^2)(e^{E} - 1)`, :math:`E = G^2 (L_0-L^*)/(c\epsilon_g^2)`;
    else :math:`K = ([(\varepsilon+G^2)^{1-p} + (1-p) E]^{1/(1-p)} - \varepsilon - G^2)/G^2`, which
    for p = 1/2 is :math:`\sqrt{\varepsilon+G^2}\,(L_0-L^*)/(c\epsilon_g^2) +
    G^2 (L_0-L^*)^2/(4c^2\epsilon_g^4)`.

    Parameters
    ----------
    gap : number >= 0
        L_0 - L*, or more.
    power, eps_g, eps, bound, beta, eta, shrink
        As in `total_guaranteed`.

    Raises
    ------
    OverflowError
        For floats, if p = 1 and K exceeds the range of float64.

    >>> round(success_bound(1, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 2.0) / (2 * math.expm1(32)), 12)
    1.0
    """
    square = bound * bound
    growth = square * gap / guaranteed_decrease(power, 1, eps_g, eps, beta, eta, shrink)
    if power == 1:
        return (1 + eps / square) * _apply("expm1", growth)
    rest = 1 - power
    last = raised(raised(eps + square, rest) + rest * growth, 1 / rest)
    return (last - eps - square) / square


def _apply(name: str, x: Any) -> Any:
    if not hasattr(x, "free_symbols"):
        return getattr(math, name)(x)
    import sympy

    return sympy.exp(x) - 1 if name == "expm1" else getattr(sympy, name)(x)


def termination(
    quantity: str, power: Any, size: Any, eps_g: Any, eps: Any, bound: Any, beta: Any, eta: Any,
    shrink: Any,
) -> Any:  # fmt: skip
    """`safe_radius` / gamma or `guaranteed_decrease` at S = size, or `success_bound` at gap = size.

    Parameters
    ----------
    quantity : str
        ``radius``: least radius of an iteration; ``decrease``: least decrease of a success;
        ``successes``: largest number of successes.
    size : number
        S for the first two, the gap L_0 - L* for the third.
    power, eps_g, eps, bound, beta, eta, shrink
        As in `success_bound`.

    Raises
    ------
    ValueError
        If the quantity is unknown.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}; it must be one of {', '.join(QUANTITIES)}")
    if quantity == "radius":
        return safe_radius(power, size, eps_g, eps, beta, eta) / shrink
    if quantity == "decrease":
        return guaranteed_decrease(power, size, eps_g, eps, beta, eta, shrink)
    return success_bound(power, size, eps_g, eps, bound, beta, eta, shrink)


def _variant(name: str, value: Any) -> Any:
    """The claim with another value of the quantity called `name`."""

    def formula(quantity: str, power: Any, size: Any, eps_g: Any, eps: Any, bound: Any, beta: Any,
                eta: Any, shrink: Any) -> Any:  # fmt: skip
        rest = (power, size, eps_g, eps, bound, beta, eta, shrink)
        return value(*rest) if quantity == name else termination(quantity, *rest)

    return formula


def _constant_matrix(
    power: Any, gap: Any, eps_g: Any, eps: Any, bound: Any, beta: Any, eta: Any, shrink: Any
) -> Any:
    return gap / guaranteed_decrease(power, eps + bound**2, eps_g, eps, beta, eta, shrink)


def _quadratic(
    power: Any, gap: Any, eps_g: Any, eps: Any, bound: Any, beta: Any, eta: Any, shrink: Any
) -> Any:
    growth = bound**2 * gap / guaranteed_decrease(power, 1, eps_g, eps, beta, eta, shrink)
    return (1 + eps / bound**2) * (growth + growth**2 / 2)


def _without_eps(
    power: Any, gap: Any, eps_g: Any, eps: Any, bound: Any, beta: Any, eta: Any, shrink: Any
) -> Any:
    scaled = gap * raised(eps, power)
    return success_bound(power, scaled, eps_g, eps, bound, beta, eta, shrink)


adagrad_trust_region_terminates = Claim(
    id="adaptive-norms/adagrad-trust-region-terminates",
    title="A trust-region method in Adagrad's ellipsoids terminates",
    kind="rate",
    statement=(
        r"Let $\nabla L$ be Lipschitz, $L \ge L^*$, exact values and gradients, $\|g\| \le G$,"
        r" $\beta \ge L_g$ and $\beta \ge \|B\|$ for every model Hessian. Algorithm 1 in the norms"
        r" $A_k^p$, $0 < p \le 1$, $A_k = \varepsilon I + \sum_{i \le k} g_i g_i^\top$ (or its"
        r" diagonal) updated after successes only, takes preconditioned CG steps or the Cauchy"
        r" point along $-g$; $\Delta_0, \Delta_{\max} \ge \theta_0/\gamma$,"
        r" $\theta_k = \tfrac{(1-\eta) \varepsilon^p \epsilon_g}{2 \beta S_k^{p/2}}$,"
        r" $S_k = \varepsilon + \sum_{i\le k} \|g_i\|^2$. While $\|g\| \ge \epsilon_g$: every step"
        r" with $\Delta \le \theta_k$ succeeds, $\Delta \ge \theta_k/\gamma$, every success gains"
        r" $\tfrac{c\, \epsilon_g^2}{S_k^p}$ or more, $c = \tfrac{\eta(1-\eta)\varepsilon^p}"
        r"{4\beta\gamma}$, and there are at most $K$ successes, with"
        r" $E = \tfrac{G^2 (L_0 - L^*)}{c\, \epsilon_g^2}$:"
        r" $K = (1 + \tfrac{\varepsilon}{G^2})(e^E - 1)$ for $p = 1$;"
        r" $K = \tfrac{1}{G^2}\big([(\varepsilon+G^2)^{1-p} + (1-p)E]^{1/(1-p)} - \varepsilon -"
        r" G^2\big) = O(\epsilon_g^{-2/(1-p)})$ for $p < 1$, which is $O(\epsilon_g^{-4})$ for"
        r" $p = \tfrac12$."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={
        "p": "0 < p <= 1; measured 1/2 and 1",
        "eps, eps_g, G, beta": "> 0",
        "eta": "(0, 1): least ratio of a success",
        "gamma": "> 1: divides the radius after a rejection",
        "B": "any symmetric matrix with ||B|| <= beta",
    },
    formula=termination,
    notes=(
        "Uniform equivalence (Definition 1) fails for Adagrad, and is not needed: sufficient, not"
        " necessary. B may be any symmetric matrix within the bound, the Hessian or 0. The bounds"
        " are loose: with the least radii that the hypotheses allow, runs gain 2.5 times the"
        " guaranteed amount and more, and the successes grow with the square of the gap (p = 1)"
        " or its power 4/3 (p = 1/2); with wide radii a few successes suffice. Whether the"
        " exponential of p = 1 is ever attained is open here; it is what the guaranteed decreases"
        " allow. Only the bound on the least radius is attained, at the first step. k counts the"
        " successes at points with ||g|| >= eps_g; rejections between them are finitely many."
    ),
    mutants={
        "a matrix that does not grow": _variant("successes", _constant_matrix),
        "quadratic in the gap for p = 1 too": _variant("successes", _quadratic),
        "c without eps": _variant("successes", _without_eps),
        "radius without the growth of S": _variant(
            "radius",
            lambda power, total, eps_g, eps, bound, beta, eta, shrink: (
                safe_radius(power, eps, eps_g, eps, beta, eta) / shrink
            ),
        ),
        "radius five per cent larger": _variant(
            "radius", lambda *rest: 21 * termination("radius", *rest) / 20
        ),
        "decrease without the growth of S": _variant(
            "decrease",
            lambda power, total, eps_g, eps, bound, beta, eta, shrink: guaranteed_decrease(
                power, eps, eps_g, eps, beta, eta, shrink
            ),
        ),
        "decrease of every p as of p = 0": _variant(
            "decrease",
            lambda power, total, eps_g, eps, bound, beta, eta, shrink: guaranteed_decrease(
                0, total, eps_g, eps, beta, eta, shrink
            ),
        ),
    },
)
