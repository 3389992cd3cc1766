"""Comparisons of numbers and of functions on boxes, decided in rationals or in balls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flint
import sympy

from proofs_check.engine import balls
from proofs_check.engine.exact import Real
from proofs_check.engine.reduce import reduction_to_zero, to_sympy
from proofs_check.engine.rules import Outcome, equation
from proofs_check.engine.witness import show

_BITS = 96
Box = tuple[tuple[flint.fmpq, flint.fmpq], ...]


def exact(lhs: Any, relation: str, rhs: Any) -> Outcome:
    """Decide ``lhs relation rhs`` between closed numbers.

    Rationals are compared exactly; SymPy closed forms, balls, and callables that return a ball in
    the working precision are enclosed at 64, 256, 1024 and 4096 bits. Balls never prove equality:
    that needs rationals or a symbolic reduction.

    Raises
    ------
    TypeError
        If a side is a float or has free symbols.
    ValueError
        If the relation is unknown.
    """
    if relation not in balls.RELATIONS:
        known = ", ".join(balls.RELATIONS)
        raise ValueError(f"relation is {relation!r}; it must be one of {known}")
    sides = [_side(lhs), _side(rhs)]
    claim, latex = equation(_shown(lhs), _shown(rhs), relation)
    symbolic = all(isinstance(side, sympy.Expr) for side in sides)
    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            difference = balls.add(
                _value(sides[0]), balls.multiply(flint.fmpq(-1), _value(sides[1]))
            )
            decided = balls.compare(difference, relation)
        if decided is not None:
            rational = isinstance(difference, flint.fmpq)
            how = "in exact rationals" if rational else f"enclosed at {bits} bits"
            detail = f"left minus right is {show(difference)}, {how}"
            return Outcome(decided, claim, latex, detail, refuted=not decided)
    method = reduction_to_zero(sides[0] - sides[1]) if symbolic else None
    if method is not None:
        equal = relation in ("==", "<=", ">=")
        return Outcome(equal, claim, latex, f"both sides are equal, by {method}", refuted=not equal)
    detail = f"undecided: left minus right is {show(difference)} at {bits} bits"
    return Outcome(False, claim, latex, detail)


def _side(value: Any) -> Any:
    value = value.value if isinstance(value, Real) else value
    if isinstance(value, flint.arb):
        return value
    if callable(value) and not isinstance(value, sympy.Basic):
        return value
    number = to_sympy(value)
    if number.free_symbols:
        raise TypeError(f"{number} has free symbols; an exact comparison needs closed numbers")
    return number


def _shown(value: Any) -> Any:
    return getattr(value, "__name__", "value") if callable(value) else value


def _value(side: Any) -> balls.Value:
    if isinstance(side, flint.arb):
        return side
    value = side if isinstance(side, sympy.Expr) else side()
    value = value.value if isinstance(value, Real) else value
    return value if isinstance(value, flint.arb) else balls.evaluate(to_sympy(value), {})


def interval(function: Callable[..., Any],
             box: Sequence[Sequence[Any]] | Mapping[str, Sequence[Any]], relation: str,
             max_boxes: int) -> Outcome:  # fmt: skip
    """Decide ``function relation 0`` on all of a box by adaptive subdivision in balls.

    ``"contains"`` asks for a zero of a continuous function: two corners of opposite sign.
    The function receives `Real` balls: a comparison that is not certain leaves the box undecided,
    so that branches and Python's ``max`` are safe.

    Raises
    ------
    ValueError
        If the relation is unknown or the box is empty or unbounded.
    """
    sides = list(box.values()) if isinstance(box, Mapping) else list(box)
    names = list(box) if isinstance(box, Mapping) else [f"x{k + 1}" for k in range(len(sides))]
    start = tuple((_endpoint(low, up=False), _endpoint(high, up=True)) for low, high in sides)
    if not start or any(low > high for low, high in start):
        raise ValueError(f"box is {box!r}; it must have at least one side, low <= high")
    where = ", ".join(f"{name} in [{low}, {high}]"
                      for name, (low, high) in zip(names, sides, strict=True))  # fmt: skip
    label = getattr(function, "__name__", "f").replace("<lambda>", "f")
    with balls.precision(_BITS):
        if relation == "contains":
            return _zero(function, start, f"{label} (continuous) has a zero, {where}")
        if relation not in ("<", "<=", ">", ">="):
            raise ValueError(f"relation is {relation!r}; it must be <, <=, >, >= or contains")
        claim = f"{label} {relation} 0 for {where}"
        return _everywhere(function, start, relation, max_boxes, claim)


def _everywhere(function: Callable[..., Any], start: Box, relation: str, max_boxes: int,
                claim: str) -> Outcome:  # fmt: skip
    for corner in _corners(start):
        if balls.compare(_at(function, corner), relation) is False:
            return _against(claim, function, corner)
    waiting, done = deque([start]), 0
    while waiting:
        box = waiting.popleft()
        done += 1
        if balls.compare(_on(function, box), relation) is True:
            continue
        middle = tuple((low + high) / 2 for low, high in box)
        if balls.compare(_at(function, middle), relation) is False:
            return _against(claim, function, middle)
        if done + len(waiting) >= max_boxes:
            return Outcome(False, claim, "", f"undecided after {done} boxes, near {_point(middle)}")
        waiting.extend(_halves(box))
    return Outcome(True, claim, "", f"enclosed on {done} boxes in {_BITS}-bit balls")


def _against(claim: str, function: Callable[..., Any], point: tuple[flint.fmpq, ...]) -> Outcome:
    detail = f"witness: at {_point(point)} it is {show(_at(function, point))}"
    return Outcome(False, claim, "", detail, refuted=True)


def _zero(function: Callable[..., Any], start: Box, claim: str) -> Outcome:
    signs = {balls.sign(_at(function, corner)) for corner in _corners(start)}
    if {-1, 1} <= signs or 0 in signs:
        return Outcome(True, claim, "", "opposite signs at two corners, enclosed in balls")
    return Outcome(False, claim, "", "undecided: no two corners with certain opposite signs")


def _endpoint(value: Any, *, up: bool) -> flint.fmpq:
    number = to_sympy(value)
    if number.is_Rational:
        return flint.fmpq(int(number.p), int(number.q))
    with balls.precision(_BITS):
        ball = balls.as_arb(balls.evaluate(number, {}))
        return (ball.upper() if up else ball.lower()).fmpq()


def _point(point: tuple[flint.fmpq, ...]) -> str:
    shown = ", ".join(show(value) for value in point)
    return f"({shown})" if len(point) > 1 else shown


def _corners(box: Box) -> list[tuple[flint.fmpq, ...]]:
    corners: list[tuple[flint.fmpq, ...]] = [()]
    for side in box:
        corners = [(*corner, end) for corner in corners for end in dict.fromkeys(side)]
    return corners


def _at(function: Callable[..., Any], point: tuple[flint.fmpq, ...]) -> flint.arb:
    return _on(function, tuple((x, x) for x in point))


def _on(function: Callable[..., Any], box: Box) -> flint.arb:
    """The enclosure on a box; a ball that decides nothing where the function is not defined."""
    try:
        arguments = [Real(flint.arb(low).union(flint.arb(high))) for low, high in box]
        value = function(*arguments)
    except (ArithmeticError, ValueError):
        return flint.arb("nan")
    value = value.value if isinstance(value, Real) else value
    if isinstance(value, bool) or not isinstance(value, (flint.arb, flint.fmpq, flint.fmpz, int)):
        raise TypeError(f"the function returned {type(value).__name__}; it must return a ball")
    return flint.arb(value)


def _halves(box: Box) -> list[Box]:
    widest = max(range(len(box)), key=lambda k: box[k][1] - box[k][0])
    low, high = box[widest]
    middle = (low + high) / 2
    return [(*box[:widest], side, *box[widest + 1 :]) for side in ((low, middle), (middle, high))]
