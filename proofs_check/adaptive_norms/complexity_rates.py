"""Proofs of the iteration bounds, the powers of mu and eps in them, and an exact run close to T."""

from __future__ import annotations

from typing import Any

import sympy

from proofs_check.adaptive_norms.complexity import (
    ALL,
    CA,
    EPS_G,
    EPS_H,
    MU,
    NU,
    Q,
    assumptions,
    short_steps_succeed,
)
from proofs_check.adaptive_norms.extremal_runs import check_staircase, staircase
from proofs_check.engine import Transcript, certificate, proof, square
from theory.adaptive_norms.complexity import theorem_1, theorem_1_safeguarded
from theory.core import Statement
from theory.optimizers.trust_region.bounds import (
    minimal_radius,
    model_decrease_bound,
    safeguarded_thresholds,
    success_thresholds,
)

LG, LH, DELTA_H, RADIUS_0 = sympy.symbols("L_g L_H delta_H Delta_0", positive=True)
GAMMA, GAP, NORM, T, U, V = sympy.symbols("gamma gap ||g|| t u v", positive=True)
D, M = sympy.symbols("Dec D_min", positive=True)
A, B, R, X, Y = sympy.symbols("a b r x y", nonnegative=True)
ETA = sympy.Symbol("eta", positive=True)


@proof(theorem_1, scope=ALL)
def successes_and_rejections(statement: Statement, transcript: Transcript) -> None:
    """Count rejections through the radius; then the powers of mu and eps in every term."""
    assumptions(transcript)
    short_steps_succeed(transcript, safeguarded=False)
    _count(statement, transcript, safeguarded=False)
    _powers(transcript, safeguarded=False)


@proof(theorem_1_safeguarded, scope=ALL)
def safeguarded_count(statement: Statement, transcript: Transcript) -> None:
    """Cauchy point and eigenpoint pass the safeguard; short steps succeed; the same count."""
    assumptions(transcript)
    bend = (NORM**2 - R) / T
    transcript.nonnegative(
        "the Cauchy point s = -tg passes", T * NORM**2 - T**2 * bend / 2 - NORM * (T * NORM) / 2,
        [T * R / 2], scope=ALL, because="r = ||g||^2 - t g'Bg >= 0 up to the minimum along -g",
    )  # fmt: skip
    transcript.nonnegative(
        "the eigenpoint passes", (NU * EPS_H + R) * T**2 / 2 - NU * EPS_H * T**2 / 2,
        [R * T**2 / 2], scope=ALL, because="t = ||s||, u'Bu = -(nu eps_H + r) ||u||^2",
    )  # fmt: skip
    short_steps_succeed(transcript, safeguarded=True)
    _count(statement, transcript, safeguarded=True)
    _powers(transcript, safeguarded=True)
    over_g, over_H = 1 + X, 1 + Y
    transcript.nonnegative(
        "a better rate: 1/(eps_g eps_H) <= eps_g^-2 + eps_H^-3",
        over_g**2 + over_H**3 - over_g * over_H,
        [square(over_g - over_H / 2), over_H**2 * (sympy.Rational(3, 4) + Y)],
        scope="eps_g, eps_H <= 1", because="short steps succeed without the first term of D_g; "
        "left out of it, and beside D_min/mu in Dec as eps_g/(L_g + delta_H), only eps_g^-2, "
        "eps_g^(-3/2), 1/(eps_g eps_H) and eps_H^-3 are left in S",
    )  # fmt: skip


