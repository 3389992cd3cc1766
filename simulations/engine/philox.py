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
    the first two words of the key are Philox's own. So blocks never overlap.

    Parameters
    ----------
    xp : module
        Array-API namespace.
    key : int
        Its lowest 96 bits are used.
    block : int in [0, 2^32)
    """

    def __init__(self, xp: Any, key: int, block: int) -> None:
        if not 0 <= block <= _MASK:
            raise ValueError(f"block is {block}; it must be in [0, 2**32)")
        self._xp = xp
        self._key = (key & _MASK, (key >> 32) & _MASK)
        self._high = (block, (key >> 64) & _MASK)
        self._position = 0

    def random(self, shape: tuple[int, ...]) -> Array:
        """Uniform on [0, 1), multiples of 2^-53."""
        xp, size = self._xp, math.prod(shape)
        calls = (size + 1) // 2
        index = xp.arange(self._position, self._position + calls, dtype=xp.uint64)
        self._position += calls
        block, high = (xp.full((calls,), word, dtype=xp.uint64) for word in self._high)
        words = philox4x32((index & _MASK, index >> 32, block, high), self._key)
        halves = [
            xp.astype((words[k] >> 5) * 2**26 + (words[k + 1] >> 6), xp.float64) * 2.0**-53
            for k in (0, 2)
        ]
        return xp.reshape(xp.concat(halves)[:size], shape)

    def standard_exponential(self, shape: tuple[int, ...]) -> Array:
        """Exponential with mean 1, by inversion."""
        return -self._xp.log1p(-self.random(shape))

    def standard_normal(self, shape: tuple[int, ...]) -> Array:
        """Standard normal (Box and Muller 1958)."""
        xp, size = self._xp, math.prod(shape)
        pairs = (size + 1) // 2
        radius = xp.sqrt(2.0 * self.standard_exponential((pairs,)))
        angle = 2.0 * math.pi * self.random((pairs,))
        both = xp.concat([radius * xp.cos(angle), radius * xp.sin(angle)])
        return xp.reshape(both[:size], shape)

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
        result = xp.zeros(shape, dtype=xp.float64)
        accepted = xp.zeros(shape, dtype=xp.bool)
        while not bool(xp.all(accepted)):
            x = self.standard_normal(shape)
            cube = (1.0 + x / math.sqrt(9.0 * d)) ** 3
            safe = xp.where(cube > 0.0, cube, xp.ones_like(cube))
            bound = 0.5 * x * x + d * (1.0 - safe + xp.log(safe))
            good = (cube > 0.0) & (-self.standard_exponential(shape) < bound)
            result = xp.where(good & ~accepted, d * safe, result)
            accepted = accepted | good
        return result
