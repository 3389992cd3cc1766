"""Proof of the invariant manifold for all d, and the search against it in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, algebra, attack, proof
from proofs_check.structures import Draw
from theory.core import Statement
from theory.local_geometry.hidden_symmetry import (
    MEMORIES,
    adam_invariant_manifold,
    adaptive_step,
    network_gradients,
)

BETA1, BETA2, XI, DECAY, ETA = sympy.symbols("beta1 beta2 xi lambda eta", positive=True)


@proof(adam_invariant_manifold, scope="all d, every step; the step itself for two inputs")
def induction_over_steps(statement: Statement, transcript: Transcript) -> None:
    """Gradients and odd updates commute with signed permutations; a step keeps the form."""
    transcript.given("the update of a coordinate depends on its own gradients alone, and is odd")
    _equivariance(transcript)
    _oddness(transcript)
    for memory in MEMORIES:
        _one_step(statement, transcript, memory)


def _equivariance(transcript: Transcript) -> None:
    w, e = algebra.vector("w"), algebra.vector("t", "n")
    W, Q = algebra.matrix("W", "d", "n"), algebra.orthogonal("Q")
    L = algebra.symmetric("L", "n")
    g, G = network_gradients(w, W, 1, L, e)
    turned = network_gradients(Q @ w, Q @ W, 1, L, e)
    scope = "all d, all n, every orthogonal Q, every batch"
    transcript.identity("gradient of Qw is Q times that of w", turned[0], Q @ g, scope=scope)
    transcript.identity(
        "gradient of QW is Q times that of W", turned[1], Q @ G, scope=scope,
        because="the residual depends on (Qw)'(QW) = w'W; a signed permutation is orthogonal",
    )  # fmt: skip
    s, a = algebra.vector("s"), algebra.vector("a", "n")
    c = sympy.Symbol("c", positive=True)
    g, G = network_gradients(c * s, s @ a.T, 1, L, e)
    residual = c * s.dot(s) * (L @ a) - e
    transcript.identity("w-gradient on the manifold", g, s * a.dot(residual),
                        scope="all d, all n; s's = d")  # fmt: skip
    transcript.identity(
        "W-gradient on the manifold", G, c * (s @ residual.T), scope="all d, all n; s's = d",
        because="coordinate i is s_i times that of one unit that counts s's = d times",
    )  # fmt: skip


def _oddness(transcript: Transcript) -> None:
    g, m = sympy.symbols("g m", real=True)
    v, u = sympy.symbols("v u", nonnegative=True)
    for memory in MEMORIES:
        rule: dict[str, Any] = {"memory": memory, "beta1": BETA1, "beta2": BETA2, "xi": XI}
        step, (first, *squares) = adaptive_step(g, (m, v, u), **rule)
        flipped, (opposite, *same) = adaptive_step(-g, (-m, v, u), **rule)
        transcript.identity(
            f"the update with memory {memory!r} is odd", [flipped, opposite, *same],
            [-step, -first, *squares], scope="all g, m, v, all hyperparameters",
            because="m changes its sign, v and its maximum do not",
        )  # fmt: skip


def _one_step(statement: Statement, transcript: Transcript, memory: str) -> None:
    """From any state on the manifold, for units of either sign; hence for every step."""
    real, positive = {"real": True}, {"positive": True}
    start = np.asarray(sympy.symbols("c a1 a2", **real))
    first = np.asarray(sympy.symbols("m0 m1 m2", **real))
    second = np.asarray(sympy.symbols("v0 v1 v2", **positive))
    l11, l12, l22, t1, t2 = sympy.symbols("l11 l12 l22 t1 t2", **real)
    # Whole counts let the two sides reach one normal form under the root and the maximum.
    counts = {"average": sympy.symbols("p q", integer=True, positive=True)}.get(memory, (2, 3))
    lhs, rhs = statement.formula(
        signs=np.asarray([sympy.Integer(1), sympy.Integer(-1)]), start=start, first=first,
        second=second, rates=[ETA], covariances=np.asarray([[[l11, l12], [l12, l22]]]),
        targets=np.asarray([[t1, t2]]), memory=memory, beta1=BETA1, beta2=BETA2, xi=XI,
        decay=DECAY, counts=np.asarray(counts),
    )  # fmt: skip
    transcript.identity(
        f"one step with memory {memory!r}", lhs, rhs, concludes=True,
        scope="all d = p + q" if memory == "average" else "d = 5, units of either sign",
        because="induction: the weights and moments after it have the form from which it started",
    )  # fmt: skip


@attack(adam_invariant_manifold, examples={"quick": 60, "standard": 600, "deep": 6000})
def trajectories() -> st.SearchStrategy[dict[str, Any]]:
    """Trajectories of one or two steps with any signs, batches, memory and hyperparameters."""
    return _trajectories()


@st.composite
def _trajectories(draw: Draw) -> dict[str, Any]:
    d, n, steps = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    entry = st.integers(-32, 32).map(lambda k: k / 16)

    def array(*shape: int) -> np.ndarray[Any, Any]:
        size = int(np.prod(shape))
        return np.asarray(draw(st.lists(entry, min_size=size, max_size=size))).reshape(shape)

    half = array(steps, n, n)
    beta = st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)])
    return {
        "signs": np.asarray(draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=d, max_size=d))),
        "start": array(1 + n), "first": array(1 + n), "second": array(1 + n) ** 2,
        "rates": np.abs(array(steps)) / 4, "covariances": half + half.mT,
        "targets": array(steps, n),
        "memory": draw(st.sampled_from(MEMORIES)), "beta1": draw(beta), "beta2": draw(beta),
        "xi": draw(st.sampled_from([0.0, 2.0**-10])), "decay": draw(st.sampled_from([0.0, 0.5])),
    }  # fmt: skip
