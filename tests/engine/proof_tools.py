"""Planted claims and the weighing of their proofs, for the tests of the proof engine."""

from proofs_check.engine import run_proof
from theory.core import Check, Claim, Source


def claim_of(formula, kind="identity", mutants=None, assumes=None, expected="holds"):
    return Claim(
        id="test/claim",
        title="a test",
        kind=kind,
        statement="...",
        source=Source("test", item="beyond"),
        scope={"x": "real"},
        formula=formula,
        assumes=assumes,
        mutants=mutants or {"never equal": lambda x, y: (x, x + 1)},
        expected=expected,
    )


def run(claim, function, variant=None, kind="proof"):
    statement = claim.itself() if variant is None else claim.variant(variant)
    return run_proof(Check(kind, claim, function, {"scope": "all d"}), statement)
