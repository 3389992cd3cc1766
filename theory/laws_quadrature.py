"""Quadrature behind the laws of `theory.laws`: order statistics of half-normals, a stable law."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray = npt.NDArray[np.float64]

_ROOT2 = math.sqrt(2.0)
# Probability of the median's range that the nodes leave out, at either end.
CUT = 1e-17
# Numbers held at once: 16 MB of float64.
CHUNK = 2_000_000
# An interval of the table is split once more after its error at the midpoint is below this;
# the cubic's error falls 16-fold with the split, to 1e-11.
_INTERPOLATION_ERROR = 1.6e-10


def closed(d: int, r: FloatArray) -> FloatArray:
    """P(R <= r) and P(R > r), (2, ...), for d = 1, 2, 3."""
    if d == 1:
        return np.stack([np.where(r >= 1.0, 1.0, 0.0), np.where(r >= 1.0, 0.0, 1.0)])
    if d == 2:
        x = np.clip(r - 1.0, 0.0, 1.0)
        return 2.0 / np.pi * np.stack([np.arcsin(x), np.arccos(x)])
    # 12/pi (arctan s - pi/6) and 12/pi (pi/4 - arctan s), s^2 = r/(r + 2), without cancellation.
    inverse = 1.0 / np.maximum(r, 1.0)
    s, third = np.sqrt(1.0 / (1.0 + 2.0 * inverse)), math.sqrt(1.0 / 3.0)
    below = 2.0 / 3.0 * (1.0 - inverse) / (1.0 + 2.0 * inverse) / (s + third) / (1.0 + s * third)
    above = 2.0 * inverse / (1.0 + 2.0 * inverse) / (1.0 + s) ** 2
    return 12.0 / np.pi * np.stack([np.arctan(below), np.arctan(above)])


def _half(x: FloatArray) -> FloatArray:
    """P(|g| <= x)."""
    value: FloatArray = special.erf(x / _ROOT2)
    return value


def order_nodes(d: int, j: int, low: float = CUT) -> tuple[FloatArray, FloatArray]:
    """Nodes b and weights for the j-th smallest of d half-normal values.

    Its probability is Beta(j, d-j+1). Trapezoidal rule in log b, where the integrand is analytic
    and falls to `low` and 1e-17 at the ends: the error falls geometrically.
    """
    above = d - j
    first = _ROOT2 * special.erfinv(special.betaincinv(j, above + 1, low))
    last = _ROOT2 * special.erfcinv(special.betaincinv(above + 1, j, CUT))
    count = math.ceil((36 + 320 / d) * math.log(low) / math.log(CUT))
    y = np.linspace(math.log(first), math.log(last), count)
    b = np.exp(y)
    log_weight = (j - 1) * np.log(_half(b)) + above * np.log(special.erfc(b / _ROOT2))
    weights = np.exp(log_weight - 0.5 * b**2 + y - np.max(log_weight))
    total = float(np.sum(weights))
    return b, weights / total


def lower_nodes(b: FloatArray, k: int, floor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes a in (floor b, b) and weights for the largest of k half-normal values below b.

    Gauss-Legendre in a/b from where the density has fallen by exp(-38).
    """
    t, w = np.polynomial.legendre.leggauss(12 if k <= 24 else 20)
    start = _ROOT2 * special.erfinv(_half(b) * math.exp(-38.0 / k)) / b
    start = np.maximum(start, floor)[..., None]
    a = b[..., None] * (start + (1.0 - start) * (t + 1.0) / 2.0)
    below = _half(b)[..., None]
    density = k / below * np.exp((k - 1) * np.log(_half(a) / below) - 0.5 * a**2)
    scale = math.sqrt(2.0 / math.pi) * b[..., None] * (1.0 - start) / 2.0
    return a, density * scale * w


