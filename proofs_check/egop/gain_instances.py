"""Problems for the gain: laws, bases and remainders with exact moments and exact EGOPs.

A problem is built in the coordinates of a rational orthogonal basis V. The law is a product there,
``theta*`` and the remainder of the gradients lie along the first coordinate, so that the EGOP is
diagonal in V, with rational entries. Lengths are measured in c, curvatures in the largest one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.structures import Array, Draw, product

_TINY, _UNIT, _HUGE = Fraction(1, 2**20), Fraction(1), Fraction(2**20)
_PYTHAGOREAN = [[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]]
_HADAMARD = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]


def _exact(rows: Any) -> Array:
    values = np.array(rows, dtype=object)
    return np.asarray(np.frompyfunc(Fraction, 1, 1)(values))


def _one(d: int) -> Array:
    return _exact(np.eye(d, dtype=int).tolist())


Scenario = Mapping[str, Any]
_FREE: Scenario = {}
# The remainder is all of the gradient; or one sparse or dense direction is all of the Hessian.
_REMAINDER = {"curvatures": "zero", "ratio": 2, "remainder": "constant", "slack": _HUGE}
_SPARSE = {"basis": "axes", "curvatures": "rank one", "distance": 1, "dimension": 4}
_DENSE = {**_SPARSE, "basis": "dense", "ratio": 0}
# theta* as far as the law reaches, along a dense vector: kappa counts in full.
_FAR = {**_DENSE, "curvatures": "flat"}
_SCENARIOS = (_FREE, _FREE, _FREE, _FREE, _FREE, _FREE, _REMAINDER, _SPARSE, _DENSE)


def _pick(draw: Draw, scenario: Scenario, name: str, options: Sequence[Any]) -> Any:
    """What the scenario prescribes, or one of the options."""
    return scenario[name] if name in scenario else draw(st.sampled_from(list(options)))


def bases(draw: Draw, d: int, scenario: Scenario = _FREE) -> Array:
    """A rational orthogonal basis: dense (Hadamard) at d = 4, the axes, or a general one."""
    kind = _pick(draw, scenario, "basis", ["dense", "dense", "axes", "general"])
    dense = {1: _one(1), 2: _exact(_PYTHAGOREAN), 4: _exact(_HADAMARD) / 2}
    if kind == "general":
        return np.asarray(draw(strategies.rational_orthogonal(d, size=2)))
    return np.asarray(dense[d]) if kind == "dense" else _one(d)


def _curvatures(d: int, kind: str) -> Array:
    halves = [Fraction(1, 2**k) for k in range(d)]
    ramp = [Fraction(d - k, d) for k in range(d)]
    kinds = {"flat": [1] * d, "rank one": [1] + [0] * (d - 1), "zero": [0] * d, "halves": halves,
             "ramp": ramp}  # fmt: skip
    return _exact(kinds[kind])


def _law(d: int, c: Fraction, *, heavy: bool) -> Array:
    """Corners of a cube with covariance ``c^2 I``; or, twice as far, a quarter of the law.

    At d = 4 the eight corners ``+-`` rows of a Hadamard matrix: given the first coordinate, the
    others have mean zero and are uncorrelated, as for all sixteen.
    """
    rows = [*_HADAMARD, *(-np.array(_HADAMARD)).tolist()] if d == 4 else (
        list(itertools.product((-1, 1), repeat=d)))  # fmt: skip
    corners: Array = _exact(rows) * c
    if not heavy:
        return corners
    return np.concatenate([2 * corners, np.repeat(0 * corners, 3, axis=0)])


def problem(draw: Draw, scenario: Scenario = _FREE, *, farthest: int = 1) -> tuple[
    dict[str, Any], Array, Array
]:  # fmt: skip
    """A problem, the basis V and the eigenvalues of the EGOP in it."""
    pick = partial(_pick, draw, scenario)
    d, c = pick("dimension", [4, 1, 2]), pick("c", [Fraction(1), Fraction(1, 2), Fraction(4)])
    basis = bases(draw, d, scenario)
    size = pick("size", [Fraction(1), Fraction(8), Fraction(1, 8)])
    kind = pick("curvatures", ["flat", "rank one", "zero", "halves", "ramp"])
    curvatures = _curvatures(d, kind) * size
    point = _exact([0] * d)
    point[0] = pick("distance", [0, 1, Fraction(1, 2), farthest]) * c
    law = _law(d, c, heavy=d < 4 and pick("heavy", [False, False, True]))
    lipschitz = Fraction(pick("ratio", [0, 0, Fraction(1, 16), 2, _TINY])) * size / c
    away = law - point
    squares = (away * away).sum(axis=1)
    remainder = pick("remainder", ["against", "constant", "along", "none"])
    sign = {"against": -1, "along": 1, "none": 0, "constant": 1}[remainder]
    side = np.array([1 if remainder == "constant" else int(np.sign(x)) for x in away[:, 0]])
    gradients = away * curvatures
    gradients[:, 0] += sign * side * squares * lipschitz / 2
    spectrum = (gradients * gradients).sum(axis=0) / len(law)
    return {
        "points": product(law, basis.T), "gradients": product(gradients, basis.T),
        "hessian": product(basis * curvatures, basis.T), "minimizer": basis @ point, "c": c,
        "lipschitz": lipschitz,
    }, basis, spectrum  # fmt: skip


def signs_of(vector: Array) -> Array:
    """The sign vector with ``s'v = ||v||_1``; 1 where v is 0."""
    return _exact([-1 if entry < 0 else 1 for entry in vector])


