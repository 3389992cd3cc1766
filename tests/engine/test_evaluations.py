"""What a proof evaluated its statement on: instances, symbols, and their hypotheses."""

from fractions import Fraction

import sympy
from proof_tools import claim_of, run

from theory.core import Verdict


def squares_in_order(a, b):
    return a * a, b * b


def factors(statement, transcript, **conditions):
    a, b = sympy.symbols("a b", positive=True)
    lhs, rhs = statement.formula(a, b)
    transcript.nonnegative("factors", rhs - lhs, [(b - a) * (b + a)], scope="all a, b > 0",
                           concludes=True, **conditions)  # fmt: skip


def test_a_witness_outside_the_hypotheses_refutes_nothing():
    ordered = claim_of(squares_in_order, "inequality", assumes=lambda a, b: 0 <= a <= b)
    evidence = run(ordered, factors)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "hypotheses may not hold" in evidence.summary
    assert run(claim_of(squares_in_order, "inequality"), factors).verdict is Verdict.REFUTED


def test_hypotheses_that_the_symbols_have_let_a_witness_refute():
    positive = claim_of(squares_in_order, "inequality", assumes=lambda a, b: a > 0 and b > 0)
    assert run(positive, factors).verdict is Verdict.REFUTED


def test_instances_are_no_proof():
    def one_instance(statement, transcript):
        lhs, rhs = statement.formula(Fraction(1), Fraction(2))
        transcript.exact("at (1, 2)", lhs, "<=", rhs, scope="a = 1, b = 2", concludes=True)

    false = claim_of(squares_in_order, "inequality")
    evidence = run(false, one_instance)
    assert evidence.verdict is Verdict.SUPPORTED
    assert "not a proof" in evidence.summary


def test_a_statement_without_arguments_is_proved_by_exact_numbers():
    def compare(statement, transcript):
        lhs, rhs = statement.formula()
        transcript.exact("1 < 2", lhs, "<=", rhs, scope="numbers", concludes=True)

    closed = claim_of(lambda: (Fraction(1), Fraction(2)), "inequality")
    assert run(closed, compare).verdict is Verdict.PROVED


def test_collected_keywords_reach_the_hypotheses():
    def formula(a, **others):
        return a * a, others["b"] ** 2

    def assumes(a, b):
        return a > 0 and b > 0

    def at_one_point(statement, transcript):
        lhs, rhs = statement.formula(Fraction(3), b=Fraction(2))
        transcript.exact("at (3, 2)", lhs, "<=", rhs, scope="a = 3, b = 2", concludes=True)

    false = claim_of(formula, "inequality", assumes=assumes)
    assert run(false, at_one_point).verdict is Verdict.REFUTED
