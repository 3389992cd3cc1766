"""Every rule on planted truths, planted falsehoods, and attempts to fool it."""

from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy
import z3

from proofs_check.engine import Transcript, algebra, hypothesis, square, weighted_square

A = algebra.symmetric("A", positive_definite=True)
B = algebra.symmetric("B")
g, s = algebra.vector("g"), algebra.vector("s")
x, y = sympy.symbols("x y", real=True)
p = sympy.Symbol("p", positive=True)
z = sympy.Symbol("z")  # any complex number
n = sympy.Symbol("n", integer=True, positive=True)


@pytest.fixture
def transcript():
    return Transcript()


def last(transcript):
    return transcript.steps[-1]


def checked(transcript):
    return last(transcript).status == "checked"


# ---- identity


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2),
        (sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 1),
        (sympy.gamma(n + 1), n * sympy.gamma(n)),
        (sympy.sqrt(p**2), p),
        (sympy.binomial(n + 1, 2), n * (n + 1) / 2),
        (sympy.Integral(sympy.exp(-p * x), (x, 0, sympy.oo)), 1 / p),
        (sympy.sqrt(5 + 2 * sympy.sqrt(6)), sympy.sqrt(2) + sympy.sqrt(3)),
        (flint.fmpq(1, 2), Fraction(1, 2)),
        ([x, [y]], (x, (y,))),
        (np.array([Fraction(1, 2), x], dtype=object), [Fraction(1, 2), x]),
        (sympy.Matrix([[x, 1]]), sympy.Matrix([[x, 1]])),
        (A @ A.inv @ g, g),
    ],
)
def test_true_identities_are_checked(transcript, lhs, rhs):
    assert transcript.identity("true", lhs, rhs, scope="all")
    assert checked(transcript)
    assert not last(transcript).refuted


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        ((x + y) ** 2, x**2 + y**2),
        (sympy.sqrt(x**2), x),  # x may be negative
        (sympy.sqrt(z**2), z),
        (sympy.Abs(x), x),
        (n**2 - n, 0),  # true for n = 1 only
        (A @ B, B @ A),
        (A.root @ B @ A.root, A @ B),
        (g.outer(s), s.outer(g)),
        (sympy.pi, Fraction(22, 7)),
        ([x, y], [x, x]),
    ],
)
def test_false_identities_fail_with_a_witness(transcript, lhs, rhs):
    assert not transcript.identity("false", lhs, rhs, scope="all")
    assert last(transcript).refuted
    assert "witness" in last(transcript).detail


@pytest.mark.parametrize(
    ("lhs", "rhs", "reason"),
    [
        (0.5, sympy.Rational(1, 2), "not exact"),
        (sympy.Float(0.5), sympy.Rational(1, 2), "not exact"),
        (np.array([0.5]), [Fraction(1, 2)], "not exact"),
        (flint.arb(2).sqrt() ** 2, 2, "not exact"),
        ([x, y], [x], "shapes differ"),
        (A, g, "shapes differ"),
        (sympy.nan, sympy.nan, "undecided"),
        (sympy.log(z**2), 2 * sympy.log(z), "undecided"),  # false on another branch
        (sympy.sqrt(x * y), sympy.sqrt(x) * sympy.sqrt(y), "undecided"),  # false for x, y < 0
        (sympy.oo, sympy.oo, "undecided"),
        (True, 1, "truth value"),
        (None, None, "not exact"),
    ],
)
def test_what_cannot_be_checked_fails_without_a_witness(transcript, lhs, rhs, reason):
    assert not transcript.identity("no", lhs, rhs, scope="all")
    assert reason in last(transcript).detail
    assert not last(transcript).refuted


def test_a_true_identity_beyond_the_rewritings_is_undecided_not_refuted(transcript):
    f = sympy.Function("f")
    transcript.identity("unknown function", f(x) + f(y), f(x + y), scope="all")
    assert last(transcript).status == "failed"
    assert not last(transcript).refuted
    assert "undecided" in last(transcript).detail


def test_a_wrong_closed_form_of_an_integral_is_noticed(transcript, monkeypatch):
    # as if SymPy integrated wrongly: the reduction says 0, the quadrature does not
    wrong = sympy.Integral(sympy.exp(-p * x**2), (x, 0, sympy.oo))
    monkeypatch.setattr("proofs_check.engine.rules.reduction_to_zero", lambda e: "evaluation")
    assert not transcript.identity("wrong", wrong, 1 / p, scope="p > 0")
    assert "quadrature" in last(transcript).detail


def test_witnesses_respect_assumptions_and_conditions(transcript):
    transcript.identity("only for x >= 0", sympy.sqrt(x**2), x, scope="x >= 0", where=[x >= 0])
    assert last(transcript).status == "failed"  # not reduced without the assumption,
    assert not last(transcript).refuted  # and no witness against it where it holds
    transcript.identity("declared", sympy.sqrt(p**2), p, scope="p > 0")
    assert checked(transcript)
    transcript.identity("and", x + y, 0, scope="", where=[sympy.And(x > 0, y > 0)])
    assert last(transcript).refuted


