"""Searches with strategies and formulas that loop, raise, assume, or use global generators."""

import gc
import random
import weakref
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from search_tools import claim, search

from proofs_check.engine.search import EXAMPLES
from theory.core import Verdict

UNIT = st.floats(0, 1)


def negative(x, **_):
    return -x * x, x * 0


def at_most_half(x):
    return x, x * 0 + Fraction(1, 2)


def instances(x, **more):
    return st.fixed_dictionaries({"x": x, **more})


@st.composite
def nonzero(draw):
    x = draw(UNIT)
    while x == 0:
        x = draw(UNIT)
    return x


@st.composite
def sized_like_a_five(draw):
    # Lists of any size are drawn by Hypothesis' own code.
    while len(draw(st.lists(st.booleans(), max_size=9))) != 5:
        pass
    return draw(UNIT)


@pytest.mark.parametrize("strategy", [nonzero(), sized_like_a_five()])
def test_a_loop_that_waits_for_another_choice_ends(strategy):
    found = search(claim(negative), instances(strategy), examples=40)
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["exercised"] == 40


@st.composite
def endless(draw, waiting):
    while True:
        draw(waiting)


@pytest.mark.parametrize("waiting", [st.booleans(), st.text("a", min_size=99)])
def test_an_endless_strategy_has_no_instances(waiting):
    found = search(claim(negative), instances(endless(waiting)), examples=1)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.data["examples"] == 0


class Large:
    """Something of which a search should not keep a thousand."""


def test_a_search_keeps_no_strategies_alive():
    alive = weakref.WeakSet()

    def fresh(x):
        large = Large()
        alive.add(large)
        return st.just((x, large)).map(lambda pair: pair[0])

    search(claim(negative), instances(UNIT.flatmap(fresh)))
    gc.collect()
    assert len(alive) <= 2


@pytest.mark.parametrize("draw", [random.random, np.random.random])
def test_global_generators_are_seeded_and_go_on_afterwards(draw):
    def run(seed):
        strategy = instances(st.integers(0, 10**6).map(lambda _: draw()))
        return search(claim(negative), strategy, examples=20, seed=seed).data

    first = run(0)
    # As the user's own draws go on, a search that used them would find others.
    before = [draw(), draw()]
    assert run(0) == first
    after = [draw(), draw()]
    assert len({*before, *after}) == 4
    assert run(1)["extremal"] != first["extremal"]


def test_what_a_strategy_raises_in_shrinking_leaves_the_violation():
    def of(number):
        if 0 < number < 900:
            raise ValueError("not this one")
        return number / 10**6

    found = search(claim(at_most_half), instances(st.integers(0, 10**6).map(of)))
    assert found.verdict is Verdict.REFUTED
    assert found.data["counterexample"]["x"] > 0.5


def test_a_strategy_that_raises_when_replayed_leaves_the_violation():
    calls = []

    def of(number):
        calls.append(number)
        if len(calls) > 20:
            raise ValueError("no more")
        return 5.0 if len(calls) == 20 else 0.0

    found = search(claim(at_most_half), instances(st.integers(0, 10**6).map(of)))
    assert found.verdict is Verdict.REFUTED
    assert found.data["counterexample"] == {"x": 5.0}


def test_an_assumption_in_the_formula_excludes_instances():
    def assumed(x):
        assume(x > Fraction(1, 2))
        return -x, x * 0

    found = search(claim(assumed), instances(UNIT), refine=("x",))
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["exercised"] == EXAMPLES["quick"] < found.data["examples"]


def test_what_the_formula_draws_may_fail():
    def drawn_there(x, data):
        return data.draw(UNIT.filter(lambda _: False)) * x, x

    found = search(claim(drawn_there), instances(UNIT, data=st.data()), examples=1)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "none of" in found.summary

    def called(x, f):
        return f() * 0 - x * x, x * 0

    functions = st.functions(like=lambda: 1, returns=UNIT.filter(lambda value: value < 0.2))
    found = search(claim(called), instances(UNIT, f=functions), refine=("x",), examples=40)
    assert found.verdict is Verdict.SUPPORTED


@st.composite
def from_a_list(draw):
    return draw([1.0])


@pytest.mark.parametrize("strategy", [from_a_list(), UNIT.flatmap(lambda _: [1.0])])
def test_a_list_in_the_place_of_a_strategy_is_named(strategy):
    found = search(claim(negative), instances(strategy))
    assert found.verdict is Verdict.ERROR
    assert "InvalidArgument: Expected a SearchStrategy" in found.summary
    assert "[1.0]" in found.summary


def test_all_of_many_equal_parts_are_found():
    alike = st.lists(st.integers(0, 10**9), min_size=4, max_size=4).map(
        lambda numbers: float(len(set(numbers)) == 1 and numbers[0] > 0)
    )
    found = [search(claim(at_most_half), instances(alike), seed=seed) for seed in range(5)]
    assert all(evidence.verdict is Verdict.REFUTED for evidence in found)
