"""Quadratics whose EGOP has a rational eigenbasis and rational roots of its eigenvalues."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.structures import Array, Draw
from theory import arrays

# (c, t, kappa) with c^2 + t^2 = kappa^2; the middle ones violate Assumption 1, t <= c.
_TRIPLES = ((1, 0, 1), (4, 3, 5), (3, 4, 5), (15, 8, 17), (21, 20, 29), (5, 12, 13))
_PLANES = ((3, 4, 5), (4, 3, 5), (1, 0, 1), (0, 1, 1), (5, 12, 13), (20, 21, 29))


@dataclass(frozen=True)
class RationalQuadratic:
    """A quadratic with its EGOP ``V M^2 V'``; every entry is a Fraction.

    Attributes
    ----------
    basis, roots, hessian, modulus : array (d, d)
        V, diagonal M, H and ``|H|``.
    minimizer : array (d,)
    c : Fraction
    """

    basis: Array
    roots: Array
    hessian: Array
    modulus: Array
    minimizer: Array
    c: Fraction


def quadratics(*, definite: bool = False) -> SearchStrategy[RationalQuadratic]:
    """Stationary points along an eigenvector of H, and ones that turn the eigenvectors.

    Reaches Hessians of rank one, multiples of a reflection, bases of density one and
    coordinate ones; indefinite ones unless `definite`.
    """
    return st.one_of(_aligned(definite), _turned(definite))


@st.composite
def _aligned(draw: Draw, definite: bool) -> RationalQuadratic:
    """Theta* = t v_j: H and EGOP commute, with roots c |h_k|, and kappa |h_j|."""
    d = draw(st.integers(1, 4))
    basis = draw(bases(d))
    values = draw(spectra(d, definite))
    # without theta* often: there the bounds of all eigenvectors are equalities together
    c, t, kappa = draw(st.sampled_from([*_TRIPLES[:1] * 4, *_TRIPLES]))
    j = draw(st.integers(0, d - 1))
    scaled = np.array([abs(h) * (kappa if k == j else c) for k, h in enumerate(values)])
    return _quadratic(basis, scaled, basis * values @ basis.T, basis * abs(values) @ basis.T,
                      t * basis[:, j], Fraction(c))  # fmt: skip


@st.composite
def _turned(draw: Draw, definite: bool) -> RationalQuadratic:
    """A plane quadratic of `turned_planes`, at times with a coordinate of its own, and rotated."""
    basis, roots, hessian, minimizer, c = draw(st.sampled_from(turned_planes()))
    made: RationalQuadratic = draw(_completed(basis, roots, hessian, minimizer, c, definite))
    return made


@functools.cache
def turned_planes() -> tuple[tuple[Array, Array, Array, Array, Fraction], ...]:
    """All ``(V, roots, H, theta*, c)`` in the plane with ``H K = V M W'``, V and W of the list.

    K is the root of ``c^2 I + theta* theta*'``, theta* on the first axis. H is symmetric where the
    antisymmetric parts of ``v_k (K^-1 w_k)'`` cancel, which fixes the ratio of the two roots; it
    is then definite. Only H that do not commute with their EGOP are kept.
    """
    turns = [_plane_rotation(*plane, sign) for plane in _PLANES for sign in (1, -1)]
    found = []
    for (c, t, kappa), left, other in itertools.product(_TRIPLES[1:], turns, turns):
        right = other / np.array([[Fraction(kappa)], [Fraction(c)]])
        first, second = (left[0, k] * right[1, k] - left[1, k] * right[0, k] for k in range(2))
        if first * second >= 0:
            continue
        roots = np.array([abs(second / first), Fraction(1)], dtype=object)
        hessian = left * roots @ right.T
        if hessian[0, 1] == 0:
            continue
        if arrays.trace(hessian) < 0:
            hessian = -hessian
        minimizer = np.array([Fraction(t), Fraction(0)], dtype=object)
        found.append((left, roots, hessian, minimizer, Fraction(c)))
    return tuple(found)


@st.composite
def _completed(draw: Draw, basis: Array, roots: Array, hessian: Array, minimizer: Array,
               c: Fraction, definite: bool) -> RationalQuadratic:  # fmt: skip
    d = draw(st.integers(2, 3))
    extra = draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 4), Fraction(3)]))
    signed = extra if definite else draw(st.sampled_from([extra, -extra]))
    wide, tall, size = one(d), one(d) * signed, one(d) * abs(signed)
    wide[:2, :2], tall[:2, :2], size[:2, :2] = basis, hessian, hessian
    far = np.array([*minimizer, *[Fraction(0)] * (d - 2)], dtype=object)
    values = np.array([*roots, *[c * abs(signed)] * (d - 2)], dtype=object)
    turn = draw(bases(d))
    return _quadratic(
        turn @ wide, values, turn @ tall @ turn.T, turn @ size @ turn.T, turn @ far, c
    )


def _quadratic(basis: Array, roots: Array, hessian: Array, modulus: Array, minimizer: Array,
               c: Fraction) -> RationalQuadratic:  # fmt: skip
    return RationalQuadratic(basis, diagonal(roots), hessian, modulus, minimizer, c)


def bases(d: int) -> SearchStrategy[Array]:
    """Exactly orthogonal matrices; also a dense column beside a sparse one, and all dense."""
    general = strategies.rational_orthogonal(d)
    if d == 3:
        return st.one_of(general, _beside_a_coordinate())
    if d != 4:
        return general
    rows = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    dense = np.array([[Fraction(entry, 2) for entry in row] for row in rows], dtype=object)
    return st.one_of(st.just(dense), general)


@st.composite
def _beside_a_coordinate(draw: Draw) -> Array:
    """A rotation of the first two coordinates."""
    basis = one(3)
    basis[:2, :2] = rotation(draw)
    return basis


def spectra(d: int, definite: bool) -> SearchStrategy[Array]:
    """Rational spectra (d,), not 0: rank one, two, equal, free; with signs unless definite."""
    level = st.sampled_from(
        [Fraction(0), Fraction(1), Fraction(1, 4), Fraction(2), Fraction(1, 64)]
    )
    signed = level if definite else st.builds(lambda h, s: h * s, level, st.sampled_from([1, -1]))
    free = st.lists(signed, min_size=d, max_size=d).filter(any)
    rank_one = st.integers(0, d - 1).map(lambda k: [Fraction(int(i == k)) for i in range(d)])
    equal = st.just([Fraction(1)] * d)
    ends = st.just([Fraction(1)] + [Fraction(0)] * (d - 2) + [Fraction(1, 4)] * (d > 1))
    return st.one_of(rank_one, ends, equal, ends, free).map(lambda row: np.array(row, dtype=object))


def rotation(draw: Draw) -> Array:
    """A rational rotation of the plane."""
    a, b, n = draw(st.sampled_from(_PLANES))
    return _plane_rotation(a, b, n, draw(st.sampled_from([1, -1])))


def _plane_rotation(a: int, b: int, n: int, sign: int) -> Array:
    return np.array([[Fraction(a, n), Fraction(-sign * b, n)],
                     [Fraction(sign * b, n), Fraction(a, n)]], dtype=object)  # fmt: skip


def one(d: int) -> Array:
    """The identity (d, d) of Fractions."""
    return diagonal(np.array([Fraction(1)] * d, dtype=object))


def diagonal(entries: Any) -> Array:
    """The diagonal matrix of Fractions."""
    d = len(entries)
    matrix = np.full((d, d), Fraction(0), dtype=object)
    matrix[range(d), range(d)] = entries
    return matrix


def summed_constants(basis: Array, values: Array) -> Array:
    """Feasible constants of ``V diag(h) V'``: ``L_i = sum_k |h_k v_ik| ||v_k||_1``.

    The sum over the rank-one parts of their least constants; least itself for rank one.
    """
    sizes = abs(basis)
    return np.asarray(sizes @ (abs(values) * sizes.sum(axis=0)))


def feasible_constants(hessian: Array) -> Array:
    """Feasible constants of any symmetric matrix: ``L_i = sum_j |H_ij|``."""
    return np.asarray(abs(hessian).sum(axis=1))


def leading_axis(roots: Array) -> Array:
    """The coordinate vector of the largest diagonal entry."""
    entries = arrays.diagonal(roots).tolist()
    k = entries.index(max(entries))
    return np.array([Fraction(int(i == k)) for i in range(len(entries))], dtype=object)


def signs_of(vector: Array) -> Array:
    """The sign vector with 1 for 0."""
    return np.array([Fraction(-1 if entry < 0 else 1) for entry in vector], dtype=object)
