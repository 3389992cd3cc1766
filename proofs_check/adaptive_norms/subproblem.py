"""Proof and attacks: the dual bound of the trust-region subproblem, and the solvers under it."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof, weighted_square
from proofs_check.structures import Array, Draw
from theory.adaptive_norms.subproblem import subproblem_duality, subproblem_solvers
from theory.core import Statement
from theory.optimizers.trust_region import exact_subproblem

_LAMBDA = sympy.Symbol("lambda", nonnegative=True)
_DELTA = sympy.Symbol("Delta", positive=True)

# ---- the bound


@proof(subproblem_duality, scope="all d, all s in the ellipsoid, every g")
def completing_the_square(statement: Statement, transcript: Transcript) -> None:
    """One identity in s: what is missing to the bound is a square and the multiplier's slack."""
    M = algebra.symmetric("M", positive_definite=True)
    A = algebra.symmetric("A", positive_definite=True)
    g, s = algebra.vector("g"), algebra.vector("s")
    transcript.given("M = B + lambda A positive definite, lambda >= 0, ||s||_A <= Delta")
    lhs, rhs = statement.formula(matrix=M - _LAMBDA * A, gradient=g, ellipsoid=A, radius=_DELTA,
                                 multiplier=_LAMBDA, step=s)  # fmt: skip
    slack = hypothesis(_DELTA**2 - A.quadratic_form(s), "s lies in the ellipsoid")
    transcript.nonnegative(
        "what is missing to the bound",
        rhs - lhs, [weighted_square(s + M.solve(g), M) / 2, _LAMBDA * slack / 2],
        scope="all d, all s", concludes=True,
        because="expand ||s + M^-1 g||_M^2; both terms vanish if M s = -g and lambda (Delta -"
        " ||s||_A) = 0",
    )  # fmt: skip


@attack(subproblem_duality, refine=("step", "gradient"))
def steps_and_multipliers() -> SearchStrategy[dict[str, Any]]:
    """Optimal steps with their multipliers, and steps and multipliers around them."""
    return _duality_instances()


@st.composite
def _duality_instances(draw: Draw) -> dict[str, Any]:
    matrix, gradient, ellipsoid = draw(_models())
    if draw(st.sampled_from([False, False, True])):
        # definite even with the negative multiplier, and with its minimiser inside
        matrix, gradient = np.diag(ellipsoid) + matrix @ matrix, 2.0**-16 * gradient
    best = exact_subproblem(matrix, gradient, 1.0, ellipsoid=ellipsoid)
    step = best.step * draw(st.sampled_from([1 - 2.0**-40, 1.01, 0.5, 1.0]))
    multiplier = draw(st.sampled_from([best.multiplier, 0.0, best.multiplier + 2.0**-10,
                                       2 * best.multiplier, -0.0625]))  # fmt: skip
    return {"matrix": matrix, "gradient": gradient, "ellipsoid": ellipsoid, "radius": 1.0,
            "multiplier": multiplier, "step": step}  # fmt: skip


# ---- the solvers


@attack(subproblem_solvers, examples={"quick": 80, "standard": 800, "deep": 8000})
def models() -> SearchStrategy[dict[str, Any]]:
    """Definite, indefinite and singular models, turned and not, with gradients that miss one."""
    return _solver_instances()


@st.composite
def _solver_instances(draw: Draw) -> dict[str, Any]:
    matrix, gradient, ellipsoid = draw(_models())
    radius = draw(st.sampled_from([1.0, 8.0, 2.0**-10, 2.0**10]))
    return {"matrix": matrix, "gradient": gradient, "ellipsoid": ellipsoid, "radius": radius}


@st.composite
def _models(draw: Draw) -> tuple[Array, Array, Array]:
    """B (d, d), g (d,) and the diagonal of A; g often does not see the least eigenvector."""
    d = draw(st.integers(1, 4))
    levels = st.sampled_from([1.0, -1.0, 0.0, 2.0, -0.25, 2.0**-40, -(2.0**-20), 64.0])
    values = np.array(draw(st.lists(levels, min_size=d, max_size=d)))
    turned = draw(st.sampled_from([False, False, True]))
    basis = draw(strategies.orthogonal(d)) if turned else np.eye(d)
    matrix = basis * values @ basis.T
    gradient = draw(strategies.vectors(d, nonzero=True))
    if draw(st.booleans()):
        gradient = gradient - (basis[:, values.argmin()] @ gradient) * basis[:, values.argmin()]
    powers = st.sampled_from([0, 0, 3, -3, 20, -20])
    ellipsoid = 2.0 ** np.array(draw(st.lists(powers, min_size=d, max_size=d)), dtype=float)
    return matrix / 2 + matrix.T / 2, gradient, ellipsoid
