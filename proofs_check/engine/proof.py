"""Registration and running of proofs and certificates, and the verdict that a transcript earns."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from proofs_check.engine.evaluations import bound, hypotheses_visible, only_instances
from proofs_check.engine.falsified import NotFalsifiableError, falsify
from proofs_check.engine.transcript import Step, Transcript
from theory.core import Check, Claim, Evidence, Statement, Verdict, check_decorator

F = TypeVar("F", bound=Callable[..., Any])
_OTHER_HYPOTHESES = "the variant changes the hypotheses, and the argument uses the claim's own"

_OUTSIDE = "where the claim's hypotheses may not hold"
_INSTANCES = "the statement was evaluated at numbers only: a certificate of instances, not a proof"


def proof(claim: Claim, scope: str = "all d", *, partial: bool = False) -> Callable[[F], F]:
    """Register ``f(statement, transcript)`` as a proof of `claim`, valid on `scope`.

    A `partial` proof covers a part of the statement, which `scope` names; the rest is left to
    other evidence, so that it supports and never proves.
    """
    return check_decorator("proof", claim, scope=scope, partial=partial)


def certificate(claim: Claim, scope: str) -> Callable[[F], F]:
    """Register a rigorous enclosure or an exact rational witness; the machinery of `proof`."""
    return check_decorator("certificate", claim, scope=scope)


def run_proof(check: Check, statement: Statement) -> Evidence:
    """Run a proof on a statement (the claim itself or a mutant) and weigh its transcript.

    The verdict is `proved` only if every step is checked or cited, a step concludes the statement
    after `statement.formula` was evaluated, and the same steps fail for a statement that is false
    everywhere (so that they do use it); where the statement was evaluated at numbers only, it is
    `supported`, as for a certificate. It is `refuted` if a concluding step has a confirmed witness
    and the step states conditions that the witness satisfies, or the hypotheses visibly hold for
    what the statement was evaluated on. Otherwise it is `inconclusive`, or `error` if the function
    raised on the claim itself.
    """
    began = time.process_time()
    transcript = Transcript(hypotheses_hold=not _drops_hypotheses(statement))
    error = _execute(check, statement, statement.formula, transcript)
    if error is None:
        verdict, summary = _weigh(check, statement, transcript)
    else:
        verdict = Verdict.INCONCLUSIVE if statement.is_mutant else Verdict.ERROR
        summary = f"{check.name} stopped: {error}"
    return Evidence(check.kind, check.name, verdict, summary, _data(check, transcript),
                    time.process_time() - began)  # fmt: skip


def _execute(check: Check, statement: Statement, formula: Callable[..., Any],
             transcript: Transcript) -> str | None:  # fmt: skip
    """Run the function; the first line of what it raised, or None."""

    @functools.wraps(formula)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = formula(*args, **kwargs)
        transcript.statement_used = True
        transcript.evaluations.append(bound(formula, args, kwargs))
        return result

    try:
        check.function(replace(statement, formula=watched), transcript)
    except Exception as error:  # any mistake of a proof's author becomes one line of the verdict
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None


def _weigh(check: Check, statement: Statement, transcript: Transcript) -> tuple[Verdict, str]:
    concluding = [step for step in transcript.steps if step.concludes]
    refuted = next((step for step in concluding if step.refuted), None)
    if refuted is not None and refutes_statement(refuted, statement):
        if _replaces_hypotheses(statement):
            return Verdict.INCONCLUSIVE, _OTHER_HYPOTHESES
        # A step with conditions has a witness that satisfies them.
        if not (refuted.conditional or hypotheses_visible(statement, transcript.evaluations)):
            return Verdict.INCONCLUSIVE, f"{_line(refuted)}, {_OUTSIDE}"
        return Verdict.REFUTED, _line(refuted)
    failed = transcript.failed
    if failed is not None:
        return Verdict.INCONCLUSIVE, _line(failed)
    if not concluding:
        return Verdict.INCONCLUSIVE, "no step concludes the statement"
    if _drops_hypotheses(statement) or _replaces_hypotheses(statement):
        return Verdict.INCONCLUSIVE, _OTHER_HYPOTHESES
    objection = _objection(check, statement)
    if objection is not None:
        return Verdict.INCONCLUSIVE, objection
    cited = sum(step.status == "cited" for step in transcript.steps)
    scope = check.options.get("scope", "")
    counts = f"{len(transcript.steps)} steps, {cited} of them cited"
    if check.kind == "proof" and only_instances(transcript.evaluations):
        return Verdict.SUPPORTED, f"{counts}; {_INSTANCES}"
    # A certificate covers its box or its instances; only a proof covers the statement's scope.
    whole = check.kind == "proof" and not check.options.get("partial")
    verdict = Verdict.PROVED if whole else Verdict.SUPPORTED
    return verdict, f"{counts}; scope: {scope}"


def refutes_statement(step: Step, statement: Statement) -> bool:
    """Whether a witness against the step is one against the statement.

    The identity behind a certificate of an inequality may fail although the inequality holds.
    """
    return not (statement.claim.kind == "inequality" and step.rule == "identity")


def _objection(check: Check, statement: Statement) -> str | None:
    """Why checked steps do not prove the statement: they prove a false one in the same way."""
    false = falsify(statement.formula, statement.claim.kind)
    for only_conclusions in (True, False):
        transcript = Transcript(only_conclusions=only_conclusions)
        error = _execute(check, statement, false, transcript)
        if error is not None:
            return error if error.startswith(NotFalsifiableError.__name__) else None
        if transcript.failed is not None:
            return None
    return "the steps pass for a false statement too: they do not use this one"


def _drops_hypotheses(statement: Statement) -> bool:
    return statement.assumes is None and statement.claim.assumes is not None


def _replaces_hypotheses(statement: Statement) -> bool:
    changed = statement.assumes is not None and statement.assumes is not statement.claim.assumes
    return changed or bool(statement.given)


def _line(step: Step) -> str:
    return f"step {step.index} ({step.name}) failed; {step.detail}"


def _data(check: Check, transcript: Transcript) -> dict[str, Any]:
    failed = transcript.failed
    return {"scope": check.options.get("scope", ""), "steps": len(transcript.steps),
            "cited": [step.name for step in transcript.steps if step.status == "cited"],
            "failed_step": None if failed is None else failed.name,
            "given": list(transcript.assumptions), "partial": bool(check.options.get("partial")),
            "transcript": [step.to_json() for step in transcript.steps]}  # fmt: skip