def _count(statement: Statement, transcript: Transcript, safeguarded: bool) -> None:
    """T >= successes + rejections, in logarithms: gamma_dec = e^u, gamma_inc = e^v."""
    transcript.cited("Lemmas 10 and 11", "their proofs (claims adaptive-norms/lemma-10, lemma-11),"
                     " which use of the thresholds only that shorter steps succeed and that "
                     "D_g <= mu c_A eps_g/(L_g + delta_H)", "Delta_t >= D_min; L_0 - L* >= n eta "
                     "Dec for n successes", scope="every run")  # fmt: skip
    own = {"mu": MU, "eta": ETA, "eps_g": EPS_G, "eps_H": EPS_H, "nu": NU}
    constants = own | {"L_g": LG, "L_H": LH, "delta_g": sympy.Integer(0), "delta_H": DELTA_H}
    if safeguarded:
        thresholds = safeguarded_thresholds(**constants)
    else:
        constants["cA"] = CA
        thresholds = success_thresholds(**constants)
    least = minimal_radius(*thresholds, delta0=RADIUS_0, gamma_dec=sympy.exp(U))
    decrease = model_decrease_bound(least, mu=MU, eps_g=EPS_G, eps_H=EPS_H, nu=NU)
    count = sympy.Symbol("n", integer=True, nonnegative=True)
    shrunk = sympy.log(RADIUS_0 / least)
    rejections = (count * V - A + shrunk - B) / U
    transcript.given("n successes, L_0 - L* = eta Dec (n + r); the radius grows by e^(n v - a), "
                     "a >= 0; it ends at D_min e^b, b >= 0")  # fmt: skip
    transcript.identity(
        "rejections follow from the last radius", shrunk + count * V - A - rejections * U, B,
        scope=ALL, because="ln Delta_T = ln Delta_0 + n v - a - u (number of rejections)",
    )  # fmt: skip
    bound = statement.formula(
        **constants, gap=ETA * decrease * (count + R), delta0=RADIUS_0, gamma_inc=sympy.exp(V),
        gamma_dec=sympy.exp(U),
    )  # fmt: skip
    # D_min and Dec get names: what holds for all positive numbers holds for them.
    bound = _named(bound, {decrease: D, least: M})
    rejections = _named(rejections, {least: M})
    transcript.nonnegative(
        "T is at least the number of successes and rejections", bound - (count + rejections),
        [R * (1 + V / U), A / U, B / U], scope=ALL, concludes=True,
        because="both bounds enter T with a positive factor",
    )  # fmt: skip


def _named(expression: Any, names: dict[Any, Any]) -> Any:
    """The expression with named minima; any other minimum becomes an unknown positive number."""
    for minimum, name in names.items():
        expression = expression.xreplace({minimum: name})
    others = sorted(expression.atoms(sympy.Min), key=sympy.count_ops, reverse=True)
    for k, other in enumerate(others):
        expression = expression.xreplace({other: sympy.Symbol(f"M{k}", positive=True)})
    return expression


