"""Seeded local ascent on chosen leaves of an instance, and plain simplification of a violation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

Instance = Mapping[str, Any]
Score = tuple[float, float]
# Step sizes are relative to the leaf: grow after a success, shrink after a failure.
_FIRST_STEP, _GROWTH, _DECAY, _SMALLEST_STEP = 0.3, 1.6, 0.9, 1e-9
_LARGEST_DENOMINATOR = 10**6


def ascend(start: Instance, score: Score, visit: Callable[[Instance], Score | None], *,
           leaves: Sequence[str], rng: np.random.Generator,
           trials: int) -> tuple[Score, Instance]:  # fmt: skip
    """Move the named leaves at random, keeping what scores higher, for at most `trials` visits.

    `visit` returns None for an instance that breaks a hypothesis, and what it raises ends the
    ascent; so does a ratio of 1, beyond which there are only violations. Symmetric matrices
    stay symmetric. Returns the best score and instance.
    """
    current, step = dict(start), _FIRST_STEP
    for _ in range(trials):
        if score[0] >= 1:
            break
        proposal = _propose(current, leaves, rng, step)
        reached = visit(proposal)
        if reached is not None and reached > score:
            current, score = proposal, reached
            step = min(step * _GROWTH, 1.0)
        else:
            step *= _DECAY
        if step < _SMALLEST_STEP:
            step = _FIRST_STEP
    return score, current


def simplify(instance: Instance, still: Callable[[Instance], bool], *, trials: int) -> Instance:
    """Round numbers to simpler ones (0, 1, -1, whole, few digits) while `still` is true."""
    current = dict(instance)
    for place in list(_places(current)):
        old = _read(current, place)
        for candidate in _simpler(old):
            if trials == 0:
                return current
            trials -= 1
            proposal = _write(current, place, candidate)
            if still(proposal):
                current = proposal
                break
    return current


def _propose(instance: Instance, leaves: Sequence[str], rng: np.random.Generator,
             step: float) -> dict[str, Any]:  # fmt: skip
    chosen = set(leaves) if rng.random() < 0.5 else {leaves[int(rng.integers(len(leaves)))]}
    return {name: _move(value, rng, step) if name in chosen else value
            for name, value in instance.items()}  # fmt: skip


def _move(value: Any, rng: np.random.Generator, step: float) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_move(entry, rng, step) for entry in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
        return _move_array(value, rng, step)
    if isinstance(value, Fraction):
        return Fraction(_move_number(float(value), rng, step)).limit_denominator(
            _LARGEST_DENOMINATOR
        )
    if isinstance(value, float):
        return _move_number(value, rng, step)
    if isinstance(value, int) and not isinstance(value, bool):
        return value + int(rng.integers(-1, 2))
    return value


def _move_number(value: float, rng: np.random.Generator, step: float) -> float:
    noise = step * float(rng.standard_normal())
    moved = value * math.exp(noise) if rng.random() < 0.5 else value + (abs(value) or 1.0) * noise
    return moved if math.isfinite(moved) else value


def _move_array(value: np.ndarray[Any, Any], rng: np.random.Generator,
                step: float) -> np.ndarray[Any, Any]:  # fmt: skip
    noise = rng.standard_normal(value.shape)
    mirrored = _is_symmetric(value)
    if mirrored:
        noise = (noise + noise.T) / 2
    size = float(np.max(np.abs(value))) or 1.0
    kind = int(rng.integers(4))
    if kind == 0:
        moved = value + step * size * noise
    elif kind == 1:
        moved = value * (1 + step * noise)
    elif kind == 2:
        moved = value * math.exp(step * float(rng.standard_normal()))
    else:
        # One entry, and its mirror image where the matrix is symmetric.
        mask = np.zeros(value.shape, dtype=bool)
        index = tuple(int(rng.integers(n)) for n in value.shape)
        mask[index] = True
        if mirrored:
            mask[index[::-1]] = True
        moved = np.where(mask, value + step * size * noise, value)
    return moved if np.isfinite(moved).all() else value


def _is_symmetric(array: np.ndarray[Any, Any]) -> bool:
    return array.ndim == 2 and np.array_equal(array, array.T)


def _places(instance: Instance) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    for name, value in instance.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield from ((name, index) for index in np.ndindex(value.shape))
        elif isinstance(value, (float, Fraction)):
            yield name, None


def _read(instance: Instance, place: tuple[str, tuple[int, ...] | None]) -> Any:
    name, index = place
    return instance[name] if index is None else float(instance[name][index])


def _write(instance: Instance, place: tuple[str, tuple[int, ...] | None],
           number: Any) -> dict[str, Any]:  # fmt: skip
    name, index = place
    if index is None:
        return {**instance, name: number}
    array = instance[name].copy()
    mirrored = _is_symmetric(array)
    array[index] = number
    if mirrored:
        array[index[::-1]] = number
    return {**instance, name: array}


def _simpler(number: Any) -> list[Any]:
    candidates: list[Any] = [0.0, 1.0, -1.0, float(round(number)), *(float(f"{float(number):.{k}g}")
                                                          for k in (1, 2, 3, 5))]  # fmt: skip
    if isinstance(number, Fraction):
        candidates = [Fraction(c).limit_denominator(10**6) for c in candidates]
    if number in candidates[:3]:
        return []
    return [candidate for candidate in dict.fromkeys(candidates) if candidate != number]
