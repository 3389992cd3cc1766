"""Verdicts of proofs: what proves, what refutes, and what only looks like a proof."""

import json
from fractions import Fraction

import numpy as np
import pytest
import sympy
from proof_tools import claim_of, run

from proofs_check.engine import (
    algebra,
    certificate,
    hypothesis,
    proof,
    render,
    run_proof,
    square,
)
from proofs_check.engine.falsified import falsify
from theory import arrays
from theory.core import Check, Mutant, Verdict
from theory.core.registry import _CHECKS

x, y = sympy.symbols("x y", real=True)


# ---- Lemma 1, end to end


def lemma_1(A, g, s, alpha):
    best = -alpha * arrays.solve(A, g)
    return arrays.dot(g, best), arrays.dot(g, s)


def longer_step(A, g, s, alpha):
    best = -Fraction(101, 100) * alpha * arrays.solve(A, g)
    return arrays.dot(g, s), arrays.dot(g, best)


LEMMA_1 = claim_of(
    lemma_1,
    kind="inequality",
    assumes=lambda A, g, s, alpha: (
        arrays.quadratic_form(A, s) <= alpha**2 * arrays.inverse_quadratic_form(A, g)
    ),
    mutants={
        "maximiser": lambda A, g, s, alpha: lemma_1(A, g, s, alpha)[::-1],
        "no constraint": Mutant(drops_assumptions=True),
    },
)


def complete_the_square(statement, transcript):
    A = algebra.symmetric("A", positive_definite=True)
    g, s = algebra.vector("g"), algebra.vector("s")
    alpha = sympy.Symbol("alpha", positive=True)
    transcript.given("A positive definite, alpha > 0")
    lhs, rhs = statement.formula(A, g, s, alpha)
    slack = alpha**2 * A.inv.quadratic_form(g) - A.quadratic_form(s)
    gap = alpha * (rhs - lhs)
    distance = A.root @ (s + alpha * A.solve(g))
    transcript.identity("distance", square(distance).value,
                        A.quadratic_form(s + alpha * A.solve(g)), scope="all d",
                        because="A = R R with R symmetric")  # fmt: skip
    transcript.nonnegative(
        "certificate",
        gap,
        [square(distance) * Fraction(1, 2),
         hypothesis(slack, "||s||_A <= alpha ||g||_{A^-1}") * Fraction(1, 2)],
        scope="all d",
        because="completing the square",
        concludes=True,
    )  # fmt: skip


def test_lemma_1_is_proved_for_all_dimensions():
    evidence = run(LEMMA_1, complete_the_square)
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert evidence.data["failed_step"] is None
    assert evidence.data["steps"] == 2
    assert evidence.data["given"] == ["A positive definite, alpha > 0",
                                      "||s||_A <= alpha ||g||_{A^-1}"]  # fmt: skip


def test_mutants_of_lemma_1():
    refuted = run(LEMMA_1, complete_the_square, "maximiser")
    assert refuted.verdict is Verdict.REFUTED
    assert "negative" in refuted.summary
    assert refuted.data["failed_step"] == "certificate"
    dropped = run(LEMMA_1, complete_the_square, "no constraint")
    assert dropped.verdict is not Verdict.PROVED
    assert "does not assume" in dropped.data["transcript"][1]["detail"] or (
        dropped.verdict is Verdict.REFUTED)  # fmt: skip


def test_evidence_is_json_and_renders_as_a_proof():
    evidence = run(LEMMA_1, complete_the_square)
    json.dumps(evidence.to_json())
    shown = render(evidence)
    for part in ("Given: A positive definite", "1. distance", "2. certificate  [the statement]",
                 "scope: all d", "because completing the square",
                 "Cited without proof: nothing", "QED"):  # fmt: skip
        assert part in shown
    assert max(map(len, shown.splitlines())) <= 100


# ---- verdicts


SQUARES = claim_of(lambda x, y: ((x + y) ** 2, x**2 + 2 * x * y + y**2))


def test_a_planted_wrong_step_is_caught_and_named():
    def wrong_step(statement, transcript):
        lhs, rhs = statement.formula(x, y)
        transcript.identity("a wrong lemma", x * y, -x * y, scope="all")
        transcript.identity("the statement", lhs, rhs, scope="all", concludes=True)

    evidence = run(SQUARES, wrong_step)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert evidence.data["failed_step"] == "a wrong lemma"
    assert "a wrong lemma" in evidence.summary
    shown = render(evidence)
    assert "1. a wrong lemma  << FAILED" in shown
    assert "This is not a proof" in shown
    assert "QED" not in shown


