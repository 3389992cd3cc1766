"""Measures the spectrum of the EGOP of a network on digits under several sampling laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.digits import load_digits
from simulations.engine import estimators, measurement
from theory.egop.experiments_digits_spectra import digits_spectrum
from theory.egop.outer_product import density, egop, eigenbasis, stable_rank
from theory.models.multilayer import Network

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]

HIDDEN, BATCH = 8, 50
LAWS = ("normal", "small normal", "glorot")
_BLOCK = 64  # gradients at a time; bounds memory


def gradients(stream: Stream, law: str) -> tuple[Network, Array]:
    """The network, and as many stochastic gradients (p, p) as it has parameters.

    ``normal`` and ``small normal`` have standard deviations 1 and 0.3, ``glorot`` is the
    initialisation of that name.

    Raises
    ------
    ValueError
        If the law is unknown.
    """
    if law not in LAWS:
        raise ValueError(f"law is {law!r}; it must be one of {', '.join(LAWS)}")
    data = load_digits(scale="standard")
    net = Network((data.train.shape[1], HIDDEN, 10), "relu", "cross-entropy")
    found = []
    for first in range(0, net.size, _BLOCK):
        count = min(_BLOCK, net.size - first)
        normals = np.asarray(stream.normal((count, net.size)))
        at = net.initialise(normals) if law == "glorot" else normals
        at = 0.3 * at if law == "small normal" else at
        index = np.asarray(stream.integers(0, len(data.train), (count, BATCH)))
        found.append(net.gradient(at, data.train[index], data.train_labels[index]))
    return net, np.concatenate(found)


def measured(stream: Stream, quantity: str, law: str) -> float:
    """One estimate of a quantity; raises ValueError if it is unknown."""
    net, rows = gradients(stream, law)
    if quantity == "stable rank":
        return stable_rank(eigenbasis(egop(rows)).eigenvalues) / net.size
    if quantity == "density":
        return density(eigenbasis(egop(rows)).V[:, 0])
    if quantity == "decay of layers":
        inputs, hidden, outputs = net.widths
        second = (inputs + 1) * hidden
        blocks = rows[:, : inputs * hidden], rows[:, second : second + hidden * outputs]
        first, other = (eigenbasis(egop(block)).eigenvalues for block in blocks)
        middles = [values[len(values) // 2] / values[0] for values in (first, other)]
        return float(np.sqrt(middles[0] / middles[1]))
    raise ValueError(f"quantity is {quantity!r}; it must be stable rank, density or decay of "
                     "layers")  # fmt: skip


def _points(*laws: str, quantities: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"quantity": quantity, "law": law} for quantity in quantities for law in laws]


# 24 values on one side of the median have probability 6e-8.
_TRIALS = {"quick": 24, "standard": 48}
_ABOVE, _BELOW = ("stable rank", "decay of layers"), ("density",)


@measurement(
    digits_spectrum, trials=_TRIALS, block=24, resolution=0.1,
    points={"quick": _points("normal", "glorot", quantities=_ABOVE),
            "standard": _points(*LAWS, quantities=_ABOVE)},
    estimate=estimators.quantile("value", 0.5, side="upper"), host=True,
)  # fmt: skip
def at_most(stream: Stream, trials: int, quantity: str, law: str) -> dict[str, Any]:
    """Stable ranks over d, and middle roots of the first layer's block over the second's."""
    return {"value": np.asarray([measured(stream, quantity, law) for _ in range(trials)])}


@measurement(
    digits_spectrum, trials=_TRIALS, block=24, resolution=0.1,
    points={"quick": _points("normal", "glorot", quantities=_BELOW),
            "standard": _points(*LAWS, quantities=_BELOW)},
    estimate=estimators.quantile("value", 0.5, side="lower"), host=True,
)  # fmt: skip
def at_least(stream: Stream, trials: int, quantity: str, law: str) -> dict[str, Any]:
    """Densities of leading eigenvectors."""
    return {"value": np.asarray([measured(stream, quantity, law) for _ in range(trials)])}
