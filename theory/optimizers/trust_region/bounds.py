r"""Radii at which a step must succeed, and the iteration bound that follows, constants explicit.

Kohler, Adolphs, Lucchi (2019), Lemmas 8 to 11 and Theorem 1; the constants are derived here. The
norms are uniformly equivalent, :math:`\|w\|_{A_t}/\mu \le \|w\| \le \mu\|w\|_{A_t}`; the reported
gradient and Hessian are off by at most delta_g and delta_H; L_g bounds the norm of the Hessian and
L_H its Lipschitz constant. While :math:`\|g\| > \epsilon_g` the step decreases the model at least
as much as the Cauchy point; else g is dropped, the step decreases the model at least as much as an
eigenpoint of quality nu, and the iteration fails only if both signs of the step do. The safeguarded
method also asks for a predicted decrease of at least :math:`\|g\|\|s\|/2`, or
:math:`\nu\epsilon_H\|s\|^2/2`.

Lengths (radii) have the unit of the iterates, eps_g and delta_g that of the gradient, L_g, eps_H
and delta_H that of the Hessian. Formulas take floats, exact numbers, balls and SymPy expressions;
the public functions check their arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from theory.arrays import minimum, square_root

__all__ = [
    "iteration_bound", "logarithm", "minimal_radius", "model_decrease_bound", "permitted_errors",
    "safeguarded_thresholds", "success_bound", "success_thresholds",
]  # fmt: skip


def permitted_errors(
    *, mu: Any, eta: Any, eps_g: Any, eps_H: Any, nu: Any, safeguarded: bool = False
) -> tuple[Any, Any]:
    r"""The largest errors of the gradient and of the Hessian that the bounds permit.

    :math:`\delta_g = (1-\eta)\epsilon_g/(4\mu^2)` and
    :math:`\delta_H = (1-\eta)\nu\epsilon_H/(2\mu^4)`; without the powers of mu for the safeguarded
    method.

    Returns
    -------
    (delta_g, delta_H)

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    _check(mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu)
    power_g, power_H = (0, 0) if safeguarded else (2, 4)
    return (1 - eta) * eps_g / (4 * mu**power_g), (1 - eta) * nu * eps_H / (2 * mu**power_H)


