"""Proof: trust-region steps in Adagrad's ellipsoids gain enough in sum, so that the method ends."""

from __future__ import annotations

from typing import Any

import sympy

from proofs_check.adaptive_norms.histories import History
from proofs_check.engine import Transcript, algebra, hypothesis, proof, square
from theory.adaptive_norms.adagrad_termination import (
    adagrad_trust_region_terminates,
    safe_radius,
    total_guaranteed,
)
from theory.adaptive_norms.preconditioners import adagrad_form
from theory.core import Statement

EPS, EPS_G, BOUND, BETA, GAMMA, TOTAL = sympy.symbols("eps eps_g G beta gamma S", positive=True)
ETA, POWER, RADIUS = sympy.symbols("eta p Delta", positive=True)
REMAINS = sympy.Symbol("q", positive=True)  # 1 - p, where p < 1
COUNT = sympy.Symbol("k", integer=True, nonnegative=True)
SURPLUS, MORE = sympy.symbols("j h", nonnegative=True)
LOW, HIGH = EPS**POWER, TOTAL**POWER  # bounds of the eigenvalues of A^p
ALL = "all d, all p in (0, 1]"
CONSTANTS = {"eps_g": EPS_G, "eps": EPS, "bound": BOUND, "beta": BETA, "eta": ETA, "shrink": GAMMA}
REST = hypothesis(1 - ETA, "eta < 1")
RANGE = (POWER <= 1, ETA < 1, GAMMA > 1)


@proof(adagrad_trust_region_terminates, scope="all d, all p in (0, 1], full and diagonal matrices")
def guaranteed_decreases_add_up(statement: Statement, transcript: Transcript) -> None:
    """Spectrum, error and decrease of one step; the safe radius; the sum over the successes."""
    transcript.given("exact values and gradients; beta >= L_g, beta >= ||B||; eps_g <= ||g|| <= G")
    transcript.given("A changes after successes only; Delta_0, Delta_max >= theta_0/gamma")
    _spectrum(transcript)
    _model_error(transcript)
    _model_decrease(transcript)
    _safe_radius(statement, transcript)
    _one_success(statement, transcript)
    _all_successes(statement, transcript)


def _spectrum(transcript: Transcript) -> None:
    g, w = algebra.vector("g"), algebra.vector("w", nonzero=True)
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    known = History(algebra.symmetric("V"), n)
    history = {sympy.Integer(0): History(0 * algebra.identity(), sympy.Integer(0)),
               n: known, n + 1: known.then(g)}  # fmt: skip

    def low(k: Any) -> Any:
        return adagrad_form(history[k], EPS).quadratic_form(w) - EPS * w.dot(w)

    def high(k: Any) -> Any:
        total = EPS + history[k].accumulated_products(1, 1).trace()
        return total * w.dot(w) - adagrad_form(history[k], EPS).quadratic_form(w)

    transcript.induction(
        "eps ||w||^2 <= w'Aw", low, n, [0], lambda previous: [previous, square(g.dot(w))],
        scope="all d, every number n of gradients, all w != 0", because="A gains g g'",
    )  # fmt: skip
    transcript.induction(
        "w'Aw <= S ||w||^2", high, n, [0],
        lambda previous: [previous, square(w.dot(w) * g - g.dot(w) * w) / w.dot(w)],
        scope="all d, every number n of gradients, all w != 0",
        because="S = eps + the sum of ||g_i||^2; Cauchy and Schwarz. With w = e_i both bounds hold"
        " for the entries of the diagonal variant",
    )  # fmt: skip
    transcript.cited(
        "the eigenvalues of A^p lie in [eps^p, S^p]",
        "Horn and Johnson, Matrix Analysis, Theorem 2.5.6",
        "A^p has the eigenvectors of A and the eigenvalues lam^p, which increase with lam",
        scope=ALL,
    )  # fmt: skip
    before = sympy.Symbol("r", positive=True)
    radius = [_theta(root ** (2 / POWER)) for root in (before, before + MORE)]
    transcript.nonnegative(
        "theta does not grow with S", sympy.powdenest(radius[0] - radius[1], force=True),
        [REST * (LOW * EPS_G * MORE / (2 * BETA * before * (before + MORE)))],
        scope="all S^(p/2) = r and r + h", because="theta is inverse to S^(p/2)",
    )  # fmt: skip


def _theta(total: Any) -> Any:
    return safe_radius(POWER, total, EPS_G, EPS, BETA, ETA)