def test_a_vanishing_first_point_does_not_hide_the_others(transcript):
    # the ball at x = 0 or 1 contains 0 at every precision; the search has to move on
    ratio = sympy.sqrt(2) * sympy.sqrt(sympy.pi) / sympy.sqrt(2 * sympy.pi)
    assert not transcript.identity("cubic", ratio * x**3 + sympy.sqrt(2) * x, x + sympy.sqrt(2),
                                   scope="")  # fmt: skip
    assert last(transcript).refuted
    unevaluated = sympy.Mul(sympy.sqrt(2), sympy.sqrt(sympy.pi), evaluate=False)
    difference = (unevaluated / sympy.sqrt(2 * sympy.pi) * x**2 - x) * (x + 1)
    assert not transcript.identity("squares", difference, 0, scope="")
    assert last(transcript).refuted


def test_a_point_outside_the_domain_is_no_witness(transcript):
    # sqrt(1 - p) is not real for p > 1: points there say nothing
    transcript.identity("inside", sympy.sqrt(1 - p) ** 2, 1 - p, scope="p <= 1")
    assert checked(transcript)


# ---- nonnegative


def test_cauchy_schwarz_for_all_dimensions(transcript):
    gap = (g @ g) * (s @ s) - (g @ s) ** 2
    halves = square(g.outer(s) - s.outer(g)) * Fraction(1, 2)
    assert transcript.nonnegative("Lagrange", gap, [halves], scope="all d")


@pytest.mark.parametrize(
    "terms",
    [
        lambda: ([x**2, y**4], x**2 + y**4),
        lambda: ([weighted_square(g - s, A)], A.quadratic_form(g - s)),
        lambda: ([square(x - y) * p], p * (x - y) ** 2),
        lambda: ([square(x) / p], x**2 / p),
        lambda: ([sympy.exp(x), sympy.Abs(y)], sympy.exp(x) + sympy.Abs(y)),
        lambda: ([sympy.sqrt(2) - 1], sympy.sqrt(2) - 1),
        lambda: ([(-p) * (-p)], p**2),
        lambda: ([sympy.Integral(x**2, (x, 0, 1))], sympy.Integral(x**2, (x, 0, 1))),
        lambda: (
            [sympy.Integral(sympy.exp(-p * x**4), (x, -sympy.oo, sympy.oo))],
            sympy.Integral(sympy.exp(-p * x**4), (x, -sympy.oo, sympy.oo)),
        ),
        lambda: ([A, g.outer(g)], A + g.outer(g)),
        lambda: ([g @ A @ g], g @ A @ g),
    ],
)
def test_visibly_nonnegative_sums(transcript, terms):
    parts, whole = terms()
    assert transcript.nonnegative("sum", whole, parts, scope="all"), last(transcript).detail


@pytest.mark.parametrize(
    ("whole", "parts", "reason"),
    [
        (x**2 - y**2, [x**2, -(y**2)], "witness"),  # a hidden negative term
        (x**2 + x * y, [x**2, x * y], "witness"),
        (x**2, [x**2 - 1, 1], "term 1 is not visibly"),  # true, not by these terms
        (x**2 + 1, [x**2], "do not add up"),
        (z**2, [z**2], "term 1 is not visibly"),  # z need not be real
        (g @ B @ g, [g @ B @ g], "witness"),  # B indefinite
        (g @ s, [g @ s], "witness"),
        (x**3, [x**3], "witness"),
        (sympy.sqrt(2) - Fraction(3, 2), [sympy.sqrt(2) - sympy.Rational(3, 2)], "witness"),
        (-(x**2), [(-1) * square(x)], "witness"),
        (p - 1, [], "witness"),
        (B, [B], "not visibly"),
        (A - g.outer(g), [A, -g.outer(g)], "not visibly"),
    ],
)
def test_false_certificates_fail(transcript, whole, parts, reason):
    assert not transcript.nonnegative("false", whole, parts, scope="all")
    assert reason in last(transcript).detail


def test_a_symbol_positive_outside_the_range_of_an_integral_does_not_help(transcript):
    q = sympy.Symbol("q", positive=True)
    integral = sympy.Integral(q, (q, -2, 1))  # -3/2, although the symbol is positive
    assert not transcript.nonnegative("fooled", integral, [integral], scope="")
    reversed_limits = sympy.Integral(q**2, (q, 1, 0))
    assert not transcript.nonnegative("fooled", reversed_limits, [reversed_limits], scope="")


