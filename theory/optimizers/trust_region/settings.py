"""The options of the trust-region method, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.gltr import gltr
from theory.optimizers.trust_region.model import SubproblemStep
from theory.optimizers.trust_region.radius import RadiusRule
from theory.optimizers.trust_region.steihaug import steihaug_toint
from theory.optimizers.trust_region.subproblem import cauchy_point

__all__ = ["SOLVERS", "Settings", "Solver"]

# (hvp, gradient, radius, *, ellipsoid, tol, max_iter) -> SubproblemStep
Solver = Callable[..., SubproblemStep]


def _gltr(hvp: Any, gradient: Any, radius: float, **options: Any) -> SubproblemStep:
    # Curvature that the gradient does not see is the second-order phase's business.
    return gltr(hvp, gradient, radius, verify=False, **options)


def _cauchy(
    hvp: Any, gradient: Any, radius: float, *, ellipsoid: Any, tol: float, max_iter: int
) -> SubproblemStep:
    return cauchy_point(hvp, gradient, radius, ellipsoid=ellipsoid)


SOLVERS: dict[str, Solver] = {"steihaug": steihaug_toint, "gltr": _gltr, "cauchy": _cauchy}


@dataclass(frozen=True)
class Settings:
    """Options of `minimize` under its own names; `safeguard` is the share c, 0 for none.

    Raises
    ------
    ValueError
        If one is outside its range; the message names it, its value and the range.
    """

    solver: Solver
    rule: RadiusRule
    radius: float
    krylov_tolerance: float
    theta: float
    eps_g: float
    eps_H: float | None  # noqa: N815
    nu: float
    safeguard: float
    max_iter: int

    @staticmethod
    def of(
        *, solver: Any, radius: Any, max_radius: Any, eta1: Any, eta2: Any, gamma_inc: Any,
        gamma_dec: Any, krylov_tolerance: Any, theta: Any, eps_g: Any, eps_H: Any, nu: Any,
        safeguarded: Any, max_iter: Any,
    ) -> Settings:  # fmt: skip
        """Check every option."""
        largest = checks.positive("max_radius", max_radius)
        first = number("eta1", eta1, "in (0, 1)", lambda v: 0 < v < 1)
        rule = RadiusRule(
            eta1=first,
            eta2=number("eta2", eta2, f"in [eta1, 1) = [{first:g}, 1)", lambda v: first <= v < 1),
            gamma_inc=number("gamma_inc", gamma_inc, "finite and > 1", lambda v: v > 1),
            gamma_dec=number("gamma_dec", gamma_dec, "finite and > 1", lambda v: v > 1),
            max_radius=largest,
        )
        return Settings(
            solver=_solver(solver),
            rule=rule,
            radius=number("radius", radius, f"in (0, max_radius] = (0, {largest:g}]",
                          lambda v: 0 < v <= largest),
            krylov_tolerance=number("krylov_tolerance", krylov_tolerance, "in (0, 1)",
                                    lambda v: 0 < v < 1),
            theta=number("theta", theta, "finite and >= 0", lambda v: v >= 0),
            eps_g=number("eps_g", eps_g, "finite and >= 0", lambda v: v >= 0),
            eps_H=(None if eps_H is None
                   else number("eps_H", eps_H, "finite and > 0, or None", lambda v: v > 0)),
            nu=number("nu", nu, "in (0, 1)", lambda v: 0 < v < 1),
            safeguard=_share(safeguarded),
            max_iter=whole("max_iter", max_iter),
        )  # fmt: skip


def number(name: str, value: Any, allowed: str, valid: Callable[[float], bool]) -> float:
    """`value` as a finite float that is valid; raises ValueError."""
    found = checks.scalar(name, value)
    if not (math.isfinite(found) and valid(found)):
        raise ValueError(f"{name} is {value!r}; it must be {allowed}")
    return found


def flag(name: str, value: Any) -> bool:
    """True or False; raises ValueError."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; it must be True or False")
    return bool(value)


def whole(name: str, value: Any) -> int:
    """A whole number >= 1; raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number >= 1")
    return int(value)


def function(name: str, value: Any) -> Callable[..., Any]:
    """A callable; raises ValueError."""
    if not callable(value):
        raise ValueError(f"{name} is of type {type(value).__name__}; it must be a function")
    return value  # type: ignore[no-any-return]


def _share(value: Any) -> float:
    """True is the share 1 and False none."""
    allowed = "True, False, or a share in (0, 1]"
    return float(value) if value is False else number("safeguarded", value, allowed,
                                                      lambda v: 0 < v <= 1)  # fmt: skip


def _solver(value: Any) -> Solver:
    if callable(value):
        return value  # type: ignore[no-any-return]
    if value not in SOLVERS:
        raise ValueError(f"solver is {value!r}; it must be {', '.join(map(repr, SOLVERS))}, or a "
                         "function (hvp, gradient, radius, *, ellipsoid, tol, max_iter) -> "
                         "SubproblemStep")  # fmt: skip
    return SOLVERS[value]
