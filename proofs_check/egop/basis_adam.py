"""Proof and attack: Adam's smoothness constant in the EGOP basis."""

from __future__ import annotations

from typing import Any

import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.egop import basis_instances as instances
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from proofs_check.structures import Draw
from theory.core import Statement
from theory.egop.basis import radius_about_zero
from theory.egop.basis_adam import adam_analogue

C, MU = sympy.symbols("c mu", positive=True)


@proof(adam_analogue, scope="all d, all H >= 0, all theta*, all sign vectors")
def roots_between_two_hessians(statement: Statement, transcript: Transcript) -> None:
    """``c H <= EGOP^(1/2) <= kappa H``, read at sign vectors in both bases."""
    V = algebra.orthogonal("V")
    H = algebra.symmetric("H", positive_semidefinite=True)
    rest = algebra.symmetric("R", positive_semidefinite=True)
    e = algebra.eigenvector("e", of=rest, value=0, unit=True)
    theta, s, r = algebra.vector("theta", nonzero=True), algebra.vector("s"), algebra.vector("r")
    roots, kappa = MU * e.outer(e) + rest, radius_about_zero(theta, C)
    transcript.given("EGOP = H (c^2 I + theta theta') H = V M^2 V', with M = mu e e' + R diagonal,"
                     " R >= 0 and R e = 0")  # fmt: skip
    transcript.cited(
        "the root is monotone", "Bhatia, Matrix Analysis, Proposition V.1.8 (Loewner, Heinz)",
        "0 <= X <= Y implies X^(1/2) <= Y^(1/2)", scope="all d",
    )  # fmt: skip
    _order(transcript, H, theta)
    root = V @ roots @ V.T
    lhs, rhs = statement.formula(basis=V, roots=roots, hessian=H, minimizer=theta, c=C, axis=e,
                                 turned=s, signs=r)  # fmt: skip
    turned = V @ s
    halves = (
        [hypothesis(roots.trace() - roots.quadratic_form(s),
                    "s_i^2 = 1, so that s'Ms = tr M for the diagonal M"),
         hypothesis(root.quadratic_form(turned) - C * H.quadratic_form(turned),
                    "EGOP^(1/2) >= c H, by the monotone root")],
        [hypothesis(kappa * H.quadratic_form(r) - root.quadratic_form(r),
                    "EGOP^(1/2) <= kappa H, by the monotone root"),
         weighted_square(V.T @ r, rest)],
    )  # fmt: skip
    transcript.nonnegative("in the rotated coordinates", rhs[1] - lhs[1], halves[0],
                           scope="all d, all s", concludes=True)  # fmt: skip
    transcript.nonnegative("in the original coordinates", rhs[2] - lhs[2], halves[1],
                           scope="all d, all r", concludes=True,
                           because="r'EGOP^(1/2) r >= mu (r'v_1)^2")  # fmt: skip
    rank = roots.trace() / MU
    density = square(r.dot(V @ e))
    transcript.nonnegative(
        "their product", rhs[0] - lhs[0],
        [*(term * rank for term in halves[1]), *(term * density for term in halves[0])],
        scope="all d, all s, all r", concludes=True,
        because="sr mu = tr M joins the two halves; r = sign(v_1) gives d beta^2",
    )  # fmt: skip


def _order(transcript: Transcript, H: Any, theta: Any) -> None:
    """``c^2 H^2 <= EGOP <= kappa^2 H^2``, as forms."""
    y, one = algebra.vector("y"), algebra.identity()
    middle = C**2 * one + theta.outer(theta)
    transcript.nonnegative(
        "EGOP >= c^2 H^2", H @ middle @ H - C**2 * H @ H, [(H @ theta).outer(H @ theta)],
        scope="all d",
    )  # fmt: skip
    size = theta.dot(theta)
    transcript.nonnegative(
        "EGOP <= kappa^2 H^2", (C**2 + size) * y.dot(y) - middle.quadratic_form(y),
        [square(size * y - theta.dot(y) * theta) / size],
        scope="all d, at y = H x for all x; theta != 0", because="Cauchy and Schwarz",
    )  # fmt: skip


@attack(adam_analogue)
def rational_egops() -> SearchStrategy[dict[str, Any]]:
    """Rational EGOPs; r the signs of v_1 or free, s the signs of a column or free."""
    return _instances()


@st.composite
def _instances(draw: Draw) -> dict[str, Any]:
    made = draw(instances.quadratics(definite=True))
    d = len(made.basis)
    axis = instances.leading_axis(made.roots)
    free = [instances.signs_of(draw(strategies.sign_vectors(d)).tolist()) for _ in range(2)]
    leading = instances.signs_of(made.basis @ axis)
    return {"basis": made.basis, "roots": made.roots, "hessian": made.hessian,
            "minimizer": made.minimizer, "c": made.c, "axis": axis, "turned": free[0],
            "signs": draw(st.sampled_from([leading, leading, free[1]]))}  # fmt: skip
