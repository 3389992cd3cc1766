"""NumPy: as a first script has it, and in place with every temporary reused."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.workload import BETA, BETA1, BETA2, EPS, ETA, Array, Workload


class NumpyNaive:
    """Gradients in full, a new array for every operation; products go through BLAS."""

    name = "NumPy, gradients in full"
    least = 1

    def __init__(self, work: Workload) -> None:
        self._work, self._target = work, work.target

    def reset(self) -> None:
        """See `Contestant`."""
        self._w, self._W = self._work.weights
        self._m, self._v = list(self._work.buffers()), list(self._work.buffers())
        self._t = 0

    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        for _ in range(steps):
            error = (self._w[:, None, :] @ self._W)[:, 0, :] - self._target
            first = (self._W @ error[:, :, None])[:, :, 0]
            second = self._w[:, :, None] * error[:, None, :]
            self._t += 1
            self._w = self._w - self._move(0, first)
            self._W = self._W - self._move(1, second)

    def _move(self, k: int, g: Array) -> Array:
        if not self._work.adam:
            self._m[k] = BETA * self._m[k] + g
            return ETA * self._m[k]
        self._m[k] = BETA1 * self._m[k] + (1 - BETA1) * g
        self._v[k] = BETA2 * self._v[k] + (1 - BETA2) * g * g
        corrected = self._m[k] / (1 - BETA1**self._t), self._v[k] / (1 - BETA2**self._t)
        return ETA * corrected[0] / (np.sqrt(corrected[1]) + EPS)

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        return self._w, self._W


class NumpyInPlace:
    """In place, with the fewest passes over the matrices that NumPy allows.

    The squared gradient is an outer product too, bias correction is two scalars a step, and the
    step size enters the buffer of the momentum once, as a factor of the vector w.

    Parameters
    ----------
    blocked : bool
        Advance as many trials together as fit into the cache, instead of all of them.
    """

    def __init__(self, work: Workload, *, blocked: bool) -> None:
        self._work, self._target = work, work.target
        self._chunk = work.chunk if blocked else work.trials
        self.name = "NumPy, in place" + (", cache-sized parts" if blocked else "")
        self.least = 32 if blocked else 1
        shape = (self._chunk, work.d, work.d)
        self._G, self._E, self._g = np.zeros(shape), np.zeros(shape[:2]), np.zeros((*shape[:2], 1))
        (self._w, self._W), (self._m, self._M) = work.buffers(), work.buffers()
        if work.adam:
            self._v, self._V = work.buffers()

    def reset(self) -> None:
        """See `Contestant`."""
        np.copyto(self._w, self._work.weights[0])
        np.copyto(self._W, self._work.weights[1])
        moments = [self._m, self._M] + ([self._v, self._V] if self._work.adam else [])
        for moment in moments:
            moment.fill(0.0)
        self._t = 0

    def advance(self, steps: int) -> None:
        """See `Contestant`."""
        for low in range(0, self._work.trials, self._chunk):
            part = slice(low, min(low + self._chunk, self._work.trials))
            (self._adam if self._work.adam else self._momentum)(part, steps)
        self._t += steps

    def _gradients(self, w: Array, W: Array, E: Array, g: Array) -> None:
        np.matmul(w[:, None, :], W, out=E[:, None, :])
        np.subtract(E, self._target, out=E)
        np.matmul(W, E[:, :, None], out=g)

    def _momentum(self, part: slice, steps: int) -> None:
        w, W, m, M = self._w[part], self._W[part], self._m[part], self._M[part]
        G, E, g = self._G[: len(w)], self._E[: len(w)], self._g[: len(w)]
        for _ in range(steps):
            self._gradients(w, W, E, g)
            M *= BETA
            np.multiply((ETA * w)[:, :, None], E[:, None, :], out=G)
            M += G
            W -= M
            m *= BETA
            m += ETA * g[:, :, 0]
            w -= m

    def _adam(self, part: slice, steps: int) -> None:
        w, W, m, M = self._w[part], self._W[part], self._m[part], self._M[part]
        v, V = self._v[part], self._V[part]
        G, E, g = self._G[: len(w)], self._E[: len(w)], self._g[: len(w)]
        for t in range(self._t + 1, self._t + steps + 1):
            self._gradients(w, W, E, g)
            root = math.sqrt(1 - BETA2**t)
            rate, eps, first = ETA * root / (1 - BETA1**t), EPS * root, g[:, :, 0]
            M *= BETA1
            np.multiply(((1 - BETA1) * w)[:, :, None], E[:, None, :], out=G)
            M += G
            V *= BETA2
            np.multiply(((1 - BETA2) * w * w)[:, :, None], (E * E)[:, None, :], out=G)
            V += G
            np.sqrt(V, out=G)
            G += eps
            np.divide(M, G, out=G)
            G *= rate
            W -= G
            m *= BETA1
            m += (1 - BETA1) * first
            v *= BETA2
            v += (1 - BETA2) * first * first
            w -= rate * m / (np.sqrt(v) + eps)

    def weights(self) -> tuple[Array, Array]:
        """See `Contestant`."""
        return self._w, self._W


def contestants(work: Workload) -> list[NumpyNaive | NumpyInPlace]:
    """The NumPy peers."""
    return [NumpyNaive(work), NumpyInPlace(work, blocked=False), NumpyInPlace(work, blocked=True)]
