"""Proof by induction on the iterations, and attacks: outcomes of every kind, and real runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.engine import Transcript, attack, hypothesis, proof
from proofs_check.structures import Draw
from theory.adaptive_norms.algorithm import Progress, algorithm_1, recorded_run
from theory.core import Statement
from theory.optimizers.trust_region.method import minimize
from theory.optimizers.trust_region.radius import RadiusRule

NOTHING = np.empty((0, 2))
ROWS = (
    "eta1 times the promised decreases <= L_0 - L_T",
    "Delta_T gamma_dec^U <= Delta_0 gamma_inc^S",
    "Delta_0 <= Delta_T gamma_dec^U",
    "Delta_T <= Delta_max",
)

# ---- proof

_N = sympy.Symbol("n", integer=True, nonnegative=True)
_START, _VALUE = sympy.symbols("L_0 L_n", real=True)
_FIRST, _RADIUS, _PREDICTED, _ETA = sympy.symbols("Delta_0 Delta_n p_n eta1", positive=True)
_PROMISED, _GROWN, _SHRUNK = sympy.symbols("P_n G_n U_n", positive=True)
_GROWTH, _DROP = sympy.symbols("h s", positive=True)
_ABOVE, _BELOW, _ROOM = sympy.symbols("a b r", nonnegative=True)
_SHRINK = sympy.Symbol("k", positive=True)
_DEC = 1 + _SHRINK


@dataclass(frozen=True)
class _Symbolic:
    """A run of `count` iterations: what n of them led to is symbols, one more may follow."""

    count: Any
    proposed: Any

    def states(self, initial: Progress, rule: RadiusRule) -> list[Progress]:
        """The last state."""
        if self.count == 0:
            return [initial]
        state = Progress(_VALUE, _RADIUS, _PROMISED, _GROWN, _SHRUNK)
        return [state if self.count == _N else state.after(self.proposed, _PREDICTED, rule)]


@dataclass(frozen=True)
class _Case:
    """One outcome of iteration n: rho, the rule's numbers, and what each row gains (times)."""

    name: str
    rho: Any
    eta2: Any
    growth: Any
    limit: Any
    times: tuple[Any, Any, Any, Any]
    gains: tuple[Any, Any, Any, Any]


def _cases() -> list[_Case]:
    very = _ETA + _ABOVE + _DROP
    kept = _ETA + _ABOVE + _BELOW
    # The limit is met if Delta_n = Delta_max - r and gamma_inc Delta_n = Delta_max + b.
    meets = 1 + (_ROOM + _BELOW) / _RADIUS
    limit = _RADIUS + _ROOM
    free = (1 + _GROWTH) * _RADIUS + _ROOM
    one = sympy.Integer(1)
    return [
        _Case("rho > eta2, below the limit", very, _ETA + _ABOVE, 1 + _GROWTH, free,
              (one, 1 + _GROWTH, one, 0),
              ((_ABOVE + _DROP) * _PREDICTED, 0, _GROWTH * _RADIUS * _SHRUNK, _ROOM)),
        _Case("rho > eta2, at the limit", very, _ETA + _ABOVE, meets, limit,
              (one, meets, one, 0),
              ((_ABOVE + _DROP) * _PREDICTED, _BELOW * _SHRUNK, _ROOM * _SHRUNK, 0)),
        _Case("eta1 <= rho <= eta2", _ETA + _ABOVE, kept, 1 + _GROWTH, limit,
              (one, 1 + _GROWTH, one, 0),
              (_ABOVE * _PREDICTED, _GROWTH * _RADIUS * _SHRUNK, 0, _ROOM)),
        _Case("rho < eta1", _ETA - _DROP, _ETA + _ABOVE, 1 + _GROWTH, limit,
              (one, one, one, 0),
              (0, 0, 0, _ROOM + _RADIUS * _SHRINK / _DEC)),
    ]  # fmt: skip


@proof(algorithm_1, scope="all T, every sequence of outcomes with exact function values; that the "
       "implementation follows the rule is searched", partial=True)  # fmt: skip
def induction_over_iterations(statement: Statement, transcript: Transcript) -> None:
    """Each inequality, from n to n + 1 iterations, in each of the rule's cases."""
    transcript.given("0 < eta1 <= eta2, gamma_inc, gamma_dec > 1, 0 < Delta_0 <= Delta_max, "
                     "p_n > 0; after n iterations P_n is the sum of the promised decreases, "
                     "G_n = gamma_inc^S and U_n = gamma_dec^U")  # fmt: skip
    for case in _cases():
        for row, name in enumerate(ROWS):
            _step(statement, transcript, case, row, name)


def _step(statement: Statement, transcript: Transcript, case: _Case, row: int, name: str) -> None:
    def gap(count: Any) -> Any:
        proposed = _VALUE - case.rho * _PREDICTED
        lhs, rhs = statement.formula(
            start=_START, outcomes=_Symbolic(count, proposed), recorded=NOTHING, radius=_FIRST,
            max_radius=case.limit, eta1=_ETA, eta2=case.eta2, gamma_inc=case.growth,
            gamma_dec=_DEC,
        )  # fmt: skip
        return rhs[row] - lhs[row]

    first = hypothesis(case.limit - _FIRST, "Delta_0 <= Delta_max") if row == 3 else 0
    transcript.induction(
        f"{name}; the last iteration has {case.name}", gap, _N, [first],
        lambda previous: [case.times[row] * previous, case.gains[row]],
        scope="all n", concludes=True, because=_because(case.name),
    )  # fmt: skip