def success_thresholds(
    *, mu: Any, eta: Any, eps_g: Any, eps_H: Any, nu: Any, L_g: Any, L_H: Any, delta_g: Any,
    delta_H: Any, cA: Any = 1.0,
) -> tuple[Any, Any]:  # fmt: skip
    r"""Radii up to which every step succeeds (Lemma 8; Lemma 9 with both signs tried).

    .. math::

        D_g = \min\Big\{\frac{\mu c_A\epsilon_g}{L_g+\delta_H},
              \frac{(1-\eta)\epsilon_g}{4\delta_H\mu^3},
              \sqrt{\frac{3(1-\eta)\epsilon_g}{4L_H\mu^4}}\Big\},\qquad
        D_H = \frac{3(1-\eta)\nu\epsilon_H}{2L_H\mu^5}.

    Parameters
    ----------
    mu : number >= 1
        Constant of uniform equivalence.
    eta : number in (0, 1)
        Threshold of acceptance.
    eps_g, eps_H : number > 0
        Tolerances of the gradient and of the curvature.
    nu : number in (0, 1]
        Quality of the direction of negative curvature.
    L_g, L_H : number >= 0
        Bound on the Hessian's norm, Lipschitz constant of the Hessian.
    delta_g, delta_H : number >= 0
        Errors of the gradient and of the Hessian, at most `permitted_errors`.
    cA : number in (0, 1]
        Share of the Cauchy decrease's first term that the solver guarantees.

    Returns
    -------
    (D_g, D_H)
        Infinite where nothing limits the radius.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    _check(mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu, L_g=L_g, L_H=L_H, cA=cA)
    errors = permitted_errors(mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu)
    _check_errors(delta_g, delta_H, errors)
    slack = (1 - eta) * eps_g / 4
    limits = (
        _quotient(mu * cA * eps_g, L_g + delta_H),
        _quotient(slack, delta_H * mu**3),
        _root(_quotient(3 * slack, L_H * mu**4)),
    )
    return _least(limits), _quotient(3 * (1 - eta) * nu * eps_H, 2 * L_H * mu**5)


def safeguarded_thresholds(
    *, mu: Any, eta: Any, eps_g: Any, eps_H: Any, nu: Any, L_g: Any, L_H: Any, delta_g: Any,
    delta_H: Any,
) -> tuple[Any, Any]:  # fmt: skip
    r"""Radii up to which every step of the safeguarded method succeeds.

    .. math::

        D_g = \min\Big\{\frac{\mu\epsilon_g}{L_g+\delta_H},
              \frac{(1-\eta)\epsilon_g}{4\delta_H\mu},
              \sqrt{\frac{3(1-\eta)\epsilon_g}{4L_H\mu^2}}\Big\},\qquad
        D_H = \frac{3(1-\eta)\nu\epsilon_H}{2L_H\mu}.

    Parameters, returned values and errors as in `success_thresholds`.
    """
    _check(mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu, L_g=L_g, L_H=L_H)
    errors = permitted_errors(mu=mu, eta=eta, eps_g=eps_g, eps_H=eps_H, nu=nu, safeguarded=True)
    _check_errors(delta_g, delta_H, errors)
    slack = (1 - eta) * eps_g / 4
    limits = (
        _quotient(mu * eps_g, L_g + delta_H),
        _quotient(slack, delta_H * mu),
        _root(_quotient(3 * slack, L_H * mu**2)),
    )
    return _least(limits), _quotient(3 * (1 - eta) * nu * eps_H, 2 * L_H * mu)


def minimal_radius(Dg: Any, DH: Any, *, delta0: Any, gamma_dec: Any, max_radius: Any = None) -> Any:
    r"""Lemma 10: no radius is below
    :math:`\min\{\Delta_0, \Delta_{\max}, D_g/\gamma_{dec}, D_H/\gamma_{dec}\}`.

    `max_radius` is left out where None. Raises ValueError if an argument is out of range.
    """  # noqa: D205
    _check(Dg=Dg, DH=DH, delta0=delta0, gamma_dec=gamma_dec)
    limits = [delta0]
    if max_radius is not None:
        _check(max_radius=max_radius)
        limits.append(max_radius)
    limits += [threshold / gamma_dec for threshold in (Dg, DH)]
    return _least(limits)


def model_decrease_bound(radius: Any, *, mu: Any, eps_g: Any, eps_H: Any, nu: Any) -> Any:
    r"""The least predicted decrease of an iteration whose radius is at least `radius`.

    :math:`\min\{\epsilon_g\Delta/(2\mu), \nu\epsilon_H\Delta^2/(2\mu^2)\}`, for a radius up to
    ``mu cA eps_g/(L_g + delta_H)``. Raises ValueError if an argument is out of range.
    """
    _check(radius=radius, mu=mu, eps_g=eps_g, eps_H=eps_H, nu=nu)
    return minimum(eps_g * radius / (2 * mu), nu * eps_H * radius**2 / (2 * mu**2))


def success_bound(
    radius: Any, *, gap: Any, eta: Any, mu: Any, eps_g: Any, eps_H: Any, nu: Any
) -> Any:
    r"""Lemma 11: at most :math:`S = (L_0 - L^*)/(\eta\,\mathrm{Dec})` successful iterations.

    Parameters
    ----------
    radius : number > 0
        `minimal_radius`; Dec is `model_decrease_bound` there.
    gap : number >= 0
        :math:`L_0 - L^*`, or an upper bound.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    _check(gap=gap, eta=eta)
    return gap / (eta * model_decrease_bound(radius, mu=mu, eps_g=eps_g, eps_H=eps_H, nu=nu))