def constants_of(draw: Draw, hessian: Array) -> Array:
    """Absolute row sums, which are feasible; at times the diagonal, which need not be."""
    rows = np.abs(hessian).sum(axis=1)
    return np.diagonal(hessian).copy() if draw(st.sampled_from([False, False, True])) else rows


def _lower_root(value: Fraction) -> Fraction:
    """A rational root from below, exact for squares of rationals with small denominators."""
    scale = value.denominator * 2**40
    return Fraction(math.isqrt(value.numerator * value.denominator * 2**80), scale)


def slacks() -> SearchStrategy[Fraction]:
    """Values of e: tiny, moderate and huge."""
    return st.sampled_from([_TINY, Fraction(1, 4), Fraction(1), _HUGE])


def star(d: int, side: int) -> dict[str, Any]:
    """An indefinite Hessian with small feasible constants and large singular values.

    ``e_1 1' + 1 e_1'`` (1 on the other coordinates), ``theta* = e_1`` and ``c = 1``; the law is
    ``+-side e_i`` with ``side^2 = d``. The EGOP is ``(d-1) e_1 e_1' + 2 11'``.
    """
    hessian = _exact(np.zeros((d, d), dtype=int).tolist())
    hessian[0, 1:] = hessian[1:, 0] = Fraction(1)
    minimizer = _one(d)[0]
    points = side * np.concatenate([_one(d), -_one(d)])
    return {
        "points": points, "gradients": product(points - minimizer, hessian), "hessian": hessian,
        "minimizer": minimizer, "c": Fraction(1), "lipschitz": Fraction(0),
    }  # fmt: skip


def star_constants(d: int) -> Array:
    """Feasible constants of the star: d - 1 and ones, of sum ``2 (d - 1)``."""
    return _exact([d - 1] + [1] * (d - 1))


def others(d: int) -> Array:
    """The vector ``(0, 1, ..., 1)``."""
    return _exact([0] + [1] * (d - 1))


@st.composite
def eigenvector_instances(draw: Draw) -> dict[str, Any]:
    """Instances of Lemma 6; one in twenty has an indefinite Hessian."""
    if draw(st.integers(0, 19)) == 19:
        d = 16
        return {**star(d, 4), "norm": Fraction(4), "eigenvalue": Fraction(2),
                "largest": Fraction(2 * (d - 1)), "vector": others(d), "signs": _exact([1] * d),
                "constants": star_constants(d)}  # fmt: skip
    found, basis, spectrum = problem(draw, draw(st.sampled_from(_SCENARIOS)))
    k = draw(st.integers(0, len(basis) - 1)) if draw(st.booleans()) else 0
    hessian = found["hessian"]
    return {
        **found, "norm": np.max(np.diagonal(basis.T @ hessian @ basis)),
        "eigenvalue": spectrum[k], "largest": max(spectrum), "vector": basis[:, k],
        "signs": signs_of(basis[:, k]), "constants": constants_of(draw, hessian),
    }  # fmt: skip


@st.composite
def root_instances(draw: Draw) -> dict[str, Any]:
    """Instances of the sharper Lemma 6; one in twenty has an indefinite Hessian."""
    if draw(st.integers(0, 19)) == 19:
        d = 9
        root = np.multiply.outer(others(d), others(d)) * Fraction(1, 2)
        return {**star(d, 3), "root": root, "signs": _exact([1] * d), "slack": _TINY,
                "constants": star_constants(d)}  # fmt: skip
    scenario = draw(st.sampled_from(_SCENARIOS))
    found, basis, spectrum = problem(draw, scenario)
    roots = _exact([_lower_root(value) for value in spectrum])
    k = draw(st.integers(0, len(basis) - 1)) if draw(st.booleans()) else 0
    return {
        **found, "root": (basis * roots) @ basis.T, "signs": signs_of(basis[:, k]),
        "slack": scenario.get("slack", draw(slacks())),
        "constants": constants_of(draw, found["hessian"]),
    }  # fmt: skip


