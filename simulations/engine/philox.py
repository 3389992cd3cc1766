"""Philox4x32-10 and the laws drawn from it, in the arrays of any Array-API namespace.

It serves devices on which NumPy cannot draw. CuPy's own Philox4x3210 generator is not used,
because it keeps only 32 bits of its seed: among 10^5 blocks two would probably be the same.
Uniform numbers are the same bits on every device; the other laws differ by the rounding of log,
cos and sin. They are not the numbers of NumPy's Philox4x64 generator: same laws, other draws.

Source: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3 (SC11).
"""

from __future__ import annotations

import math
from typing import Any

from simulations.engine.backend import Array

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_MASK = 0xFFFFFFFF
# Lane 0 has the counters below 2^48, and each rejection loop a lane of its own.
_LANE_BITS = 48
_LANES = 2**15


def philox4x32(counter: tuple[Array, Array, Array, Array], key: tuple[int, int]) -> list[Array]:
    """Ten rounds on four counter words; uint64 arrays that hold 32-bit values, as the result.

    Parameters
    ----------
    counter : four uint64 arrays of one shape, values below 2^32
    key : two integers below 2^32
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        # The product of two 32-bit values fits an unsigned 64-bit one: high and low half.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _MASK, (p0 >> 32) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return [c0, c1, c2, c3]


class PhiloxDraws:
    """Draws of one block; same method names and laws as NumPy's Generator where both exist.

    The counter's words are the position (two words), the block, and the third word of the key;
    the first two words of the key are Philox's own. So blocks never overlap. The numbers of a
    trial are the same whether the block is drawn whole or in parts.

    Parameters
    ----------
    xp : module
        Array-API namespace.
    key : int
        Its lowest 96 bits are used.
    block : int in [0, 2^32)
    part : (low, high, total), optional
        Of a block of `total` trials only those from `low` up to `high`: shapes then start with
        ``high - low``, and what is drawn is that slice of the draw of all trials.

    Raises
    ------
    ValueError
        If the block is out of range, or a shape does not start with the trials of the part.
    """

    def __init__(
        self, xp: Any, key: int, block: int, part: tuple[int, int, int] | None = None
    ) -> None:
        if not 0 <= block <= _MASK:
            raise ValueError(f"block is {block}; it must be in [0, 2**32)")
        self._xp = xp
        self._arguments = (key, block, part)
        self._key = (key & _MASK, (key >> 32) & _MASK)
        self._high = (block, (key >> 64) & _MASK)
        self._part = part
        self._position = 0
        self._lanes = 0

    def random(self, shape: tuple[int, ...]) -> Array:
        """Uniform on [0, 1), multiples of 2^-53."""
        size, low, high = self._slice(shape)
        return self._xp.reshape(self._uniform(size, low, high, self._take(size)), shape)

    def _slice(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Numbers in the draw of all trials, and the range of those that are wanted."""
        if self._part is None:
            return math.prod(shape), 0, math.prod(shape)
        low, high, total = self._part
        if not shape or shape[0] != high - low:
            raise ValueError(f"a draw of shape {shape} does not start with the {high - low} trials "
                             "of the part; the measurement is not divisible")  # fmt: skip
        each = math.prod(shape[1:])
        return total * each, low * each, high * each

    def _take(self, size: int) -> int:
        """Use up the counters of `size` uniform numbers; the first of them."""
        position = self._position
        self._position += (size + 1) // 2
        return position

    def _uniform(self, size: int, low: int, high: int, position: int) -> Array:
        """Numbers `low` to `high` of `size` uniform ones whose counters start at `position`.

        Each counter gives two, one in the first half of the numbers and one in the second.
        """
        calls = (size + 1) // 2
        if (low, high) == (0, size):
            words = self._words(position, calls)
            return self._xp.concat([self._unit(words, 0), self._unit(words, 2)])[:size]
        pieces = []
        for k, (start, stop) in enumerate(_halves(low, high, calls)):
            if start < stop:
                words = self._words(position + start, stop - start)
                pieces.append(self._unit(words, 2 * k))
        return self._xp.concat(pieces) if pieces else self._xp.zeros(0, dtype=self._xp.float64)

    def _words(self, position: int, count: int) -> list[Array]:
        xp = self._xp
        index = xp.arange(position, position + count, dtype=xp.uint64)
        block, high = (xp.full((count,), word, dtype=xp.uint64) for word in self._high)
        return philox4x32((index & _MASK, index >> 32, block, high), self._key)

    def _unit(self, words: list[Array], k: int) -> Array:
        xp = self._xp
        return xp.astype((words[k] >> 5) * 2**26 + (words[k + 1] >> 6), xp.float64) * 2.0**-53

    def standard_exponential(self, shape: tuple[int, ...]) -> Array:
        """Exponential with mean 1, by inversion."""
        return -self._xp.log1p(-self.random(shape))

    def standard_normal(self, shape: tuple[int, ...]) -> Array:
        """Standard normal (Box and Muller 1958)."""
        xp = self._xp
        size, low, high = self._slice(shape)
        pairs = (size + 1) // 2
        first, second = self._take(pairs), self._take(pairs)
        waves = (xp.cos, xp.sin)
        if (low, high) == (0, size):
            radius, angle = self._polar(pairs, 0, pairs, first, second)
            both = xp.concat([radius * wave(angle) for wave in waves])[:size]
            return xp.reshape(both, shape)
        pieces = [xp.zeros(0, dtype=xp.float64)]
        for wave, (start, stop) in zip(waves, _halves(low, high, pairs), strict=True):
            radius, angle = self._polar(pairs, start, max(start, stop), first, second)
            pieces.append(radius * wave(angle))
        return xp.reshape(xp.concat(pieces), shape)

    def _polar(
        self, pairs: int, low: int, high: int, first: int, second: int
    ) -> tuple[Array, Array]:
        """Radius and angle of the pairs `low` to `high` of a normal draw."""
        xp = self._xp
        radius = xp.sqrt(-2.0 * xp.log1p(-self._uniform(pairs, low, high, first)))
        return radius, 2.0 * math.pi * self._uniform(pairs, low, high, second)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Array:
        """Uniform on {low, ..., high - 1}; each chance is right to 2^-53."""
        xp = self._xp
        return low + xp.astype(xp.floor(self.random(shape) * float(high - low)), xp.int64)

    def chisquare(self, df: float, shape: tuple[int, ...]) -> Array:
        """Chi-square with `df` degrees of freedom: twice a Gamma(df/2)."""
        return 2.0 * self._gamma(df / 2.0, shape)

    def standard_t(self, df: float, shape: tuple[int, ...]) -> Array:
        """Student t with `df` degrees of freedom."""
        return self.standard_normal(shape) / self._xp.sqrt(self.chisquare(df, shape) / df)

    def _gamma(self, a: float, shape: tuple[int, ...]) -> Array:
        """Gamma(a), scale 1 (Marsaglia and Tsang 2000, ACM Trans. Math. Softw. 26)."""
        xp = self._xp
        if a < 1.0:
            # X U^(1/a) with X ~ Gamma(a + 1); 1 - u is never 0.
            return self._gamma(a + 1.0, shape) * (1.0 - self.random(shape)) ** (1.0 / a)
        d = a - 1.0 / 3.0
        proposals = self._lane()
        result = xp.zeros(shape, dtype=xp.float64)
        accepted = xp.zeros(shape, dtype=xp.bool)
        while not bool(xp.all(accepted)):
            x = proposals.standard_normal(shape)
            cube = (1.0 + x / math.sqrt(9.0 * d)) ** 3
            safe = xp.where(cube > 0.0, cube, xp.ones_like(cube))
            bound = 0.5 * x * x + d * (1.0 - safe + xp.log(safe))
            good = (cube > 0.0) & (-proposals.standard_exponential(shape) < bound)
            result = xp.where(good & ~accepted, d * safe, result)
            accepted = accepted | good
        return result

    def _lane(self) -> PhiloxDraws:
        """Counters of their own for a rejection loop, whose length depends on the trials."""
        self._lanes += 1
        if self._lanes >= _LANES:
            raise ValueError(f"a block draws {self._lanes} times by rejection; it must be fewer "
                             f"than {_LANES}")  # fmt: skip
        lane = PhiloxDraws(self._xp, *self._arguments)
        lane._position = self._lanes << _LANE_BITS
        return lane


def _halves(low: int, high: int, middle: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The range cut at `middle`, the second part counted from there."""
    return (low, min(high, middle)), (max(low, middle) - middle, high - middle)
