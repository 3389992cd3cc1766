"""Counter-based random streams: the same block gives the same numbers on any worker."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy

from simulations.engine.backend import Array, Backend
from simulations.engine.philox import PhiloxDraws
from theory.core import ClaimError

Shape = int | tuple[int, ...]
GENERATORS = {"numpy": "numpy.random.Generator(Philox4x64-10)", "cupy": "Philox4x32-10"}
_WORD = 2**64


def canonical_json(value: Mapping[str, Any]) -> str:
    """One text for one value: sorted keys, no spaces, integral floats distinct from integers.

    Raises
    ------
    ClaimError
        If a value is neither a number, a string, a boolean, None, nor a sequence or mapping
        of those, or is not finite.
    """
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain
        )
    except (TypeError, ValueError) as error:
        raise ClaimError(f"grid point {dict(value)!r} has no JSON form: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, numpy.generic):
        return value.item()
    if isinstance(value, numpy.ndarray):
        return value.tolist()
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"{value!r} of type {type(value).__name__}")


def stream_key(seed: int, claim_id: str, check: str, point: Mapping[str, Any]) -> int:
    """128-bit Philox key: the first half of SHA-256 over (seed, claim, check, point)."""
    text = canonical_json({"seed": seed, "claim": claim_id, "check": check, "point": dict(point)})
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def numpy_generator(key: int, block: int) -> numpy.random.Generator:
    """Philox4x64-10 with `key`; `block` is the highest of the counter's four words.

    Two blocks are 2^192 counter values apart, so that they never overlap.
    """
    if not 0 <= block < _WORD:
        raise ValueError(f"block is {block}; it must be in [0, 2**64)")
    words = numpy.asarray([key % _WORD, key // _WORD], dtype=numpy.uint64)
    counter = numpy.asarray([0, 0, 0, block], dtype=numpy.uint64)
    return numpy.random.Generator(numpy.random.Philox(key=words, counter=counter))


class Stream:
    """Independent draws of one block, as arrays of one Array-API namespace.

    Successive calls return successive draws, so that a sampler that makes the same calls gets
    the same numbers. Every float is a float64. A GPU draws other numbers of the same laws:
    NumPy's Philox4x64-10 and the Philox4x32-10 of `PhiloxDraws` agree in law, not in bits.

    Parameters
    ----------
    backend : Backend
    key : int
        128-bit key from `stream_key`.
    block : int
        Index of the block.
    part : (low, high, total), optional
        On a GPU: only the trials from `low` up to `high` of a block of `total`, with the numbers
        that they have in the whole block.

    Attributes
    ----------
    xp : module
        The Array-API namespace of the arrays that it returns.
    backend : str
        Name of the backend, for samplers with a kernel of their own.
    """

    def __init__(
        self, backend: Backend, key: int, block: int, part: tuple[int, int, int] | None = None
    ) -> None:
        self.xp: Any = backend.xp
        self.backend = backend.name
        self._block, self._first, self._addresses = (key, block), part[0] if part else 0, 0
        self._backend, self._part = backend, part
        on_device = backend.name == "cupy"
        if part is not None and not on_device:
            raise ValueError(f"part is {part}; only a GPU draws a part of a block")
        self._draws: Any = (
            PhiloxDraws(self.xp, key, block, part) if on_device else numpy_generator(key, block)
        )

    @property
    def identity(self) -> tuple[int, ...]:
        """Key, block and part: streams of equal identity and backend draw the same numbers."""
        return (*self._block, *(self._part or ()))

    def child(self, name: str) -> Stream:
        """An independent stream for a purpose of its own; the same whatever was drawn before."""
        key, block = self._block
        digest = hashlib.sha256(f"{key}:{name}".encode()).digest()
        own = int.from_bytes(digest[:16], "little")
        return Stream(self._backend, own, block, self._part)

    def address(self) -> tuple[int, int]:
        """64-bit key of a kernel that numbers its draws by trial, and the number of the first one.

        Another key at every call; the same keys on every backend, whatever the part.
        """
        text = ":".join(str(word) for word in (*self._block, self._addresses))
        self._addresses += 1
        key = hashlib.sha256(text.encode()).digest()[:8]
        return int.from_bytes(key, "little"), self._first

    def normal(self, shape: Shape) -> Array:
        """Standard normal: mean 0, variance 1."""
        return self._wrap(self._draws.standard_normal(_tuple(shape)))

    def uniform(self, shape: Shape) -> Array:
        """Uniform on [0, 1)."""
        return self._wrap(self._draws.random(_tuple(shape)))

    def rademacher(self, shape: Shape) -> Array:
        """-1.0 or +1.0, each with probability 1/2."""
        return self.xp.astype(2 * self.integers(0, 2, shape) - 1, self.xp.float64)

    def exponential(self, shape: Shape) -> Array:
        """Exponential with mean 1."""
        return self._wrap(self._draws.standard_exponential(_tuple(shape)))

    def laplace(self, shape: Shape) -> Array:
        """Laplace with density exp(-|x|)/2: mean 0, E|x| = 1, variance 2."""
        return self.exponential(shape) - self.exponential(shape)

    def student_t(self, df: float, shape: Shape) -> Array:
        """Student t with `df` degrees of freedom, unscaled: variance df/(df - 2) for df > 2."""
        _positive("df", df)
        return self._wrap(self._draws.standard_t(df, _tuple(shape)))

    def chisquare(self, df: float, shape: Shape) -> Array:
        """Chi-square with `df` degrees of freedom: mean df, variance 2 df."""
        _positive("df", df)
        return self._wrap(self._draws.chisquare(df, _tuple(shape)))

    def positive_stable(self, alpha: float, shape: Shape) -> Array:
        """Positive alpha-stable S, 0 < alpha < 1, with E exp(-l S) = exp(-l^alpha).

        Kanter's representation (Kanter 1975, Ann. Probab. 3, 697-707, section 4): with U
        uniform on (0, pi) and E exponential,
        ``S = sin(alpha U) / sin(U)^(1/alpha) * (sin((1 - alpha) U) / E)^((1 - alpha)/alpha)``.
        """
        if not 0.0 < alpha < 1.0:
            raise ValueError(f"alpha is {alpha}; it must be in (0, 1)")
        xp = self.xp
        # 1 - u lies in (0, 1], and sin of the float64 next to pi is positive.
        angle = math.pi * (1.0 - self.uniform(shape))
        waiting = self.exponential(shape)
        first = xp.sin(alpha * angle) / xp.sin(angle) ** (1.0 / alpha)
        return first * (xp.sin((1.0 - alpha) * angle) / waiting) ** ((1.0 - alpha) / alpha)

    def integers(self, low: int, high: int, shape: Shape) -> Array:
        """Uniform integers (int64) in {low, ..., high - 1}."""
        if not low < high:
            raise ValueError(f"high is {high}; it must be greater than low = {low}")
        return self._wrap(self._draws.integers(low, high, _tuple(shape)))

    def _wrap(self, draws: Any) -> Array:
        return self.xp.asarray(draws)


def _tuple(shape: Shape) -> tuple[int, ...]:
    return shape if isinstance(shape, tuple) else (shape,)


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} is {value}; it must be positive")
