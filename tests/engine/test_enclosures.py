"""Comparisons of numbers and of functions on boxes: decided, refuted, or honestly undecided."""

from fractions import Fraction

import flint
import pytest
import sympy

from proofs_check.engine import Transcript

x = sympy.Symbol("x", real=True)


@pytest.fixture
def transcript():
    return Transcript()


def last(transcript):
    return transcript.steps[-1]


# ---- exact


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs"),
    [
        (flint.fmpq(1, 3), "<", Fraction(1, 2)),
        (2, "==", sympy.Integer(2)),
        (sympy.pi, "<", Fraction(22, 7)),
        (sympy.sqrt(2) + sympy.sqrt(3), "==", sympy.sqrt(5 + 2 * sympy.sqrt(6))),
        (sympy.sqrt(2) + sympy.sqrt(3), "<=", sympy.sqrt(5 + 2 * sympy.sqrt(6))),
        (flint.arb.pi(), ">", 3),
        (lambda: flint.arb(2).sqrt(), "!=", Fraction(141421356, 100000000)),
        (sympy.pi + sympy.Rational(1, 10**300), ">", sympy.pi),  # needs 1024 bits
    ],
)
def test_true_comparisons(transcript, lhs, relation, rhs):
    assert transcript.exact("true", lhs, relation, rhs, scope=""), last(transcript).detail


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs"),
    [
        (flint.fmpq(1, 3), ">", Fraction(1, 2)),
        (sympy.pi, "==", Fraction(22, 7)),
        (sympy.sqrt(2) + sympy.sqrt(3), "<", sympy.sqrt(5 + 2 * sympy.sqrt(6))),
        (1, "<", 1),
        (flint.arb.pi(), "<=", 3),
    ],
)
def test_false_comparisons_are_refuted(transcript, lhs, relation, rhs):
    assert not transcript.exact("false", lhs, relation, rhs, scope="")
    assert last(transcript).refuted


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs", "reason"),
    [
        (flint.arb.pi, "==", sympy.pi, "undecided"),
        (flint.arb.pi, "<=", sympy.pi, "undecided"),
        (flint.arb(1, 0.5), "==", 1, "undecided"),
        (sympy.pi, "==", sympy.pi + sympy.Rational(1, 10**1400), "undecided"),  # beyond 4096 bits
        (0.1, "<", 1, "not exact"),
        (lambda: 0.1, "<", 1, "not exact"),
        (x, "<", 1, "free symbols"),
        (1, "=", 1, "relation"),
        (sympy.I, "==", 1, "cannot be enclosed"),
    ],
)
def test_undecided_comparisons_fail(transcript, lhs, relation, rhs, reason):
    assert not transcript.exact("undecided", lhs, relation, rhs, scope="")
    assert reason in last(transcript).detail
    assert not last(transcript).refuted


# ---- interval


def test_functions_on_boxes(transcript):
    assert transcript.interval("quadratic", lambda u: u * u - u + 1, [(0, 1)], ">", scope="")
    assert transcript.interval("plane", lambda u, v: u * v - 1, {"u": (0, 1), "v": (0, 1)}, "<=",
                               scope="", max_boxes=10) is False  # fmt: skip
    assert transcript.interval("plane", lambda u, v: u * v - 2, {"u": (0, 1), "v": (0, 1)}, "<",
                               scope="")  # fmt: skip
    assert "u in [0, 1]" in last(transcript).claim
    assert transcript.interval("sine", lambda u: u.sin(), [(3, sympy.Rational(16, 5))], "contains",
                               scope="")  # fmt: skip
    assert transcript.interval("to pi", lambda u: u - 4, [(0, sympy.pi)], "<", scope="")


@pytest.mark.parametrize(
    "function",
    [
        lambda u: u * u,  # zero at an end
        lambda u: (2 * u - 1) ** 2,  # zero at the middle
        lambda u: u - 2,
    ],
)
def test_false_bounds_on_boxes_have_a_witness(transcript, function):
    assert not transcript.interval("false", function, [(0, 1)], ">", scope="")
    assert last(transcript).refuted
    assert "witness" in last(transcript).detail


@pytest.mark.parametrize(
    ("function", "box", "relation", "reason"),
    [
        (lambda u: (3 * u - 1) ** 2, [(0, 1)], ">", "undecided"),  # touches 0 at 1/3
        (lambda u: (3 * u - 1) ** 2, [(0, 1)], "contains", "undecided"),
        (lambda u: 1 / u, [(0, 1)], ">", "undecided"),
        (lambda u: u > 0, [(1, 2)], ">", "must return a ball"),
        (lambda u: 0.5, [(1, 2)], ">", "must return a ball"),
        (lambda u: u, [(0.1, 1)], ">", "not exact"),
        (lambda u: u, [(2, 1)], ">", "low <= high"),
        (lambda u: u, [], ">", "at least one side"),
        (lambda u: u, [(1, 2)], "==", "relation"),
    ],
)
def test_undecided_bounds_on_boxes_fail(transcript, function, box, relation, reason):
    assert not transcript.interval("no", function, box, relation, scope="", max_boxes=300)
    assert reason in last(transcript).detail
    assert not last(transcript).refuted


def test_branches_and_max_are_not_taken_on_undecided_comparisons(transcript):
    # with plain balls both would be evaluated on one side only, and pass
    def step(u):
        return 1 if u < 2 else -1

    assert not transcript.interval("branch", step, [(0, 3)], ">", scope="", max_boxes=200)
    assert transcript.interval("max", lambda u: u.max(1 - u) - Fraction(2, 5), [(0, 1)], ">",
                               scope="")  # fmt: skip
    assert not transcript.interval("python max", lambda u: max(1 - u, u) - Fraction(3, 5),
                                   [(0, 1)], ">", scope="", max_boxes=200)  # fmt: skip