def _powers(transcript: Transcript, safeguarded: bool) -> None:
    """1/Dec with D_min = D/gamma_dec for every D, at delta_H as large as permitted."""
    terms = _thresholds(safeguarded)
    # Powers of (mu, eps_g, eps_H) in S for (gradient phase, curvature phase).
    powers: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
        "first term of D_g": ((0, 2, 0), (0, 2, 1)),
        "second term of D_g": ((0, 2, -1), (0, 2, -1)),
        "third term of D_g": ((3, sympy.Rational(3, 2), 0), (6, 1, 1)),
        "D_H": ((6, 1, 1), (12, 0, 3)),
    }
    if safeguarded:
        powers = {
            "first term of D_g": ((0, 2, 0), (0, 2, 1)),
            "second term of D_g": ((2, 2, -1), (4, 2, -1)),
            "third term of D_g": ((2, sympy.Rational(3, 2), 0), (4, 1, 1)),
            "D_H": ((2, 1, 1), (4, 0, 3)),
        }
    for name, (gradient, curvature) in powers.items():
        radius = terms[name] / GAMMA
        found = [GAP / (ETA * EPS_G * radius / (2 * MU)),
                 GAP / (ETA * NU * EPS_H * radius**2 / (2 * MU**2))]  # fmt: skip
        expected = []
        for value, (of_mu, of_g, of_H) in zip(found, (gradient, curvature), strict=True):
            constant = value.subs({MU: 1, EPS_G: 1, EPS_H: 1})
            expected.append(constant * MU**of_mu / EPS_G**of_g / EPS_H**of_H)
        transcript.identity(
            f"S where D_min is the {name} over gamma_dec: powers of mu, eps_g, eps_H",
            found, expected, scope=ALL, because="delta_H = (1 - eta) nu eps_H/2 over the power of "
            "mu that is permitted; both phases",
        )  # fmt: skip
    _rate(transcript)
    hidden = 4 if safeguarded else 12
    transcript.identity(
        f"the hidden power: mu^{hidden} on eps_H^-3",
        2 * MU**2 * GAP / (ETA * NU * EPS_H * (terms["D_H"] / GAMMA) ** 2),
        8 * GAMMA**2 * LH**2 * GAP * MU**hidden / (9 * ETA * Q**2 * NU**3 * EPS_H**3),
        scope="where D_H is the smallest and the curvature phase decreases less",
    )  # fmt: skip
    if not safeguarded:
        kantorovich = 4 * MU**4 / (1 + MU**4) ** 2
        transcript.identity(
            "mu^8 on eps_g^-2 eps_H^-1 with c_A = 4 kappa/(1 + kappa)^2, kappa = mu^4",
            2 * MU**2 / (NU * EPS_H * (MU * kantorovich * EPS_G / (LG * GAMMA)) ** 2),
            GAMMA**2 * LG**2 * MU**8 * (1 + MU**-4) ** 4 / (8 * NU * EPS_H * EPS_G**2),
            scope="where the first term of D_g is the smallest", because="L_g for L_g + delta_H",
        )  # fmt: skip


def _thresholds(safeguarded: bool) -> dict[str, Any]:
    """Every D, alone: L_g + delta_H -> k, and delta_H as large as permitted in the second term."""
    of_mu = (1, 2, 1) if safeguarded else (3, 4, 5)
    largest = Q * NU * EPS_H / (2 * MU ** (0 if safeguarded else 4))
    return {
        "first term of D_g": MU * EPS_G / LG,
        "second term of D_g": Q * EPS_G / (4 * largest * MU ** of_mu[0]),
        "third term of D_g": sympy.sqrt(3 * Q * EPS_G / (4 * LH * MU ** of_mu[1])),
        "D_H": 3 * Q * NU * EPS_H / (2 * LH * MU ** of_mu[2]),
    }


def _rate(transcript: Transcript) -> None:
    """Every power of eps above is at most the larger of the two of the rate."""
    # 1/eps_g = (1 + x)^2 and 1/eps_H = 1 + y, both at least 1.
    over_g, over_H = 1 + X, 1 + Y
    for of_root, of_H in ((4, 0), (3, 0), (2, 1)):
        transcript.nonnegative(
            f"eps_g^-2 eps_H^-1 >= eps_g^-{sympy.Rational(of_root, 2)} eps_H^-{of_H}",
            over_g**4 * over_H - over_g**of_root * over_H**of_H,
            [sympy.expand(over_g**4 * over_H - over_g**of_root * over_H**of_H)],
            scope="eps_g, eps_H <= 1", because="1/eps_g = (1 + x)^2, 1/eps_H = 1 + y",
        )  # fmt: skip


@certificate(theorem_1, scope="mu = 5/4, nu = 3/4, eta = 1/5")
def iterations_on_the_staircase(statement: Statement, transcript: Transcript) -> None:
    """A run of 10,021 iterations; T is 2.7 per cent more."""
    constants = check_staircase(transcript)
    count = sympy.Integer(len(staircase().radii))
    bound = statement.formula(**constants)
    transcript.exact("at most T iterations", count, "<=", bound, scope="this run", concludes=True)
    transcript.exact("T is below 10290.42, 2.7 per cent more", bound, "<",
                     sympy.Rational(1029042, 100), scope="this run")  # fmt: skip
