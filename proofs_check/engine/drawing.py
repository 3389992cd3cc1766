"""Instances of a Hypothesis strategy without its engine: the same choices, a fraction of the cost.

A strategy is a program that turns choices (integers, floats, booleans) into an instance. A `Draft`
runs that program and makes the choices itself. They are those that Hypothesis would make in the
same places, so that it can replay them, and shrink from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.control import BuildContext
from hypothesis.errors import StopTest, UnsatisfiedAssumption
from hypothesis.internal.conjecture.choice import choice_from_index, choice_permitted
from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.strategies import SearchStrategy
from hypothesis.strategies._internal.lazy import unwrap_strategies
from hypothesis.strategies._internal.strategies import check_strategy

from proofs_check.engine.chances import BOOLEAN, Chance, between_floats, between_integers

Choice = Any
Kind = tuple[Any, ...]
Part = tuple[Kind, int, int]
Value = TypeVar("Value")
_DEEPEST = 100
_LONGEST = 10_000
# A loop that draws until something else comes would not end by the simplest choices alone.
_SIMPLEST = 1000
_TRIES = 3


def attempted(call: Callable[[], Value], draft: Draft) -> Value | None:
    """What a call returns that draws, or assumes, by way of a draft; None where that failed."""
    with _Context(draft):
        try:
            return call()
        except (StopTest, UnsatisfiedAssumption):
            return None


class Draft(ConjectureData):
    """The choices of one instance while it is drawn, at most 10,000 with the letters of texts.

    Parameters
    ----------
    random : random.Random
        Makes the choices beyond the given ones.
    given : sequence
        First choices. One that is not possible in its place becomes the simplest possible.
    simple_after : int, optional
        From this choice on, the next thousand are the simplest possible ones.

    Attributes
    ----------
    made : list
        The choices in their order.
    chances : list of Chance
        What each of them was chosen from.
    parts : list of (kind, int, int)
        For each part its kind, and where its choices begin and end. Kinds are compared by value:
        which strategies are the same objects depends on what else the process has drawn.
    """

    def __init__(self, random: Random, given: Sequence[Choice] = (),
                 simple_after: int | None = None) -> None:  # fmt: skip
        super().__init__(random=random, provider=HypothesisProvider)
        self.random = random
        self.given, self._replayed = given, len(given)
        self._simple_after = math.inf if simple_after is None else simple_after
        self._simple_until = self._simple_after + _SIMPLEST
        self.made: list[Choice] = []
        self.chances: list[Chance | None] = []
        self.parts: list[Part] = []
        self._levels = self._letters = 0

    @property
    def cost(self) -> int:
        """The number of choices, and of the letters and bytes in them."""
        return len(self.made) + self._letters

    def draw(self, strategy: SearchStrategy[Any], label: Any = None,
             observe_as: Any = None) -> Any:  # fmt: skip
        """The value of a strategy, whose choices are made as they are asked for."""
        plan = getattr(strategy, _PLAN, None)
        # A copy of a strategy takes along the plan of the original.
        if plan is None or plan[0] != id(strategy):
            plan = _plan(strategy)
        _, (handler, inner, kind) = plan
        if self._levels >= _DEEPEST:
            self.mark_invalid()
        self._levels += 1
        first = len(self.made)
        try:
            value = handler(self, inner)
        finally:
            self._levels -= 1
        if kind is not None:
            self.parts.append((kind, first, len(self.made)))
        return value

    def choose(self, chance: Chance) -> Any:
        """One choice: the given one, the simplest one, or one by chance."""
        place = len(self.made)
        if place < self._replayed:
            choice = self.given[place]
            if not chance.permits(choice):
                choice = chance.simplest
        elif self._simple_after <= place < self._simple_until:
            choice = chance.simplest
        elif place < _LONGEST:
            choice = chance.choose(self.random)
        else:
            self.mark_invalid()
        self.made.append(choice)
        self.chances.append(chance)
        return choice

    def start_span(self, label: int) -> None:
        """Parts are noted in `draw`."""
        self.depth += 1

    def stop_span(self, *, discard: bool = False) -> None:
        """Parts are noted in `draw`."""
        self.depth -= 1

    def _draw(self, choice_type: Any, constraints: Any, *, observe: bool, forced: Any) -> Any:
        """What Hypothesis' own strategies ask for, in whatever arrangement."""
        choice: Any
        place = len(self.made)
        if self.cost >= _LONGEST:
            self.mark_invalid()
        if forced is not None:
            choice = forced
        elif observe and place < self._replayed:
            choice = self.given[place]
            possible = type(choice) is _TYPES[choice_type]
            if not (possible and choice_permitted(choice, constraints)):
                choice = choice_from_index(0, choice_type, constraints)
        elif observe and self._simple_after <= place < self._simple_until:
            choice = choice_from_index(0, choice_type, constraints)
        else:
            choice = getattr(self.provider, f"draw_{choice_type}")(**constraints)
        if observe:
            self.made.append(choice)
            self._letters += len(choice) if choice_type in ("string", "bytes") else 0
            self.chances.append(None if forced is not None else _chance(choice_type, constraints))
        return choice


