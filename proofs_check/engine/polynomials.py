"""Implications between polynomial relations, decided by z3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofs_check.engine.rules import Outcome

# Steps of z3's own count; on slow formulas a processor does about as many.
_STEPS_PER_SECOND = 200_000


def polynomial(hypotheses: Sequence[Any], conclusion: Any, seconds: float = 20) -> Outcome:
    """Prove with z3 that the hypotheses imply the conclusion for all values of the variables.

    Contradictory hypotheses are a failure, since they would imply anything. A model of the
    negation is evaluated again before it counts as a witness; a formula with a division by a
    variable (a total function in z3), a quantifier or an uninterpreted function has none.

    `seconds` is nominal: z3 gives up after 200000 steps for each of them, by its own count, and
    works in a context of its own, so that neither the speed and load of the machine nor earlier
    steps of the process enter the answer. The proofs of the suite take at most 14000.
    """
    import z3

    claim = f"{conclusion}".replace("\n", " ")
    if hypotheses:
        given = " and ".join(str(h).replace("\n", " ") for h in hypotheses)
        claim = f"{given} imply {claim}"
    context = z3.Context()
    hypotheses = [hypothesis.translate(context) for hypothesis in hypotheses]
    conclusion = conclusion.translate(context)
    solver = z3.Solver(ctx=context)
    solver.set("rlimit", max(1, int(_STEPS_PER_SECOND * seconds)))
    # z3 would take Ctrl-C for itself, and answer "unknown".
    solver.set("ctrl_c", False)
    solver.add(*hypotheses)
    consistent = solver.check()
    if consistent != z3.sat:
        found = "are contradictory" if consistent == z3.unsat else "could not be shown consistent"
        return Outcome(False, claim, "", f"undecided: the hypotheses {found}")
    solver.add(z3.Not(conclusion))
    answer = solver.check()
    if answer == z3.unsat:
        return Outcome(True, claim, "", "by z3: the negation has no model")
    if answer == z3.unknown:
        return Outcome(False, claim, "", f"undecided by z3: {solver.reason_unknown()}")
    model = solver.model()
    wrong = z3.is_true(model.eval(z3.And(*hypotheses, z3.Not(conclusion)), model_completion=True))
    plain = all(_is_plain(formula) for formula in (*hypotheses, conclusion))
    point = ", ".join(sorted(f"{d} = {model[d]}" for d in model.decls()))
    if wrong and plain:
        return Outcome(False, claim, "", f"witness: at {point} it fails", refuted=True)
    return Outcome(False, claim, "", f"z3 has a model of the negation, not confirmed: {point}")


def _is_plain(formula: Any) -> bool:
    """Whether only numbers, variables, ring operations, relations and connectives occur."""
    import z3

    if z3.is_quantifier(formula):
        return False
    if z3.is_div(formula) or z3.is_idiv(formula) or z3.is_mod(formula):
        return z3.is_rational_value(formula.arg(1)) and not z3.is_eq(formula.arg(1), 0)
    if z3.is_app_of(formula, z3.Z3_OP_POWER):
        exponent = formula.arg(1)
        return bool(z3.is_int_value(exponent) or z3.is_rational_value(exponent)) and bool(
            z3.is_true(z3.simplify(exponent >= 0)) and _is_plain(formula.arg(0))
        )
    if formula.num_args() and formula.decl().kind() == z3.Z3_OP_UNINTERPRETED:
        return False
    return all(_is_plain(child) for child in formula.children())
