"""Proof that the closed form solves the sign flow, sliding columns included."""

from __future__ import annotations

import sympy

from proofs_check.engine import Transcript, proof
from theory.core import Statement
from theory.local_geometry.sign_flow import adam_sign_flow, flow

TAU, D = sympy.symbols("tau d", positive=True)
# A column that still grows has A_j = d tau^2 (1 + s); one that slides A_j = d tau^2/(1 + r).
AHEAD, BEHIND = sympy.symbols("s r", positive=True)
GROWING = D * TAU**2 * (1 + AHEAD)
SLIDING = D * TAU**2 / (1 + BEHIND)
SCOPE = "all d, all A > 0, 0 < tau <= sqrt(A_max/d)"


@proof(adam_sign_flow, scope="the closed form solves the flow, all d; that Adam follows it is "
       "measured", partial=True)  # fmt: skip
def solution_of_the_flow(statement: Statement, transcript: Transcript) -> None:
    """Signs of the gradients in each phase, the sliding speed, and the loss."""
    transcript.given("theta' = -sign(gradient), on the manifold w_i = s_i c, W_i = s_i a; "
                     "E_j = d c a_j - A_j, gradients a.E and c E_j")  # fmt: skip
    transcript.given("the solution that leaves 0: c and a grow together from a vanishing start")
    transcript.cited(
        "limit of the steps", "Filippov (1988), section 7: Euler polygons of a differential "
        "inclusion tend to its solutions",
        "sign descent with a vanishing step tends to a solution of theta' in -Sign(gradient)",
        scope="sign descent",
    )  # fmt: skip
    _statement(statement, transcript)
    _growth(transcript)
    _sliding(transcript)
    target = sympy.Symbol("A_max", positive=True)
    end = sympy.sqrt(target / D)
    transcript.identity("at sqrt(A_max/d) the last residual is 0", D * end * end - target, 0,
                        scope="all d")  # fmt: skip


def _statement(statement: Statement, transcript: Transcript) -> None:
    claimed = statement.formula
    pairs = [
        ("output weights grow at unit speed", claimed("output", TAU, [GROWING], D), TAU),
        ("a column that has not reached its target grows",
         claimed("hidden", TAU, [SLIDING, GROWING], D, 1), TAU),
        ("a column that has reached its target slides",
         claimed("hidden", TAU, [SLIDING, GROWING], D, 0), SLIDING / (D * TAU)),
        ("only growing columns have a loss", claimed("loss", TAU, [SLIDING, GROWING], D),
         (GROWING - D * TAU**2) ** 2 / 2),
    ]  # fmt: skip
    for name, lhs, rhs in pairs:
        transcript.identity(name, lhs, rhs, scope=SCOPE, concludes=True)


def _growth(transcript: Transcript) -> None:
    """While E_j < 0 both gradients are negative: c and a_j grow at unit speed."""
    residual = D * TAU * flow("hidden", TAU, [GROWING], D) - GROWING
    transcript.nonnegative(
        "a growing column has E_j < 0", -residual, [D * TAU**2 * AHEAD], scope=SCOPE,
        because="hence -sign(c E_j) = 1 = da_j/dtau",
    )  # fmt: skip
    transcript.nonnegative(
        "and pulls the output weights", -TAU * residual, [D * TAU**3 * AHEAD], scope=SCOPE,
        because="sliding columns add 0 to a.E, so that -sign(a.E) = 1 = dc/dtau until all slide",
    )  # fmt: skip


def _sliding(transcript: Transcript) -> None:
    """On E_j = 0 the column follows A_j/(d c), slower than its own unit speed allows."""
    target = sympy.Symbol("A_j", positive=True)
    column = target / (D * TAU)
    transcript.identity("a sliding column keeps E_j = 0", D * TAU * column - target, 0, scope=SCOPE)
    speed = sympy.diff(column, TAU)
    transcript.identity("its speed", speed, -target / (D * TAU**2), scope=SCOPE)
    transcript.nonnegative(
        "the speed is at most 1", 1 + speed.subs(target, SLIDING), [BEHIND / (1 + BEHIND)],
        scope=SCOPE, because="A_j <= d tau^2; a value in [-1, 1] is one that Sign(0) offers",
    )  # fmt: skip
