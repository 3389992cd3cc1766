"""Instances drawn without Hypothesis' engine: its choices, its corners, and rounds over them."""

import copy
import math
from random import Random

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.control import BuildContext
from hypothesis.errors import InvalidArgument
from hypothesis.internal.conjecture.choice import choice_permitted
from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.strategies._internal.lazy import unwrap_strategies
from search_tools import drawn

from proofs_check import strategies
from proofs_check.engine.chances import between_floats, between_integers
from proofs_check.engine.exploring import Round, nearby, with_twins

SIZES = st.integers(1, 4)
TREES = st.deferred(lambda: st.booleans() | st.tuples(TREES, TREES))
DRAWN = {
    "vectors": strategies.vectors(SIZES, scale=strategies.scales()),
    "definite": strategies.positive_definite(SIZES),
    "exact": strategies.positive_definite(SIZES, exact=True),
    "gradients": strategies.gradient_sequences(st.integers(0, 4), SIZES, attained=True),
    "low rank": strategies.low_rank(3, 4, 2),
    "dictionary": SIZES.flatmap(lambda d: st.fixed_dictionaries(
        {"x": strategies.vectors(d), "y": strategies.spectra(d)},
        optional={"z": strategies.symmetric(d)})),
    "filtered": st.integers(0, 9).filter(lambda n: n % 3 == 0).map(str),
    "sampled and changed": st.sampled_from(range(9)).map(str).filter(lambda text: text != "4"),
    "one branch": st.one_of(st.nothing(), st.integers(-(2**70), 2**70)),
    "assumed": st.integers(0, 3).map(lambda n: assume(n != 1) and n),
    "any size": st.lists(st.floats(allow_nan=False), unique=True) | st.text("ab") | st.binary(),
    "shuffled": st.permutations(range(5)),
    "trees": TREES,
}  # fmt: skip


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


@pytest.mark.parametrize("name", DRAWN)
def test_hypothesis_makes_the_same_instance_of_the_same_choices(name):
    random, found = Random(1), 0
    for _ in range(60):
        draft = drawn(DRAWN[name], random)
        if draft is None:
            continue
        found += 1
        value, choices = draft[0], draft[1].made
        data = ConjectureData.for_choices(choices)
        with BuildContext(data, wrapped_test=same):
            assert same(data.draw(DRAWN[name]), value)
        assert list(data.choices) == choices
        assert same(drawn(DRAWN[name], random, choices)[0], value)
    assert found > 30


def test_given_choices_that_are_not_possible_become_the_simplest():
    pairs = st.tuples(st.integers(3, 9), st.floats(-2, -1))
    (number, real), draft = drawn(pairs, Random(0), [True, 5.0])
    assert (number, real) == (3, -1.0)
    assert draft.made == [3, -1.0]
    assert drawn(pairs, Random(0), simple_after=0)[0] == (3, -1.0)


def test_what_is_no_strategy_is_named():
    with pytest.raises(InvalidArgument, match="3"):
        drawn(st.just(0).flatmap(lambda _: 3), Random(0))
    assert drawn(st.nothing(), Random(0)) is None


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1.0, 1.0),
        (0.0, 0.0),
        (-0.0, 3.0),
        (-3.0, -0.0),
        (2.5, 2.75),
        (1e-300, 1e300),
        (-1e308, 1e308),
    ],
)
def test_floats_stay_in_their_range_and_reach_its_corners(low, high):
    chance, random = between_floats(low, high, 5e-324), Random(2)
    constraints = {"min_value": low, "max_value": high, "allow_nan": False,
                   "smallest_nonzero_magnitude": 5e-324}  # fmt: skip
    chosen = [chance.choose(random) for _ in range(2000)]
    moved = [chance.near(choice, random, 0.1) for choice in chosen]
    assert all(choice_permitted(choice, constraints) for choice in (*chosen, *moved))
    assert choice_permitted(chance.simplest, constraints)
    assert {low, high} <= set(chosen)
    if low < 0 < high:
        assert {-1.0, -0.0, 1.0} <= set(chosen)
        # A sixth of all are of any magnitude, most of them below this.
        assert sum(0 < abs(choice) < 1e-9 for choice in chosen) > 100


@pytest.mark.parametrize(("low", "high"), [(0, 0), (-3, 4), (5, 10**9), (-(2**80), 2**90)])
def test_integers_stay_in_their_range_and_reach_its_ends(low, high):
    chance, random = between_integers(low, high), Random(3)
    chosen = [chance.choose(random) for _ in range(2000)]
    assert all(low <= choice <= high for choice in chosen)
    assert all(low <= chance.near(choice, random, 0.1) <= high for choice in chosen)
    assert {low, high} <= set(chosen)
    if high - low < 10:
        assert set(chosen) == set(range(low, high + 1))


def explore(strategy, examples, *, score=lambda _: (0.0, 0.0), seed=0, climb=False):
    seen = []

    def visit(instance):
        seen.append(instance)
        return score(instance)

    made = Round(strategy, visit, seed, climb=climb, simplest=True)
    made.run(examples, stopped=lambda: False)
    return seen


