"""Exact runs that come as close to the bounds on radius and iterations as one likes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from proofs_check.engine import Transcript
from theory.optimizers.trust_region.bounds import permitted_errors, success_thresholds
from theory.optimizers.trust_region.radius import RadiusRule

F = Fraction
SADDLES = 10_000
_TOO_LONG = 20
_CURVATURE_MARGIN, _RADIUS_MARGIN = F(1, 10**9), F(1, 10**8)
_SCOPE = "one run, exact rationals"


@dataclass(frozen=True)
class ExactRun:
    """Constants of the bound, radii, and counts.

    Attributes
    ----------
    constants : dict
        Arguments of `iteration_bound`, exact.
    radii : tuple of Fraction
    successes : int
    """

    constants: dict[str, Any]
    radii: tuple[Fraction, ...]
    successes: int


@functools.cache
def staircase() -> ExactRun:
    r"""Successive saddles: mu = 5/4, nu = 3/4, eta = 1/5, in 10,002 dimensions.

    ``L(w) = sum_i phi_i(w_i)``, ``phi_i(x) = -h_i x^2/2 + L_H |x|^3/6``, from 0. Reported
    curvatures ``-h_i - delta_H``: ``-eps_H`` along e_0, ``-nu eps_H`` along the eigenpoint's
    direction e_1, both short axes of A (``A_ii = mu^2``), and ``-nu eps_H/mu^4`` along all others,
    long axes (``A_ii = 1/mu^2``). The step of length ``mu Delta`` along a fresh long axis decreases
    the model as much as the eigenpoint.
    """
    c = _staircase_constants()
    bend = c["nu"] * c["eps_H"] * (1 + _CURVATURE_MARGIN) / c["mu"] ** 4
    h, rule = bend - c["delta_H"], RadiusRule(c["eta"], F(9, 10), c["gamma_inc"], c["gamma_dec"],
                                              10**6)  # fmt: skip
    radius, radii, successes = c["delta0"], [], 0
    while successes < SADDLES:
        radii.append(radius)
        length = c["mu"] * radius
        rho = (h * length**2 / 2 - c["L_H"] * length**3 / 6) / (bend * length**2 / 2)
        successes += rule.accepts(rho)
        radius = rule.next_radius(radius, rho)
    return ExactRun(c, tuple(radii), successes)


def _staircase_constants() -> dict[str, Any]:
    c: dict[str, Any] = {"mu": F(5, 4), "eta": F(1, 5), "eps_g": F(10**4), "eps_H": F(1),
                         "nu": F(3, 4), "L_H": F(1), "delta_g": F(0), "cA": F(1)}  # fmt: skip
    _, c["delta_H"] = permitted_errors(**{k: c[k] for k in ("mu", "eta", "eps_g", "eps_H", "nu")})
    larger = 1 + _CURVATURE_MARGIN
    depths = [c["eps_H"] * larger - c["delta_H"], c["nu"] * c["eps_H"] * larger - c["delta_H"]]
    step = c["nu"] * c["eps_H"] * larger / c["mu"] ** 4 - c["delta_H"]
    c["L_g"] = depths[0]
    c["gap"] = 2 * (depths[0] ** 3 + depths[1] ** 3 + SADDLES * step**3) / (3 * c["L_H"] ** 2)
    c |= {"gamma_inc": 1 + F(1, 10**5), "gamma_dec": F(201, 200)}
    DH = 3 * (1 - c["eta"]) * c["nu"] * c["eps_H"] / (2 * c["L_H"] * c["mu"] ** 5)
    c["delta0"] = DH * c["gamma_dec"] ** _TOO_LONG * (1 + _RADIUS_MARGIN)
    return c


def check_staircase(transcript: Transcript) -> dict[str, Any]:
    """The hypotheses of the bound in that run, as steps; its constants as SymPy numbers."""
    found = staircase()
    c = exact(found.constants)
    larger = 1 + sympy.Rational(_CURVATURE_MARGIN)
    bend = c["nu"] * c["eps_H"] * larger / c["mu"] ** 4
    h, radius = bend - c["delta_H"], sympy.Rational(found.radii[0])
    last = c["mu"] * sympy.Rational(min(found.radii))
    transcript.given(" ".join(str(staircase.__doc__).split()))
    transcript.given("|x|^3/6 has a 1-Lipschitz second derivative and -h x^2/2 + L_H |x|^3/6 the "
                     "minimum -2 h^3/(3 L_H^2)")  # fmt: skip
    steps = [
        ("the quality of e_1 is nu", -c["nu"] * c["eps_H"] * larger, "==",
         c["nu"] * (-c["eps_H"] * larger)),
        ("lam_min(B) is below -eps_H", -c["eps_H"] * larger, "<", -c["eps_H"]),
        ("the step and the eigenpoint decrease the model equally", bend * (c["mu"] * radius) ** 2,
         "==", c["nu"] * c["eps_H"] * larger * (radius / c["mu"]) ** 2),
        ("the gradient stays at most eps_g", SADDLES * (h * last - c["L_H"] * last**2 / 2), "<=",
         c["eps_g"]),
        ("the Hessian stays at most L_g", c["L_H"] * last - h, "<=", c["L_g"]),
        ("its error is at most the permitted one", c["delta_H"], "<=",
         (1 - c["eta"]) * c["nu"] * c["eps_H"] / (2 * c["mu"] ** 4)),
        ("every saddle is left by one step", sympy.Integer(found.successes), "==",
         sympy.Integer(SADDLES)),
    ]  # fmt: skip
    for name, lhs, relation, rhs in steps:
        transcript.exact(name, lhs, relation, rhs, scope=_SCOPE)
    return c


def exact(values: dict[str, Any]) -> dict[str, Any]:
    """SymPy rationals of Fractions."""
    return {name: sympy.Rational(value) for name, value in values.items()}


def rejected_gradient_step(transcript: Transcript) -> tuple[dict[str, Any], list[Any]]:
    r"""One rejected step at a radius just above D_g = 1, where its three terms are equal.

    mu = 2, d = 2, ``A = diag(mu^2, 1/mu^2)``; reported ``g = (eps_g (1+t), 0)`` and
    ``B = diag(k, -b)``, ``k = L_g + delta_H``; the step ``(0, mu Delta)`` decreases the model as
    much as the Cauchy point, which is inside. True gradient ``g + (0, delta_g)``, true Hessian
    ``B + delta_H diag(-1, 1)``, and third derivative L_H along the second axis.
    """
    R = sympy.Rational
    mu, eta, eps = R(2), R(1, 5), R(1)
    c = {"mu": mu, "eta": eta, "eps_g": eps, "eps_H": R(1000), "nu": R(1), "L_g": R(79, 40),
         "L_H": R(3, 80), "delta_g": R(1, 20), "delta_H": R(1, 40), "cA": R(1)}  # fmt: skip
    Dg, DH = success_thresholds(**c)
    t, radius = R(1, 10**4), 1 + R(1, 10**3)
    k, length, size = c["L_g"] + c["delta_H"], mu * radius, eps * (1 + t)
    predicted = size**2 / (2 * k)
    b = 2 * predicted / length**2
    excess = c["delta_g"] * length + c["delta_H"] * length**2 / 2 + c["L_H"] * length**3 / 6
    transcript.given(" ".join(str(rejected_gradient_step.__doc__).split()))
    steps = [
        ("D_g = 1", Dg, "==", 1), ("D_H is not smaller", DH, ">=", 1),
        ("all three terms are equal: the second", (1 - eta) * eps / (4 * c["delta_H"] * mu**3),
         "==", 1),
        ("the third, squared", 3 * (1 - eta) * eps / (4 * c["L_H"] * mu**4), "==", 1),
        ("the first", mu * eps / k, "==", 1),
        ("the Cauchy point is inside", size / k, "<", radius / mu),
        ("the Hessian is at most L_g", b - c["delta_H"], "<=", c["L_g"]),
        ("rho < eta, although the radius exceeds D_g by 1/1000 only", (predicted - excess)
         / predicted, "<", eta),
    ]  # fmt: skip
    for name, lhs, relation, rhs in steps:
        transcript.exact(name, lhs, relation, rhs, scope=_SCOPE)
    return c | {"delta0": radius, "gamma_dec": R(2)}, [radius, radius / 2]
