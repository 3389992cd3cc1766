"""Measures spectra, stable ranks and densities of EGOPs of convex objectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.egop.convex_problems import draw_problems
from simulations.egop.convex_runs import gradient_samples
from simulations.engine import estimators, measurement
from simulations.engine.figures import PALETTE, Results, figure
from simulations.paired_curves import PairedCurves
from theory.egop.experiments_convex import LEAST_SQUARES, LOG_SUM_EXP, LOGISTIC
from theory.egop.experiments_spectra import (
    dense_eigenvectors,
    power_sum,
    small_rank,
    spectral_decay,
)
from theory.egop.outer_product import density, stable_rank
from theory.models.bases import power_law

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Array = NDArray[np.float64]

MARKS = 10  # indices of a spectrum that are kept, about evenly spaced in their logarithm
_OBJECTIVES = (LEAST_SQUARES, LOGISTIC, LOG_SUM_EXP)
_DECAYS = (0.5, 1.0, 2.0)


def _points(*dimensions: int) -> list[Mapping[str, Any]]:
    return [{"objective": objective, "d": d, "decay": decay}
            for d in dimensions for objective in _OBJECTIVES for decay in _DECAYS]  # fmt: skip


def marks(d: int) -> NDArray[np.int64]:
    """Ten indices from 1 to d, about evenly spaced in their logarithm."""
    return np.geomspace(1, d, MARKS).round().astype(np.int64)


def spectra(
    stream: Stream, trials: int, objective: str, d: int, decay: float
) -> tuple[Array, Array]:
    """Eigenvalues (trials, d), descending, and leading eigenvectors (trials, d) of EGOPs."""
    problems = draw_problems(stream, trials, objective, d, decay)
    rows = gradient_samples(stream, problems)
    # Singular values: the smallest eigenvalues are below the rounding of the EGOP itself.
    _, roots, right = np.linalg.svd(rows, full_matrices=False)
    return roots**2 / rows.shape[1], right[:, 0]


# Of 96 ratios at most 23 lie on one side of the median with probability 3e-7.
_TRIALS = {"quick": 96, "standard": 192}


@measurement(
    spectral_decay, points={"quick": _points(30), "standard": _points(30, 100)}, trials=_TRIALS,
    block=48, estimate=PairedCurves(MARKS), resolution=1.0, host=True,
)  # fmt: skip
def spectrum(stream: Stream, trials: int, objective: str, d: int, decay: float) -> dict[str, Any]:
    """Roots of the eigenvalues against squares of the singular values."""
    values, _ = spectra(stream, trials, objective, d, decay)
    roots = np.sqrt(values / values[:, :1])[:, marks(d) - 1]
    squares = power_law(d, 2 * decay)[marks(d) - 1]
    return {f"{name}_{k + 1}": curve[..., k] * np.ones(trials)
            for name, curve in (("loss", roots), ("other", squares))
            for k in range(MARKS)}  # fmt: skip


@measurement(
    small_rank, points={"quick": _points(30), "standard": _points(30, 100)}, trials=_TRIALS,
    block=48, estimate=PairedCurves(1), resolution=1.5, host=True,
)  # fmt: skip
def ranks(stream: Stream, trials: int, objective: str, d: int, decay: float) -> dict[str, Any]:
    """Stable ranks against the sums of the squares of the singular values."""
    values, _ = spectra(stream, trials, objective, d, decay)
    found = np.asarray([stable_rank(row) for row in values])
    return {"loss_1": found, "other_1": np.full(trials, power_sum(d, 2 * decay))}


def _density_point(objective: str, d: int) -> Mapping[str, Any]:
    return {"objective": objective, "d": d, "decay": 1.0}


@measurement(
    dense_eigenvectors,
    points={"quick": [_density_point(LEAST_SQUARES, 16)],
            "standard": [_density_point(objective, d) for objective in (LEAST_SQUARES, LOG_SUM_EXP)
                         for d in (16, 30)]},
    # Standard deviation 0.05 at d = 16 and the limit 0.0125 away: 11 standard errors.
    trials={"quick": 2_000, "standard": 8_000}, block=1_000, estimate=estimators.mean("density"),
    resolution=0.02, host=True,
)  # fmt: skip
def densities(stream: Stream, trials: int, objective: str, d: int, decay: float) -> dict[str, Any]:
    """Density of the leading eigenvector of the EGOP."""
    _, leading = spectra(stream, trials, objective, d, decay)
    return {"density": np.asarray([density(v) for v in leading])}


@figure(spectral_decay)
def roots_of_the_eigenvalues(figure: Figure, results: Results) -> None:
    """Roots of the EGOP's eigenvalues, quartiles, and squares of the singular values."""
    rows = [row for row in results.rows("spectrum") if row["d"] == 30]
    figure.set_size_inches(5.6, 6.4)
    colours = dict(zip(_DECAYS, ("blue", "vermilion", "green"), strict=True))
    panels = figure.subplots(3, 1, sharex=True)
    for axes, objective in zip(panels, _OBJECTIVES, strict=True):
        for row in rows:
            if row["objective"] != objective:
                continue
            low, middle, high = row["quantiles"]["loss"]
            colour = PALETTE[colours[row["decay"]]]
            k = marks(row["d"])
            axes.plot(k, middle, color=colour, marker="o", ms=3, label=f"decay {row['decay']:g}")
            axes.fill_between(k, low, high, color=colour, alpha=0.15, lw=0.0)
            axes.plot(k, row["quantiles"]["other"][1], color=PALETTE["grey"], ls=":", lw=1.2)
        axes.set(xscale="log", yscale="log", title=objective)
    panels[0].legend(fontsize=8.0)
    panels[-1].set_xlabel("k (dotted: squares of the singular values)")
    figure.supylabel("root of eigenvalue k over the first", fontsize=10.0)


@figure(small_rank)
def stable_ranks(figure: Figure, results: Results) -> None:
    """Stable ranks of EGOPs, quartiles, against the sums of squares of the singular values."""
    rows = results.rows("ranks")
    axes = figure.add_subplot()
    for objective, colour in zip(_OBJECTIVES, ("blue", "vermilion", "green"), strict=True):
        chosen = [row for row in rows if row["objective"] == objective]
        low, middle, high = np.asarray([row["quantiles"]["loss"] for row in chosen])[..., 0].T
        expected = [row["quantiles"]["other"][1][0] for row in chosen]
        axes.errorbar(expected, middle, yerr=[middle - low, high - middle], fmt="o", ms=4,
                      capsize=2, color=PALETTE[colour], label=objective)  # fmt: skip
    ends = [1.0, max(row["quantiles"]["other"][1][0] for row in rows)]
    axes.plot(ends, ends, color=PALETTE["grey"], ls=":", label="equal")
    axes.set(ylabel="stable rank", xlabel="sum of squares of the singular values over the first")
    axes.legend()