def test_a_round_visits_distinct_instances_and_the_same_ones_for_the_same_seed():
    numbers = st.integers(0, 10**6)
    seen = explore(numbers, 300)
    assert len(seen) == len(set(seen)) == 300
    assert seen[0] == 0
    assert explore(numbers, 300) == seen
    assert explore(numbers, 300, seed=1) != seen


def test_a_finite_space_is_exhausted_and_left():
    seen = explore(st.tuples(*[st.booleans()] * 5), 200)
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == 32


def test_instances_that_are_not_valid_do_not_count_but_end_a_round():
    numbers = st.integers(0, 10**9)
    seen = explore(numbers, 50, score=lambda n: (0.0, 0.0) if n % 2 else None)
    assert sum(n % 2 for n in seen) == 50
    assert 50 < len(seen) < 200
    assert len(explore(numbers, 50, score=lambda n: None)) == 459
    assert explore(numbers.filter(lambda n: False), 50) == []


def test_equal_parts_occur_that_independent_choices_would_not_give():
    pairs = st.tuples(strategies.vectors(3, nonzero=True), strategies.vectors(3, nonzero=True))
    seen = explore(pairs, 400)
    free = [x for x, y in seen if np.array_equal(x, y) and len(set(np.abs(x))) == 3]
    assert len(free) > 10


def test_twins_replace_one_part_by_another_of_its_kind():
    _, draft = drawn(st.tuples(*[st.floats(0, 1)] * 2), Random(5))
    twins = with_twins(draft, Random(0))
    assert twins in ([draft.made[0]] * 2, [draft.made[1]] * 2)
    assert with_twins(drawn(st.floats(0, 1), Random(0))[1], Random(0)) is None


def test_a_twin_takes_all_disjoint_places_of_its_kind():
    numbers = st.integers(0, 10**9)
    _, draft = drawn(st.tuples(*[st.tuples(st.booleans(), numbers)] * 4), Random(7))
    twins = [with_twins(draft, Random(k)) for k in range(200)]
    assert all(len(twin) == len(draft.made) for twin in twins)
    alike = [twin for twin in twins if len(set(twin[1::2])) == 1]
    assert {twin[1] for twin in alike} == set(draft.made[1::2])
    # A quarter of those of two of the three kinds: the tuple of all occurs once.
    assert 0.1 < len(alike) / len(twins) < 0.3
    for found in filter(None, (drawn(TREES, Random(k)) for k in range(20))):
        twins = [with_twins(found[1], Random(k)) for k in range(20)]
        again = [(twin, drawn(TREES, Random(0), twin)) for twin in twins if twin]
        # A part takes the place of whole parts, also where they are nested; it can get too deep.
        assert all(tree is None or tree[1].made == twin for twin, tree in again)


def test_zeros_of_both_signs_are_different_choices():
    zeros = explore(st.floats(-0.0, 0.0), 20)
    assert sorted(math.copysign(1, zero) for zero in zeros) == [-1, 1]


def test_a_copy_of_a_strategy_is_drawn_by_its_own_plan():
    fours = unwrap_strategies(st.lists(st.integers(0, 9), min_size=4, max_size=4))
    assert len(drawn(fours, Random(0))[0]) == 4
    other = copy.copy(fours)
    other.min_size = other.max_size = 2
    assert len(drawn(other, Random(0))[0]) == 2


def test_nearby_choices_differ_in_few_places():
    _, draft = drawn(st.tuples(*[st.floats(0, 1)] * 50), Random(6))
    moved = [nearby(draft, Random(k), 0.1) for k in range(200)]
    differences = [sum(a != b for a, b in zip(one, draft.made, strict=True)) for one in moved]
    # The number of changed places is geometric, of mean 1/0.7.
    assert 1 <= sum(differences) / 200 <= 1 / 0.7 + 4 * math.sqrt(0.3 / 0.7**2 / 200)


def test_a_climb_gets_closer_to_a_hidden_peak():
    peak = np.array([0.123, -0.456, 0.789])
    cubes = st.tuples(*[st.floats(-1, 1)] * 3)

    def score(point):
        return 1 / (1 + float(np.abs(np.array(point) - peak).sum())), 0.0

    highest = {climb: max(score(x)[0] for x in explore(cubes, 500, score=score, climb=climb))
               for climb in (False, True)}  # fmt: skip
    # The nearest of 500 uniform points is about 0.2 away: the volume 4/3 r^3 of the ball is 8/500.
    assert highest[True] > 0.98 > 0.9 > highest[False]


def test_parts_are_of_one_kind_whatever_hypothesis_has_cached():
    # The same arguments give the same object or not, as the size of a cache has it.
    @st.composite
    def fresh(draw):
        return [draw(st.sampled_from([*range(40)]).map(abs)) for _ in range(2)]

    seen = explore(fresh(), 200)
    assert sum(x == y for x, y in seen) > 30
    assert explore(fresh(), 200) == seen
