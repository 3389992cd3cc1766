"""Proof and certificate: Adagrad's ellipsoids are not uniformly equivalent."""

from __future__ import annotations

import numpy as np
import sympy

from proofs_check.adaptive_norms.histories import History
from proofs_check.engine import Transcript, algebra, certificate, hypothesis, proof
from theory.adaptive_norms.adagrad_growth import (
    adagrad_not_equivalent,
    full_objective,
    sampled_gradient,
)
from theory.core import Statement

EPS = sympy.Symbol("eps", positive=True)


@proof(adagrad_not_equivalent, scope="all d, all t, all eps > 0, gradients +g or -g")
def growth_by_induction(statement: Statement, transcript: Transcript) -> None:
    """S_t = (t+1) g g' by induction; then the objective, and the failure of Definition 1."""
    g, n = algebra.vector("g"), sympy.Symbol("n", integer=True, nonnegative=True)
    empty = History(0 * algebra.identity(), sympy.Integer(0))
    known = History(n * g.outer(g), n)
    transcript.given("every gradient is g or -g; eps > 0; n gradients before, t + 1 = n + 1")
    transcript.identity(
        "no gradient: S = 0 = 0 g g'",
        empty.accumulated_products(1, 1),
        0 * g.outer(g),
        scope="n = 0",
    )
    for sign, name in ((1, "g"), (-1, "-g")):
        history = known.then(sign * g)
        transcript.identity(
            f"one more gradient {name}: S = (n+1) g g'",
            history.accumulated_products(1, 1), (n + 1) * g.outer(g), scope="all d, all n",
            because="S_{t-1} = n g g' by induction, and (-g)(-g)' = g g'",
        )  # fmt: skip
        lhs, rhs = statement.formula(gradients=history, eps=EPS)
        transcript.identity(
            f"the statement after the gradient {name}", lhs, rhs, scope="all d, all t",
            concludes=True,
        )  # fmt: skip
    _objective(transcript)
    mu = sympy.Symbol("mu", positive=True)
    transcript.nonnegative(
        "in one dimension, with gradients +-1, Definition 1 fails once t >= mu^2",
        (n + 1 + EPS) - mu**2, [hypothesis(n - mu**2, "t >= mu^2"), sympy.Integer(1), EPS],
        scope="all mu, all t >= mu^2", because="A_t = t + 1 + eps exceeds mu^2 (here t = n)",
    )  # fmt: skip


def _objective(transcript: Transcript) -> None:
    w = sympy.Symbol("w", real=True)
    samples = (sympy.Integer(1), sympy.Integer(-1))
    transcript.identity(
        "f' is the mean of the two sampled gradients; f'(w) = w",
        [sympy.diff(full_objective(w), w), sum(sampled_gradient(w, a) for a in samples) / 2],
        [w, w], scope="all w",
    )  # fmt: skip
    transcript.identity(
        "at the minimiser w = 0 the sampled gradients are -1 and +1",
        [sampled_gradient(sympy.Integer(0), a) for a in samples], [-1, 1], scope="w = 0",
    )  # fmt: skip
    transcript.nonnegative(
        "every step s away from 0 increases f by s^2/2, so that a trust-region method stays",
        full_objective(w) - full_objective(sympy.Integer(0)), [w**2 / 2], scope="all steps w",
        because="the achieved decrease is negative, hence every step is rejected",
    )  # fmt: skip
    transcript.identity(
        "wherever an iterate w is, the mean squared gradient is 1 + w^2",
        sum(sampled_gradient(w, a) ** 2 for a in samples) / 2, 1 + w**2, scope="all w",
        because="so that E A_t >= t + 1 + eps for every method that samples independently",
    )  # fmt: skip


@certificate(adagrad_not_equivalent, scope="mu = 10, t = 0..100, eps = 1e-8, alternating samples")
def a_hundred_steps(statement: Statement, transcript: Transcript) -> None:
    """The one-dimensional sequence in exact rationals, up to the step where mu = 10 fails."""
    eps, mu = sympy.Rational(1, 10**8), 10
    for t in (0, 1, 2, 99, 100):
        samples = [sympy.Integer((-1) ** i) for i in range(t + 1)]
        rows = [[sampled_gradient(sympy.Integer(0), a)] for a in samples]
        lhs, rhs = statement.formula(gradients=np.array(rows, dtype=object), eps=eps)
        transcript.exact(
            f"t = {t}: A_t = t + 1 + eps", lhs, "==", rhs, scope="eps = 1e-8", concludes=True
        )
        transcript.exact(
            f"t = {t}: computed in full", lhs, "==", t + 1 + eps, scope="eps = 1e-8",
            because="w = g = +-1",
        )  # fmt: skip
    transcript.exact(
        "||w||_A <= mu ||w|| fails for mu = 10 at t = 100", lhs, ">", mu**2, scope="eps = 1e-8"
    )