def direct(statement, transcript):
    lhs, rhs = statement.formula(x, y)
    transcript.identity("the statement", lhs, rhs, scope="all", concludes=True)


def test_direct_proof_and_refutation():
    assert run(SQUARES, direct).verdict is Verdict.PROVED
    evidence = run(SQUARES, direct, "never equal")
    assert evidence.verdict is Verdict.REFUTED
    assert "witness" in evidence.summary


def test_undecided_conclusion_is_inconclusive():
    f = sympy.Function("f")
    claim = claim_of(lambda x, y: (f(x + y), f(x) + f(y)))
    assert run(claim, direct).verdict is Verdict.INCONCLUSIVE


def test_errors_are_errors_on_the_claim_and_inconclusive_on_a_mutant():
    def broken(statement, transcript):
        raise ValueError("first line\nsecond line")

    evidence = run(SQUARES, broken)
    assert evidence.verdict is Verdict.ERROR
    assert evidence.summary == "broken stopped: ValueError: first line"
    assert run(SQUARES, broken, "never equal").verdict is Verdict.INCONCLUSIVE
    assert "could not be run" in render(evidence)


def test_an_error_after_good_steps_is_still_an_error():
    def stops_late(statement, transcript):
        direct(statement, transcript)
        raise ValueError("late")

    assert run(SQUARES, stops_late).verdict is Verdict.ERROR


# ---- what only looks like a proof


def test_no_concluding_step():
    def only_lemmas(statement, transcript):
        lhs, rhs = statement.formula(x, y)
        transcript.identity("lemma", lhs, rhs, scope="all")

    evidence = run(SQUARES, only_lemmas)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "no step concludes" in evidence.summary


def test_the_statement_is_never_evaluated():
    def unrelated(statement, transcript):
        transcript.identity("the statement", (x + y) ** 2, x**2 + 2 * x * y + y**2, scope="all",
                            concludes=True)  # fmt: skip

    assert run(SQUARES, unrelated).verdict is Verdict.INCONCLUSIVE


def test_the_hard_wired_formula_is_not_the_statement():
    def hard_wired(statement, transcript):
        lhs, rhs = statement.claim.formula(x, y)
        transcript.identity("the statement", lhs, rhs, scope="all", concludes=True)

    assert run(SQUARES, hard_wired).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "conclude",
    [
        lambda lhs, rhs: (x, x),
        lambda lhs, rhs: (lhs, lhs),
        lambda lhs, rhs: (lhs, (x + y) ** 2),  # ignores the right side
        lambda lhs, rhs: (0 * rhs, 0),
    ],
)
def test_the_statement_is_evaluated_but_not_used(conclude):
    def pretends(statement, transcript):
        transcript.identity("the statement", *conclude(*statement.formula(x, y)), scope="all",
                            concludes=True)  # fmt: skip

    evidence = run(SQUARES, pretends)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "false statement" in evidence.summary


def test_a_value_that_has_no_false_variant_is_not_proved():
    claim = claim_of(lambda x, y: None)

    def trusting(statement, transcript):
        statement.formula(x, y)
        transcript.identity("the statement", x, x, scope="all", concludes=True)

    assert "no false variant" in run(claim, trusting).summary


def test_variants_with_other_hypotheses_are_not_proved_by_the_old_argument():
    claim = claim_of(
        lambda x, y: ((x + y) ** 2, x**2 + 2 * x * y + y**2),
        assumes=lambda x, y: x >= 0,
        mutants={
            "dropped": Mutant(drops_assumptions=True),
            "replaced": Mutant(assumes=lambda x, y: x < 0),
            "given": Mutant(given={"law": "cauchy"}),
            "replaced and wrong": Mutant(lambda x, y: (x, x + 1), assumes=lambda x, y: x < 0),
            "dropped and wrong": Mutant(lambda x, y: (x, x + 1), drops_assumptions=True),
        },
    )
    for name in ("dropped", "replaced", "given", "replaced and wrong"):
        assert run(claim, direct, name).verdict is Verdict.INCONCLUSIVE, name
    assert run(claim, direct, "dropped and wrong").verdict is Verdict.REFUTED