@functools.lru_cache(maxsize=64)
def _nodes(d: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(m/2, 1/P(|g| > b), weights) at all nodes, for r at which every a is possible."""
    b, weights = order_nodes(d, d // 2 + 1)
    tail = 1.0 / special.erfc(b / _ROOT2)
    if d % 2:
        return b**2 / 2.0, tail, weights
    a, share = lower_nodes(b, d // 2, np.zeros_like(b))
    half = (a**2 + b[:, None] ** 2) / 4.0
    joint = weights[:, None] * share
    return half.ravel(), np.repeat(tail, share.shape[1]), joint.ravel()


def over_order_statistic(d: int, j: int, r: FloatArray) -> FloatArray:
    """P(largest / j-th smallest of d squared normals <= r) for r >= 1 and j < d."""
    b, weights = order_nodes(d, j)
    sums = _sums(r[:, None], b**2 / 2.0, 1.0 / special.erfc(b / _ROOT2), weights, d - j)
    probability: FloatArray = sums[1]
    return probability


def by_quadrature(d: int, r: FloatArray) -> FloatArray:
    """P(R > r), P(R <= r) and the density at r, (3, n), for d >= 4 and 1 < r < infinity."""
    above = (d - 1) // 2
    found = np.empty((3, r.size))
    # For even d and r < 2 the lower middle value must exceed b sqrt((2 - r)/r).
    near = (r < 2.0) if d % 2 == 0 else np.zeros(r.shape, dtype=bool)
    half, tail, weights = _nodes(d)
    for index in _chunks(~near, half.size):
        found[:, index] = _sums(r[index][:, None], half, tail, weights, above)
    b, outer = order_nodes(d, d // 2 + 1)
    for index in _chunks(near, 20 * b.size):
        x, rows = r[index][:, None], (index.size, -1)
        a, share = lower_nodes(np.broadcast_to(b, (index.size, b.size)), d // 2,
                                np.sqrt((2.0 - x) / x))  # fmt: skip
        half = ((a**2 + b[:, None] ** 2) / 4.0).reshape(rows)
        tail = np.repeat(1.0 / special.erfc(b / _ROOT2), a.shape[-1])
        weights = (outer[:, None] * share).reshape(rows)
        found[:, index] = _sums(x, half, tail, weights, above)
        found[0, index] = 1.0 - found[1, index]
    return found


def _chunks(chosen: npt.NDArray[np.bool_], nodes: int) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of the chosen points, so many at once that nodes times points stay in memory."""
    (indices,) = np.nonzero(chosen)
    size = max(1, CHUNK // nodes)
    for start in range(0, indices.size, size):
        yield indices[start : start + size]


def _sums(r: FloatArray, half: FloatArray, tail: FloatArray, weights: FloatArray,
          above: int) -> FloatArray:  # fmt: skip
    """P(R > r), P(R <= r) and the density, (3, n), as sums over the nodes."""
    share = special.erfc(np.sqrt(r * half)) * tail
    # Rounding may lift the share above r m over that above b to 1 + 1e-16.
    power = np.log1p(-np.minimum(share, 1.0 - 1e-16))
    slope = np.exp((above - 1) * power - r * half) * np.sqrt(half / (np.pi * r)) * tail
    columns = -np.expm1(above * power), np.exp(above * power), above * slope
    return np.stack([np.sum(column * weights, axis=1) for column in columns])


def mean_maximum(b: FloatArray, above: int) -> FloatArray:
    """E of the largest of `above` squared normals that exceed b^2; b^2 if there are none."""
    if above == 0:
        return b**2
    t, w = np.polynomial.legendre.leggauss(80)
    tail = special.erfc(b / _ROOT2)[:, None]
    # Beyond `last` the integrand is below 1e-18.
    last = _ROOT2 * special.erfcinv(tail * 1e-18 / above)
    width = (last - b[:, None]) / 2.0
    y = b[:, None] + width * (t + 1.0)
    share = np.minimum(special.erfc(y / _ROOT2) / tail, 1.0 - 1e-16)
    excess = np.sum(-np.expm1(above * np.log1p(-share)) * 2.0 * y * width * w, axis=1)
    mean: FloatArray = b**2 + excess
    return mean


@dataclass(frozen=True)
class Table:
    """Cubic Hermite interpolation: increasing knots, values and slopes (n,)."""

    knots: FloatArray
    values: FloatArray
    slopes: FloatArray

    def value(self, y: FloatArray) -> FloatArray:
        """The interpolated value at y within the knots."""
        i = np.clip(np.searchsorted(self.knots, y, side="right") - 1, 0, self.knots.size - 2)
        h = self.knots[i + 1] - self.knots[i]
        t = (y - self.knots[i]) / h
        rise = self.values[i + 1] - self.values[i]
        left, right = h * self.slopes[i], h * self.slopes[i + 1]
        cubic = left + right - 2.0 * rise
        return self.values[i] + t * (left + t * ((3.0 * rise - 2.0 * left - right) + t * cubic))


@functools.lru_cache(maxsize=64)
def table_of(d: int) -> Table:
    """Values of the distribution function in y = log r, d >= 4, refined until accurate."""

    def at(y: FloatArray) -> tuple[FloatArray, FloatArray]:
        r = np.exp(y)
        _, below, density = by_quadrature(d, r)
        return below, density * r

    scan = np.linspace(0.0, 40.0, 161)[1:]
    below = at(scan)[0]
    first = float(scan[np.searchsorted(below, 1e-13)]) - 0.25
    last = float(scan[np.searchsorted(below, 1.0 - 1e-13)])
    # For even d the third derivative jumps at r = 2: a knot belongs there.
    first = max(first, 1e-9)
    inside = [math.log(2.0)] if first < math.log(2.0) < last else []
    return _tabulate(at, [first, *inside, last])


@functools.cache
def stable_table() -> Table:
    """Values of the stable law's distribution function in t = asinh z."""

    def at(t: FloatArray) -> tuple[FloatArray, FloatArray]:
        below, _, density = stable_law(np.sinh(t))
        return below, density * np.cosh(t)

    # P(Z <= -4.2) is 2e-18; sinh(28) is 7e11.
    return _tabulate(at, [math.asinh(-4.2), 28.0])


def _tabulate(at: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
              ends: Sequence[float]) -> Table:  # fmt: skip
    """Split the intervals between `ends` until the cubic is accurate at every midpoint."""
    knots = np.unique(np.concatenate([np.linspace(a, b, 33) for a, b in pairwise(ends)]))
    table = Table(knots, *at(knots))
    coarse = np.ones(knots.size - 1, dtype=bool)
    while bool(np.any(coarse)):
        middle = ((knots[1:] + knots[:-1]) / 2.0)[coarse]
        values, slopes = at(middle)
        (place,) = np.nonzero(coarse)
        # Both halves of an interval whose error was too large are looked at again.
        again = np.zeros(coarse.size, dtype=bool)
        again[place] = np.abs(table.value(middle) - values) > _INTERPOLATION_ERROR
        knots = np.insert(knots, place + 1, middle)
        table = Table(knots, np.insert(table.values, place + 1, values),
                      np.insert(table.slopes, place + 1, slopes))  # fmt: skip
        coarse = np.repeat(again, np.where(coarse, 2, 1))
    return table


def stable_law(z: FloatArray) -> FloatArray:
    """P(Z <= z), P(Z > z) and the density, (3, n): tanh-sinh quadrature beside a turning angle.

    At that angle ``K(u) = exp(z - 1 + gamma)``: the integrand falls from 1 to 0 there, within
    1/z of the distance to pi.
    """
    t = np.linspace(-3.3, 3.3, 201)
    share, rest = special.expit(np.pi * np.sinh(t)), special.expit(-np.pi * np.sinh(t))
    weight = (t[1] - t[0]) * np.cosh(t) * share * rest
    found = np.empty((3, z.size))
    for index in _chunks(np.ones(z.size, dtype=bool), t.size):
        level = z[index][:, None] - (1.0 - np.euler_gamma)
        after = _turning_angle(level)
        before = np.pi - after
        left = before * share, after + before * rest, before
        right = before + after * rest, after * share, after
        sums = np.zeros((3, index.size))
        for u, from_pi, width in (left, right):
            # Beyond exp(50) the exponentials below have reached their limits.
            power = np.exp(np.minimum(log_k(u, from_pi) - level, 50.0))
            parts = np.exp(-power), -np.expm1(-power), power * np.exp(-power)
            sums += np.stack([np.sum(part * weight * width, axis=1) for part in parts])
        found[:, index] = sums
    return found


def _turning_angle(level: FloatArray) -> FloatArray:
    """Angle pi - u where log K(u) = level; pi where the level is below -1."""

    def falling(s: FloatArray) -> FloatArray:
        return -log_k(np.pi * special.expit(-s), np.pi * special.expit(s))

    s = bisect(falling, -level, np.full_like(level, -700.0), np.full_like(level, 36.0), 45)
    found: FloatArray = np.where(level <= -1.0, np.pi, np.pi * special.expit(s))
    return found


def bisect(function: Callable[[FloatArray], Any], target: FloatArray, low: FloatArray,
            high: FloatArray, steps: int = 64) -> FloatArray:  # fmt: skip
    """Where an increasing function reaches each target, between `low` and `high`."""
    for _ in range(steps):
        middle = (low + high) / 2.0
        short = function(middle) < target
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return high


def log_k(u: FloatArray, rest: FloatArray) -> FloatArray:
    """log(u/sin u) - u cot u with rest = pi - u; it rises from -1 at 0 to infinity at pi."""
    # At either end the limit is reached long before 1e-300, where the quotients still exist.
    u, rest = np.maximum(u, 1e-300), np.maximum(rest, 1e-300)
    smaller = np.minimum(u, rest)
    sine, cosine = np.sin(smaller), np.where(u < rest, np.cos(smaller), -np.cos(smaller))
    value: FloatArray = np.log(u / sine) - u * cosine / sine
    return value