def _because(name: str) -> str:
    return {
        "rho > eta2, below the limit": "rho = eta1 + a + s, Delta_max = gamma_inc Delta_n + r",
        "rho > eta2, at the limit": "gamma_inc Delta_n = Delta_max + b, Delta_max = Delta_n + r",
        "eta1 <= rho <= eta2": "rho = eta1 + a, eta2 = rho + b",
        "rho < eta1": "rho = eta1 - s; L and the sum stay",
    }[name]


# ---- attacks


@attack(algorithm_1)
def outcomes() -> SearchStrategy[dict[str, Any]]:
    """Sequences of outcomes at, just above and just below every threshold of the rule."""
    return _outcomes()


@st.composite
def _outcomes(draw: Draw) -> dict[str, Any]:
    # Short dyadic numbers: the values are exact, and a ratio can equal a threshold.
    eta1 = draw(st.sampled_from([0.25, 2.0**-10, 0.5]))
    eta2 = draw(st.sampled_from([0.75, 0.5, 0.9375]))
    ratios = st.sampled_from([eta1, eta2, eta1 - 2.0**-12, eta2 + 2.0**-12, 1.0, -1.0, 0.0])
    radius = draw(st.sampled_from([1.0, 8.0, 0.125]))
    start = value = draw(st.sampled_from([1.0, 0.0, -16.0]))
    rows: list[tuple[float, float]] = []
    for _ in range(draw(st.integers(0, 6))):
        predicted = draw(st.sampled_from([1.0, 0.125, 3.0, -0.5]))
        rho = draw(ratios)
        rows.append((value - rho * predicted, predicted))
        value = rows[-1][0] if rho >= eta1 else value
    return {"start": start, "outcomes": np.array(rows).reshape(-1, 2), "recorded": NOTHING,
            "radius": radius, "max_radius": radius * draw(st.sampled_from([4.0, 1.0, 64.0, 0.5])),
            "eta1": eta1, "eta2": eta2, "gamma_inc": draw(st.sampled_from([1.5, 2.0])),
            "gamma_dec": draw(st.sampled_from([2.0, 4.0]))}  # fmt: skip


@attack(algorithm_1, examples={"quick": 48, "standard": 500, "deep": 5000})
def runs() -> SearchStrategy[dict[str, Any]]:
    """Replayed histories of the implementation: all ellipsoids and solvers, wrong derivatives."""
    return _runs()


@st.composite
def _runs(draw: Draw) -> dict[str, Any]:
    dimension = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    fun, grad, hvp = _wave(rng, dimension, error=draw(st.sampled_from([0.0, 0.02, 0.1, 1.0])))
    # At 0 the gradient is 0 but for the error: the curvature phase, where there is any.
    away = draw(st.sampled_from([2.0, 0.0]))
    # Powers of two: the radii of the run are exact.
    rule = {"radius": draw(st.sampled_from([1.0, 2.0**-6])), "max_radius": 8.0, "eta1": 2.0**-10,
            "eta2": draw(st.sampled_from([0.75, 0.5])), "gamma_inc": 2.0,
            "gamma_dec": draw(st.sampled_from([2.0, 4.0]))}  # fmt: skip
    result = minimize(
        fun, grad, hvp, away * rng.standard_normal(dimension), max_iter=draw(st.integers(1, 12)),
        ellipsoid=draw(st.sampled_from(["rmsprop", "adagrad", "spherical"])),
        power=draw(st.sampled_from([0.5, 1.0])), diagonal=draw(st.booleans()),
        scale_determinant=draw(st.booleans()), safeguarded=draw(st.booleans()),
        solver=draw(st.sampled_from(["steihaug", "gltr", "cauchy"])), eps=1e-4, eps_g=0.0625,
        eps_H=draw(st.sampled_from([None, 0.25])), **rule,
    )  # fmt: skip
    if not result.history:
        return {"start": 0.0, "outcomes": NOTHING, "recorded": NOTHING, **rule}
    start, found, recorded = recorded_run(result)
    return {"start": start, "outcomes": found, "recorded": recorded, **rule}


def _wave(rng: Any, dimension: int, *, error: float) -> tuple[Callable[..., Any], ...]:
    """A quadratic with a cosine in a random direction, and derivatives that may be wrong."""
    rows = rng.standard_normal((dimension, dimension))
    matrix, direction = rows.T @ rows / dimension, 2.0 * rng.standard_normal(dimension)
    shift, tilt = error * rng.standard_normal(dimension), error * float(rng.standard_normal())

    def fun(x: Any) -> float:
        return float(0.5 * x @ matrix @ x + np.cos(direction @ x))

    def grad(x: Any) -> Any:
        return matrix @ x - np.sin(direction @ x) * direction + shift

    def hvp(x: Any, v: Any) -> Any:
        return matrix @ v - np.cos(direction @ x) * (direction @ v) * direction + tilt * v

    return fun, grad, hvp
