"""Measurements of finite-n corrections, of heavy tails, and of the expected share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.adaptive_norms.ols_share import draw_entries, gaussian_masses, masses
from simulations.engine import estimators, figure, measurement, scaling
from simulations.engine.figures import PALETTE
from simulations.engine.scaling import Comparison, column, fit_limit
from theory.adaptive_norms.ols_rates import (
    gaussian_share_moments,
    heavy_tail_deficit,
    heavy_tails,
    second_order,
    second_order_coefficient,
    share_expectation_exists,
    third_order_coefficient,
    two_row_expected_share,
)
from theory.adaptive_norms.ols_share import HALF_NORMAL_MEAN, mean_absolute_inner_product
from theory.adaptive_norms.product_laws import entry_moments
from theory.core import Statement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.figures import Results

Point = dict[str, Any]
_MEMORY = 1_500_000  # float64 numbers in one block


def _coefficient(statement: Statement, point: Point) -> float:
    """``n (E|S_n| / sqrt(2n/pi) - 1)``: claimed coefficient and the next term of the expansion."""
    law, degrees = point["law"], point["degrees"]
    third, fourth, _, _ = entry_moments(law, degrees)
    following: float = third_order_coefficient(law, degrees) / point["n"]
    return float(statement.formula(third, fourth)) + following


def _block(point: Mapping[str, Any]) -> int:
    return max(1, _MEMORY // int(point["n"]))


def _laws(law: str, *lengths: int, degrees: float | None = None) -> list[Point]:
    return [{"law": law, "degrees": degrees, "n": n} for n in lengths]


@measurement(
    second_order,
    points={"quick": [
        *_laws("gaussian", 64, 256, 1024, 4096),
        *_laws("laplace", 1024),
        *_laws("student_t", 256, degrees=16.0),
    ]},
    # The relative standard error is sqrt(2/trials): 0.3 % for chi-square draws, so that 25 for 24
    # is thirteen of them, and 1.1 % where n scales are drawn. The remainder, of order 1/n^2, is
    # below a third of the standard error at these trials for every budget.
    trials=lambda point, budget: {"quick": 1, "standard": 4, "deep": 10}[budget]
    * (200_000 if point["law"] == "gaussian" else 16_000),
    block=lambda point: 50_000 if point["law"] == "gaussian" else _block(point),
    estimate=estimators.mean("coefficient"), claimed=_coefficient, resolution=0.1, divisible=True,
)  # fmt: skip
def normal_mixture(stream: Any, trials: int, *, law: str, degrees: float | None, n: int) -> Any:
    """Laws that are Gaussian given scales: E|S_n| = sqrt(2/pi) E sqrt(V), V the variance then.

    As ``E V = n``, ``n (E sqrt(V/n) - 1) = -(n/2) E (sqrt(V/n) - 1)^2`` exactly, and the variable
    on the right has a bounded relative variance for every n. Signs are no such law: theirs is
    `skewed_products`.
    """
    xp = stream.xp
    shape = (trials, n)
    if law == "rademacher":
        return skewed_products(stream, trials, law=law, degrees=degrees, n=n)
    if law == "gaussian":
        variance = stream.chisquare(n, trials)
    else:
        scales = (stream.exponential(shape) if degrees is None
                  else (degrees - 2) / stream.chisquare(degrees, shape))  # fmt: skip
        variance = xp.sum(scales * draw_entries(stream, law, shape, degrees) ** 2, axis=1)
    return {"coefficient": -0.5 * n * (xp.sqrt(variance / n) - 1) ** 2}


@scaling(second_order, of="normal_mixture")
def coefficient_in_the_limit(statement: Statement, rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """The limit of ``n (E|S_n| / sqrt(2n/pi) - 1)`` with a free term of order 1/n."""
    same = [row for row in rows if row["law"] == "gaussian"]
    fit = fit_limit(*(column(same, key) for key in ("n", "estimate", "standard_error")))
    return Comparison(fit, "limit", float(statement.formula(0.0, 3.0)), resolution=0.01)


@measurement(
    second_order,
    points={"quick": _laws("skewed", 32)},
    # The control variate leaves a standard deviation of about 0.3 n: 0.0124 at the quick budget,
    # a twelfth of the third moment's share 0.155 of the coefficient.
    trials={"quick": 600_000, "standard": 1_500_000, "deep": 4_000_000},
    block=_block, estimate=estimators.mean("coefficient"), claimed=_coefficient, resolution=0.5,
    divisible=True,
)  # fmt: skip
def skewed_products(stream: Any, trials: int, *, law: str, degrees: float | None, n: int) -> Any:
    """S_n itself for entries with a third moment; S_n^2/n, of mean 1, is the control variate."""
    xp = stream.xp
    x, y = (draw_entries(stream, law, (trials, n), degrees) for _ in range(2))
    z = xp.abs(xp.sum(x * y, axis=1)) / math.sqrt(n)
    return {"coefficient": n * (z / HALF_NORMAL_MEAN - 1 - (z**2 - 1) / 2)}


# (degrees, n): weight of the control variate n/V*, which changes the variance and not the mean,
# and the relative standard deviation of one trial. At n = 8 n/V* has too few moments for it.
_CONTROL = {(3.0, 8): (0.0, 2.7), (3.0, 32): (0.4, 1.3), (3.0, 128): (0.5, 1.4),
            (2.2, 8): (0.0, 1.5), (2.2, 32): (0.1, 1.0), (2.2, 128): (0.25, 0.65)}  # fmt: skip


@measurement(
    heavy_tails, points={"quick": [{"n": n, "degrees": degrees} for degrees, n in _CONTROL]},
    # A relative standard error of 0.4 %: four per cent are ten of them.
    trials=lambda point, budget: math.ceil(
        (_CONTROL[point["degrees"], point["n"]][1] / 0.004) ** 2
        * {"quick": 1, "standard": 4, "deep": 20}[budget]),
    block=_block, estimate=estimators.mean("deficit"), resolution=0.03, divisible=True,
)  # fmt: skip
def size_biased(stream: Any, trials: int, *, n: int, degrees: float) -> Any:
    """The deficit without heavy tails, by a change of measure that is exact in law.

    x_k y_k = sqrt(a_k) z_k with a normal z_k and E a_k = 1, so that E|S_n| = sqrt(2/pi) E sqrt(V)
    with V = a_1 + ... + a_n. |S_n| has no third moment at 3 degrees, and intervals for its mean
    cannot be trusted. But ``E sqrt(V/n) = E sqrt(n/V*)``, where V* = a* + a_2 + ... + a_n has the
    law of V weighted by size, and a* that of a_1; n/V* has mean 1 and serves as control variate.
    It has moments of every order below (n+2)/2, since only a small V* makes it large.
    """
    xp = stream.xp
    scale = degrees - 2
    rest = stream.normal((trials, n - 1)) ** 2
    for _ in range(2):
        rest = rest * scale / stream.chisquare(degrees, (trials, n - 1))
    # Weighted by size, chi^2_1 becomes chi^2_3, and 1/chi^2_k becomes 1/chi^2_(k-2).
    inverse_first = scale**-2 / stream.chisquare(3, trials)
    for _ in range(2):
        inverse_first = inverse_first * stream.chisquare(degrees - 2, trials)
    total = xp.sum(rest, axis=1)
    ratio = n * inverse_first / (1 + inverse_first * total)
    return {"deficit": 1 - xp.sqrt(ratio) + _CONTROL[degrees, n][0] * (ratio - 1)}


def _expected_share(statement: Statement, point: Point) -> float:
    """The claimed E share: exact moments, and for d = 2 the exact covariance, else to 2nd order."""
    d, n = point["d"], point["n"]
    moments = gaussian_share_moments(d, n)
    covariance = moments.share_covariance
    if d == 2:
        covariance = moments.mean_diagonal - two_row_expected_share(n) * moments.mean_total
    _, claimed = statement.formula(0.0, moments.mean_diagonal, moments.mean_total, covariance)
    return float(claimed)


@measurement(
    share_expectation_exists,
    points={"quick": [{"d": 2, "n": 1}, {"d": 2, "n": 4}, {"d": 2, "n": 16}, {"d": 10, "n": 40}]},
    # The covariance moves the share by 0.0255, 0.0227, 0.011 and 0.00166; the sequence resolves
    # about six standard deviations of the share (0.30, 0.18, 0.09, 0.028) over sqrt(trials).
    # The remainder at d = 10, 0.5 % of its 0.00166, stays below half a standard error.
    trials=lambda point, budget: {"quick": 1, "standard": 3, "deep": 8}[budget]
    * (120_000 if point["d"] > 2 else 60_000),
    block=lambda point: max(1, _MEMORY // (point["d"] * point["n"])),
    estimate=estimators.bounded_mean("share", 0.0, 1.0), claimed=_expected_share, resolution=0.02,
    divisible=True,
)  # fmt: skip
def share_of_each_matrix(stream: Any, trials: int, *, d: int, n: int) -> Any:
    """The share of each matrix X X', a variable in [0, 1]; in full where n < d."""
    if n >= d:
        mass = gaussian_masses(stream, trials, d, n)
    else:
        mass = masses(stream.xp, stream.normal((trials, d, n)))
    return {"share": mass["diagonal"] / mass["total"]}


