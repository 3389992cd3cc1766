"""Proof and attack: dense leading eigenvectors, for quadratics."""

from __future__ import annotations

from typing import Any

import sympy
from hypothesis.strategies import SearchStrategy

from proofs_check.egop import gain_instances as instances
from proofs_check.egop.gain_steps import (
    KAPPA,
    C,
    T,
    beyond_the_law,
    constants_dominate,
    quadratic_form,
    stationary_point,
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
from theory.egop.gain_bounds import quadratic_moment_matrix
from theory.egop.gain_density import corollary_7


@proof(corollary_7, scope="all d, every positive semidefinite quadratic, every feasible L")
def exact_chain(statement: Statement, transcript: Transcript) -> None:
    """Lemma 6 without errors: EGOP = A = Hess (c^2 I + theta* theta*') Hess."""
    transcript.given("f is quadratic, Hess >= 0, ||theta*|| <= c, E theta = 0, Cov theta = c^2 I")
    hessian = algebra.symmetric("Hess", positive_semidefinite=True)
    L, s = algebra.diagonal("L"), algebra.vector("s")
    v, w, minimizer = algebra.vector("v"), algebra.vector("w"), stationary_point()
    root = sympy.Symbol("r_1", positive=True)
    constants_dominate(transcript)
    form, moved = quadratic_form(hessian, w), hessian @ w
    transcript.identity(
        "the EGOP of a quadratic", quadratic_moment_matrix(hessian, minimizer, C).quadratic_form(w),
        form, scope="all d, all w", because="grad f = Hess (theta - theta*)",
    )  # fmt: skip
    transcript.nonnegative(
        "c^2 Hess^2 <= lam_1 I", root**2 * w.dot(w) - C**2 * moved.dot(moved),
        [hypothesis(root**2 * w.dot(w) - form, "EGOP <= lam_1 I"), *beyond_the_law(hessian, w)],
        scope="all d, all w",
    )  # fmt: skip
    bound, u = root / C, hessian.root @ w
    transcript.nonnegative(
        "hence Hess^2 <= rho Hess with rho = sqrt(lam_1)/c",
        bound * hessian.quadratic_form(w) - moved.dot(moved),
        [
            square(bound * u - hessian @ u) / (2 * bound),
            hypothesis(bound**2 * u.dot(u) - (hessian @ u).dot(hessian @ u),
                       "Hess^2 <= rho^2 I, the step before, at Hess^{1/2} w") / (2 * bound),
        ],
        scope="all d, all w", because="2 rho (rho - Hess) = (rho - Hess)^2 + (rho^2 - Hess^2)",
    )  # fmt: skip
    transcript.nonnegative(
        "w'A w <= (c^2 + t^2) ||Hess w||^2", KAPPA**2 * moved.dot(moved) - form,
        within_the_reach(hessian, w), scope="all d, all w", because="Cauchy and Schwarz",
    )  # fmt: skip
    lhs, rhs = statement.formula(
        hessian=hessian, minimizer=minimizer, c=C, largest=root**2, vector=v, signs=s, constants=L
    )
    form, moved = quadratic_form(hessian, s), hessian @ s
    transcript.nonnegative(
        "the chain, divided by the root of lam_1",
        rhs - lhs,
        [
            hypothesis(form - root**2 * s.dot(v) ** 2, "lam_1 v_1 v_1' <= EGOP") / root,
            hypothesis(KAPPA**2 * moved.dot(moved) - form, "A <= (c^2 + t^2) Hess^2, shown")
            / root,
            hypothesis(C**2 - T**2, "||theta*|| <= c") * square(moved) / root,
            2 * C**2 / root * hypothesis(bound * hessian.quadratic_form(s) - moved.dot(moved),
                                         "Hess^2 <= sqrt(lam_1)/c Hess, shown"),
            2 * C * hypothesis(L.quadratic_form(s) - hessian.quadratic_form(s),
                               "Hess <= diag(L) (Lemma 10)"),
        ],
        scope="all d, every sign vector s: s = sign(v_1) gives ||v_1||_1^2 = d beta^2",
        concludes=True, because="s'diag(L)s = sum L_i for entries +-1; lam_1 = r_1^2 > 0",
    )  # fmt: skip
    zero = statement.formula(
        hessian=hessian, minimizer=minimizer, c=C, largest=sympy.Integer(0), vector=v, signs=s,
        constants=L,
    )  # fmt: skip
    transcript.nonnegative(
        "for lam_1 = 0 the left side is 0", zero[1] - zero[0],
        [
            2 * C * hypothesis(L.quadratic_form(s) - hessian.quadratic_form(s),
                               "Hess <= diag(L) (Lemma 10)"),
            2 * C * weighted_square(s, hessian),
        ],
        scope="all d, lam_1 = 0", concludes=True,
    )  # fmt: skip


@attack(corollary_7)
def dense_quadratics() -> SearchStrategy[dict[str, Any]]:
    """Rank one, flat and graded Hessians in dense and sparse bases; theta* near and far."""
    return instances.density_instances()
