"""The laws of single choices: bounded integers, bounded floats and booleans, corners included."""

from __future__ import annotations

import math
import sys
from functools import lru_cache
from random import Random
from typing import Any, Protocol

_REMEMBERED = 4096
# Shares of all choices. Those of floats follow Hypothesis, which a uniform law would be no match
# for: corners find what is false at zero, at an end or at one, magnitudes what underflows.
_ENDS, _CORNERS, _MAGNITUDES, _WHOLE = 0.05, 0.2, 0.4, 0.45
# Shares of the steps from one float to another.
_ABSOLUTE, _RELATIVE, _ROUNDED, _MIRRORED = 0.4, 0.8, 0.9, 0.95
_FEW = 128
_BITS = 52
_NOTABLE = (0.0, -0.0, 1.0, 0.5, 1.5, 2.0, 10.0, 1 / 3, 1.1, 1.9, 0.99, 1e-5, 1e5, 1e7, 2.0**53,
            sys.float_info.epsilon, 1e-100, 1e100, 1.1754943508222875e-38, sys.float_info.min,
            5e-324, sys.float_info.max)  # fmt: skip


class Chance(Protocol):
    """What one choice is made from."""

    @property
    def simplest(self) -> Any:
        """The choice that a shrinker prefers."""

    def permits(self, choice: Any) -> bool:
        """Whether a choice is possible here."""

    def choose(self, random: Random) -> Any:
        """A choice by chance."""

    def near(self, choice: Any, random: Random, step: float) -> Any:
        """Another choice, often within `step` times the range, or the size, of the given one."""


class Integers:
    """Integers in [low, high]: uniform if they are few, else of any size, and the ends."""

    __slots__ = ("_ends", "_size", "high", "low", "simplest")

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.simplest = min(max(0, low), high)
        self._size = high - low + 1
        self._ends = [end for end in (low, high, low + 1, high - 1) if low <= end <= high]

    def permits(self, choice: Any) -> bool:
        """Whether it is an int in the range."""
        return type(choice) is int and self.low <= choice <= self.high

    def choose(self, random: Random) -> int:
        """An end in 5 % of all cases; else uniform, for many integers also log-uniform."""
        chance = random.random()
        if chance < _ENDS:
            return random.choice(self._ends)
        if self._size <= _FEW:
            return self.low + int(self._size * random.random())
        if chance < (1 + _ENDS) / 2:
            bits = random.randrange(self._size.bit_length())
            choice = self.simplest + random.choice((1, -1)) * random.getrandbits(bits + 1)
            if self.low <= choice <= self.high:
                return choice
        return random.randint(self.low, self.high)

    def near(self, choice: int, random: Random, step: float) -> int:
        """A neighbour, further away, or anywhere."""
        farthest = max(1, min(int(step * 2**_BITS) * self._size >> _BITS, self._size))
        moved = choice + random.choice((1, -1)) * random.choice((1, random.randint(1, farthest)))
        return moved if self.low <= moved <= self.high else self.choose(random)


class Floats:
    """Floats in [low, high]: uniform, log-uniform, whole, notable ones, and the ends."""

    __slots__ = ("_corners", "_ends", "_least", "_sides", "high", "low", "simplest")

    def __init__(self, low: float, high: float, least: float) -> None:
        self.low, self.high, self._least = low, high, least
        near_ends = (low, high, math.nextafter(low, high), math.nextafter(high, low))
        self._ends = [x for x in near_ends if self.permits(x)] or [low]
        notable = [sign * x for x in _NOTABLE for sign in (1, -1)]
        corners = [x for x in (*notable, low + 1, high - 1) if self.permits(x)]
        self._corners = corners or self._ends
        self._sides = [side for side in (_exponents(low, high, least, 1),
                                         _exponents(-high, -low, least, -1)) if side]  # fmt: skip
        self.simplest = self._simplest()

    def permits(self, choice: Any) -> bool:
        """Whether it is a float in the range; -0.0 is below 0.0."""
        if type(choice) is not float or not self.low <= choice <= self.high:
            return False
        if choice == 0:
            signs = [math.copysign(1, x) for x in (self.low, choice, self.high)]
            return not (self.low == 0 and signs[0] > signs[1]) and not (
                self.high == 0 and signs[1] > signs[2]
            )
        return abs(choice) >= self._least

    def choose(self, random: Random) -> float:
        """A float of one of the five kinds."""
        chance = random.random()
        if chance < _ENDS:
            return random.choice(self._ends)
        if chance < _CORNERS:
            return random.choice(self._corners)
        if chance < _MAGNITUDES and self._sides:
            first, last, sign = random.choice(self._sides)
            choice = sign * math.ldexp(1 + random.random(), random.randint(first, last))
        else:
            share = random.random()
            choice = self.low * (1 - share) + self.high * share
            if chance < _WHOLE:
                choice = float(round(choice))
        return choice + 0.0 if self.permits(choice + 0.0) else random.choice(self._ends)

    def near(self, choice: float, random: Random, step: float) -> float:
        """Moved by an absolute or relative step; at times rounded, mirrored, or anywhere."""
        kind, signed = random.random(), step * random.uniform(-1, 1)
        if kind < _ABSOLUTE:
            moved = choice + (self.high / 2 - self.low / 2) * signed
        elif kind < _RELATIVE:
            moved = choice * (1 + signed)
        elif kind < _ROUNDED:
            moved = float(f"{choice:.{random.randint(1, 4)}g}")
        else:
            moved = -choice if kind < _MIRRORED else self.choose(random)
        return moved + 0.0 if self.permits(moved + 0.0) else self.choose(random)

    def _simplest(self) -> float:
        whole = [0.0, *sorted((math.ceil(self.low) + 0.0, math.floor(self.high) + 0.0), key=abs)]
        return next((x for x in whole if self.permits(x)), self._ends[0])


class Booleans:
    """True or False."""

    simplest = False

    def permits(self, choice: Any) -> bool:
        """Whether it is a bool."""
        return type(choice) is bool

    def choose(self, random: Random) -> bool:
        """Either, equally likely."""
        return random.random() < 0.5

    def near(self, choice: bool, random: Random, step: float) -> bool:
        """The other one."""
        return not choice


BOOLEAN = Booleans()


@lru_cache(_REMEMBERED)
def between_integers(low: int, high: int) -> Integers:
    """The chance of an integer in [low, high]."""
    return Integers(low, high)


def between_floats(low: float, high: float, least: float) -> Floats:
    """The chance of a float in [low, high], zero or at least `least` in absolute value.

    Only zeros of the same sign are the same end.
    """
    return _floats(low, high, least, math.copysign(1, low), math.copysign(1, high))


@lru_cache(_REMEMBERED)
def _floats(low: float, high: float, least: float, *_signs: float) -> Floats:
    return Floats(low, high, least)


def _exponents(low: float, high: float, least: float, sign: int) -> tuple[int, int, int] | None:
    """Range of the binary exponents of the positive numbers in [low, high], if there are any."""
    if high < max(low, least):
        return None
    return math.frexp(max(low, least))[1] - 1, math.frexp(high)[1] - 1, sign
