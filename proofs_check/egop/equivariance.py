"""Proof and attack: gradient descent and heavy ball in an orthogonal basis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, proof
from proofs_check.structures import Array, Draw
from theory.core import Statement
from theory.egop.equivariance import equivariance_of_sgd


@proof(equivariance_of_sgd, scope="all d, all t, every f_t, every orthogonal V")
def one_step_from_any_state(statement: Statement, transcript: Transcript) -> None:
    """Induction over t: ``V x_t = theta_t`` and ``V w_t = u_t`` pass to the next step."""
    V, H = algebra.orthogonal("V"), algebra.symmetric("H")
    names = ("theta", "u", "theta*", "xi", "g")
    theta, velocity, minimizer, xi, g = (algebra.vector(name) for name in names)
    eta, beta = sympy.symbols("eta beta", real=True)
    transcript.given("V'V = I; both runs see the same samples f_t")
    transcript.identity("before the first step", V @ (V.T @ theta), theta, scope="all d",
                        because="x_0 = V' theta_0; both velocities are 0")  # fmt: skip
    transcript.identity(
        "the gradient of f~ along any y", (V.T @ g).dot(V.T @ theta), g.dot(theta), scope="all d",
        because="the chain rule: <grad f~(x), y> = <grad f(Vx), Vy>, here y = V' theta",
    )  # fmt: skip
    transcript.identity(
        "any gradient at a point is one of the form H(theta - theta*) + xi",
        H @ (theta - minimizer) + (g - H @ (theta - minimizer)), g, scope="all d",
        because="xi is free in every step",
    )  # fmt: skip
    arguments = {"hessian": H, "minimizer": minimizer, "start": theta, "velocity": velocity,
                 "basis": V, "rate": eta, "momentum": beta}  # fmt: skip
    lhs, rhs = statement.formula(noise=[xi], **arguments)
    transcript.identity(
        "one step from any pair of states with x = V' theta, w = V' u", lhs, rhs, concludes=True,
        scope="all d, every f_t, by induction all t", because="the rule is linear in g, u, theta",
    )  # fmt: skip


@attack(equivariance_of_sgd)
def rotated_runs() -> SearchStrategy[dict[str, Any]]:
    """One or two steps in the plane, in exact rational bases, and in multiples of them."""
    return _runs()


@st.composite
def _runs(draw: Draw) -> dict[str, Any]:
    d, steps = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    basis = draw(strategies.rational_orthogonal(d))
    if draw(st.sampled_from([False, False, True])):
        basis = basis * draw(st.sampled_from([Fraction(2), Fraction(99, 100)]))
    rows = np.array([_exact(draw(strategies.vectors(d))) for _ in range(d)])
    points = {name: _exact(draw(strategies.vectors(d, nonzero=True)))
              for name in ("start", "velocity", "minimizer")}  # fmt: skip
    rate = draw(st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(4)]))
    momentum = draw(st.sampled_from([Fraction(9, 10), Fraction(0), Fraction(-1, 2)]))
    noise = np.array([_exact(draw(strategies.vectors(d))) for _ in range(steps)])
    return {"hessian": rows + rows.T, "noise": noise, "basis": basis, "rate": rate,
            "momentum": momentum, **points}  # fmt: skip


def _exact(values: Array) -> Array:
    return np.array([Fraction(value) for value in values.tolist()], dtype=object)
