"""One round of the search: fresh instances, twins of their parts, and a climb on the score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from hypothesis.strategies import SearchStrategy

from proofs_check.engine.drawing import Choice, Draft, attempted

Score = tuple[float, float]
Proposal = tuple[list[Choice], int | None]
# Equal parts hardly come about by chance: so many instances with twins follow each fresh one.
_TWINS = 1
_SHORT, _ALL_ALIKE = 0.1, 0.25
_BEFORE_CLIMB, _FURTHER = 0.5, 0.3
# Step sizes of the climb grow after a success and shrink after a failure.
_FIRST_STEP, _GROWTH, _DECAY, _SMALLEST_STEP = 0.5, 2.0, 0.9, 1e-9
# A round gives up where one in a hundred instances does not satisfy the hypotheses, or where new
# ones are not found any more.
_INVALID, _INVALID_PER_VALID = 458, 46
# One of so many choices that fails in the end counts as several.
_LONG = 200
_REPEATS, _REPEATS_PER_SEEN = 50, 5


class Round:
    """Visits distinct instances of a strategy until enough of them were valid.

    Parameters
    ----------
    strategy : SearchStrategy
    visit : callable
        Scores an instance; None where it is not valid.
    seed : int
    climb : bool
        Whether in the second half of the round every other instance is drawn near the one with
        the highest score.
    simplest : bool
        Whether to begin with the simplest instance.
    """

    def __init__(self, strategy: SearchStrategy[Any], visit: Callable[[Any], Score | None],
                 seed: int, *, climb: bool, simplest: bool) -> None:  # fmt: skip
        self.strategy, self.visit = strategy, visit
        self.climb, self.simplest = climb, simplest
        self.random = Random(seed)
        self.step = _FIRST_STEP
        self.best: tuple[Score, Draft] | None = None
        self.latest: Draft | None = None
        self.valid = self.invalid = self.repeats = 0
        self._seen: set[tuple[Choice, ...]] = set()

    def run(self, examples: int, stopped: Callable[[], bool]) -> list[Choice]:
        """Go on to so many valid instances; the choices of the latest one, where `stopped`."""
        for given, simple_after in self._proposals(climb_from=_BEFORE_CLIMB * examples):
            if self.valid >= examples or self._exhausted():
                break
            draft = self._try(given, simple_after)
            if stopped() and draft is not None:
                return draft.made
        return []

    def _try(self, given: list[Choice], simple_after: int | None) -> Draft | None:
        self.latest = None
        draft = Draft(self.random, given, simple_after)
        found = attempted(lambda: [draft.draw(self.strategy)], draft)
        if found is None:
            self.invalid += 1 + draft.cost // _LONG
            return None
        # As text 0.0 and -0.0 are different.
        key = tuple([choice or repr(choice) for choice in draft.made])
        if key in self._seen:
            self.repeats += 1
            return None
        self._seen.add(key)
        self.repeats = 0
        score = attempted(lambda: self.visit(found[0]), draft)
        if score is None:
            self.invalid += 1
            return draft
        self.valid += 1
        self.latest = draft
        if self.best is None or score >= self.best[0]:
            self.best = (score, draft)
        return draft

    def _exhausted(self) -> bool:
        return (self.invalid > _INVALID + _INVALID_PER_VALID * self.valid
                or self.repeats > _REPEATS + _REPEATS_PER_SEEN * len(self._seen))  # fmt: skip

    def _proposals(self, climb_from: float) -> Iterator[Proposal]:
        """First choices of the instances to come, and from where on the simplest ones follow."""
        if self.simplest:
            yield [], 0
        length = 1
        while True:
            short = self.random.random() < _SHORT
            yield [], self.random.randint(1, length) if short else None
            for _ in range(_TWINS):
                if self.latest is None:
                    break
                length = max(len(self.latest.made), 1)
                twins = with_twins(self.latest, self.random)
                if twins is None:
                    break
                yield twins, None
            if self.climb and self.valid >= climb_from:
                yield from self._uphill()

    def _uphill(self) -> Iterator[Proposal]:
        for _ in range(_TWINS + 1):
            # Beyond a ratio of 1 there are only violations, and they end the search.
            if self.best is None or self.best[0][0] >= 1:
                return
            score, draft = self.best
            yield nearby(draft, self.random, self.step), None
            self.step *= _GROWTH if self.best[0] > score else _DECAY
            if not _SMALLEST_STEP < self.step <= 1:
                self.step = _FIRST_STEP


def with_twins(draft: Draft, random: Random) -> list[Choice] | None:
    """Its choices, with one of two parts of the same kind in the place of the other, or of all.

    None where no kind occurs twice. Of a part within a part, the outer one takes the place of the
    inner one.
    """
    places: dict[Any, dict[tuple[int, int], None]] = {}
    for kind, start, end in draft.parts:
        if end > start:
            places.setdefault(kind, {})[start, end] = None
    groups = [list(group) for group in places.values() if len(group) > 1]
    if not groups:
        return None
    group, made = random.choice(groups), draft.made
    if len(group) > 2 and random.random() < _ALL_ALIKE:
        start, end = random.choice(group)
        return _with_all(made, group, made[start:end])
    first, second = sorted(random.sample(group, 2), key=lambda place: (place[0], -place[1]))
    if second[1] <= first[1]:
        return made[: second[0]] + made[first[0] : first[1]] + made[second[1] :]
    start, end = random.choice((first, second))
    twin = made[start:end]
    return made[: first[0]] + twin + made[first[1] : second[0]] + twin + made[second[1] :]


def _with_all(made: list[Choice], places: list[tuple[int, int]],
              twin: list[Choice]) -> list[Choice]:  # fmt: skip
    """The choices with a twin in as many disjoint places as possible: those that end first."""
    result: list[Choice] = []
    reached = 0
    for start, end in sorted(places, key=lambda place: (place[1], -place[0])):
        if start >= reached:
            result += made[reached:start] + twin
            reached = end
    return result + made[reached:]


def nearby(draft: Draft, random: Random, step: float) -> list[Choice]:
    """Its choices, with one of them or a few changed: by about `step` of the range, or entirely."""
    choices = list(draft.made)
    movable = [(place, chance) for place, chance in enumerate(draft.chances) if chance is not None]
    while movable:
        place, chance = random.choice(movable)
        choices[place] = chance.near(choices[place], random, step)
        if random.random() >= _FURTHER:
            break
    return choices
