"""The rules by which a step is checked; each returns what was checked, or why it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from proofs_check.engine import quadrature, witness
from proofs_check.engine.expressions import Expression
from proofs_check.engine.reduce import reduction_to_zero, to_sympy
from proofs_check.engine.terms import INDUCTION, Number, Term, as_number, as_term, plain_text

_CROSS_CHECKS = 6  # exact points at which a reduced identity is evaluated as well


@dataclass(frozen=True)
class Outcome:
    """What a rule found: `ok` only if the claim was checked, `refuted` only with a witness."""

    ok: bool
    claim: str
    latex: str
    detail: str
    refuted: bool = False


def entries(value: Any) -> list[sympy.Expr | Expression]:
    """The entries of a number, an array, a SymPy matrix or a nested sequence, row by row.

    Raises
    ------
    TypeError
        If an entry is not exact (a float, for instance).
    """
    if isinstance(value, Expression):
        return [value]
    if isinstance(value, (list, tuple)):
        return [entry for item in value for entry in entries(item)]
    if isinstance(value, sympy.MatrixBase):
        return [entry for item in value for entry in entries(item)]
    if hasattr(value, "tolist") and hasattr(value, "shape"):
        return entries(value.tolist())
    return [to_sympy(value)]


def _shape(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Expression):
        return value.shape
    if isinstance(value, (list, tuple)):
        return (len(value), *(_shape(value[0]) if value else ()))
    shape = getattr(value, "shape", ())
    return tuple(shape)


def _latex(value: Any) -> str:
    if isinstance(value, Expression):
        return value.latex()
    return str(sympy.latex(value)) if isinstance(value, sympy.Basic) else ""


def equation(lhs: Any, rhs: Any, relation: str = "=") -> tuple[str, str]:
    """Text and LaTeX of ``lhs relation rhs``."""
    left, right = _latex(_plain(lhs)), _latex(_plain(rhs))
    relation = "=" if relation == "==" else relation
    if relation == "=" and plain_text(lhs) == plain_text(rhs):
        # The normal form is shared; "x = x" would tell a reader nothing.
        both = rf"\text{{both sides}} = {left}" if left else ""
        return f"both sides reduce to {plain_text(lhs)}", both
    symbol = {"<=": r"\leq", ">=": r"\geq", "!=": r"\neq"}.get(relation, relation)
    return (f"{plain_text(lhs)} {relation} {plain_text(rhs)}",
            f"{left} {symbol} {right}" if left and right else "")  # fmt: skip


def _plain(value: Any) -> Any:
    try:
        return to_sympy(value)
    except TypeError:
        return value


def differences(lhs: Any, rhs: Any) -> list[sympy.Expr | Expression]:
    """Entrywise differences; raises ValueError if the shapes differ."""
    left, right = entries(lhs), entries(rhs)
    if _shape(lhs) != _shape(rhs) or len(left) != len(right):
        raise ValueError(f"shapes differ: {_shape(lhs)} and {_shape(rhs)}")
    return [a - b for a, b in zip(left, right, strict=True)]


def identity(lhs: Any, rhs: Any, where: Sequence[Any] = ()) -> Outcome:
    """Check ``lhs = rhs``: every entry of the difference reduces to 0."""
    claim, latex = equation(lhs, rhs)
    remaining = differences(lhs, rhs)
    found = witness.search(remaining, witness.nonzero, where=where, trials=_CROSS_CHECKS)
    methods = [_reduction(difference) for difference in remaining] if found is None else []
    if found is None and None in methods:
        found = witness.search(remaining, witness.nonzero, where=where, seed=1)
    if found is not None:
        return Outcome(False, claim, latex, f"witness: {found} (left minus right)", refuted=True)
    if None in methods:
        left = plain_text(remaining[methods.index(None)])
        return Outcome(False, claim, latex, f"undecided: left minus right does not reduce: {left}")
    doubt = next(filter(None, (quadrature.objection(d, where) for d in remaining)), None)
    if doubt is not None:
        return Outcome(False, claim, latex, f"undecided: it reduces, but {doubt}")
    return Outcome(True, claim, latex, "by " + ", ".join(dict.fromkeys(map(str, methods))))


def _reduction(difference: sympy.Expr | Expression) -> str | None:
    if isinstance(difference, Expression):
        return "normal form" if difference.is_zero() else None
    return reduction_to_zero(difference)


def nonnegative(expression: Any, terms: Sequence[Any], where: Sequence[Any] = (), *,
                hypotheses_hold: bool = True, inductive: bool = False) -> Outcome:  # fmt: skip
    """Check ``expression = sum(terms)`` and that every term is visibly nonnegative.

    Parameters
    ----------
    hypotheses_hold : bool
        Whether the statement has the claim's hypotheses, so that a `hypothesis` counts.
    inductive : bool
        Whether the induction hypothesis counts.

    Raises
    ------
    TypeError
        If an entry is not exact.
    """
    value, parts = as_number(expression), [as_term(term) for term in terms]
    total = sum((part.value for part in parts[1:]), parts[0].value) if parts else sympy.Integer(0)
    sign, zero = (" >= 0", r"\geq 0") if not isinstance(value, Expression) else (
        " is positive semidefinite", r"\succeq 0")  # fmt: skip
    shown = " + ".join(f"[{part.text}]" for part in parts) or "0"
    claim, latex = f"{plain_text(value)} = {shown}{sign}", _latex(value) + zero
    conditions = [condition for part in parts for condition in part.conditions]
    problem = (_sum_problem(value, total, where) or _term_problem(parts)
               or _hypothesis_problem(conditions, where))  # fmt: skip
    problem = problem or _missing_hypothesis(conditions, hypotheses_hold, inductive)
    if problem is None:
        by = "; ".join(dict.fromkeys(text for _, text in conditions))
        return Outcome(True, claim, latex, "every term is visibly nonnegative"
                       + (f", by hypothesis: {by}" if by else ""))  # fmt: skip
    found = _negative_point(value, conditions, where)
    if found is not None:
        return Outcome(False, claim, latex, f"witness: {found}, negative", refuted=True)
    return Outcome(False, claim, latex, problem)


def _sum_problem(value: Number, total: Number, where: Sequence[Any]) -> str | None:
    outcome = identity(value, total, where)
    return None if outcome.ok else f"the terms do not add up to the expression; {outcome.detail}"


def _term_problem(parts: Sequence[Term]) -> str | None:
    for position, part in enumerate(parts, start=1):
        hidden = part.hidden_factor()
        if hidden is not None:
            return f"term {position} is not visibly nonnegative: {hidden}"
    return None


def _missing_hypothesis(conditions: Sequence[tuple[Number, str]], hypotheses_hold: bool,
                        inductive: bool) -> str | None:  # fmt: skip
    for _, text in conditions:
        if not (inductive if text == INDUCTION else hypotheses_hold):
            return f"the statement does not assume that {text}"
    return None


def _hypothesis_problem(conditions: Sequence[tuple[Number, str]],
                        where: Sequence[Any]) -> str | None:  # fmt: skip
    """Hypotheses that no sampled point satisfies would prove anything."""
    numbers = [condition for condition, _ in conditions if not isinstance(condition, Expression)]
    holding = [*where, *(number >= 0 for number in numbers)]
    possible = witness.search([sympy.Integer(0)], lambda value: True, where=holding)
    return None if possible or not conditions else "no point found at which the hypotheses hold"


def _negative_point(value: Number, conditions: Sequence[tuple[Number, str]],
                    where: Sequence[Any]) -> witness.Witness | None:  # fmt: skip
    if isinstance(value, Expression) or any(isinstance(c, Expression) for c, _ in conditions):
        return None
    conditions_hold = [*where, *(condition >= 0 for condition, _ in conditions)]
    return witness.search([value], witness.negative, where=conditions_hold)
