"""One instance against one statement: a look in float64, and a judgement that is rigorous."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from proofs_check.engine.balls import precision
from proofs_check.engine.exact import PRECISIONS, Real, Undecided, to_exact, to_float
from theory.core import Statement
from theory.scalars import NotExact

EQUALITIES = ("identity", "definition", "algorithm")
# A float64 evaluation of a formula is trusted only beyond this relative distance from equality.
_CLOSE = 1e-9
# A ball of lhs - rhs that is wider than this, relative to its sides, asks for more bits.
_WIDE = 1e-12


class Answer(StrEnum):
    """What exact arithmetic says of an instance."""

    HOLDS = "holds"
    VIOLATED = "violated"
    TOUCHES = "equal to the last bit of the widest precision"
    EXCLUDED = "excluded by a hypothesis"
    UNDECIDED = "not decided by the widest precision"
    UNDEFINED = "outside the domain of the formula"
    UNAVAILABLE = "the formula has no exact arithmetic"


@dataclass(frozen=True)
class Judgement:
    """The answer for one instance, with ``rhs - lhs`` and the ratio as floats where known.

    `excess` is the size of a violation as text, which neither overflows nor underflows.
    """

    answer: Answer
    margin: float | None = None
    ratio: float | None = None
    arithmetic: str = ""
    detail: str = ""
    excess: str = ""


@dataclass(frozen=True)
class Look:
    """A float64 evaluation: hypotheses, worst margin, ratio, and whether it needs a judge.

    `held` is None where the evaluation failed; `violated` is what float64 alone would say, and
    `clear` whether it says so beyond rounding.
    """

    held: bool | None
    margin: float | None = None
    ratio: float | None = None
    close: bool = True
    violated: bool = False
    clear: bool = False


def look(statement: Statement, instance: Mapping[str, Any]) -> Look:
    """Evaluate hypotheses and formula in float64; errors there are left to the exact judge."""
    arguments = to_float(dict(instance))
    with np.errstate(all="ignore"):
        try:
            if not statement.hypotheses_hold(**arguments):
                return Look(held=False)
            lhs, rhs = (np.asarray(side, dtype=float) for side in statement.formula(**arguments))
        except (ArithmeticError, ValueError, TypeError):
            return Look(held=None)
        lhs, rhs = np.broadcast_arrays(lhs, rhs)
        if lhs.size == 0 or not (np.isfinite(lhs).all() and np.isfinite(rhs).all()):
            return Look(held=True)
        margins, slack = rhs - lhs, _CLOSE * np.maximum(abs(lhs), abs(rhs))
        worst = float(margins.min())
        return Look(
            held=True,
            margin=worst if math.isfinite(worst) else None,
            ratio=ratio_of(lhs, rhs),
            close=bool(np.any(margins <= slack)),
            violated=bool(np.any(margins < 0)),
            clear=bool(np.any(margins < -slack)),
        )


def ratio_of(lhs: Any, rhs: Any) -> float | None:
    """How close ``lhs <= rhs`` is to equality: at most 1 if and only if it holds.

    ``lhs / rhs`` for rhs > 0 (0 for a negative lhs), ``rhs / lhs`` where both are negative; the
    largest over the entries of arrays. Entries with ``rhs <= 0 <= lhs`` have no ratio.

    >>> ratio_of(1.0, 4.0), ratio_of(-4.0, -1.0), ratio_of(0.0, 0.0)
    (0.25, 0.25, None)
    """
    with np.errstate(all="ignore"):
        pairs = zip(np.ravel(lhs).tolist(), np.ravel(rhs).tolist(), strict=True)
        found = [_ratio(a, b) for a, b in pairs]
    known = [value for value in found if value is not None and math.isfinite(value)]
    return max(known) if known else None


def _ratio(lhs: Any, rhs: Any) -> float | None:
    if rhs > 0:
        quotient = max(lhs, 0.0) / rhs
    elif lhs < 0 and rhs < 0:
        quotient = rhs / lhs
    else:
        return None
    return float(quotient)


def judge(statement: Statement, instance: Mapping[str, Any]) -> Judgement:
    """Decide the instance in exact rationals where possible, else in balls of growing precision.

    Hypotheses are decided in the same arithmetic. Only a certain violation is `VIOLATED`.
    """
    last = Judgement(Answer.UNDEFINED)
    for bits in PRECISIONS:
        with precision(bits):
            last, settled = _attempt(statement, to_exact(dict(instance)), bits)
        if settled:
            break
    return last


def _attempt(statement: Statement, arguments: dict[str, Any], bits: int) -> tuple[Judgement, bool]:
    try:
        if not statement.hypotheses_hold(**arguments):
            return Judgement(Answer.EXCLUDED), True
    except Undecided as error:
        return Judgement(Answer.UNDECIDED, detail=str(error)), False
    except (ZeroDivisionError, ValueError) as error:
        return Judgement(Answer.UNDEFINED, detail=str(error)), isinstance(error, ValueError)
    except (TypeError, AttributeError, NotExact) as error:
        return Judgement(Answer.UNAVAILABLE, detail=f"hypotheses: {error}"), True
    try:
        pairs = list(_pairs(*statement.formula(**arguments)))
    except Undecided as error:
        return Judgement(Answer.UNDECIDED, detail=str(error)), False
    except (ZeroDivisionError, ValueError) as error:
        return Judgement(Answer.UNDEFINED, detail=str(error)), isinstance(error, ValueError)
    except (TypeError, AttributeError, NotExact) as error:
        return Judgement(Answer.UNAVAILABLE, detail=str(error)), True
    return _weigh(pairs, bits, equality=statement.claim.kind in EQUALITIES)


def _pairs(lhs: Any, rhs: Any) -> Iterator[tuple[Real, Real]]:
    left, right = np.asarray(lhs, dtype=object), np.asarray(rhs, dtype=object)
    if left.shape != right.shape and 0 not in (left.ndim, right.ndim):
        raise TypeError(f"lhs has shape {left.shape} and rhs {right.shape}; they must be equal")
    left, right = np.broadcast_arrays(left, right)
    for a, b in zip(left.ravel().tolist(), right.ravel().tolist(), strict=True):
        yield Real(a), Real(b)


def _weigh(pairs: list[tuple[Real, Real]], bits: int, *, equality: bool) -> tuple[Judgement, bool]:
    differences = [rhs - lhs for lhs, rhs in pairs]
    exact = all(difference.is_rational for difference in differences)
    arithmetic = "exact rationals" if exact else f"balls of {bits} bits"
    signs = [_sign(difference) for difference in differences]
    wrong = (-1, 1) if equality else (-1,)
    against = [d for d, sign in zip(differences, signs, strict=True) if sign in wrong]
    if equality:
        margin = 0.0 - max((abs(d).approximate() for d in differences), default=0.0)
        ratio = None
    else:
        margin = min((difference.approximate() for difference in differences), default=math.inf)
        ratio = _exact_ratio(pairs)
    answer = Answer.VIOLATED if against else Answer.HOLDS
    if not against and None in signs:
        wide = any(_is_wide(d, pair) for d, pair in zip(differences, pairs, strict=True))
        answer = Answer.UNDECIDED if wide else Answer.TOUCHES
    # An equality is only ever refuted, so that a narrow ball around 0 is all there is to know.
    settled = answer in (Answer.HOLDS, Answer.VIOLATED) or (equality and answer is Answer.TOUCHES)
    finite = margin if math.isfinite(margin) else None
    # As text: a float of it may overflow or underflow.
    worst = max((abs(d) for d in against), key=Real.approximate, default=None)
    excess = "" if worst is None else _size(worst)
    return Judgement(answer, finite, ratio, arithmetic, excess=excess), settled


def _size(value: Real) -> str:
    rounded = value.approximate()
    usual = math.isfinite(rounded) and rounded != 0
    return f"{rounded:.6g}" if usual else str(value.ball.str(6, radius=False))


def _sign(difference: Real) -> int | None:
    try:
        return int(difference > 0) - int(difference < 0)
    except Undecided:
        return None


def _is_wide(difference: Real, pair: tuple[Real, Real]) -> bool:
    scale = max(abs(side).approximate() for side in pair)
    return difference.radius() > _WIDE * scale


def _exact_ratio(pairs: list[tuple[Real, Real]]) -> float | None:
    found = []
    for lhs, rhs in pairs:
        try:
            quotient = _ratio_real(lhs, rhs)
        except Undecided:
            continue
        if quotient is not None:
            found.append(quotient.approximate())
    known = [value for value in found if math.isfinite(value)]
    return max(known) if known else None


def _ratio_real(lhs: Real, rhs: Real) -> Real | None:
    if rhs > 0:
        return Real(lhs.max(0) / rhs)
    return Real(rhs / lhs) if lhs < 0 and rhs < 0 else None
