"""The user's function behind counters, checks and a memory of products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.optimizers.trust_region.history import Status

__all__ = ["Ended", "Oracle", "Products"]

Array = NDArray[np.float64]
# Numbers that remembered products may hold in all: 128 MiB.
_MEMORY = 2**24
_SAMPLED = 16


class Ended(Exception):  # noqa: N818
    """The run is over, for a reason and with a message."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Oracle:
    """Values, gradients and products of the user's functions, counted and checked.

    Parameters
    ----------
    fun, grad, hvp : callable
        ``fun(x)``, ``grad(x)``, ``hvp(x, v)``, each with a batch as its last argument where
        `batches` is given.
    batches : callable or None
        ``k -> batch`` of iteration k.
    max_products : int or None
    """

    def __init__(
        self, fun: Callable[..., Any], grad: Callable[..., Any], hvp: Callable[..., Any],
        batches: Callable[[int], Any] | None, max_products: int | None,
    ) -> None:  # fmt: skip
        self._fun, self._grad, self._hvp = fun, grad, hvp
        self._batches, self.max_products = batches, max_products
        self.stochastic = batches is not None
        self._batch: tuple[Any, ...] = ()
        self.products = self.fun_evaluations = self.grad_evaluations = 0

    def draw(self, iteration: int) -> None:
        """Take the batch of an iteration."""
        if self._batches is not None:
            self._batch = (self._batches(iteration),)

    def value(self, x: Array, where: str) -> float:
        """``L(x)``; raises Ended where it is not finite."""
        self.fun_evaluations += 1
        found = self._fun(x, *self._batch)
        if np.ndim(found) != 0:
            raise ValueError(f"fun returned an array of shape {np.shape(found)}; it must return "
                             "a number")  # fmt: skip
        try:
            value = float(found)
        except (TypeError, ValueError):
            raise ValueError(f"fun returned {found!r}; it must return a number") from None
        if not math.isfinite(value):
            raise Ended(Status.NOT_FINITE, f"fun returned {value} {where}")
        return value

    def gradient(self, x: Array, where: str) -> tuple[Array, float]:
        """``g`` and ``||g||``; raises Ended where they are not finite."""
        self.grad_evaluations += 1
        gradient = _vector("grad", self._grad(x, *self._batch), x)
        with np.errstate(over="ignore", invalid="ignore"):
            norm = math.sqrt(gradient.dot(gradient))
        if math.isfinite(norm):
            return gradient, norm
        wrong = np.flatnonzero(~np.isfinite(gradient))
        what = (f"{gradient[wrong[0]]} at [{wrong[0]}]" if wrong.size
                else "numbers whose squares overflow")  # fmt: skip
        raise Ended(Status.NOT_FINITE, f"grad returned {what} {where}")

    def product(self, x: Array, v: Array) -> Array:
        """``B v``; raises Ended once `max_products` are spent."""
        if self.products == self.max_products:
            raise Ended(Status.PRODUCTS, f"{self.products} Hessian-vector products are spent")
        self.products += 1
        return _vector("hvp", self._hvp(x, v, *self._batch), x)

    @property
    def remaining(self) -> float:
        """Products that may still be spent."""
        return np.inf if self.max_products is None else self.max_products - self.products


class Products:
    """``v -> B v`` at one point, each distinct product computed once.

    After a rejected step the model is the same and only the radius is smaller: a Krylov solver
    walks the same path again, which so costs nothing.

    Parameters
    ----------
    oracle : Oracle
    x : array (d,)
    """

    def __init__(self, oracle: Oracle, x: Array) -> None:
        self._oracle, self._x = oracle, x
        # By some entries of the vector, because a hash of all of them takes longer than the rest.
        self._known: dict[bytes, list[tuple[bytes, Array]]] = {}
        self._left = _MEMORY // (2 * x.size)
        self._stride = 1 + x.size // _SAMPLED

    def __call__(self, v: Array) -> Array:
        """``B v`` of v (d,)."""
        content, key = v.tobytes(), v[:: self._stride].tobytes()
        for known, image in self._known.get(key, ()):
            if known == content:
                return image
        image = self._oracle.product(self._x, v)
        if self._left > 0:
            self._known.setdefault(key, []).append((content, image))
            self._left -= 1
        return image


def _vector(name: str, value: Any, x: Array) -> Array:
    """A copy of what the user returned, which may be a buffer that is used again."""
    try:
        vector = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} returned {value!r}; it must return an array of real "
                         "numbers") from None  # fmt: skip
    if vector.shape != x.shape:
        raise ValueError(f"{name} returned an array of shape {vector.shape}; it must be {x.shape}")
    return vector
