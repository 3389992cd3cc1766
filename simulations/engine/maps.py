"""Maps: a measurement over a grid of two parameters, judged cell by cell.

Every cell is tested at the same level, the family's level over the number of cells, so that the
chance that any cell of a true claim is shown as refuted is at most the family's level, and all
intervals hold together with the complementary probability. The stages of a refinement share the
family's level in equal parts (`map_refinement`).
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy

from simulations.engine.backend import FloatArray
from simulations.engine.measurement import Point, conclude
from simulations.engine.moments import Statistics
from simulations.engine.streams import canonical_json
from theory.core import Check, ClaimError, Statement

# A larger axis is a slip of the keyboard rather than a wish.
LARGEST_COUNT = 1_000
ERROR = "error"
# Kinds of checks that a map can show.
MAPPED = ("monte-carlo", "survey")
VERDICTS = ("supported", "inconclusive", "refuted", ERROR)
_FORM = "NAME=A:B:N or NAME=A:B:N:log"
_NUMBERS = (
    "trials", "estimate", "low", "high", "claimed", "deviation", "deviation_low",
    "deviation_high", "p_value", "standard_error", "resolution",
)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """N values of one parameter from `low` to `high`, equal steps or equal ratios.

    Raises
    ------
    ValueError
        If a bound or the number of values makes no sense; the text names it.
    """

    name: str
    low: float
    high: float
    count: int
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"the ends are {self.low:g} and {self.high:g}; they must be finite")
        if not 1 <= self.count <= LARGEST_COUNT:
            raise ValueError(f"N is {self.count}; it must be in 1..{LARGEST_COUNT}")
        if self.low > self.high:
            raise ValueError(f"A is {self.low:g} and B {self.high:g}; A must be at most B")
        if self.log and self.low <= 0.0:
            raise ValueError(f"A is {self.low:g}; the ends of a log range must be positive")

    @classmethod
    def parse(cls, text: str) -> Range:
        """Read ``NAME=A:B:N`` or ``NAME=A:B:N:log``.

        >>> Range.parse("eta=0.01:1:3:log").values()
        (0.01, 0.1, 1.0)
        """
        name, sign, rest = text.partition("=")
        parts = rest.split(":")
        if not sign or not name.strip() or len(parts) not in (3, 4):
            raise ValueError(f"it must be {_FORM}")
        if len(parts) == 4 and parts[3].strip() != "log":
            raise ValueError(f"the last part is {parts[3]!r}; it must be 'log' or be left out")
        low, high = (_number(label, part) for label, part in zip("AB", parts[:2], strict=True))
        try:
            count = int(parts[2])
        except ValueError:
            raise ValueError(f"N is {parts[2]!r}; it must be an integer") from None
        return cls(name.strip(), low, high, count, len(parts) == 4)

    def values(self, *, whole: bool = False) -> tuple[float, ...]:
        """The values in ascending order, each once; rounded to integers if `whole`."""
        space = numpy.geomspace if self.log else numpy.linspace
        spread = space(self.low, self.high, self.count).tolist()
        return tuple(sorted({round(value) for value in spread} if whole else set(spread)))


def _number(label: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{label} is {text!r}; it must be a number") from None


@dataclass(frozen=True)
class Axis:
    """The values of one parameter; `log` says that they are spaced, and drawn, by ratio."""

    name: str
    values: tuple[float, ...]
    log: bool


def places(axis: Axis) -> FloatArray:
    """Where the values lie: equal ratios take equal room on a log axis."""
    values = numpy.asarray(axis.values, dtype=numpy.float64)
    return numpy.log(values) if axis.log else values


def edges(axis: Axis) -> FloatArray:
    """Boundaries of the cells in places: halfway between neighbours."""
    at = places(axis)
    if len(at) == 1:
        return numpy.asarray([at[0] - 0.5, at[0] + 0.5])
    middle = (at[:-1] + at[1:]) / 2.0
    ends = 2.0 * at[[0, -1]] - middle[[0, -1]]
    return numpy.concatenate([ends[:1], middle, ends[1:]])


def axis(check: Check, wanted: Range) -> Axis:
    """The axis of a range: integers if the measurement has the parameter as integers only.

    Raises
    ------
    ValueError
        If the measurement has no such parameter, or it is no number; the text has those allowed.
    """
    known = numeric_parameters(check)
    if wanted.name not in known:
        present = wanted.name in parameter_names(check)
        raise ValueError(f"{wanted.name!r} is {'no number' if present else 'no parameter'} of "
                         f"{check.claim.id} [{check.name}]; it has {', '.join(known) or 'none'}"
                         )  # fmt: skip
    return Axis(wanted.name, wanted.values(whole=takes_integers(check, wanted.name)), wanted.log)


def takes_integers(check: Check, name: str) -> bool:
    """Whether a parameter is an integer at every grid point that has it."""
    return _kinds(check, name) == {int}


def numeric_parameters(check: Check) -> list[str]:
    """Names of the parameters that are numbers wherever a grid point has them, sorted."""
    return sorted(name for name in parameter_names(check) if _kinds(check, name) <= {int, float})


def _points(check: Check) -> list[Point]:
    return [point for table in check.options["points"].values() for point in table]


def parameter_names(check: Check) -> set[str]:
    """All parameters; one that only some points have is optional."""
    return {name for point in _points(check) for name in point}


def _kinds(check: Check, name: str) -> set[type]:
    """Kinds of the values of a parameter over all points of all budgets."""
    return {_kind(point[name]) for point in _points(check) if name in point}


def _kind(value: object) -> type:
    if isinstance(value, bool | numpy.bool_):
        return bool
    if isinstance(value, int | numpy.integer):
        return int
    return float if isinstance(value, float | numpy.floating) else object


def with_trials(check: Check, trials: int | None) -> Check:
    """The check with that many trials a point; the same check for None."""
    if trials is None:
        return check
    return replace(check, options={**check.options, "trials": {"quick": trials}})


def cells(x: Axis, y: Axis, base: Mapping[str, Any]) -> list[Point]:
    """The grid points of the map, the rows of constant y one after the other."""
    return [{**base, x.name: a, y.name: b} for b in y.values for a in x.values]


def judge(
    check: Check,
    statement: Statement,
    point: Point,
    outcome: Statistics | str,
    *,
    alpha: float,
) -> dict[str, Any]:
    """One row of the map: the measurement's row, the relative deviation, and the hypotheses.

    Parameters
    ----------
    outcome : statistics of the cell, or the reason why there are none
    alpha : float
        Level of the cell's test, after correction for the number of cells.

    Returns
    -------
    dict
        Parameters; ``verdict`` (one of VERDICTS); estimate, interval and claimed value;
        ``deviation = (estimate - claimed) / |claimed|`` with its interval (not divided where the
        claim is 0); ``hypotheses`` (whether the claim's hypotheses hold here; None where the
        parameters do not decide it); ``reason`` of an error or a caveat.
    """
    if not isinstance(outcome, str):
        try:
            evidence = conclude(check, statement, [(point, outcome)], alpha=alpha)
        except ClaimError as error:
            outcome = " ".join(str(error).split())
        else:
            return _measured(statement, point, evidence.data["rows"][0])
    empty: dict[str, Any] = dict.fromkeys(_NUMBERS)
    return {
        **_plain(point), "verdict": ERROR, **empty, "side": check.options["estimate"].side,
        "hypotheses": _hypotheses(statement, point), "reason": outcome,
    }  # fmt: skip


def _measured(statement: Statement, point: Point, row: Mapping[str, Any]) -> dict[str, Any]:
    unit = abs(row["claimed"]) or 1.0
    found = {
        "deviation" + suffix: None if row[name] is None else (row[name] - row["claimed"]) / unit
        for suffix, name in (("", "estimate"), ("_low", "low"), ("_high", "high"))
    }
    numbers = {name: {**row, **found}[name] for name in _NUMBERS}
    return {
        **_plain(point), "verdict": row["verdict"], **numbers, "side": row["side"],
        "hypotheses": _hypotheses(statement, point), "reason": row.get("caveat", ""),
    }  # fmt: skip


def _plain(point: Point) -> Point:
    """Parameters as JSON has them (fractions as text)."""
    plain: Point = json.loads(canonical_json(point))
    return plain


def _hypotheses(statement: Statement, point: Point) -> bool | None:
    """Whether the hypotheses hold at a cell; None where they ask for more than its parameters."""
    if statement.assumes is None:
        return None
    names = inspect.signature(statement.assumes).parameters
    if any(kind.kind is kind.VAR_KEYWORD for kind in names.values()):
        known = dict(point)
    else:
        known = {name: value for name, value in point.items() if name in names}
    try:
        return bool(statement.assumes(**known))
    except (TypeError, KeyError):
        return None


def all_rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a stored map: the cells asked for, then those of its refinement, by stages."""
    return [*found["cells"], *found.get("refinement", {}).get("cells", [])]


def devices(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the cells were measured on, each device once; a row without one names none."""
    return list(dict.fromkeys(name for row in rows if (name := row.get("device"))))


def value_text(value: object) -> str:
    """A value of a parameter as figures and tables on the terminal have it: four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Number of cells of each verdict, zero included."""
    return {name: sum(row["verdict"] == name for row in rows) for name in VERDICTS}