def test_a_failing_certificate_does_not_refute_a_true_inequality():
    claim = claim_of(lambda x, y: (2 * x * y, 2 * x**2 + 2 * y**2), kind="inequality")

    def tight_certificate(statement, transcript):
        lhs, rhs = statement.formula(x, y)
        transcript.identity("gap", rhs - lhs, (x - y) ** 2, scope="all", concludes=True)

    assert run(claim, tight_certificate).verdict is Verdict.INCONCLUSIVE

    def with_terms(statement, transcript):
        lhs, rhs = statement.formula(x, y)
        transcript.nonnegative("gap", rhs - lhs, [square(x - y)], scope="all", concludes=True)

    assert run(claim, with_terms).verdict is Verdict.INCONCLUSIVE


def test_a_certificate_refutes_a_false_claim():
    claim = claim_of(lambda x, y: (x, y), kind="inequality", expected="fails")

    def counterexample(statement, transcript):
        lhs, rhs = statement.formula(Fraction(2), Fraction(1))
        transcript.exact("at (2, 1)", lhs, "<=", rhs, scope="one instance", concludes=True)

    evidence = run(claim, counterexample, kind="certificate")
    assert evidence.kind == "certificate"
    assert evidence.verdict is Verdict.REFUTED
    assert render(evidence).startswith("Certificate counterexample")


def test_cited_steps_are_listed():
    def cites(statement, transcript):
        transcript.cited("limit", "central limit theorem", "S_n / sqrt n -> N(0, 1)", scope="n")
        direct(statement, transcript)

    evidence = run(SQUARES, cites)
    assert evidence.verdict is Verdict.PROVED
    assert evidence.data["cited"] == ["limit"]
    assert "1 of them cited" in evidence.summary
    assert "Cited without proof: limit (central limit theorem)" in render(evidence)


# ---- machinery


@pytest.mark.parametrize(
    ("value", "kind", "false"),
    [
        ((1, 2), "identity", (1, 2)),
        ((1, 2), "inequality", (1, 0)),
        (Fraction(1, 2), "law", Fraction(3, 2)),
        (x, "limit", x + 1),
        ([1, (2, 3)], "law", [2, [3, 4]]),
        ({"a": 1}, "law", {"a": 2}),
        ((True, True), "identity", (True, False)),
    ],
)
def test_false_variants(value, kind, false):
    assert falsify(lambda: value, kind)() == false


def test_false_variants_of_arrays_functions_and_symbols():
    assert falsify(lambda: np.array([1, 2]), "law")().tolist() == [2, 3]
    assert falsify(lambda: lambda q: q / 2, "law")()(4) == 3
    assert falsify(lambda: sympy.Matrix([x]), "law")() == sympy.Matrix([x + 1])
    M = algebra.matrix("M")
    left, right = falsify(lambda: (M, M), "identity")()
    assert left == M
    assert right != M


def test_decorators_register_kind_and_scope():
    before = list(_CHECKS)
    try:
        proof(SQUARES, scope="d <= 4")(direct)
        assert (_CHECKS[-1].kind, _CHECKS[-1].options["scope"]) == ("proof", "d <= 4")
        certificate(SQUARES, scope="a box")(lambda statement, transcript: None)
        assert (_CHECKS[-1].kind, _CHECKS[-1].options["scope"]) == ("certificate", "a box")
    finally:
        _CHECKS[:] = before


def test_render_refuses_other_evidence():
    evidence = run(SQUARES, direct)
    other = type(evidence)("search", "hunt", Verdict.SUPPORTED, "")
    with pytest.raises(ValueError, match="only a proof or a certificate"):
        render(other)


def test_a_partial_proof_supports_but_does_not_prove():
    check = Check("proof", SQUARES, direct, {"scope": "one part", "partial": True})
    evidence = run_proof(check, SQUARES.itself())
    assert evidence.verdict is Verdict.SUPPORTED
    assert evidence.data["partial"] is True


def test_a_checked_certificate_supports_but_does_not_prove():
    def instance(statement, transcript):
        lhs, rhs = statement.formula(2, 3)
        transcript.exact("at (2, 3)", lhs, "==", rhs, scope="x = 2, y = 3", concludes=True)

    assert run(SQUARES, instance, kind="certificate").verdict is Verdict.SUPPORTED
    assert "covers" in render(run(SQUARES, instance, kind="certificate"))
