"""Measurements of diagonal shares of OLS Hessians X X': whole matrices, and their figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine import estimators, figure, measurement, scaling
from simulations.engine.figures import PALETTE
from simulations.engine.scaling import Comparison, column, fit_power_law
from simulations.kernels.shares import ols_sums
from theory.adaptive_norms.ols_rates import gaussian_share_moments
from theory.adaptive_norms.ols_share import (
    gaussian_exact,
    mean_absolute_inner_product,
    non_centred,
    ols_share,
    ols_share_limit,
    proposition_2,
    rademacher_exact,
)
from theory.adaptive_norms.product_laws import SKEWED_NOISE
from theory.core import Statement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.figures import Results

Point = dict[str, Any]

# Relative standard error of the estimated E|x'y|: 2 % is ten of them at the quick budget.
ERRORS = {"quick": 0.002, "standard": 0.0008, "deep": 0.0003}
SHARE = estimators.ratio_of_means("diagonal", "total")
_MEMORY = 1_500_000  # float64 numbers in one block


def draw_entries(
    stream: Any, law: str, shape: tuple[int, ...], degrees: float | None = None
) -> Any:
    """Entries of the named law with mean 0 and variance 1; laws as in `product_laws.LAWS`."""
    if law == "student_t":
        assert degrees is not None
        return stream.student_t(degrees, shape) * math.sqrt((degrees - 2) / degrees)
    if law == "skewed":
        xp = stream.xp
        atom = 2.5 * xp.astype(stream.uniform(shape) < 0.2, xp.float64) - 0.5
        return math.sqrt(1 - SKEWED_NOISE) * atom + math.sqrt(SKEWED_NOISE) * stream.normal(shape)
    if law == "uniform":
        return math.sqrt(12) * (stream.uniform(shape) - 0.5)
    if law == "laplace":
        return stream.laplace(shape) / math.sqrt(2)
    if law == "exponential":
        return stream.exponential(shape) - 1
    return stream.normal(shape) if law == "gaussian" else stream.rademacher(shape)


def masses(xp: Any, x: Any) -> dict[str, Any]:
    """Diagonal and whole absolute mass of X X' for a stack X (trials, d, n), per entry of X."""
    size = x.shape[1] * x.shape[2]
    hessian = xp.matmul(x, xp.matrix_transpose(x))
    return {"diagonal": xp.sum(x * x, axis=(1, 2)) / size,
            "total": xp.sum(xp.abs(hessian), axis=(1, 2)) / size}  # fmt: skip


def gaussian_masses(stream: Any, trials: int, d: int, n: int, mean: float = 0.0) -> dict[str, Any]:
    """The masses for Gaussian X of unit variance, per entry of X, from Bartlett's factor.

    Exact in law for n >= d, n > d with a mean (`simulations.kernels.ols_reference`); d^2/2 normals
    in place of dn.
    """
    on, off = ols_sums(stream, trials, d, n, mean=mean)
    return {"diagonal": on / (d * n), "total": (on + 2.0 * off) / (d * n)}


def trials_for(d: int, n: int, error: float) -> int:
    """Trials that estimate E|x'y| with relative standard error `error`, by exact moments.

    With R the share, D and T diagonal and whole mass: Var(D - RT) / ((1 - R) E D error)^2.
    """
    moments = gaussian_share_moments(d, n)
    scale = (1 - moments.share_of_expectation) * moments.mean_diagonal * error
    return max(500, math.ceil(float(moments.residual_variance / scale**2)))


