"""Two ways to train the same networks, rates chosen on the validation data of other trials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.egop.network_bases import ORIGINAL, Rotation, rotation
from simulations.egop.network_problems import Index, Task, digits_task, linear_task
from simulations.egop.network_runs import CURVE, Curves, best_rate, train

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]

# The same grid for every optimizer and basis; the best rates lie inside it.
RATES: Array = 2.0 ** np.arange(-7.0, 2.0)


@dataclass(frozen=True)
class Size:
    """How much of everything, for a network of given widths."""

    samples: int
    batch: int
    steps: int
    tuning: int  # trials on which rates are chosen; they are not measured


LINEAR = {
    "5-8-6-5": Size(150, 30, 200, 6),
    "10-20-15-10": Size(300, 50, 400, 6),
    "10-50-30-10": Size(1000, 200, 1000, 4),
}
DIGITS = {
    "64-10-10": Size(0, 60, 120, 4),
    "64-10-10 standardised": Size(0, 60, 120, 4),
    "64-32-10": Size(0, 300, 600, 4),
}
SIZES = LINEAR | DIGITS


class Arena:
    """Trials of one kind: data, starts, minibatches and bases.

    What is drawn does not depend on which runs are asked for, nor on their order.

    Parameters
    ----------
    stream : Stream
    trials : int
    widths : str
        A key of `LINEAR` (Algorithm 1 with 2 p gradients, cosine decay of the rate) or of
        `DIGITS` (p gradients, constant rate; all trials share the data and the basis; pixels in
        [0, 1], or standardised).
    """

    def __init__(self, stream: Stream, trials: int, widths: str) -> None:
        shape, *standardised = widths.split(" ")
        numbers = [int(part) for part in shape.split("-")]
        self.linear = widths in LINEAR
        size = SIZES[widths]
        self.task: Task = (
            linear_task(stream, trials, numbers, size.samples, size.batch)
            if self.linear
            else digits_task(numbers[1], size.batch, "standard" if standardised else "unit")
        )
        self._stream = stream
        self._starts = self.task.starts(stream, (trials,))
        self._batches: Index = self.task.batches(stream, (size.steps, trials))
        # Bases take as much memory as half the gradients: only the last one is kept.
        self._turned: tuple[str, Rotation] = (ORIGINAL, Rotation())
        self._curves: dict[tuple[str, bytes], Curves] = {}

    def curves(self, name: str, rates: Array) -> Curves:
        """Losses of a run (optimizer and basis) for every rate."""
        key = (name, rates.tobytes())
        if key not in self._curves:
            optimizer, basis = name.split(" ", 1)
            self._curves[key] = train(
                self.task, optimizer, self.rotation(basis), rates, self._starts, self._batches,
                cosine=self.linear,
            )  # fmt: skip
        return self._curves[key]

    def best_rate(self, name: str) -> Array:
        """The best of `RATES` for a run, (1,)."""
        return RATES[[best_rate(self.curves(name, RATES))]]

    def rotation(self, basis: str) -> Rotation:
        """The rotation of a basis, the same for all runs of these trials."""
        if basis == ORIGINAL:
            return Rotation()
        if basis != self._turned[0]:
            stream = self._stream.child(basis)
            self._turned = (basis, rotation(basis, self.task.net, self._gradients, stream))
        return self._turned[1]

    @cached_property
    def _gradients(self) -> Array:
        count = (1 + self.linear) * self.task.net.size
        return self.task.sampled_gradients(self._stream.child("gradients"), count)


class Pairing:
    """Trials that are measured, and others on which rates are chosen.

    Parameters
    ----------
    stream : Stream
    trials : int
    widths : str
        A key of `SIZES`.
    """

    def __init__(self, stream: Stream, trials: int, widths: str) -> None:
        self.measured = Arena(stream.child("measured"), trials, widths)
        self.tuning = Arena(stream.child("tuning"), SIZES[widths].tuning, widths)


# All comparisons of networks of one size are of the same trials. The last ones are kept, with
# 0.7 GB of gradients and bases for 64 networks of 650 parameters.
_last: dict[Any, Pairing] = {}


def _pairing(stream: Stream, trials: int, widths: str) -> Pairing:
    key = (stream.identity, trials, widths)
    if key not in _last:
        _last.clear()
        _last[key] = Pairing(stream, trials, widths)
    return _last[key]


def paired(
    stream: Stream, trials: int, *, run: str, other: str, rate: str, judged: str, widths: str
) -> dict[str, Any]:
    """Curves of two runs in the same trials; see `theory.egop.experiments_networks.Comparison`."""
    if widths not in SIZES:
        raise ValueError(f"widths is {widths!r}; it must be one of {', '.join(SIZES)}")
    pairing = _pairing(stream, trials, widths)
    samples: dict[str, Any] = {}
    for label, name in (("loss", run), ("other", other)):
        curves = pairing.measured.curves(name, _rate(pairing.tuning, name, rate))
        found = getattr(curves, judged)[:, 0]
        if judged == "validation":
            found = np.minimum.accumulate(found, axis=-1)
        samples |= {f"{label}_{k + 1}": found[:, k] for k in range(CURVE)}
    return samples


def _rate(tuning: Arena, name: str, rate: str) -> Array:
    """The learning rate of a run, (1,)."""
    if rate not in ("tuned", "original's"):
        return np.asarray([float(rate)])
    judge = name if rate == "tuned" else f"{name.split(' ', 1)[0]} {ORIGINAL}"
    return tuning.best_rate(judge)
