"""Tables that go across claims: tightness, maps, benchmarks, and what a run was made with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulations.app.report.views import ClaimView, flatten, natural, number
from theory.core import AdageoError

Row = Mapping[str, Any]

# A ratio that differs from 1 by less is equality up to rounding in float64.
_ATTAINED = 1e-6
_WORDS = {"us": "(µs)", "ns": "(ns)", "ms": "(ms)", "gb": "(GB)", "percent": "(%)"}


class BenchmarkFileError(AdageoError):
    """A benchmark result that cannot be read; the text names the file and says why."""


@dataclass(frozen=True)
class Tightness:
    """How close a search came to equality in one inequality."""

    view: ClaimView
    piece: Row

    @property
    def ratio(self) -> float:
        """The largest lhs/rhs found."""
        return float(self.piece["tightness"])

    @property
    def attained(self) -> bool:
        """Whether equality was reached up to rounding."""
        return self.ratio >= 1.0 - _ATTAINED


def tightness_rows(views: Sequence[ClaimView]) -> list[Tightness]:
    """Every search of an inequality that found a finite ratio, the loosest first."""
    found = [
        Tightness(view, piece)
        for view in views
        if view.claim.kind == "inequality"
        for piece in view.of_kind("search")
        if piece["verdict"] != "refuted" and isinstance(piece.get("tightness"), int | float)
    ]
    return sorted(found, key=lambda row: (row.attained, row.ratio if not row.attained else 1.0,
                                          natural(row.view.claim.id)))  # fmt: skip


# -- benchmarks ----------------------------------------------------------------------------


def load_benchmarks(folder: str | Path, *, strict: bool = True) -> list[dict[str, Any]]:
    """What ``adageo bench`` wrote into `folder`, by name of the case; none for no folder.

    Unless `strict`, other files that happen to lie there are passed over.

    Raises
    ------
    BenchmarkFileError
        If a file is not a benchmark result, and `strict`.
    """
    found = []
    for file in sorted(Path(folder).glob("*.json")):
        try:
            found.append(_benchmark(file))
        except BenchmarkFileError:
            if strict:
                raise
    return found


def _benchmark(file: Path) -> dict[str, Any]:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkFileError(f"benchmark {file}: cannot be read ({error})") from error
    if not (isinstance(result, dict) and isinstance(result.get("case"), str)):
        raise BenchmarkFileError(f"benchmark {file}: it has no 'case'; is it a result?")
    return result


@dataclass(frozen=True)
class BenchmarkTable:
    """One table of a case: what its rows have in common, heads and cells."""

    caption: str
    head: list[str]
    body: list[list[str]]


def benchmark_tables(result: Row) -> list[BenchmarkTable]:
    """The groups of rows of a benchmark case, with intervals beside their medians."""
    return [
        BenchmarkTable(_common(group), *_columns(group["rows"]))
        for group in result.get("groups", [])
        if group.get("rows")
    ]


def _common(group: Row) -> str:
    pairs = [(name.replace("_", " "), value) for name, value in group.items()
             if isinstance(value, str | int | float)]  # fmt: skip
    return ", ".join(f"{name} {number(value, 4)}" for name, value in pairs)


def _columns(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    names = [
        name
        for name in dict.fromkeys(key for row in rows for key in row)
        if any(isinstance(row.get(name), str | int | float | bool) for row in rows)
    ]
    ends = {name: _ends(name, names) for name in names}
    within = {end for pair in ends.values() for end in pair}
    shown = [name for name in names if name not in within]
    body = [[_with_ends(row, name, ends[name]) for name in shown] for row in rows]
    return [_heading(name) for name in shown], body


def _ends(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names of the ends of a quantity's interval: low_us and high_us of median_us, say."""
    for low, high in (
        (f"{name}_low", f"{name}_high"),
        (name.replace("median", "low"), name.replace("median", "high")),
    ):
        if low != name and low in names and high in names:
            return low, high
    return ()


def _with_ends(row: Row, name: str, ends: tuple[str, ...]) -> str:
    text = number(row.get(name), 4)
    if not ends or row.get(ends[0]) is None or row[ends[0]] == row[ends[1]]:
        return text
    return f"{text} [{number(row[ends[0]], 4)}, {number(row[ends[1]], 4)}]"


def _heading(name: str) -> str:
    return " ".join(_WORDS.get(word, word) for word in name.split("_"))


# -- the run -------------------------------------------------------------------------------

_SECTIONS = {
    "Run": ("seed", "budget", "backend", "device", "workers", "threads"),
    "Time": ("started", "finished", "wall_seconds", "cpu_seconds"),
    "Code": ("adageo", "git"),
    "Machine": ("platform", "hardware"),
    "Software": ("python", "libraries", "versions"),
}


def manifest_sections(manifest: Row) -> list[tuple[str, list[tuple[str, str]]]]:
    """Heading and pairs of each part of a manifest; what has no heading of its own is last."""
    # The command has a place of its own on the pages.
    known = {"argv", *(name for names in _SECTIONS.values() for name in names)}
    rest = {name: value for name, value in manifest.items() if name not in known}
    sections = [
        (title, flatten({name: manifest[name] for name in names if name in manifest}))
        for title, names in _SECTIONS.items()
    ]
    return [(title, pairs) for title, pairs in [*sections, ("Other", flatten(rest))] if pairs]


def runs(views: Iterable[ClaimView]) -> list[tuple[Row, list[ClaimView]]]:
    """Seed, budget and backend of every run that results come from, with the claims of each."""
    groups: dict[str, tuple[Row, list[ClaimView]]] = {}
    for view in views:
        settings = {name: view.run.get(name) for name in ("seed", "budget", "backend")}
        groups.setdefault(json.dumps(settings), (settings, []))[1].append(view)
    return list(groups.values())
