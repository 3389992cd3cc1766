"""Networks to train in other coordinates: random linear teachers, and the digits; in stacks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.digits import load_digits
from simulations.kernels.network_gradients_cpu import BatchGradients
from theory.models.bases import power_law
from theory.models.multilayer import Network

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_GRADIENTS = 64  # gradients of every trial in one stack; bounds memory
_VALIDATION = 300  # digits kept from training to choose rates


@dataclass(frozen=True)
class Samples:
    """Inputs (s, n, inputs) and targets, s = trials, or 1 where all trials share them."""

    X: Array
    Y: NDArray[Any]

    def take(self, index: Index) -> tuple[Array, NDArray[Any]]:
        """Inputs (trials, ..., inputs) and targets at `index` (trials, ...)."""
        trial = np.arange(len(self.X)).reshape(-1, *(1,) * (index.ndim - 1))
        return self.X[trial, index], self.Y[trial, index]

    def of(self, trials: slice) -> Samples:
        """Those of some of the trials."""
        return self if len(self.X) == 1 else Samples(self.X[trials], self.Y[trials])


@dataclass(frozen=True)
class Task:
    """A network with its data, one data set for each trial or one for all.

    Attributes
    ----------
    net : Network
    train, validation, test : Samples
        Trained on; learning rates are chosen on; accuracies are reported on.
    batch : int
        Samples of one stochastic gradient, drawn with replacement.
    """

    net: Network
    train: Samples
    validation: Samples
    test: Samples
    batch: int

    def starts(self, stream: Stream, shape: tuple[int, ...]) -> Array:
        """Parameters (*shape, p): Glorot normal weights, biases uniform in +-1/sqrt(inputs).

        The law of the starts is also the law that the EGOP averages over, as in the paper.
        """
        net, full = self.net, (*shape, self.net.size)
        weights = np.asarray(net.initialise(host(stream.normal(full))))
        if not net.bias:
            return weights
        reach = net.flatten([
            (np.zeros((k, n)), np.full(k, n**-0.5)) for n, k in itertools.pairwise(net.widths)
        ])  # fmt: skip
        return np.asarray(weights + reach * (2.0 * host(stream.uniform(full)) - 1.0))

    def batches(self, stream: Stream, shape: tuple[int, ...]) -> Index:
        """Indices (*shape, batch) of training samples."""
        n = self.train.X.shape[1]
        return np.asarray(host(stream.integers(0, n, (*shape, self.batch))), dtype=np.int64)

    def gradients(self, theta: Array, index: Index) -> Array:
        """Gradients (g, r, p) at theta (g, r, p) on the minibatches `index` (g, b).

        Groups belong to the data sets in equal parts, in order.
        """
        return self._gradients(theta, index)

    def sampled_gradients(self, stream: Stream, count: int) -> Array:
        """Stochastic gradients (s, count, p) at independent starts, one set for each data set."""
        s, p = len(self.train.X), self.net.size
        parts = [replace(self, train=self.train.of(slice(k, k + 1))) for k in range(s)]
        found = np.empty((s, count, p))
        for first in range(0, count, _GRADIENTS):
            shape = (s, min(_GRADIENTS, count - first))
            batches, starts = self.batches(stream, shape), self.starts(stream, shape)
            # One data set at a time stays in cache.
            for k, own in enumerate(parts):
                rows = own.gradients(starts[k][:, None], batches[k])
                found[k, first : first + shape[1]] = rows[:, 0]
        return found

    @cached_property
    def _gradients(self) -> BatchGradients:
        return BatchGradients(self.net, self.train.X, self.train.Y)


def linear_task(stream: Stream, trials: int, widths: Sequence[int], samples: int, batch: int,
                decay: float = 2.0) -> Task:  # fmt: skip
    r"""Three-layer linear networks that learn random linear maps, one in each trial.

    The inputs, as rows, are :math:`\sqrt n\,U\,\mathrm{diag}(k^{-\mathrm{decay}})\,V'` with
    uniformly distributed U (n, d) and V (d, d), the targets their images under a standard
    normal matrix; loss :math:`\tfrac1{2n}\sum\|W_3W_2W_1a_i - y_i\|^2`.

    Parameters
    ----------
    stream : Stream
    trials : int
    widths : sequence of int
        Inputs, hidden units, outputs.
    samples : int
        For training; half as many for validation, and as many as that for the test.
    batch : int
    decay : float
    """
    d, n = widths[0], 2 * samples
    U = np.linalg.qr(host(stream.normal((trials, n, d))))[0]
    V = np.linalg.qr(host(stream.normal((trials, d, d))))[0]
    X = np.sqrt(n) * (U * power_law(d, decay)) @ V.mT
    Y = X @ host(stream.normal((trials, widths[-1], d))).mT
    cuts = (0, samples, samples + samples // 2, n)
    parts = [Samples(X[:, a:b], Y[:, a:b]) for a, b in itertools.pairwise(cuts)]
    net = Network(tuple(widths), "linear", "squared", bias=False)
    return Task(net, parts[0], parts[1], parts[2], batch)


def digits_task(hidden: int, batch: int, scale: str) -> Task:
    """One hidden ReLU layer on the digits; the split is fixed.

    `scale` is that of `load_digits`: ``unit`` or ``standard``.

    Needs the extra ``nets``.
    """
    data = load_digits(scale=scale)
    cut = len(data.train) - _VALIDATION
    sets = ((data.train[:cut], data.train_labels[:cut]),
            (data.train[cut:], data.train_labels[cut:]), (data.test, data.test_labels))  # fmt: skip
    parts = [Samples(X[None], labels[None]) for X, labels in sets]
    net = Network((data.train.shape[1], hidden, 10), "relu", "cross-entropy")
    return Task(net, parts[0], parts[1], parts[2], batch)


def host(array: Any) -> NDArray[Any]:
    """The values in host memory; the runs here are too small for a GPU."""
    return np.asarray(array.get() if hasattr(array, "get") else array)
