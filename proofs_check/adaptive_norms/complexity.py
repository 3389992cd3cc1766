"""Proofs of the bounds on radius and successes; exact runs that come close to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from proofs_check.adaptive_norms.extremal_runs import (
    check_staircase,
    rejected_gradient_step,
    staircase,
)
from proofs_check.engine import Transcript, certificate, proof
from theory.adaptive_norms.complexity import lemma_10, lemma_11
from theory.core import Statement
from theory.optimizers.trust_region.bounds import success_thresholds

MU, EPS_G, EPS_H, NU, Q, CA = sympy.symbols("mu eps_g eps_H nu q c_A", positive=True)
RADIUS, LENGTH, SMALLER = sympy.symbols("Delta ||s|| m", positive=True)
ABOVE = sympy.symbols("a0:4", nonnegative=True)
X, Y, Z, SPARE = sympy.symbols("x y z r", nonnegative=True)
ETA = 1 - Q
ALL = "all mu >= 1, eta, nu, eps, L_g, L_H, permitted errors"


def assumptions(transcript: Transcript) -> None:
    """What every bound assumes of an iteration, and the lemmas that it uses."""
    transcript.given("q = 1 - eta; the hypotheses of the statement, in every iteration")
    transcript.cited(
        "Lemma 5", "Lemma 5 (claim adaptive-norms/lemma-5)", "predicted decrease >= "
        "1/2 ||g|| min{c_A ||g||/(L_g + delta_H), Delta/mu}", scope="gradient phase",
    )  # fmt: skip
    transcript.cited("Lemma 6", "Lemma 6 (claim adaptive-norms/lemma-6)", "predicted decrease >= "
                     "1/2 nu eps_H Delta^2/mu^2", scope="curvature phase")  # fmt: skip
    transcript.cited("Lemma 7", "Lemma 7 (claim adaptive-norms/lemma-7)", "|L(w+s) - m(s)| <= "
                     "delta_g ||s|| + delta_H/2 ||s||^2 + L_H/6 ||s||^3; of the better sign of s "
                     "without the first term", scope="every step")  # fmt: skip


def short_steps_succeed(transcript: Transcript, safeguarded: bool) -> None:
    """Record that the error is at most (1 - eta) times the prediction for Delta <= D_g, D_H."""
    # The predicted decrease is at least eps_g part/2, nu eps_H part^2/2; part = length/reach.
    # The thresholds are (1 + x), (1 + y) times the radius; the errors 1/(1 + z) of the largest.
    reach = 1 if safeguarded else MU**2
    length = LENGTH if safeguarded else MU * RADIUS
    part = length / reach
    beyond = {"second": part * reach * (1 + X), "third": part * reach * (1 + Y)}
    delta_H = Q * EPS_G / (4 * reach * beyond["second"])
    lipschitz = 3 * Q * EPS_G / (4 * reach * beyond["third"] ** 2)
    share = 1 / (1 + Z)
    delta_g = Q * EPS_G / (4 * reach) * share
    error = delta_g * length + delta_H * length**2 / 2 + lipschitz * length**3 / 6
    predicted = EPS_G * part / 2
    scale = Q * EPS_G * part / 8
    transcript.nonnegative(
        "gradient phase: rho >= eta for Delta <= D_g", Q * predicted - error,
        [2 * scale * Z / (1 + Z), scale * X / (1 + X), scale * (2 * Y + Y**2) / (1 + Y) ** 2],
        scope=ALL, because="Lemma 7, ||s|| <= mu Delta; x, y, z are what the margins leave",
    )  # fmt: skip
    curvature = Q * NU * EPS_H / (2 * reach**2) * share
    third = 3 * Q * NU * EPS_H / (2 * reach**2 * length * (1 + X))
    error = curvature * length**2 / 2 + third * length**3 / 6
    predicted = NU * EPS_H * part**2 / 2
    scale = Q * NU * EPS_H * part**2 / 4
    transcript.nonnegative(
        "curvature phase: rho >= eta for Delta <= D_H", Q * predicted - error,
        [scale * Z / (1 + Z), scale * X / (1 + X)],
        scope=ALL, because="g is dropped, and the better sign has no first-order error",
    )  # fmt: skip


# ---- Lemma 10


@proof(lemma_10, scope=ALL)
def radius_by_induction(statement: Statement, transcript: Transcript) -> None:
    """Short steps succeed, hence a rejected radius is above its threshold; induction on t."""
    assumptions(transcript)
    short_steps_succeed(transcript, safeguarded=False)
    gamma = sympy.Symbol("gamma_dec", positive=True)
    transcript.identity(
        "four parameters are free: thresholds c1, c2, c3 and c4", *_free_thresholds(),
        scope="all c1, ..., c4 > 0", because="L_g, delta_H, L_H and eps_H solve for them",
    )  # fmt: skip
    names = ("Delta_0", "Delta_max", "D_g/gamma_dec", "D_H/gamma_dec")
    for smallest, name in enumerate(names):
        over = [above if k != smallest else sympy.Integer(0) for k, above in enumerate(ABOVE)]
        values = [SMALLER + above for above in over]
        events = {"start": (values[0], [over[0]]), "capped": (values[1], [over[1]]),
                  "kept or enlarged": ((SMALLER + SPARE) * (1 + X),
                                       [SPARE * (1 + X), SMALLER * X])}  # fmt: skip
        for k, phase in ((2, "gradient"), (3, "curvature")):
            events[f"rejected in the {phase} phase"] = (
                values[k] * (1 + X), [over[k] * (1 + X), SMALLER * X]
            )  # fmt: skip
        c = sympy.symbols("c1:4", positive=True)
        constants = _with_thresholds([*c, gamma * values[3]]) | {
            "delta0": values[0], "max_radius": values[1], "gamma_dec": gamma,
        }  # fmt: skip
        for event, (radius, terms) in events.items():
            lhs, rhs = statement.formula(radii=np.array([radius], dtype=object), **constants)
            # What holds for every number D_g > 0 holds for the minimum of c1, c2, c3.
            lhs = lhs.xreplace({sympy.Min(*c): gamma * values[2]})
            transcript.nonnegative(
                f"D_min = {name}; {event}", rhs - lhs, terms, scope=ALL,
                because="the radius before was at least D_min; a rejected one was above D_g or D_H",
                concludes=True,
            )  # fmt: skip


def _with_thresholds(thresholds: Sequence[Any]) -> dict[str, Any]:
    """Constants whose thresholds are c1, c2, c3 (terms of D_g) and c4 = D_H."""
    c1, c2, c3, c4 = thresholds
    delta_H, L_H = Q * EPS_G / (4 * c2 * MU**3), 3 * Q * EPS_G / (4 * MU**4 * c3**2)
    return {"mu": MU, "eta": ETA, "eps_g": EPS_G, "nu": NU, "cA": CA, "L_H": L_H, "delta_g": 0,
            "delta_H": delta_H, "L_g": MU * CA * EPS_G / c1 - delta_H,
            "eps_H": 2 * L_H * MU**5 * c4 / (3 * Q * NU)}  # fmt: skip


def _free_thresholds() -> tuple[list[Any], list[Any]]:
    c = sympy.symbols("c1:5", positive=True)
    Dg, DH = success_thresholds(**_with_thresholds(c))
    return [Dg, DH], [sympy.Min(*c[:3]), c[3]]


@certificate(lemma_10, scope="mu = 5/4, nu = 3/4: D_H within 1e-8")
def radius_on_the_staircase(statement: Statement, transcript: Transcript) -> None:
    """A run of 10,000 saddles whose smallest radius is D_min, up to 1e-8."""
    constants = check_staircase(transcript)
    own = {name: value for name, value in constants.items() if name not in ("gap", "gamma_inc")}
    radius = sympy.Rational(min(staircase().radii))
    lhs, rhs = statement.formula(radii=np.array([radius], dtype=object), **own)
    transcript.exact("no radius is below D_min", lhs, "<=", rhs, scope="this run", concludes=True)
    transcript.exact("D_min is attained up to 1e-8", lhs * (1 + sympy.Rational(2, 10**8)), ">", rhs,
                     scope="this run")  # fmt: skip


@certificate(lemma_10, scope="mu = 2: D_g within 1/1000")
def radius_after_a_rejected_gradient_step(statement: Statement, transcript: Transcript) -> None:
    """One rejected step just above D_g, where its three terms are equal."""
    constants, radii = rejected_gradient_step(transcript)
    lhs, rhs = statement.formula(radii=np.array(radii, dtype=object), **constants)
    transcript.exact("no radius is below D_min", lhs, "<=", rhs, scope="this run", concludes=True)


# ---- Lemma 11


@proof(lemma_11, scope=ALL)
def decreases_add_up(statement: Statement, transcript: Transcript) -> None:
    """Each success decreases L by at least eta Dec."""
    assumptions(transcript)
    transcript.cited("Lemma 10", "Lemma 10 (claim adaptive-norms/lemma-10)",
                     "Delta >= m = D_min; m <= D_g/gamma_dec <= mu c_A eps_g/(L_g + delta_H)",
                     scope="every iteration")  # fmt: skip
    m = SMALLER
    norm, radius = EPS_G * (1 + X), m * (1 + Y)
    # L_g + delta_H from m (1 + z) = mu c_A eps_g/(L_g + delta_H).
    k = MU * CA * EPS_G / (m * (1 + Z))
    least, scale = EPS_G * m / (2 * MU), EPS_G * m / (2 * MU)
    transcript.nonnegative(
        "gradient phase, first entry of the minimum", norm * CA * norm / k / 2 - least,
        [scale * (Z + (2 * X + X**2) * (1 + Z))], scope=ALL, because="||g|| > eps_g",
    )  # fmt: skip
    transcript.nonnegative(
        "gradient phase, second entry", norm * radius / MU / 2 - least,
        [scale * (X + Y + X * Y)], scope=ALL, because="||g|| > eps_g, Delta >= m",
    )  # fmt: skip
    transcript.nonnegative(
        "curvature phase", NU * EPS_H * radius**2 / (2 * MU**2) - NU * EPS_H * m**2 / (2 * MU**2),
        [NU * EPS_H * m**2 / (2 * MU**2) * (2 * Y + Y**2)], scope=ALL, because="Delta >= m",
    )  # fmt: skip
    count, dec, eta = sympy.symbols("n Dec eta", positive=True)
    for name, over_g, over_H in (("gradient", 0, X), ("curvature", X, 0)):
        lhs, rhs = statement.formula(
            successes=count, radius=m, gap=eta * count * dec + SPARE, eta=eta, mu=MU, nu=NU,
            eps_g=2 * MU * (dec + over_g) / m, eps_H=2 * MU**2 * (dec + over_H) / (NU * m**2),
        )  # fmt: skip
        transcript.nonnegative(
            f"n successes, the {name} phase has the smaller decrease", rhs - lhs,
            [SPARE / (eta * dec)], scope=ALL, concludes=True,
            because="L_0 - L* >= sum of rho times predicted decrease >= n eta Dec",
        )  # fmt: skip


@certificate(lemma_11, scope="mu = 5/4, nu = 3/4, eta = 1/5")
def successes_on_the_staircase(statement: Statement, transcript: Transcript) -> None:
    """A run of 10,000 successes; S is 2.5 per cent more."""
    c = check_staircase(transcript)
    least = sympy.Rational(min(staircase().radii)) / (1 + sympy.Rational(1, 10**8))
    thresholds = success_thresholds(**{name: value for name, value in c.items()
                                       if name in _OF_THRESHOLDS})  # fmt: skip
    for name, threshold in zip(("g", "H"), thresholds, strict=True):
        transcript.exact(f"D_min <= D_{name}/gamma_dec", least, "<=", threshold / c["gamma_dec"],
                         scope="this run")  # fmt: skip
    own = {name: c[name] for name in ("mu", "eta", "eps_g", "eps_H", "nu", "gap")}
    count = sympy.Integer(staircase().successes)
    lhs, rhs = statement.formula(successes=count, radius=least, **own)
    transcript.exact("at most S successes", lhs, "<=", rhs, scope="this run", concludes=True)
    transcript.exact("S exceeds their number by less than 3 per cent", rhs, "<",
                     lhs * sympy.Rational(103, 100), scope="this run")  # fmt: skip


_OF_THRESHOLDS = ("mu", "eta", "eps_g", "eps_H", "nu", "L_g", "L_H", "delta_g", "delta_H", "cA")
