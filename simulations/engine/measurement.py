"""Measurements: a sampler, its grid, its trials and its estimator, registered for a claim."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy

from simulations.engine.estimators import Estimator
from simulations.engine.intervals import Interval
from simulations.engine.moments import Statistics
from simulations.engine.sampling import draw, one_line
from simulations.engine.streams import canonical_json, stream_key
from theory.core import Check, Claim, ClaimError, Evidence, Statement, Verdict, check_decorator

BUDGETS = ("quick", "standard", "deep")
# Entries that a row adds to the parameters of its grid point.
ROW_ENTRIES = ("trials", "estimate", "low", "high", "claimed", "p_value", "standard_error",
               "resolution", "side", "verdict", "caveat", "device")  # fmt: skip

Point = dict[str, Any]
Sampler = TypeVar("Sampler", bound=Callable[..., Mapping[str, Any]])
Trials = int | Mapping[str, int] | Callable[[Point, str], int]


def measurement(
    claim: Claim,
    *,
    points: Mapping[str, Sequence[Mapping[str, Any]]],
    estimate: Estimator,
    trials: Trials | None = None,
    block: int | Callable[[Point], int] = 2_000,
    resolution: float | Callable[[Point], float] = 0.01,
    claimed: Callable[[Statement, Point], Any] | None = None,
    host: bool = False,
    divisible: bool = False,
    survey: bool = False,
    common: Callable[[Point], Mapping[str, Any]] | None = None,
) -> Callable[[Sampler], Sampler]:
    """Register a sampler ``name(stream, trials, **point) -> {quantity: array (trials,)}``.

    Parameters
    ----------
    points : mapping from ``"quick"``, ``"standard"``, ``"deep"`` to lists of grid points
        A budget that is missing takes the points of the next smaller one.
    estimate : Estimator
        What is estimated from the sampled quantities (see `estimators`).
    trials : mapping from budget to int, int, or callable (point, budget) -> int
        Trials per point; 20,000, 200,000 and 2,000,000 unless told otherwise.
    block : int or callable point -> int
        Trials per block; bounds the memory of one call.
    resolution : float or callable point -> float
        An agreeing interval supports the claim only if its half-width is at most this,
        relative to the claimed value (absolute where that is 0).
    claimed : callable (statement, point) -> number or distribution function
        ``statement.formula(**point)`` unless told otherwise.
    host : bool
        The sampler needs NumPy arrays (SciPy, Numba, LAPACK routines that the Array API lacks):
        it runs on the host whatever the backend, and its rows say so.
    divisible : bool
        Every draw of the sampler starts with the trials, and no trial looks at another, so that
        a GPU may take the block in parts.
    survey : bool
        For ``adageo map`` alone: it reaches beyond the claim's hypotheses, and is no evidence.
    common : callable point -> dict, optional
        Common random numbers: grid points for which it returns equal values, of this or of another
        measurement, get the same streams, and are measured one after the other in one process, so
        that a sampler may keep what they share; its processor seconds count with the block that
        comes first. Their rows are then dependent, which the correction for multiplicity allows
        for, and a scaling fit does not; the trials of one point are not.

    Raises
    ------
    ClaimError
        If an option is malformed; the text names the claim, the option, its value and range.
    """
    where = f"{claim.id}: measurement" if isinstance(claim, Claim) else "measurement"
    return check_decorator(
        "survey" if survey else "monte-carlo", claim,
        points=_checked_points(where, points),
        trials=_checked_trials(where, trials),
        block=_checked_number(where, "block", block, whole=True),
        resolution=_checked_number(where, "resolution", resolution, whole=False),
        estimate=_require(isinstance(estimate, Estimator), where, "estimate", estimate,
                          "an estimator, e.g. estimators.mean('x')"),
        claimed=_require(claimed is None or callable(claimed), where, "claimed", claimed,
                         "a callable of (statement, point)"),
        host=_require(isinstance(host, bool), where, "host", host, "True or False"),
        divisible=_require(isinstance(divisible, bool), where, "divisible", divisible,
                           "True or False"),
        common=_require(common is None or callable(common), where, "common", common,
                        "a callable of the point"),
    )  # fmt: skip


@dataclass(frozen=True)
class PointTest:
    """One test of the claimed value at one grid point."""

    point: Point
    trials: int
    estimate: float
    claimed: float
    p_value: float


def points(check: Check, statement: Statement, budget: str) -> list[Point]:
    """Grid points of a budget; what the statement gives replaces the grid's own values.

    Raises
    ------
    ClaimError
        If the budget is unknown.
    """
    table = check.options["points"]
    chosen = table[_fallback(f"{check.claim.id}: {check.name}", budget, table)]
    replaced = [{**point, **statement.given} for point in chosen]
    # Given values may make several points one; each is measured once.
    return list({canonical_json(point): point for point in replaced}.values())


def blocks(check: Check, point: Point, budget: str) -> list[int]:
    """Sizes of the blocks of one point: equal but for the last."""
    where = f"{check.claim.id}: {check.name} at {point}"
    trials, block = check.options["trials"], check.options["block"]
    if callable(trials):
        _fallback(where, budget, BUDGETS)
        total = trials(point, budget)
    else:
        total = trials[_fallback(where, budget, trials)]
    size = block(point) if callable(block) else block
    _require(_is_whole(total), where, "trials", total, "a positive integer")
    _require(_is_whole(size), where, "block", size, "a positive integer")
    full, rest = divmod(int(total), int(size))
    return [int(size)] * full + ([rest] if rest else [])


def common_numbers(check: Check, point: Point) -> Point | None:
    """What a point's random numbers depend on besides the seed; None: on check and point.

    Raises
    ------
    ClaimError
        If the option `common` of the measurement fails or returns no mapping.
    """
    function = check.options["common"]
    if function is None:
        return None
    where = f"{check.claim.id}: {check.name} at {point}"
    try:
        found = function(point)
        if isinstance(found, Mapping):
            canonical_json(found)
    except Exception as error:
        raise ClaimError(f"{where}: common: {one_line(error)}") from error
    return dict(_require(isinstance(found, Mapping), where, "common", found, "a mapping"))


def run_block(
    check: Check, point: Point, index: int, size: int, *, seed: int, backend: str = "numpy"
) -> Statistics:
    """Draw block `index` of `size` trials at one point, and reduce it.

    Raises
    ------
    ClaimError
        If the sampler fails, or returns a wrong name or shape, NaN or infinity; the text
        names claim, check, point and block.
    EnvironmentLacksError
        If the backend is not available.
    """
    where = f"{check.claim.id}: {check.name} at {point}, block {index}"
    estimator: Estimator = check.options["estimate"]
    common = common_numbers(check, point)
    key = (stream_key(seed, check.claim.id, check.name, point) if common is None
           else stream_key(seed, "", "common", common))  # fmt: skip
    samples = draw(check, point, index, size, key=key, backend=backend, names=estimator.reads,
                   where=where)  # fmt: skip
    try:
        with numpy.errstate(over="ignore", invalid="ignore"):
            stats = estimator.summarise(samples)
    except (TypeError, ValueError) as error:
        raise ClaimError(f"{where}: {error}") from error
    if not all(bool(numpy.all(numpy.isfinite(value))) for value in stats.values()):
        raise ClaimError(f"{where}: the moments overflow float64; scale the sampled quantity")
    return stats


def merge(check: Check, parts: Sequence[Statistics]) -> Statistics:
    """Statistics of consecutive blocks; the same blocks in the same order give the same bits."""
    estimator: Estimator = check.options["estimate"]
    return estimator.merge(parts)


def tests(check: Check, statement: Statement, point: Point, stats: Statistics) -> PointTest:
    """The test of the claimed value at one point.

    Raises
    ------
    ClaimError
        If the claimed value cannot be computed or is not finite.
    """
    return _compare(check, statement, point, stats)[0]


def _compare(
    check: Check, statement: Statement, point: Point, stats: Statistics
) -> tuple[PointTest, Any]:
    """The test, and the claimed value or distribution function itself."""
    where = f"{statement.label}: {check.name} at {point}"
    estimator: Estimator = check.options["estimate"]
    function = check.options["claimed"] or _formula
    try:
        claimed = function(statement, point)
        number = estimator.claimed_number(claimed)
        if not math.isfinite(number):
            raise ValueError(f"the claimed value is {number}; it must be finite")
        estimate = estimator.estimate(stats, claimed)
        p_value = estimator.p_value(stats, claimed)
    except Exception as error:
        raise ClaimError(f"{where}: {one_line(error)}") from error
    return PointTest(point, estimator.count(stats), estimate, number, p_value), claimed


def _formula(statement: Statement, point: Point) -> Any:
    return statement.formula(**point)


def conclude(
    check: Check,
    statement: Statement,
    measured: Sequence[tuple[Point, Statistics]],
    *,
    alpha: float,
    devices: Sequence[str] | None = None,
) -> Evidence:
    """Evidence from the merged statistics of every point, measured on `devices` (one a point).

    A point refutes if its p-value is at most `alpha` (the level of one test, after
    multiplicity); it supports if the interval at 1 - alpha agrees with the claimed value and
    is narrow enough; else, or where the estimator has a caveat, it is inconclusive. One
    refuting point refutes; all must support for support.
    """
    rows = [_row(check, statement, point, stats, alpha) for point, stats in measured]
    if devices is not None:
        rows = [{**row, "device": name} for row, name in zip(rows, devices, strict=True)]
    verdicts = [row["verdict"] for row in rows]
    if "refuted" in verdicts:
        verdict = Verdict.REFUTED
    elif not rows or "inconclusive" in verdicts:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.SUPPORTED
    resolutions = {row["resolution"] for row in rows}
    data = {
        "n": sum(row["trials"] for row in rows),
        "level": alpha,
        "resolution": max(resolutions, default=None),
        "rows": rows,
    }
    return Evidence("monte-carlo", check.name, verdict, _summary_line(rows, alpha), data)


def _row(
    check: Check, statement: Statement, point: Point, stats: Statistics, alpha: float
) -> dict[str, Any]:
    test, claimed = _compare(check, statement, point, stats)
    estimator: Estimator = check.options["estimate"]
    resolution = _resolution(check, point)
    interval = estimator.interval(stats, alpha, claimed)
    caveat = estimator.caveat(stats, alpha)
    verdict = _verdict(estimator, test, interval, resolution, caveat, alpha)
    row = {
        **point, "trials": test.trials, "estimate": test.estimate, "low": interval.low,
        "high": interval.high, "claimed": test.claimed, "p_value": test.p_value,
        "standard_error": estimator.standard_error(stats), "resolution": resolution,
        "side": estimator.side, "verdict": verdict.value,
    }  # fmt: skip
    if caveat:
        row["caveat"] = caveat
    row |= estimator.details(stats, claimed)
    return {key: _json_ready(value) for key, value in row.items()}


def _verdict(
    estimator: Estimator, test: PointTest, interval: Interval, resolution: float, caveat: str,
    alpha: float,
) -> Verdict:  # fmt: skip
    # Agreement to rounding (a p-value of 1) rests on no approximation.
    if caveat and test.p_value != 1.0:
        return Verdict.INCONCLUSIVE
    if test.p_value <= alpha:
        return Verdict.REFUTED
    allowed = resolution * (abs(test.claimed) or 1.0)
    if estimator.side == "both":
        agrees = interval.half_width <= allowed
    elif estimator.side == "upper":
        agrees = interval.high <= test.claimed + allowed
    else:
        agrees = interval.low >= test.claimed - allowed
    return Verdict.SUPPORTED if agrees else Verdict.INCONCLUSIVE


def _resolution(check: Check, point: Point) -> float:
    option = check.options["resolution"]
    value = option(point) if callable(option) else option
    where = f"{check.claim.id}: {check.name} at {point}"
    return float(_require(_is_positive(value), where, "resolution", value, "positive and finite"))


def _summary_line(rows: Sequence[Mapping[str, Any]], alpha: float) -> str:
    if not rows:
        return "no grid point was measured"
    worst = min(rows, key=lambda row: row["p_value"])
    counts = ", ".join(
        f"{count} {name}" for name in ("refuted", "inconclusive", "supported")
        if (count := sum(row["verdict"] == name for row in rows))
    )  # fmt: skip
    caveats = dict.fromkeys(row["caveat"] for row in rows if row.get("caveat"))
    return (f"{len(rows)} points ({counts}), {sum(row['trials'] for row in rows)} trials; smallest "
            f"p-value {worst['p_value']:.2g} (level {alpha:.2g}): estimate "
            f"{worst['estimate']:.6g}, claimed {worst['claimed']:.6g}"
            + "".join(f"; {caveat}" for caveat in caveats))  # fmt: skip


def _json_ready(value: Any) -> Any:
    if isinstance(value, (numpy.generic, numpy.ndarray)):
        value = value.tolist()
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _require(condition: bool, where: str, option: str, value: Any, allowed: str) -> Any:
    if not condition:
        raise ClaimError(f"{where}: {option} is {value!r}; it must be {allowed}")
    return value


def _is_whole(value: Any) -> bool:
    whole = isinstance(value, (int, numpy.integer)) and not isinstance(value, bool)
    return bool(whole and value >= 1)


def _is_positive(value: Any) -> bool:
    number = isinstance(value, (int, float, numpy.number)) and not isinstance(value, bool)
    return bool(number and math.isfinite(value) and value > 0)


def _checked_number(where: str, option: str, value: Any, *, whole: bool) -> Any:
    valid = callable(value) or (_is_whole(value) if whole else _is_positive(value))
    kind = "a positive integer" if whole else "positive and finite"
    return _require(valid, where, option, value, f"{kind}, or a callable of the point")


def _checked_points(where: str, table: Any) -> dict[str, list[Point]]:
    _require(isinstance(table, Mapping) and "quick" in table, where, "points", table,
             "a mapping from budgets to lists of points, with 'quick' among them")  # fmt: skip
    _known_budgets(where, "points", table)
    for budget, chosen in table.items():
        valid = isinstance(chosen, Sequence) and chosen and all(
            isinstance(point, Mapping) for point in chosen
        )  # fmt: skip
        _require(bool(valid), where, f"points[{budget!r}]", chosen, "a non-empty list of dicts")
        taken = {key for point in chosen for key in point} & {"stream", *ROW_ENTRIES}
        _require(not taken, where, f"parameters of points[{budget!r}]", sorted(taken),
                 "other names: rows and samplers use these")  # fmt: skip
    return {budget: [dict(point) for point in chosen] for budget, chosen in table.items()}


def _checked_trials(where: str, trials: Any) -> Any:
    if trials is None:
        return {"quick": 20_000, "standard": 200_000, "deep": 2_000_000}
    if callable(trials):
        return trials
    table = dict(trials) if isinstance(trials, Mapping) else {"quick": trials}
    _require("quick" in table, where, "trials", trials, "given for 'quick'")
    _known_budgets(where, "trials", table)
    for budget, count in table.items():
        _require(_is_whole(count), where, f"trials[{budget!r}]", count, "a positive integer")
    return table


def _known_budgets(where: str, option: str, table: Mapping[str, Any]) -> None:
    for budget in table:
        _require(budget in BUDGETS, where, f"a budget of {option}", budget,
                 f"one of {', '.join(BUDGETS)}")  # fmt: skip


def _fallback(where: str, budget: str, table: Any) -> str:
    """The largest budget that is given and not larger than the one asked for."""
    _require(budget in BUDGETS, where, "budget", budget, f"one of {', '.join(BUDGETS)}")
    smaller = BUDGETS[: BUDGETS.index(budget) + 1]
    return next(name for name in reversed(smaller) if name in table)
