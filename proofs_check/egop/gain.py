"""Proofs and attacks: dense eigenvectors of the EGOP force large smoothness constants."""

from __future__ import annotations

from typing import Any

import sympy
from hypothesis.strategies import SearchStrategy

from proofs_check.egop import gain_instances as instances
from proofs_check.egop.gain_steps import (
    ERROR,
    GROWTH,
    KAPPA,
    LIPSCHITZ,
    LOSS,
    NORM,
    SLACK,
    C,
    Law,
    T,
    beyond_the_law,
    cite_lemma_13,
    constants_dominate,
    leading_pair,
    quadratic_form,
    stationary_point,
    taylor_at_a_point,
    taylor_at_a_point_at_root_scale,
    within_the_reach,
)
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from theory.core import Statement
from theory.egop.gain import lemma_6, lemma_6_sharper


@proof(lemma_6, scope="all d, all k, every law with M_4 finite, every feasible L")
def paper_route(statement: Statement, transcript: Transcript) -> None:
    """s'diag(L)s >= s'Hess s >= s'Hess^2 s/||Hess||, and Hess^2 against the EGOP by Lemma 11."""
    transcript.given("Assumptions 1 and 2, grad f(theta*) = 0, Hess = Hess f(theta*) >= 0")
    hessian = algebra.symmetric("Hess", positive_semidefinite=True)
    E, L = algebra.symmetric("E"), algebra.diagonal("L")
    s, v, w = algebra.vector("s"), algebra.vector("v"), algebra.vector("w")
    value, top = sympy.symbols("lambda_k lambda_1", nonnegative=True)
    root = sympy.sqrt(top + ERROR)
    taylor_at_a_point(transcript)
    largest_eigenvalue_of_the_hessian(transcript, hessian, E, w, top, root)
    constants_dominate(transcript)
    transcript.nonnegative(
        "w'A w <= (c^2 + t^2) ||Hess w||^2",
        KAPPA**2 * (hessian @ w).dot(hessian @ w) - quadratic_form(hessian, w),
        within_the_reach(hessian, w), scope="all d, all w",
        because="Cauchy and Schwarz for Hess w and theta* = t p",
    )  # fmt: skip
    lhs, rhs = statement.formula(
        points=Law(), gradients=None, hessian=hessian, minimizer=stationary_point(), c=C,
        lipschitz=LIPSCHITZ, norm=NORM, eigenvalue=value, largest=top, vector=v, signs=s,
        constants=L,
    )  # fmt: skip
    moved = (hessian @ s).dot(hessian @ s)
    form = quadratic_form(hessian, s)
    transcript.nonnegative(
        "the chain",
        rhs - lhs,
        [
            hypothesis(E.quadratic_form(s) - value * s.dot(v) ** 2, "lam_k v_k v_k' <= EGOP"),
            hypothesis(form + ERROR * s.dot(s) - E.quadratic_form(s), "EGOP <= A + e_A I, shown"),
            hypothesis(KAPPA**2 * moved - form, "A <= (c^2 + t^2) Hess^2, shown"),
            hypothesis(C**2 - T**2, "||theta*|| <= c") * square(hessian @ s),
            2 * C**2 * hypothesis(root / C * hessian.quadratic_form(s) - moved,
                                  "Hess^2 <= sqrt(lam_1 + e_A)/c Hess, shown"),
            2 * C * root * hypothesis(L.quadratic_form(s) - hessian.quadratic_form(s),
                                      "Hess <= diag(L) (Lemma 10)"),
        ],
        scope="all d, every sign vector s: s = sign(v_k) gives ||v_k||_1", concludes=True,
        because="s's = d and s'diag(L)s = sum L_i for entries +-1",
    )  # fmt: skip


