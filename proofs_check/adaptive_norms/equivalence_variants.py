"""Proofs and attacks: the best scaling, Adam's bias correction, and the diagonal of Lemma 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.adaptive_norms.histories import histories
from proofs_check.adaptive_norms.uniform_equivalence import (
    ALL,
    BETA,
    BOUND,
    COUNT,
    EPS,
    NEXT,
    RECURSION,
    VECTOR,
    bounded_histories,
    constant_history,
    gaps,
    norm_slack,
    remaining_weight,
    zero_vector,
)
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof, square
from proofs_check.structures import Draw
from theory.adaptive_norms.equivalence_variants import (
    best_scale,
    bias_corrected,
    diagonal_variant,
    optimal_scaling,
)
from theory.adaptive_norms.preconditioners import rmsprop_form
from theory.core import Statement

# ---- the best scaling


@proof(optimal_scaling, scope="all d (optimality: d >= 2), all t, all eps > 0, ||g_t|| <= G")
def scaling_balances_both_ends(statement: Statement, transcript: Transcript) -> None:
    """Induction for both inequalities; the product of both ends bounds any other constant."""
    w, g = VECTOR, NEXT
    scale, constant = sympy.symbols("s m", positive=True)
    values = {"eps": EPS, "bound": BOUND, "scale": scale, "constant": constant}
    transcript.given("0 <= beta < 1, eps > 0, s > 0; m serves s A, A with eigenvalues eps, G^2+eps")
    gap, best = gaps(statement, histories(COUNT, NEXT), **values), best_scale(BOUND, EPS)
    transcript.induction(
        "||w||^2 <= mu^2 w'(cA)w", gap(0), COUNT, [0],
        lambda previous: [BETA * previous, remaining_weight() * square(g.dot(w)) / EPS],
        scope=ALL, because="mu^2 c = 1/eps; " + RECURSION, concludes=True,
    )  # fmt: skip
    transcript.induction(
        "w'(cA)w <= mu^2 ||w||^2", gap(1), COUNT, [best * BOUND**2 * w.dot(w)],
        lambda previous: [BETA * previous,
                          *(best * remaining_weight() * term for term in norm_slack(BOUND**2))],
        scope=ALL, because="mu^2/c = G^2 + eps; " + RECURSION, concludes=True,
    )  # fmt: skip
    zero_vector(statement, transcript, 2, **values)
    upper = hypothesis(constant**2 - scale * (BOUND**2 + EPS), "m serves the largest eigenvalue")
    lower = hypothesis(constant**2 * scale * EPS - 1, "m serves the smallest eigenvalue")
    transcript.nonnegative(
        "mu^4 <= m^4 for every other scaling", gap(2)(COUNT),
        [constant**2 * lower / (scale * EPS), upper / (scale * EPS)],
        scope="all G, eps, s, m", concludes=True,
        because="s (G^2 + eps) <= m^2 and 1/(s eps) <= m^2, multiplied",
    )  # fmt: skip
    matrix = rmsprop_form(np.array([[BOUND, sympy.Integer(0)]]), sympy.Integer(0), EPS)
    transcript.identity(
        "an RMSProp matrix with the eigenvalues eps and G^2 + eps",
        matrix, np.array([[BOUND**2 + EPS, 0], [0, EPS]]),
        scope="d >= 2 (here 2), beta = 0, one gradient of norm G",
        because="for beta > 0 the constant sequence approaches it: (1 - beta^(t+1)) G^2 + eps",
    )  # fmt: skip


@attack(optimal_scaling, refine=("vector", "scale", "constant"))
def scalings() -> SearchStrategy[dict[str, Any]]:
    """Other scalings at, near and far from the best one, with the least constant that serves."""
    return _scaling_instances()


@st.composite
def _scaling_instances(draw: Draw) -> dict[str, Any]:
    instance = draw(bounded_histories())
    bound = instance["bound"]
    eps = draw(st.one_of(strategies.scales(2.0**-30, 2.0**10), st.just(bound**2 / 3)))
    scale = float(best_scale(bound, eps)) * draw(st.sampled_from([1.0, 1.01, 0.5, 16.0]))
    least = max(scale * (bound**2 + eps), 1 / (scale * eps)) ** 0.5
    constant = least * draw(st.sampled_from([1 + 2.0**-40, 1.25]))
    return {**instance, "eps": eps, "scale": scale, "constant": constant}


# ---- Adam's bias correction


@proof(bias_corrected, scope="all d, all t, all eps > 0, all gradients with ||g_t|| <= G")
def corrected_induction(statement: Statement, transcript: Transcript) -> None:
    """Induction on t with the weights 1 - beta^n in front; then sequences that attain both ends."""
    w, n = VECTOR, sympy.Symbol("n", integer=True, positive=True)
    gap = gaps(statement, histories(n, NEXT, start=1), eps=EPS, bound=BOUND)
    transcript.given("0 <= beta < 1, eps > 0")
    done, known = (hypothesis(1 - BETA**k, "beta < 1") for k in (n + 1, n))
    transcript.induction(
        "eps ||w||^2 <= w'Aw", gap(0), n, [square(NEXT.dot(w))],
        lambda previous: [BETA * known * previous / done,
                          remaining_weight() * square(NEXT.dot(w)) / done],
        start=1, scope=ALL + ", n >= 1", because=RECURSION, concludes=True,
    )  # fmt: skip
    transcript.induction(
        "w'Aw <= (G^2 + eps) ||w||^2", gap(1), n, norm_slack(BOUND**2),
        lambda previous: [
            BETA * known * previous / done,
            *(remaining_weight() * term / done for term in norm_slack(BOUND**2)),
        ],
        start=1, scope=ALL + ", n >= 1", concludes=True,
        because="1 - beta^(n+1) = beta (1 - beta^n) + 1 - beta; " + RECURSION,
    )  # fmt: skip
    zero_vector(statement, transcript, 2, eps=EPS, bound=BOUND)
    unit = algebra.vector("u", unit=True)
    lhs, rhs = statement.formula(
        gradients=constant_history(unit), beta=BETA, eps=EPS, bound=BOUND, vector=unit
    )
    transcript.identity(
        "the constant sequence attains the upper end at every t", lhs[1], rhs[1],
        scope="all d, all t, every beta", because="V_t = (1 - beta^(t+1)) G^2 u u'",
    )  # fmt: skip


@attack(bias_corrected, refine=("vector", "eps"))
def corrected_histories() -> SearchStrategy[dict[str, Any]]:
    """Bounded histories, constant ones among them, and eps of every size."""
    return _with_eps(entrywise=True)


@st.composite
def _with_eps(draw: Draw, entrywise: bool) -> dict[str, Any]:
    instance = draw(bounded_histories(entrywise=entrywise))
    eps = draw(strategies.scales(2.0**-40, 2.0**10))
    if draw(st.booleans()):
        eps = instance["bound"] ** 2 * 2.0**-20
    return {**instance, "eps": eps}


# ---- the diagonal variant


@proof(diagonal_variant, scope="all d, all t, all gradients with entries in [-G, G]")
def diagonal_induction(statement: Statement, transcript: Transcript) -> None:
    """The induction of Lemma 2 with diag(g_t)^2 in the place of g_t g_t'."""
    w, D = VECTOR, algebra.diagonal("D")
    gap = gaps(statement, histories(COUNT, D), eps=EPS, bound=BOUND)
    transcript.given("0 <= beta < 1, eps > 0, D = diag(g_t)")
    transcript.induction(
        "eps ||w||^2 <= sum_i (v_i + eps) w_i^2", gap(0), COUNT, [0],
        lambda previous: [BETA * previous, remaining_weight() * square(D @ w)],
        scope=ALL, because="v_t = beta v_{t-1} + (1 - beta) g_t^2, v_{-1} = 0", concludes=True,
    )  # fmt: skip
    slack = hypothesis(
        BOUND**2 * w.dot(w) - (D @ D).quadratic_form(w),
        "|g_i| <= G, so that sum_i (G^2 - g_i^2) w_i^2 >= 0",
    )
    transcript.induction(
        "sum_i (v_i + eps) w_i^2 <= ((1 - beta^n) G^2 + eps) ||w||^2", gap(1), COUNT, [0],
        lambda previous: [BETA * previous, remaining_weight() * slack],
        scope=ALL, because="1 - beta^(n+1) = beta (1 - beta^n) + 1 - beta", concludes=True,
    )  # fmt: skip
    zero_vector(statement, transcript, 2, D, eps=EPS, bound=BOUND)


@attack(diagonal_variant, refine=("vector", "eps"))
def bounded_entries() -> SearchStrategy[dict[str, Any]]:
    """Sign vectors times the bound, and histories bounded in norm."""
    return _with_eps(entrywise=True)