def _model_error(transcript: Transcript) -> None:
    length, lipschitz, norm = sympy.symbols("l L_g b", nonnegative=True)
    transcript.cited(
        "Taylor's theorem", "Nesterov, Lectures on Convex Optimization, Lemma 1.2.3",
        "|L(w+s) - L(w) - g's| <= L_g ||s||^2/2, and |s'Bs| <= ||B|| ||s||^2", scope="all s",
    )  # fmt: skip
    transcript.nonnegative(
        "the model's error is at most beta ||s||^2",
        BETA * length**2 - (lipschitz + norm) / 2 * length**2,
        [hypothesis(BETA - lipschitz, "L_g <= beta") * (length**2 / 2),
         hypothesis(BETA - norm, "||B|| <= beta") * (length**2 / 2)],
        scope="all s, l = ||s||, b = ||B||",
    )  # fmt: skip
    form = sympy.Symbol("f", nonnegative=True)
    transcript.nonnegative(
        "||s||^2 <= Delta^2/eps^p", RADIUS**2 / LOW - length**2,
        [hypothesis(RADIUS**2 - form, "||s||^2 in the norm of A^p is at most Delta^2") / LOW,
         hypothesis(form - LOW * length**2, "eps^p ||s||^2 <= s'A^p s") / LOW],
        scope="all steps of the region, f = s'A^p s",
    )  # fmt: skip


def _model_decrease(transcript: Transcript) -> None:
    M, B = algebra.symmetric("M", positive_definite=True), algebra.symmetric("B")
    g, u, one = algebra.vector("g"), algebra.vector("u"), algebra.identity()
    within, inverse_root = HIGH * one - M, M.power(sympy.Rational(-1, 2)) @ g
    transcript.nonnegative(
        "the slope ||g||_(M^-1) along -M^-1 g is at least ||g||/S^(p/2), M = A^p",
        HIGH * M.inv.quadratic_form(g) - g.dot(g),
        [hypothesis(within.quadratic_form(inverse_root), "y'My <= S^p ||y||^2")], scope="all d",
    )  # fmt: skip
    transcript.nonnegative(
        "so is the slope ||g||^2/||g||_M along -g", HIGH * g.dot(g) - M.quadratic_form(g),
        [hypothesis(within.quadratic_form(g), "y'My <= S^p ||y||^2")], scope="all d",
    )  # fmt: skip
    transcript.nonnegative(
        "curvature in the norm of M is at most beta/eps^p",
        BETA / LOW * M.quadratic_form(u) - B.quadratic_form(u),
        [hypothesis((M - LOW * one).quadratic_form(u), "eps^p ||u||^2 <= u'Mu") * (BETA / LOW),
         hypothesis((BETA * one - B).quadratic_form(u), "u'Bu <= beta ||u||^2")], scope="all d",
    )  # fmt: skip
    t, slope = sympy.symbols("t y", nonnegative=True)
    bend = sympy.Symbol("z", real=True)
    transcript.nonnegative(
        "the model gains at least half its linear part: t y - t^2 z/2 >= t y/2",
        t * slope - t**2 * bend / 2 - t * slope / 2,
        [hypothesis(slope - t * bend, "t z <= y, for t = Delta or the line's minimiser y/z") * t
         / 2],
        scope="every line of slope -y and curvature z <= beta/eps^p in the norm of A^p",
    )  # fmt: skip
    transcript.cited(
        "the iterates of CG do not lose it", "Steihaug (1983), Theorem 2.1",
        "the model decreases along the iterates of preconditioned CG, the first of which is the"
        " minimiser along -M^-1 g in the region", scope="every B",
    )  # fmt: skip