def _bar(row: Mapping[str, Any]) -> list[list[float]]:
    return [[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]]


@figure(second_order)
def approach_to_the_coefficient(figure: Figure, results: Results) -> None:
    """Relative correction times n: exact for each law, the claimed coefficient, measurements."""
    axes = figure.subplots()
    lengths = np.geomspace(4, 6000, 40)
    styles = {"gaussian": (None, "blue"), "laplace": (None, "orange"), "uniform": (None, "green"),
              "student_t": (16.0, "vermilion"), "exponential": (None, "purple"),
              "skewed": (None, "sky")}  # fmt: skip
    for law, (degrees, name) in styles.items():
        exact = [n * (mean_absolute_inner_product(n, law, degrees)
                      / math.sqrt(2 * n / math.pi) - 1) for n in lengths]  # fmt: skip
        axes.plot(lengths, exact, color=PALETTE[name], label=law.replace("_", " ").capitalize())
        third, fourth = entry_moments(law, degrees)[:2]
        axes.axhline(second_order_coefficient(third, fourth), color=PALETTE[name], linestyle=":",
                     linewidth=1.0)  # fmt: skip
    for row in results.rows():
        axes.errorbar(row["n"], row["estimate"], yerr=_bar(row), fmt="o", capsize=3,
                      color=PALETTE[styles[row["law"]][1]])  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(-3.4, 0.15)
    axes.set_xlabel("n")
    axes.set_ylabel("n (E|x'y| / sqrt(2n/pi) - 1)")
    axes.set_title("Exact (lines), second-order coefficient (dotted), measured")
    axes.legend(ncols=3, loc="lower left")