class _Context(BuildContext):
    """What Hypothesis' functions ask for while something is drawn; keeps no notes for printing."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft, wrapped_test=attempted)

    def record_call(self, *arguments: Any, **options: Any) -> None:
        """Nothing will be printed."""


Handler = Callable[[Draft, Any], Any]
Plan = tuple[Handler, Any, Kind | None]
# Kept by the strategy itself, so that it goes with it and whatever it holds.
_PLAN = "_plan_of_drafts"


def _plan(strategy: SearchStrategy[Any]) -> tuple[int, Plan]:
    """How to draw from a strategy: function, its argument, and what equal parts have in common.

    The identity of the strategy comes first.
    """
    check_strategy(strategy)
    plain = _unwrapped(strategy)
    prepare = _PREPARE.get(type(plain))
    prepared = None if prepare is None else prepare(plain)
    plan = id(strategy), prepared or (_draw_by_itself, plain, (type(plain).__name__,))
    setattr(strategy, _PLAN, plan)
    return plan


def _draw_by_itself(draft: Draft, strategy: Any) -> Any:
    strategy.validate()
    if strategy.is_empty:
        draft.mark_invalid()
    return strategy.do_draw(draft)


def _integers(strategy: Any) -> Plan | None:
    if strategy.start is None or strategy.end is None:
        return None
    chance = between_integers(strategy.start, strategy.end)
    return Draft.choose, chance, ("integer", strategy.start, strategy.end)


def _floats(strategy: Any) -> Plan | None:
    low, high = strategy.min_value, strategy.max_value
    if strategy.allow_nan or not (math.isfinite(low) and math.isfinite(high)):
        return None
    chance = between_floats(low, high, strategy.smallest_nonzero_magnitude)
    return Draft.choose, chance, ("float", low, high)


def _booleans(strategy: Any) -> Plan | None:
    return Draft.choose, BOOLEAN, ("boolean",)


def _sampled(strategy: Any) -> Plan | None:
    if strategy._transformations or any(isinstance(x, SearchStrategy) for x in strategy.elements):
        return None
    last = len(strategy.elements) - 1
    return _draw_sampled, (strategy.elements, between_integers(0, last)), ("integer", 0, last)


def _draw_sampled(draft: Draft, argument: Any) -> Any:
    elements, chance = argument
    return elements[draft.choose(chance)]


def _just(strategy: Any) -> Plan | None:
    return None if strategy._transformations else (_constant, strategy.value, None)


def _constant(draft: Draft, value: Any) -> Any:
    return value


def _one_of(strategy: Any) -> Plan | None:
    branches = strategy.element_strategies
    if not branches:
        return None
    chance = between_integers(0, len(branches) - 1)
    return _draw_one_of, (branches, chance), ("one of", len(branches))


def _draw_one_of(draft: Draft, argument: Any) -> Any:
    branches, chance = argument
    # One branch alone is no choice.
    return draft.draw(branches[draft.choose(chance) if len(branches) > 1 else 0])


def _lists(strategy: Any) -> Plan | None:
    if strategy.min_size != strategy.max_size:
        return None
    size = strategy.min_size
    return _draw_list, (strategy.element_strategy, size), ("list", size)


def _draw_list(draft: Draft, argument: Any) -> list[Any]:
    element, size = argument
    return [draft.draw(element) for _ in range(size)]


def _tuples(strategy: Any) -> Plan | None:
    elements = strategy.element_strategies
    return _draw_tuple, elements, ("tuple", len(elements))


def _draw_tuple(draft: Draft, elements: Any) -> tuple[Any, ...]:
    return tuple([draft.draw(element) for element in elements])


def _permutations(strategy: Any) -> Plan | None:
    last = len(strategy.values) - 1
    chances = [between_integers(place, last) for place in range(last)]
    return _draw_permutation, (strategy.values, chances), ("permutation", last)


def _draw_permutation(draft: Draft, argument: Any) -> list[Any]:
    values, chances = argument
    order = list(values)
    for place, chance in enumerate(chances):
        other = draft.choose(chance)
        order[place], order[other] = order[other], order[place]
    return order


def _mapped(strategy: Any) -> Plan | None:
    return _draw_mapped, (strategy.mapped_strategy, strategy.pack), None


def _draw_mapped(draft: Draft, argument: Any) -> Any:
    inner, pack = argument
    for remaining in reversed(range(_TRIES)):
        try:
            return pack(draft.draw(inner))
        except UnsatisfiedAssumption:
            if not remaining:
                raise
    return None


def _flat_mapped(strategy: Any) -> Plan | None:
    return _draw_flat_mapped, (strategy.base, strategy.expand), None


def _draw_flat_mapped(draft: Draft, argument: Any) -> Any:
    base, expand = argument
    return draft.draw(expand(draft.draw(base)))


def _filtered(strategy: Any) -> Plan | None:
    return _draw_filtered, (strategy.filtered_strategy, strategy.flat_conditions), None


def _draw_filtered(draft: Draft, argument: Any) -> Any:
    inner, conditions = argument
    for _ in range(_TRIES):
        value = draft.draw(inner)
        if all(condition(value) for condition in conditions):
            return value
    return draft.mark_invalid()


def _composite(strategy: Any) -> Plan | None:
    definition = strategy.definition
    name = getattr(definition, "__qualname__", type(definition).__name__)
    return _draw_composite, strategy, (definition.__module__, name)


def _draw_composite(draft: Draft, strategy: Any) -> Any:
    return strategy.definition(draft.draw, *strategy.args, **strategy.kwargs)


def _kind(strategy: SearchStrategy[Any]) -> type:
    return type(_unwrapped(strategy))


def _unwrapped(strategy: SearchStrategy[Any]) -> Any:
    return unwrap_strategies(strategy)  # type: ignore[no-untyped-call]


def _chance(choice_type: str, constraints: Any) -> Chance | None:
    if choice_type == "boolean":
        return BOOLEAN
    if choice_type not in ("integer", "float"):
        return None
    low, high = constraints["min_value"], constraints["max_value"]
    if None in (low, high) or not (math.isfinite(low) and math.isfinite(high)):
        return None
    if choice_type == "integer":
        return between_integers(low, high)
    return between_floats(low, high, constraints["smallest_nonzero_magnitude"])


_TYPES = {"integer": int, "float": float, "boolean": bool, "string": str, "bytes": bytes}
_NUMBERS = st.integers(0, 1)
# Everything else is drawn by its own method.
_PREPARE: dict[type, Callable[[Any], Plan | None]] = {
    _kind(_NUMBERS): _integers,
    _kind(st.floats(0, 1)): _floats,
    _kind(st.booleans()): _booleans,
    _kind(st.sampled_from([0, 1])): _sampled,
    _kind(st.just(0)): _just,
    _kind(_NUMBERS | st.none()): _one_of,
    _kind(st.lists(_NUMBERS)): _lists,
    _kind(st.tuples(_NUMBERS)): _tuples,
    _kind(st.permutations([0, 1])): _permutations,
    _kind(_NUMBERS.map(str)): _mapped,
    _kind(_NUMBERS.flatmap(st.just)): _flat_mapped,
    _kind(_NUMBERS.filter(lambda number: hash(number) == number)): _filtered,
    _kind(st.composite(lambda draw: draw(_NUMBERS))()): _composite,
}