def iteration_bound(
    *, mu: Any, eta: Any, eps_g: Any, eps_H: Any, nu: Any, L_g: Any, L_H: Any, delta_g: Any,
    delta_H: Any, gap: Any, delta0: Any, gamma_inc: Any, gamma_dec: Any, cA: Any = 1.0,
    max_radius: Any = None, safeguarded: bool = False,
) -> Any:  # fmt: skip
    r"""Theorem 1: the number of iterations before both tests of optimality are met is at most T.

    .. math::

        T = S\Big(1 + \frac{\ln\gamma_{inc}}{\ln\gamma_{dec}}\Big)
            + \frac{\ln(\Delta_0/D_{\min})}{\ln\gamma_{dec}}
          = O(\max\{\epsilon_g^{-2}\epsilon_H^{-1}, \epsilon_H^{-3}\}),

    S from `success_bound`, D_min from `minimal_radius`. The last rate hides a factor
    :math:`\mu^{12}`, and :math:`\mu^4` for the safeguarded method.

    Parameters
    ----------
    delta0 : number > 0
        Initial radius.
    gamma_inc, gamma_dec : number > 1
        Factors of the radius.
    safeguarded : bool
        Whether the method is the safeguarded one (then cA is not used).
    others
        As in `success_thresholds`, `success_bound` and `minimal_radius`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    _check(gamma_inc=gamma_inc, gamma_dec=gamma_dec)
    given = {"mu": mu, "eta": eta, "eps_g": eps_g, "eps_H": eps_H, "nu": nu, "L_g": L_g,
             "L_H": L_H, "delta_g": delta_g, "delta_H": delta_H}  # fmt: skip
    Dg, DH = safeguarded_thresholds(**given) if safeguarded else success_thresholds(**given, cA=cA)
    least = minimal_radius(Dg, DH, delta0=delta0, gamma_dec=gamma_dec, max_radius=max_radius)
    successes = success_bound(least, gap=gap, eta=eta, mu=mu, eps_g=eps_g, eps_H=eps_H, nu=nu)
    growth = logarithm(gamma_inc) / logarithm(gamma_dec)
    return successes * (1 + growth) + logarithm(delta0 / least) / logarithm(gamma_dec)


def logarithm(x: Any) -> Any:
    """The natural logarithm of a number > 0: float, ball, rational (as a float), or symbol."""
    if hasattr(x, "free_symbols"):
        import sympy

        return sympy.log(x)
    return x.log() if hasattr(x, "log") else math.log(x)


def _quotient(numerator: Any, denominator: Any) -> Any:
    return math.inf if denominator == 0 else numerator / denominator


def _least(limits: Sequence[Any]) -> Any:
    """The least limit; exact numbers do not compare with a float infinity, which is no limit."""
    finite = [limit for limit in limits if not _infinite(limit)]
    return reduce(minimum, finite) if finite else math.inf


def _root(x: Any) -> Any:
    return x if _infinite(x) else square_root(x)


def _infinite(x: Any) -> bool:
    return isinstance(x, float) and math.isinf(x)


_POSITIVE = (lambda x: x > 0, "> 0")
_NONNEGATIVE = (lambda x: x >= 0, ">= 0")
_SHARE = (lambda x: (x > 0) & (x <= 1), "in (0, 1]")
_FACTOR = (lambda x: x > 1, "> 1")
_RANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "mu": (lambda x: x >= 1, ">= 1"), "eta": (lambda x: (x > 0) & (x < 1), "in (0, 1)"),
    "eps_g": _POSITIVE, "eps_H": _POSITIVE, "nu": _SHARE, "cA": _SHARE, "L_g": _NONNEGATIVE,
    "L_H": _NONNEGATIVE, "gap": _NONNEGATIVE, "delta0": _POSITIVE, "max_radius": _POSITIVE,
    "radius": _POSITIVE, "gamma_inc": _FACTOR, "gamma_dec": _FACTOR, "Dg": _POSITIVE,
    "DH": _POSITIVE,
}  # fmt: skip
_MAY_BE_INFINITE = ("Dg", "DH", "max_radius")


def _check(**arguments: Any) -> None:
    """Refuse a number out of its range, NaN included; a symbol is taken as it is."""
    for name, value in arguments.items():
        if hasattr(value, "free_symbols"):
            continue
        inside, allowed = _RANGES[name]
        if not inside(value) or (_infinite(value) and name not in _MAY_BE_INFINITE):
            raise ValueError(f"{name} is {value}; it must be {allowed}")


def _check_errors(delta_g: Any, delta_H: Any, permitted: tuple[Any, Any]) -> None:
    for name, value, largest in zip(
        ("delta_g", "delta_H"), (delta_g, delta_H), permitted, strict=True
    ):
        symbolic = hasattr(value, "free_symbols") or hasattr(largest, "free_symbols")
        if not symbolic and not (value >= 0 and value <= largest):
            raise ValueError(f"{name} is {value}; it must be in [0, {largest}], the largest error "
                             "that the bound permits")  # fmt: skip