@st.composite
def density_instances(draw: Draw) -> dict[str, Any]:
    """Quadratics for Corollary 7; one in twenty has an indefinite Hessian."""
    if draw(st.integers(0, 19)) == 19:
        d = 16
        hessian, vector = star(d, 4)["hessian"], others(d)
        # lam_1 v v' <= EGOP needs 2 (d - 1) ||v||^2 <= 2 (d - 1)
        vector = vector * _lower_root(Fraction(1, d - 1))
        return {"hessian": hessian, "minimizer": _one(d)[0], "c": Fraction(1),
                "largest": Fraction(2 * (d - 1)), "vector": vector, "signs": _exact([1] * d),
                "constants": star_constants(d)}  # fmt: skip
    found, basis, _ = problem(draw, draw(st.sampled_from(_SCENARIOS)), farthest=2)
    hessian, minimizer, c = found["hessian"], found["minimizer"], found["c"]
    pushed = hessian @ minimizer
    matrix = c * c * (hessian @ hessian) + np.multiply.outer(pushed, pushed)
    largest = (basis[:, 0] @ matrix) @ basis[:, 0]
    return {"hessian": hessian, "minimizer": minimizer, "c": c, "largest": largest,
            "vector": basis[:, 0], "signs": signs_of(basis[:, 0]),
            "constants": constants_of(draw, hessian)}  # fmt: skip


def _in_a_ball(draw: Draw, found: dict[str, Any], basis: Array,
               reach: Array) -> dict[str, Any]:  # fmt: skip
    """A radius, a point at the border of the ball or at theta*, and an extreme Hessian there."""
    distance = abs((basis.T @ found["minimizer"])[0])
    radius = draw(st.sampled_from(list(reach))) * found["c"] + distance
    position = found["minimizer"]
    if draw(st.sampled_from([True, True, False])):
        position = -radius * basis[:, 0] * (1 if distance == 0 else signs_of(basis.T @ position)[0])
    away = abs((basis.T @ (position - found["minimizer"]))[0])
    change = draw(st.sampled_from([1, -1, 0])) * found["lipschitz"] * away
    curvature = found["hessian"] + change * _one(len(basis))
    return {"radius": radius, "position": position, "curvature": curvature}


_REACH = np.array([Fraction(0), Fraction(1), _HUGE, _HUGE], dtype=object)


def _opposed(draw: Draw) -> dict[str, Any]:
    """One dimension, ``theta* = 0``: a remainder that shrinks the EGOP by a little, or to 0.

    The ball is the point ``theta*``, and ``Hess = 1``.
    """
    c = draw(st.sampled_from([Fraction(1, 2), Fraction(1, 4), Fraction(4)]))
    ratio = draw(st.sampled_from([Fraction(1, 16), Fraction(2)]))
    points = _exact([[c], [-c]])
    gradients = points * (1 - ratio / 2)
    zero, one = _exact([0]), _one(1)
    return {
        "points": points, "gradients": gradients, "hessian": one, "minimizer": zero, "c": c,
        "lipschitz": ratio / c, "basis": one, "spectrum": gradients[0] ** 2, "curvature": one,
        "position": zero, "radius": Fraction(0), "direction": _exact([1]),
    }  # fmt: skip


@st.composite
def rotated_instances(draw: Draw, *, slack: bool) -> dict[str, Any]:
    """Instances of Lemma 8, or with a slack of its sharper form: directions along and across."""
    if draw(st.integers(0, 3)) == 3:
        extra = {"slack": draw(st.sampled_from([_HUGE, _HUGE, _UNIT]))} if slack else {
            "norm": _UNIT}  # fmt: skip
        return {**_opposed(draw), **extra}
    found, basis, spectrum = problem(draw)
    if draw(st.sampled_from([False, False, False, True])):
        found = {**found, "hessian": -found["hessian"], "gradients": -found["gradients"]}
    d = len(basis)
    size = max(abs(entry) for entry in np.diagonal(basis.T @ found["hessian"] @ basis))
    direction = draw(st.sampled_from([*_one(d), _exact([1] * d)]))
    return {
        **found, **_in_a_ball(draw, found, basis, _REACH), "basis": basis, "spectrum": spectrum,
        "direction": direction, **({"slack": draw(slacks())} if slack else {"norm": size}),
    }  # fmt: skip


@st.composite
def gain_instances(draw: Draw) -> dict[str, Any]:
    """Instances of Theorem 5: the largest eigenvalue first, a slack that the errors allow."""
    found, basis, spectrum = problem(draw, draw(st.sampled_from([_FREE] * 6 + [_SPARSE, _FAR])))
    slack = draw(st.sampled_from([_TINY, Fraction(1, 4), Fraction(1, 2)]))
    return {
        **found, **_in_a_ball(draw, found, basis, _REACH[:2]), "basis": basis,
        "spectrum": spectrum, "signs": signs_of(basis[:, 0]), "rotated_signs":
        _exact([1] * len(basis)), "slack": slack, "constants": constants_of(draw, found["hessian"]),
    }  # fmt: skip