@figure(heavy_tails)
def slow_deficit(figure: Figure, results: Results) -> None:
    """1 - ratio against n for heavy tails, next to the Gaussian law."""
    axes = figure.subplots()
    lengths = np.geomspace(4, 1e4, 50)
    rows = results.rows("size_biased")
    for degrees, name in ((2.2, "vermilion"), (3.0, "blue")):
        axes.plot(lengths, [heavy_tail_deficit(n, degrees) for n in lengths], color=PALETTE[name],
                  label=f"t, {degrees:g} degrees of freedom")  # fmt: skip
        for row in rows:
            if row["degrees"] == degrees:
                axes.errorbar(row["n"], row["estimate"], yerr=_bar(row), fmt="o", capsize=3,
                              color=PALETTE[name])  # fmt: skip
    gaussian = [1 - mean_absolute_inner_product(n) / math.sqrt(2 * n / math.pi) for n in lengths]
    axes.plot(lengths, gaussian, color=PALETTE["grey"], label="Gaussian")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("n")
    axes.set_ylabel("1 - E|x'y| / sqrt(2n/pi)")
    axes.set_title("Distance from Proposition 2 under heavy tails")
    axes.legend(loc="lower left")


@figure(share_expectation_exists)
def excess_of_the_expected_share(figure: Figure, results: Results) -> None:
    """Expected share less the share of the expectation, measured and claimed."""
    axes = figure.subplots()
    rows = results.rows("share_of_each_matrix")
    for place, row in enumerate(rows):
        ratio = gaussian_share_moments(row["d"], row["n"]).share_of_expectation
        axes.errorbar(place, row["estimate"] - ratio, yerr=_bar(row), fmt="o", capsize=4,
                      color=PALETTE["blue"], label="measured" if place == 0 else None)  # fmt: skip
        axes.plot([place - 0.2, place + 0.2], [row["claimed"] - ratio] * 2, color=PALETTE["black"],
                  label="claimed" if place == 0 else None)  # fmt: skip
    axes.axhline(0.0, color=PALETTE["grey"], linewidth=1.0)
    axes.set_xticks(range(len(rows)), [f"{row['d']} x {row['n']}" for row in rows])
    axes.set_xlabel("size d x n of X")
    axes.set_ylabel("E share - share of E|X X'|")
    axes.set_title("The expected share exceeds the share of E|X X'|")
    axes.legend()
