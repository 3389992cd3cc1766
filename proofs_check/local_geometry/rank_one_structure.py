"""Proof and sharpness of Lemma 30, and the search for weights beyond its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, attack, hypothesis, proof
from theory.core import Statement
from theory.local_geometry.rank_one_structure import lemma_30

Array = Any


@dataclass(frozen=True)
class _Layer:
    """Any d weights: the largest and the median of the diagonal, over those of u^2."""

    largest: sympy.Expr
    middle: sympy.Expr
    reference_largest: sympy.Expr
    reference_middle: sympy.Expr

    def ratios_to_reference(self) -> list[sympy.Expr]:
        """The ratio of both layers, which obey the same bounds."""
        reference = self.reference_largest / self.reference_middle
        return [self.largest / self.middle / reference] * 2


@proof(lemma_30, scope="all d, n and delta < 1")
def monotone_order_statistics(statement: Statement, transcript: Transcript) -> None:
    """Entrywise bounds pass to the maximum and the median."""
    transcript.given("relative errors at most delta < 1, all u_i != 0")
    share = sympy.Symbol("r", nonnegative=True)  # delta = r/(1+r) runs over [0, 1)
    delta = share / (1 + share)
    size, error = sympy.symbols("a x", nonnegative=True)
    for name, factor in (("above", 1 + delta), ("below", 1 - delta)):
        gap = (factor - (1 + delta * error)) if name == "above" else (1 - delta * error - factor)
        small = sympy.Symbol("y", nonnegative=True)
        transcript.nonnegative(
            f"an entry, bounded from {name}", (size * gap).subs(error, 1 - small),
            [size * delta * small], scope="all entries, |error| = 1 - y <= 1",
            because="|1 + delta s| lies between 1 - delta and 1 + delta; so does every row's norm "
            "over |u_i| |v|",
        )  # fmt: skip
    transcript.cited(
        "order statistics are monotone", "x_(k) = min over k-sets S of max over S",
        "if a u_i^2 <= x_i <= b u_i^2 for all i, the same holds for the maxima and the midpoint "
        "medians", scope="all d",
    )  # fmt: skip
    largest, middle, top, centre = sympy.symbols("X Y M m", positive=True)
    low, high = (1 - delta) ** 2, (1 + delta) ** 2
    conditions = {
        "above M": hypothesis(high * top - largest, "max <= (1 + delta)^2 max u^2"),
        "below M": hypothesis(largest - low * top, "max >= (1 - delta)^2 max u^2"),
        "above m": hypothesis(high * centre - middle, "median <= (1 + delta)^2 median u^2"),
        "below m": hypothesis(middle - low * centre, "median >= (1 - delta)^2 median u^2"),
    }
    layer: Any = _Layer(largest, middle, top, centre)
    lhs, rhs = statement.formula(layer, None, None, delta, None, None)
    transcript.nonnegative(
        "upper bound", rhs[0] - lhs[0],
        [conditions["below m"] * (top * high / low / (middle * top)),
         conditions["above M"] * (centre / (middle * top))],
        scope="all d, n", concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "lower bound", rhs[2] - lhs[2],
        [conditions["above m"] * (low / high / middle),
         conditions["below M"] * (centre / (middle * top))],
        scope="all d, n", concludes=True,
    )  # fmt: skip
    for d in (3, 4, 5):
        _attained(statement, transcript, d)


def _attained(statement: Statement, transcript: Transcript, d: int) -> None:
    """One row up and the others down; and the reverse where the first u is twice the others."""
    exact = np.frompyfunc(lambda k: sympy.Rational(int(k)), 1, 1)
    up = np.array([1] + [-1] * (d - 1))
    instances = {"upper": (np.ones(d), up, 0), "lower": (np.array([2] + [1] * (d - 1)), -up, 2)}
    for name, (u, signs, position) in instances.items():
        errors = exact(np.outer(signs, np.ones(2)))
        lhs, rhs = statement.formula(exact(u), exact(np.ones(2)), sympy.Integer(3),
                                     sympy.Rational(1, 4), errors, exact(signs))  # fmt: skip
        for layer in (position, position + 1):
            transcript.exact(
                f"{name} constant attained, d = {d}, layer {layer - position + 1}", lhs[layer],
                "==", rhs[layer], scope=f"d = {d}, delta = 1/4",
            )  # fmt: skip


def small_array(draw: Any, *shape: int, low: int = -4, high: int = 4) -> Array:
    """Whole numbers in [low, high] from one drawn seed, or all equal to `high`."""
    seed = draw(st.integers(0, 255))
    drawn = np.random.default_rng(seed).integers(low, high + 1, size=shape)
    return np.full(shape, float(high)) if seed == 0 else drawn.astype(float)


def relative_errors(draw: Any, *shape: int) -> Array:
    """Errors in [-1, 1]: signs, by rows or by entries, or multiples of 1/4; rarely up to 3/2."""
    kind = draw(st.sampled_from(["rows", "signs", "free", "rows", "beyond"]))
    if kind == "signs":
        return 2.0 * small_array(draw, *shape, low=0, high=1) - 1.0
    if kind == "free":
        return small_array(draw, *shape) / 4.0
    rows = small_array(draw, shape[0], low=0, high=1) * 2.0 - 1.0
    size = 1.5 if kind == "beyond" else 1.0
    return np.array(np.broadcast_to(size * rows.reshape(-1, *[1] * (len(shape) - 1)), shape))


def left_factor(draw: Any, d: int) -> Array:
    """Nonzero entries u: all equal, one twice as large, one tiny, or free."""
    kind = draw(st.sampled_from(["equal", "double", "tiny", "free"]))
    if kind == "free":
        return small_array(draw, d, low=1, high=8)
    u = np.ones(d)
    u[0] = {"equal": 1.0, "double": 2.0, "tiny": 2.0**-10}[kind]
    return u


def deltas(draw: Any) -> Fraction:
    """Relative errors 0, 1/16, ..., 15/16."""
    return Fraction(draw(st.integers(0, 15)), 16)


@st.composite
def _instances(draw: Any) -> dict[str, Any]:
    d, n = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    v = np.ones(n) if draw(st.booleans()) else small_array(draw, n)
    if draw(st.integers(0, 9)) == 9:
        # The pattern that attains the upper constant, with errors half as large again.
        signs = np.where(np.arange(d) == 0, 1.5, -1.5)
        return {"u": np.ones(d), "v": np.ones(n), "c": 1.0, "delta": Fraction(1, 4),
                "first": np.tile(signs[:, None], (1, n)), "second": signs}  # fmt: skip
    return {"u": left_factor(draw, d), "v": v, "c": draw(st.sampled_from([1.0, -2.0])),
            "delta": deltas(draw), "first": relative_errors(draw, d, n),
            "second": relative_errors(draw, d)}  # fmt: skip


@attack(lemma_30, examples={"quick": 200, "standard": 2000, "deep": 10000}, refine=("u",))
def nearly_rank_one_weights() -> st.SearchStrategy[dict[str, Any]]:
    """Up to five rows; errors at the bounds by rows or entries, and u flat, graded or free."""
    return _instances()
