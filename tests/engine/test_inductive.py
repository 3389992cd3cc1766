"""Induction: a bound of a moving average for all d and t, and inductions that are none."""

from fractions import Fraction

import pytest
import sympy

from proofs_check.engine import Transcript, algebra, hypothesis, square

s = algebra.vector("s")
x = sympy.Symbol("x", real=True)


@pytest.fixture
def transcript():
    return Transcript()


def last(transcript):
    return transcript.steps[-1]


def moving_average_gap(rate, factor=1):
    bound = sympy.Symbol("G", positive=True)
    gradients = algebra.family("g")
    i = sympy.Symbol("i", integer=True, nonnegative=True)

    def gap(t):
        form = (1 - rate) * algebra.total(rate ** (t - i) * (s @ gradients(i)) ** 2, i, 0, t)
        return (1 - rate ** (t + 1)) * bound**2 * (s @ s) * factor - form

    def slack(t):
        g = gradients(t)
        inside = hypothesis(bound**2 - g @ g, "||g_t|| <= G for all t") * (s @ s)
        remainder = square(g.outer(s) - s.outer(g)) * Fraction(1, 2)
        weight = hypothesis(1 - rate, "0 < b <= 1")
        return [inside * weight, remainder * weight]

    return gap, slack


def test_the_bound_of_a_moving_average_by_induction(transcript):
    rate, t = sympy.Symbol("b", positive=True), sympy.Symbol("t", integer=True, nonnegative=True)
    gap, slack = moving_average_gap(rate)
    assert transcript.induction("V <= (1 - b^(t+1)) G^2 I", gap, t, slack(0),
                                lambda previous: [previous * rate, *slack(t + 1)],
                                scope="all d, t"), last(transcript).detail  # fmt: skip
    assert transcript.assumptions == ["||g_t|| <= G for all t", "0 < b <= 1"]


def test_a_false_induction_fails(transcript):
    rate, t = sympy.Symbol("b", positive=True), sympy.Symbol("t", integer=True, nonnegative=True)
    gap, slack = moving_average_gap(rate, factor=Fraction(99, 100))
    assert not transcript.induction("too small", gap, t, slack(0),
                                    lambda previous: [previous * rate, *slack(t + 1)],
                                    scope="all d, t")  # fmt: skip
    assert last(transcript).refuted  # at t = 0 already
    no_base = [x**2 - 1 - (x**2 - 1)]
    assert not transcript.induction("no base", lambda k: k - 5, t, no_base,
                                    lambda previous: [previous, 1], scope="")  # fmt: skip
    assert "start" in last(transcript).detail


def test_an_index_that_skips_integers_is_refused(transcript):
    for assumption in ({"positive": True}, {"even": True}, {"prime": True}, {}):
        index = sympy.Symbol("k", **({"integer": True} | assumption if assumption else {}))
        assert not transcript.induction("skips", lambda k: k**2, index, [0],
                                        lambda previous: [previous], scope="")  # fmt: skip
        assert "every integer" in last(transcript).detail


def test_the_induction_hypothesis_counts_in_an_induction_only(transcript):
    stolen = []
    t = sympy.Symbol("t", integer=True, nonnegative=True)

    def step(previous):
        stolen.append(previous)
        return [previous, 1]

    transcript.induction("t", lambda k: k, t, [0], step, scope="t >= 0")
    assert last(transcript).status == "checked"
    assert not transcript.nonnegative("outside", t, stolen, scope="")
    assert "does not assume that the induction hypothesis" in last(transcript).detail