def block_of(point: Mapping[str, Any]) -> int:
    """Trials per block, so that a block holds at most `_MEMORY` numbers."""
    d, n = int(point["d"]), int(point["n"])
    return max(1, _MEMORY // (d * max(n, d)))


def _limit_trials(point: Point, budget: str) -> int:
    # The limit is claimed at a finite n: its error stays below a quarter of the standard error.
    d, n = point["d"], point["n"]
    exact = mean_absolute_inner_product(n, point["law"])
    return trials_for(d, n, max(ERRORS[budget], 4 * abs(exact / math.sqrt(2 * n / math.pi) - 1)))


def _exact_trials(point: Point, budget: str) -> int:
    return trials_for(point["d"], point["n"], ERRORS[budget])


def _pairs(*pairs: tuple[int, int], **given: Any) -> list[Point]:
    return [{"d": d, "n": n, **given} for d, n in pairs]


def _share(statement: Statement, point: Point) -> Any:
    return statement.formula(d=point["d"], n=point["n"])


@measurement(
    proposition_2,
    points={"quick": [
        *_pairs((16, 64), (16, 256), (16, 1024), (24, 4096), law="uniform", mean=0.0),
        *_pairs((20, 1024), law="rademacher", mean=0.0),
        *_pairs((10, 2048), law="laplace", mean=0.0),
    ]},
    trials=_limit_trials, block=block_of, estimate=SHARE, claimed=_share, resolution=0.025,
    divisible=True,
)  # fmt: skip
def whole_matrix(stream: Any, trials: int, *, d: int, n: int, law: str, mean: float) -> Any:
    """X X' in full, at lengths where the exact share is next to the limit."""
    return masses(stream.xp, draw_entries(stream, law, (trials, d, n)) + mean)


@measurement(
    proposition_2,
    points={"quick": _pairs((24, 65_536), (64, 1_048_576), law="gaussian", mean=0.0)},
    trials=_limit_trials, block=lambda point: max(1, _MEMORY // (4 * point["d"] ** 2)),
    estimate=SHARE, claimed=_share, resolution=0.012, divisible=True,
)  # fmt: skip
def bartlett(stream: Any, trials: int, *, d: int, n: int, law: str, mean: float) -> Any:
    """Gaussian X X' at very large n, exactly in law."""
    return gaussian_masses(stream, trials, d, n, mean)


@scaling(proposition_2, of="whole_matrix")
def square_root_growth(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """``E|x'y|`` grows like n^(1/2): its exponent from the shares, at d = 16."""
    same = [row for row in rows if row["law"] == "uniform" and row["d"] == 16]
    n, share, error = (column(same, key) for key in ("n", "estimate", "standard_error"))
    lengths = [float(n.min()), float(n.max())]
    claimed = [length * (1 / statement.formula(16, length) - 1) for length in lengths]
    exponent = math.log(claimed[1] / claimed[0]) / math.log(lengths[1] / lengths[0])
    fit = fit_power_law(n, n * (1 / share - 1), n * error / share**2)
    return Comparison(fit, "exponent", exponent, resolution=0.02)


@measurement(
    gaussian_exact,
    points={"quick": _pairs((2, 1), (2, 2), (2, 8), (5, 1), (5, 3), (5, 6), (5, 24), (20, 2),
                            (20, 12), (20, 100))},
    trials=_exact_trials, block=block_of, estimate=SHARE, resolution=0.012, divisible=True,
)  # fmt: skip
def gaussian_matrix(stream: Any, trials: int, *, d: int, n: int) -> Any:
    """X X' in full for Gaussian X, at lengths down to 1."""
    return masses(stream.xp, stream.normal((trials, d, n)))


@measurement(
    rademacher_exact,
    points={"quick": _pairs((2, 2), (4, 2), (3, 3), (5, 4), (8, 5), (4, 7), (10, 9), (6, 16),
                            (12, 25), (24, 64))},
    trials=_exact_trials, block=block_of, estimate=SHARE, resolution=0.012, divisible=True,
)  # fmt: skip
def sign_matrix(stream: Any, trials: int, *, d: int, n: int) -> Any:
    """X X' in full for random signs, at odd and even lengths."""
    return masses(stream.xp, stream.rademacher((trials, d, n)))


def _shifted(*pairs: tuple[int, int], law: str, mean: float, sd: float) -> list[Point]:
    return _pairs(*pairs, law=law, mean=mean, sd=sd)


@measurement(
    non_centred,
    points={"quick": [
        *_shifted((20, 8), (20, 64), (20, 1024), law="uniform", mean=0.5, sd=12**-0.5),
        *_shifted((10, 64), law="exponential", mean=1.0, sd=1.0),
        # The mean of x'y is over nine standard deviations from 0, so that E|x'y| = |E x'y|.
        *_shifted((12, 256), law="gaussian", mean=1.0, sd=1.0),
        *_shifted((6, 400), law="gaussian", mean=-2.0, sd=2.0),
    ]},
    # The relative standard deviation of one trial's ratio is about 3/sqrt(nd), at least 500 trials.
    trials=lambda point, budget: max(500, math.ceil(
        9 / (point["n"] * point["d"] * (ERRORS[budget] / 2) ** 2))),
    block=block_of, estimate=SHARE, resolution=0.012,
    claimed=lambda statement, point: statement.formula(point["d"], point["mean"], point["sd"]),
    divisible=True,
)  # fmt: skip
def shifted_matrix(
    stream: Any, trials: int, *, d: int, n: int, law: str, mean: float, sd: float
) -> Any:
    """X X' for entries with a mean, at lengths from 8 to 1024; in full but for Gaussian ones."""
    if law == "gaussian" and n > d:
        return gaussian_masses(stream, trials, d, n, mean / sd)
    return masses(stream.xp, mean + sd * draw_entries(stream, law, (trials, d, n)))


def _error_bars(row: Mapping[str, Any], change: Callable[[float], float]) -> dict[str, Any]:
    """Point and two-sided error bar of a row after a monotone change of scale."""
    middle, *ends = (change(row[key]) for key in ("estimate", "low", "high"))
    return {"y": middle, "yerr": [[middle - min(ends)], [max(ends) - middle]]}


def _ratio_of(row: Mapping[str, Any]) -> Callable[[float], float]:
    """From a share to ``E|x'y| / sqrt(2n/pi)``, at the row's d and n."""
    d, n = row["d"], row["n"]
    return lambda share: n * (1 / share - 1) / (d - 1) / math.sqrt(2 * n / math.pi)


@figure(proposition_2)
def ratio_to_the_limit(figure: Figure, results: Results) -> None:
    """Measured E|x'y| over its large-n value, for several laws."""
    axes = figure.subplots()
    colours = {"uniform": PALETTE["blue"], "rademacher": PALETTE["orange"],
               "laplace": PALETTE["green"], "gaussian": PALETTE["purple"]}  # fmt: skip
    rows = results.rows("whole_matrix") + results.rows("bartlett")
    labelled: set[str] = set()
    for row in rows:
        label = None if row["law"] in labelled else row["law"].capitalize()
        labelled.add(row["law"])
        axes.errorbar(row["n"], **_error_bars(row, _ratio_of(row)), fmt="o", capsize=3,
                      color=colours[row["law"]], label=label)  # fmt: skip
    axes.axhline(1.0, color=PALETTE["black"], label="Proposition 2")
    axes.axhline(1.02, color=PALETTE["grey"], linestyle="--", label="2 % larger")
    axes.set_xscale("log")
    axes.set_xlabel("n")
    axes.set_ylabel("E|x'y| / sqrt(2n/pi), from the share")
    axes.set_title("The off-diagonal of X X' grows like sqrt(2n/pi)")
    axes.set_ylim(0.975, 1.06)
    axes.legend(loc="upper left", ncols=3)


@figure(gaussian_exact)
def share_against_length(figure: Figure, results: Results) -> None:
    """Share against n at three d: exact, large-n formula, and whole matrices."""
    axes = figure.subplots()
    lengths = np.geomspace(1, 150, 80)
    for d, name in ((2, "blue"), (5, "orange"), (20, "green")):
        axes.plot(
            lengths, [ols_share(d, n) for n in lengths], color=PALETTE[name], label=f"d = {d}"
        )
        axes.plot(lengths, [ols_share_limit(d, n) for n in lengths], color=PALETTE[name],
                  linestyle=":")  # fmt: skip
        for row in results.rows("gaussian_matrix"):
            if row["d"] == d:
                axes.errorbar(row["n"], **_error_bars(row, float), fmt="o", capsize=3,
                              color=PALETTE[name])  # fmt: skip
    axes.plot([], [], color=PALETTE["grey"], label="exact for every n")
    axes.plot([], [], color=PALETTE["grey"], linestyle=":", label="large-n formula")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.15)
    axes.set_xlabel("n")
    axes.set_ylabel("diagonal share of E|X X'|")
    axes.set_title("Gaussian X: exact share, and X X' in full")
    axes.legend(loc="upper left", ncols=2)


@figure(rademacher_exact)
def odd_and_even_lengths(figure: Figure, results: Results) -> None:
    """E|x'y| for signs against the Gaussian value, over the large-n value."""
    axes = figure.subplots()
    lengths = range(1, 65)
    for law, name, style in (("gaussian", "grey", "-"), ("rademacher", "blue", ":")):
        ratios = [mean_absolute_inner_product(n, law) / math.sqrt(2 * n / math.pi) for n in lengths]
        axes.plot(lengths, ratios, style, color=PALETTE[name], label=f"{law.capitalize()}, exact")
    for row in results.rows("sign_matrix"):
        name = "vermilion" if row["n"] % 2 else "green"
        axes.errorbar(row["n"], **_error_bars(row, _ratio_of(row)), fmt="o", capsize=3,
                      color=PALETTE[name])  # fmt: skip
    axes.plot([], [], "o", color=PALETTE["green"], label="measured, even n")
    axes.plot([], [], "o", color=PALETTE["vermilion"], label="measured, odd n")
    axes.axhline(1.0, color=PALETTE["black"], linewidth=1.0, label="large-n formula")
    axes.set_xscale("log")
    axes.set_xlabel("n")
    axes.set_ylabel("E|x'y| / sqrt(2n/pi)")
    axes.set_title("Signs: above the formula at odd n, Gaussian at even n")
    axes.legend()


@figure(non_centred)
def plateau(figure: Figure, results: Results) -> None:
    """The share of entries with a mean does not grow with n."""
    axes = figure.subplots()
    rows = results.rows("shifted_matrix")
    lengths = np.geomspace(6, 1500, 60)
    groups = list(dict.fromkeys((r["law"], r["d"], r["mean"], r["sd"]) for r in rows))
    for (law, d, mean, sd), name in zip(groups, PALETTE, strict=False):
        chosen = [r for r in rows if (r["law"], r["d"], r["mean"], r["sd"]) == (law, d, mean, sd)]
        axes.axhline(chosen[0]["claimed"], color=PALETTE[name], linewidth=1.0)
        for row in chosen:
            label = (
                f"{law.capitalize()}, mean {mean:g}, sd {sd:.3g}, d = {d}"
                if row is chosen[0]
                else None
            )
            axes.errorbar(row["n"], **_error_bars(row, float), fmt="o", capsize=3, label=label,
                          color=PALETTE[name])  # fmt: skip
    axes.plot(lengths, [ols_share_limit(20, n) for n in lengths], color=PALETTE["grey"],
              linestyle=":", label="if the mean were 0, d = 20")  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(0, 0.75)
    axes.set_xlabel("n")
    axes.set_ylabel("diagonal share of E|X X'|")
    axes.set_title("Entries with a mean: the share does not grow with n")
    axes.legend(loc="upper left")