def largest_eigenvalue_of_the_hessian(
    transcript: Transcript, hessian: Any, E: Any, w: Any, top: Any, root: Any
) -> None:
    """``Hess^2 <= sqrt(lam_1 + e_A)/c Hess`` from ``c^2 Hess^2 <= A <= EGOP + e_A I``."""
    moved = hessian @ w
    form = quadratic_form(hessian, w)
    transcript.nonnegative(
        "c^2 Hess^2 <= (lam_1 + e_A) I",
        (top + ERROR) * w.dot(w) - C**2 * moved.dot(moved),
        [
            hypothesis(top * w.dot(w) - E.quadratic_form(w), "EGOP <= lam_1 I"),
            hypothesis(E.quadratic_form(w) + ERROR * w.dot(w) - form, "A <= EGOP + e_A I, shown"),
            *beyond_the_law(hessian, w),
        ],
        scope="all d, all w",
    )  # fmt: skip
    bound, u = root / C, hessian.root @ w
    transcript.nonnegative(
        "hence Hess^2 <= rho Hess with rho = sqrt(lam_1 + e_A)/c",
        bound * hessian.quadratic_form(w) - moved.dot(moved),
        [
            square(bound * u - hessian @ u) / (2 * bound),
            hypothesis(bound**2 * u.dot(u) - (hessian @ u).dot(hessian @ u),
                       "Hess^2 <= rho^2 I, the step before, at Hess^{1/2} w") / (2 * bound),
        ],
        scope="all d, all w", because="2 rho (rho - Hess) = (rho - Hess)^2 + (rho^2 - Hess^2)",
    )  # fmt: skip


@attack(lemma_6)
def dense_problems() -> SearchStrategy[dict[str, Any]]:
    """Quadratics and others in dense and sparse eigenbases; rank one, flat and zero Hessians."""
    return instances.eigenvector_instances()


@proof(lemma_6_sharper, scope="all d, every law with M_4 finite, every feasible L, all e > 0")
def root_route(statement: Statement, transcript: Transcript) -> None:
    """EGOP <= P^2 with P = sqrt(1 + e) kappa Hess + sqrt(1 + 1/e) e_M I, then Lemma 13."""
    transcript.given("Assumptions 1 and 2, grad f(theta*) = 0, Hess = Hess f(theta*) >= 0, e > 0")
    hessian = algebra.symmetric("Hess", positive_semidefinite=True)
    E, R, L = algebra.symmetric("E"), algebra.symmetric("R"), algebra.diagonal("L")
    s, w = algebra.vector("s"), algebra.vector("w")
    taylor_at_a_point_at_root_scale(transcript)
    constants_dominate(transcript)
    moved = hessian @ w
    form = quadratic_form(hessian, w)
    transcript.nonnegative(
        "w'A w <= kappa^2 ||Hess w||^2", KAPPA**2 * moved.dot(moved) - form,
        within_the_reach(hessian, w), scope="all d, all w",
        because="Cauchy and Schwarz for Hess w and theta* = t p",
    )  # fmt: skip
    P = GROWTH * KAPPA * hessian + LOSS * algebra.identity()
    transcript.nonnegative(
        "EGOP <= P^2",
        (P @ w).dot(P @ w) - E.quadratic_form(w),
        [
            hypothesis((1 + SLACK) * form + LOSS**2 * w.dot(w) - E.quadratic_form(w),
                       "EGOP <= (1 + e) A + (1 + 1/e) e_M^2 I, shown"),
            (1 + SLACK) * hypothesis(KAPPA**2 * moved.dot(moved) - form, "A <= kappa^2 Hess^2"),
            2 * LOSS * GROWTH * KAPPA * weighted_square(w, hessian),
        ],
        scope="all d, all w",
    )  # fmt: skip
    cite_lemma_13(transcript, "R^2 <= EGOP <= P^2 implies R <= EGOP^{1/2} <= P, for R, P >= 0")
    leading_pair(transcript, s)
    lhs, rhs = statement.formula(
        points=Law(), gradients=None, hessian=hessian, minimizer=stationary_point(), c=C,
        lipschitz=LIPSCHITZ, root=R, signs=s, slack=SLACK, constants=L,
    )  # fmt: skip
    transcript.nonnegative(
        "the bound", rhs - lhs,
        [
            hypothesis(P.quadratic_form(s) - R.quadratic_form(s), "R <= P, shown"),
            KAPPA * GROWTH * hypothesis(L.quadratic_form(s) - hessian.quadratic_form(s),
                                        "Hess <= diag(L) (Lemma 10)"),
        ],
        scope="all d, every sign vector s, every e > 0", concludes=True,
        because="s's = d and s'diag(L)s = sum L_i for entries +-1",
    )  # fmt: skip


@attack(lemma_6_sharper)
def roots() -> SearchStrategy[dict[str, Any]]:
    """Exact and rounded roots of the EGOP; slacks tiny, moderate and huge."""
    return instances.root_instances()
