"""Follows Adagrad across landscapes of two coordinates, in either basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.egop.convex_problems import Problems, draw_problems
from simulations.egop.convex_runs import bases
from simulations.engine import measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.paired_curves import PairedCurves
from theory.egop.experiments_landscape import LANDSCAPES, landscape
from theory.models.objectives import LeastSquares, LogSumExpSquares
from theory.optimizers import adagrad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.moments import Statistics
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]

STEPS = 20
_LEAST = 1e-10  # of the loss at the start: below it a run has converged


class WithPaths(PairedCurves):
    """Paired curves, and further quantities of the first trial, by name, for a figure.

    Parameters
    ----------
    points : int
        As in PairedCurves.
    kept : sequence of str
        Names of the quantities that a row has under ``quantiles``, ``first``.
    """

    def __init__(self, points: int, kept: Sequence[str]) -> None:
        super().__init__(points)
        self._curves, self._kept = PairedCurves(points), tuple(kept)
        self.reads = (*self._curves.reads, *self._kept)

    def summarise(self, samples: Mapping[str, Array]) -> Statistics:
        """Logarithms of the curves, and the first trial's other quantities."""
        first = np.asarray([samples[name][0] for name in self._kept])
        return {**self._curves.summarise(samples), "first": first}

    def merge(self, parts: Sequence[Statistics]) -> Statistics:
        """All curves, and the first block's first trial."""
        return {**super().merge(parts), "first": parts[0]["first"]}

    def details(self, stats: Statistics, claimed: Any) -> dict[str, Any]:
        """Those of PairedCurves, and the first trial."""
        first = dict(zip(self._kept, stats["first"].tolist(), strict=True))
        return {"quantiles": {**super().details(stats, claimed)["quantiles"], "first": first}}


def follow(problems: Problems, V: Array, rate: float) -> Array:
    """Points of Adagrad in a basis V, in the original coordinates (s, 21, d), start included."""
    turned, rule = problems.rotated(V), adagrad(rate)
    x = turned.starts[:, None, :]
    state, points = rule.init(x), [x]
    for _ in range(STEPS):
        x, state = rule.update(turned.objective.gradient(x), state, x)
        points.append(x)
    return np.asarray(np.concatenate(points, axis=1) @ V.mT)


def _names(kind: str, *shape: int) -> list[str]:
    return ["_".join([kind, *map(str, index)]) for index in np.ndindex(*shape)]


_PATHS = [name for kind in ("egop", "original") for name in _names(kind, STEPS + 1, 2)]
_DATA = [*_names("A", 2, 2), *_names("y", 2)]


@measurement(
    landscape,
    points={"quick": [{"objective": name, "rate": 1.0, "decay": 2.0} for name in LANDSCAPES]},
    # Of 384 ratios at most 142 lie on one side of the median with probability 4e-7.
    trials={"quick": 384, "standard": 1536}, block=384, resolution=1.0,
    estimate=WithPaths(STEPS, [*_PATHS, *_DATA]), host=True,
)  # fmt: skip
def early_losses(
    stream: Stream, trials: int, objective: str, rate: float, decay: float
) -> dict[str, Any]:
    """Losses along both paths; first is a problem far from the axes, with a start far away."""
    drawn = draw_problems(stream, trials, objective, 2, decay)
    V = bases(stream, "egop", drawn)
    f = drawn.objective
    away = np.linalg.norm(drawn.starts - np.linalg.solve(f.A, f.y.mT)[..., 0], axis=1)
    order = np.argsort(-away * np.abs((f.A.mT @ f.A)[:, 0, 1]))
    found: dict[str, Any] = {}
    identity = np.broadcast_to(np.eye(2), V.shape)
    for kind, name, basis in (("egop", "loss", V), ("original", "other", identity)):
        path = follow(drawn, basis, rate)
        excess = f.value(path) - drawn.least[:, None]
        curve = np.maximum(excess[:, 1:] / excess[:, :1], _LEAST)[order]
        found |= {f"{name}_{k + 1}": curve[:, k] for k in range(STEPS)}
        found |= _columns(_names(kind, STEPS + 1, 2), path[order])
    data = np.concatenate([f.A.reshape(trials, -1), f.y.reshape(trials, -1)], axis=1)
    return found | _columns(_DATA, data[order])


def _columns(names: list[str], values: Array) -> dict[str, Array]:
    return dict(zip(names, values.reshape(len(values), -1).T, strict=True))


@figure(landscape)
def paths(figure: Figure, results: Results) -> None:
    """Adagrad's first 20 steps in the original and the EGOP's coordinates, over the landscape."""
    rows = results.rows("early_losses")
    figure.set_size_inches(5.6, 7.6)
    panels = figure.subplots(len(rows), 1)
    for axes, row in zip(np.atleast_1d(panels), rows, strict=True):
        first = row["quantiles"]["first"]
        A = np.asarray([first[name] for name in _names("A", 2, 2)]).reshape(2, 2)
        y = np.asarray([first[name] for name in _names("y", 2)])
        runs = {kind: np.asarray([first[name] for name in _names(kind, STEPS + 1, 2)])
                .reshape(-1, 2) for kind in ("original", "egop")}  # fmt: skip
        points = np.concatenate([*runs.values(), [np.linalg.solve(A, y)]])
        low, high = points.min(axis=0), points.max(axis=0)
        pad = 0.15 * (high - low).max()
        x, z = (np.linspace(low[k] - pad, high[k] + pad, 120) for k in (0, 1))
        kind = LogSumExpSquares if row["objective"] == LANDSCAPES[0] else LeastSquares
        values = kind(A, y).value(np.stack(np.meshgrid(x, z), axis=-1))
        axes.contour(x, z, np.sqrt(values - values.min()), 14, colors=PALETTE["grey"],
                     linewidths=0.5)  # fmt: skip
        for name, colour in (("original", "vermilion"), ("egop", "blue")):
            axes.plot(*runs[name].T, color=PALETTE[colour], marker="o", ms=3, lw=1.2, label=name)
        axes.plot(*points[-1], marker="*", ms=11, color=PALETTE["black"], ls="", label="minimiser")
        axes.set(aspect="equal", title=row["objective"])
        axes.grid(visible=False)
    np.atleast_1d(panels)[0].legend(fontsize=8.0)