def _safe_radius(statement: Statement, transcript: Transcript) -> None:
    """`radius` of the statement is theta/gamma."""
    theta = GAMMA * statement.formula("radius", POWER, TOTAL, **CONSTANTS)
    reach = LOW * EPS_G / (BETA * HIGH ** sympy.Rational(1, 2))
    transcript.nonnegative(
        "a line's minimiser lies beyond theta", reach - _theta(TOTAL), [(1 + ETA) * reach / 2],
        scope=ALL, because="y/z >= (eps_g/S^(p/2))/(beta/eps^p), hence t >= Delta if Delta <="
        " theta: the model gains at least eps_g Delta/(2 S^(p/2))",
    )  # fmt: skip
    radius = theta / (1 + MORE)
    gain = EPS_G * radius / (2 * HIGH ** sympy.Rational(1, 2))
    largest = _theta(TOTAL)
    transcript.nonnegative(
        "a step with Delta <= theta is a success: its error is at most (1-eta) times its gain",
        (1 - ETA) * gain - BETA * radius**2 / LOW,
        [BETA * largest**2 / LOW * MORE / (1 + MORE) ** 2], scope=f"{ALL}, Delta = theta/(1 + h)",
        concludes=True, where=RANGE,
        because="rho >= eta if and only if the model's error is at most (1-eta) times its gain",
    )  # fmt: skip
    transcript.nonnegative(
        "a rejection leaves Delta >= theta/gamma", RADIUS / GAMMA - theta / GAMMA,
        [hypothesis(RADIUS - theta, "rejected: Delta > theta") / GAMMA], scope=ALL,
        because="a success does not shrink Delta, but for Delta_max >= theta_0/gamma, and theta"
        " does not grow; finitely many rejections in a row reach theta",
    )  # fmt: skip


def _one_success(statement: Statement, transcript: Transcript) -> None:
    floor = statement.formula("radius", POWER, TOTAL, **CONSTANTS)
    least = statement.formula("decrease", POWER, TOTAL, **CONSTANTS)
    half = ETA * EPS_G / (2 * HIGH ** sympy.Rational(1, 2))
    transcript.nonnegative(
        "a success gains the claimed decrease, if its line reaches the boundary",
        half * (floor + MORE) - least, [half * MORE], scope=f"{ALL}, Delta = theta/gamma + h",
        concludes=True, where=RANGE,
        because="L decreases by eta times the gain eps_g Delta/(2 S^(p/2))",
    )  # fmt: skip
    above = sympy.Symbol("h", positive=True)
    inside = ETA * LOW * EPS_G**2 / (2 * BETA * HIGH)
    transcript.nonnegative(
        "and if its line ends inside", (inside - least).subs(GAMMA, 1 + above),
        [inside * (1 + 2 * above + ETA) / (2 * (1 + above))], scope=f"{ALL}, gamma = 1 + h",
        because="then t = y/z, and the gain is at least y^2/(2 z)",
    )  # fmt: skip


def _all_successes(statement: Statement, transcript: Transcript) -> None:
    x = sympy.Symbol("x", nonnegative=True)
    for power in (sympy.Integer(1), sympy.Rational(1, 2), 1 - REMAINS):
        scope = f"p = {power}" if power.is_Rational else "p = 1 - q < 1"
        total = total_guaranteed(power, x, **CONSTANTS)
        transcript.identity(
            f"the guaranteed total Phi, {scope}", [total.subs(x, 0), sympy.diff(total, x)],
            [0, statement.formula("decrease", power, EPS + (x + 1) * BOUND**2, **CONSTANTS)],
            scope=f"{scope}, all real x >= 0",
            because="S_i <= eps + (i+1) G^2, and the claimed decrease falls with S: k successes"
            " gain at least its integral Phi(k)",
        )  # fmt: skip
        gap = total_guaranteed(power, COUNT + SURPLUS, **CONSTANTS)
        transcript.nonnegative(
            f"k <= K, {scope}",
            statement.formula("successes", power, gap, **CONSTANTS) - COUNT, [SURPLUS],
            scope=f"{scope}, all k, every gap", concludes=True,
            because="L_0 - L* >= Phi(k), so that L_0 - L* = Phi(k + j) for one j >= 0: Phi grows"
            " continuously and without bound, since p <= 1",
        )  # fmt: skip
    _orders(statement, transcript)


def _orders(statement: Statement, transcript: Transcript) -> None:
    gap, c = sympy.symbols("gap c", positive=True)
    power = sympy.Rational(1, 2)
    values = {**CONSTANTS, "beta": ETA * (1 - ETA) * sympy.sqrt(EPS) / (4 * c * GAMMA)}
    transcript.identity(
        "p = 1/2: K is of order eps_g^-4",
        statement.formula("successes", power, gap, **values),
        sympy.sqrt(EPS + BOUND**2) * gap / (c * EPS_G**2)
        + BOUND**2 * gap**2 / (4 * c**2 * EPS_G**4),
        scope="all gaps", because="c = eta (1-eta) sqrt(eps)/(4 beta gamma)",
    )  # fmt: skip
