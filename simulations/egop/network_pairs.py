"""Two ways to train the same networks, rates chosen on the validation data of other trials."""

from __future__ import annotations

from dataclasses import dataclass
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
        self._gradients: Array | None = None
        self._rotations: dict[str, Rotation] = {}

    def curves(self, name: str, rates: Array) -> Curves:
        """Losses of a run (optimizer and basis) for every rate."""
        optimizer, basis = name.split(" ", 1)
        return train(self.task, optimizer, self.rotation(basis), rates, self._starts,
                     self._batches, cosine=self.linear)  # fmt: skip

    def rotation(self, basis: str) -> Rotation:
        """The rotation of a basis, the same for all runs of these trials."""
        if basis not in self._rotations:
            if self._gradients is None:
                count = (1 + self.linear) * self.task.net.size
                self._gradients = self.task.sampled_gradients(self._stream, count)
            self._rotations[basis] = rotation(basis, self.task.net, self._gradients, self._stream)
        return self._rotations[basis]


def paired(
    stream: Stream, trials: int, *, run: str, other: str, rate: str, judged: str, widths: str
) -> dict[str, Any]:
    """Curves of two runs in the same trials; see `theory.egop.experiments_networks.Comparison`."""
    if widths not in SIZES:
        raise ValueError(f"widths is {widths!r}; it must be one of {', '.join(SIZES)}")
    arena = Arena(stream, trials, widths)
    tuning = Arena(stream, SIZES[widths].tuning, widths)
    samples: dict[str, Any] = {}
    for label, name in (("loss", run), ("other", other)):
        curves = arena.curves(name, _rate(tuning, name, rate))
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
    return RATES[[best_rate(tuning.curves(judge, RATES))]]