def test_hypotheses_are_printed_and_respected_by_witnesses(transcript):
    bound = sympy.Symbol("G", positive=True)
    gap = bound**2 * (s @ s) - (g @ s) ** 2
    terms = [
        hypothesis(bound**2 - g @ g, "||g|| <= G") * (s @ s),
        square(g.outer(s) - s.outer(g)) * Fraction(1, 2),
    ]
    assert transcript.nonnegative("bound", gap, terms, scope="all d")
    assert transcript.assumptions == ["||g|| <= G"]
    assert "||g|| <= G" in last(transcript).detail
    smaller = bound**2 / 2 * (s @ s) - (g @ s) ** 2
    assert not transcript.nonnegative("too small", smaller, terms, scope="all d")
    assert last(transcript).refuted


def test_a_hypothesis_of_a_variant_without_hypotheses_does_not_count():
    transcript = Transcript(hypotheses_hold=False)
    assert not transcript.nonnegative("h", x, [hypothesis(x, "x >= 0")], scope="")
    assert last(transcript).refuted is False
    assert "does not assume" in last(transcript).detail


def test_contradictory_hypotheses_prove_nothing(transcript):
    impossible = hypothesis(sympy.Integer(-1), "-1 >= 0")
    assert not transcript.nonnegative("nothing", sympy.Integer(-1), [impossible], scope="")
    assert "no point" in last(transcript).detail


# ---- polynomial


def test_polynomial_implications(transcript):
    u, v = z3.Reals("u v")
    assert transcript.polynomial("means", [u > 0, v > 0], (u + v) * (u + v) >= 4 * u * v, scope="")
    assert not transcript.polynomial("strict", [u > 0, v > 0], (u + v) ** 2 > 4 * u * v, scope="")
    assert last(transcript).refuted
    assert "witness" in last(transcript).detail


def test_contradictory_hypotheses_and_unconfirmed_models_do_not_count(transcript):
    u, v = z3.Reals("u v")
    assert not transcript.polynomial("vacuous", [u > 0, u < 0], v > 0, scope="")
    assert "contradictory" in last(transcript).detail
    # u/0 is some number in z3, so that its model is no witness
    assert not transcript.polynomial("division", [v == 0], u / v == 0, scope="")
    assert not last(transcript).refuted


def test_a_polynomial_beyond_the_limit_of_steps_is_undecided(transcript):
    # the means of nine numbers: true, and far beyond z3 in 4000 steps
    variables = z3.Reals("a b c d e f g h i")
    powers, product = z3.RealVal(0), z3.RealVal(9)
    for variable in variables:
        powers, product = powers + variable**9, product * variable
    positive = [variable > 0 for variable in variables]
    assert not transcript.polynomial("means", positive, powers >= product, scope="", seconds=0.02)
    assert "undecided" in last(transcript).detail
    assert not last(transcript).refuted


def test_whether_z3_gives_up_depends_on_the_formula_alone(transcript):
    b, y = z3.Reals("b y")
    between = z3.And(y > (1 - b) * (1 - b), y < (1 + b) * (1 + b))
    square = (1 + b * b - y) * (1 + b * b - y) - 4 * b * b
    answers = [
        [
            transcript.polynomial(
                "stable", [b >= 0, b < 1, y > 0], between == (square < 0), scope="", seconds=seconds
            )
            for seconds in [0.02 * i for i in range(1, 9)]  # 4000 to 32000 steps
        ]
        for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert set(answers[0]) == {True, False}


# ---- the record


def test_steps_are_recorded_in_order_and_failures_do_not_stop_the_proof(transcript):
    transcript.given("x real")
    transcript.given("x real")
    transcript.identity("one", x, x, scope="all", because="it is the same")
    transcript.identity("two", x, x + 1, scope="all")
    transcript.cited("three", "Isserlis' theorem", "E xyzw = ...", scope="Gaussian")
    transcript.exact("four", 1, "<", 2, scope="")
    assert transcript.assumptions == ["x real"]
    assert [step.status for step in transcript.steps] == ["checked", "failed", "cited", "checked"]
    assert [step.index for step in transcript.steps] == [1, 2, 3, 4]
    assert transcript.failed.name == "two"
    row = transcript.steps[0].to_json()
    assert row["because"] == "it is the same"
    assert row["claim"] == "both sides reduce to x"
    assert row["latex"] == r"\text{both sides} = x"


def test_a_step_that_raises_is_a_failed_step(transcript):
    assert not transcript.nonnegative("raises", x, [None], scope="")
    assert "not checked: TypeError" in last(transcript).detail


def test_no_step_concludes_before_the_statement_was_evaluated(transcript):
    assert not transcript.identity("early", x, x, scope="", concludes=True)
    assert "not evaluated" in last(transcript).detail


def test_shown_replaces_the_printed_claim(transcript):
    transcript.identity("s", x * (x + 1), x**2 + x, scope="", shown="x(x+1) = x^2 + x")
    assert last(transcript).claim == "x(x+1) = x^2 + x"
