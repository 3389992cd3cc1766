"""What the pages show, as plain values: claims joined with their results, numbers as text."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from simulations.app.report.mathml import FormulaError, inline, prose, to_mathml
from simulations.engine.figure_data import parameters, residual
from theory.core import Claim, Entry, Registry
from theory.core.papers import Paper

Row = Mapping[str, Any]

_DASH = "–"
_HEADINGS = {
    "trials": "trials", "estimate": "estimate", "low": "interval",
    "claimed": "claimed", "p_value": "p-value",
}  # fmt: skip


@dataclass(frozen=True)
class ClaimView:
    """One claim with its results, ready for the templates.

    Attributes
    ----------
    result : mapping
        The claim's item of ``verify --json``.
    entry : Entry
        What the registry knows of it.
    path : str
        The page, relative to the root of the site.
    run : mapping
        Seed, budget and backend of the run that the results come from.
    """

    result: Row
    entry: Entry
    path: str
    run: Row

    @property
    def claim(self) -> Claim:
        """The claim as registered."""
        return self.entry.claim

    @property
    def evidence(self) -> list[Row]:
        """The pieces of evidence, as stored."""
        return list(self.result.get("evidence", []))

    def of_kind(self, *kinds: str) -> list[Row]:
        """The pieces of evidence of the given kinds."""
        return [piece for piece in self.evidence if piece["kind"] in kinds]

    @cached_property
    def title(self) -> Markup:
        """The title, with its formulas as MathML."""
        return inline(self.claim.title, self.claim.id)

    @property
    def words(self) -> str:
        """What a search for text looks through: id, title, item and statement, lower case."""
        claim = self.claim
        parts = (claim.id, claim.title, claim.source.item, claim.statement, *claim.scope)
        return " ".join(" ".join(parts).lower().split())

    @cached_property
    def statement(self) -> Markup:
        """The statement as paragraphs with MathML."""
        return prose(self.claim.statement, self.claim.id)

    @cached_property
    def notes(self) -> Markup:
        """The notes as paragraphs with MathML; empty where there are none."""
        return prose(self.claim.notes, self.claim.id) if self.claim.notes else Markup("")

    @cached_property
    def scope(self) -> list[tuple[str, Markup]]:
        """Parameters with their ranges."""
        return [(name, inline(text, self.claim.id)) for name, text in self.claim.scope.items()]

    def convert(self) -> None:
        """Convert every formula now; raises FormulaError where one cannot be shown."""
        _ = self.title, self.statement, self.notes, self.scope

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Kind and verdict of each piece of evidence, each pair once."""
        return list(dict.fromkeys((piece["kind"], piece["verdict"]) for piece in self.evidence))

    @property
    def proved_on(self) -> list[str]:
        """What each proof or certificate covers, and how many of its steps are cited."""
        found = []
        for piece in self.of_kind("proof", "certificate"):
            if piece["verdict"] == "proved":
                cited = len(piece.get("cited", []))
                rest = f"; {cited} cited {'step' if cited == 1 else 'steps'}" if cited else ""
                found.append(f"{piece.get('scope') or 'scope not stated'}{rest}")
        return list(dict.fromkeys(found))

    @property
    def tightness(self) -> str:
        """The largest lhs/rhs that a search found."""
        found = [p["tightness"] for p in self.of_kind("search") if _finite(p.get("tightness"))]
        return number(max(found), 4) if found else _DASH

    @property
    def mutants(self) -> Row:
        """``total``, ``refuted`` and ``list`` of the mutants."""
        stored = self.result.get("mutants") or {}
        return {"total": 0, "refuted": 0, "list": [], **stored}

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What each command to reproduce the results shows, and the command."""
        name = shlex.quote(self.claim.id)
        start = "adageo"
        if self.entry.module.startswith("adageo_claims_"):
            start += f" --claims {shlex.quote(Path(self.entry.file).name)}"
        everything = "The results of this claim"
        if self.of_kind("monte-carlo", "scaling"):
            everything += (" (the same samples; the level of the intervals depends on the number "
                           "of tests in the run)")  # fmt: skip
        found = [(everything, f"{start} verify {name} --fresh{options(self.run)}")]
        if self.of_kind("proof", "certificate"):
            found.append(("The proof, step by step", f"{start} prove {name}"))
        if self.of_kind("search"):
            found.append(("The search for a counterexample", f"{start} falsify {name}"))
        return [*found, ("The figure", f"{start} figure {name} --format svg")]


def options(run: Row) -> str:
    """The options of ``adageo verify`` that repeat a run."""
    names = [name for name in ("budget", "seed", "backend") if run.get(name) is not None]
    return "".join(f" --{name} {shlex.quote(str(run[name]))}" for name in names)


def run_command(manifest: Row) -> str:
    """The command of the run as it was typed; empty where the manifest does not say."""
    words = manifest.get("argv") or []
    return f"adageo {shlex.join(map(str, words))}" if words else ""


def claim_views(report: Row, registry: Registry) -> list[ClaimView]:
    """Join the results with the registry, in natural order of the ids.

    Raises
    ------
    UnknownClaimError
        If a claim of the results is not registered.
    """
    run = report.get("manifest", {})
    views = [
        ClaimView(result, registry[result["id"]], f"claims/{result['id']}.html",
                  {**run, **result.get("run", {})})
        for result in report["claims"]
    ]  # fmt: skip
    return sorted(views, key=lambda view: natural(view.claim.id))


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key in which ``lemma-10`` comes after ``lemma-2``."""
    pieces = re.findall(r"\d+|\D+", text)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces]


def groups(
    views: Sequence[ClaimView], papers: Mapping[str, Paper | str]
) -> list[tuple[str, str, list[ClaimView]]]:
    """Heading, bibliographic entry and claims of each paper, in order of the claims' prefix."""
    found: list[tuple[str, str, list[ClaimView]]] = []
    for prefix in dict.fromkeys(view.claim.paper for view in views):
        members = [view for view in views if view.claim.paper == prefix]
        key = Counter(view.claim.source.paper for view in members).most_common(1)[0][0]
        paper = papers.get(key)
        heading = paper.title if isinstance(paper, Paper) else str(paper or key)
        found.append((heading, prefix, members))
    return found


def table(rows: Iterable[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and body of a table of estimates: parameters, estimate, interval, claimed, the rest."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in parameters(row)))
    measured = [name for name in _HEADINGS if any(name in row for row in rows)]
    extra = [name for name in ("verdict", "caveat") if any(row.get(name) for row in rows)]
    if any(row.get("device", "CPU") != "CPU" for row in rows):
        extra.append("device")
    head = [*names, *(_HEADINGS[name] for name in measured), *extra]
    body = [[_cell(row, name) for name in [*names, *measured, *extra]] for row in rows]
    return head, body


def fit_table(rows: Iterable[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and body of the points of a fit, each with its residual in standard errors."""
    head = ["x", "y", "standard error", "fitted", "residual / s.e."]
    body = [
        [*(number(row[name], 5) for name in ("x", "y", "se", "fitted")), _residual(row)]
        for row in rows
    ]
    return head, body


def _residual(row: Row) -> str:
    return number(round(residual(row), 2)) if row["se"] else _DASH


def details(piece: Row, shown: Iterable[str]) -> list[tuple[str, str]]:
    """The scalar details of a piece of evidence that a template does not show itself."""
    skip = {"kind", "check", "verdict", "summary", "seconds", *shown}
    names = {"n": "trials" if piece["kind"] == "monte-carlo" else "points", "p_value": "p-value"}
    return [
        (names.get(name, name.replace("_", " ")), _detail(name, value))
        for name, value in piece.items()
        if name not in skip and isinstance(value, str | int | float | bool)
    ]


def step_formula(step: Row, claim: str) -> Markup:
    """The formula of a proof step; as text where its LaTeX, made by machine, has no MathML."""
    latex = step.get("latex") or ""
    text = Markup("<code>{}</code>").format(step.get("claim", ""))
    if not latex:
        return text if step.get("claim") else Markup("")
    try:
        return Markup('<span class="display">{}</span>').format(
            to_mathml(latex, claim, display=True)
        )
    except FormulaError:
        return text


def number(value: Any, digits: int = 6) -> str:
    """A number as text with `digits` significant digits; a dash for a missing value."""
    if value is None:
        return _DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f") if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return "∞" if value > 0 else ("−∞" if value < 0 else _DASH)
        return f"{value:.{digits}g}".replace("-", "−")
    return str(value)


def instance(value: Any) -> list[tuple[str, str]]:
    """An instance as pairs of name and text; matrices one row a line."""
    if not isinstance(value, Mapping):
        return [("", _json_text(value))] if value else []
    return [(str(name), _json_text(item)) for name, item in value.items()]


def flatten(manifest: Row, prefix: str = "") -> list[tuple[str, str]]:
    """Nested values of a manifest as pairs of dotted name and text."""
    pairs: list[tuple[str, str]] = []
    for name, value in manifest.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            pairs.append((f"{prefix}{name}", text))
    return pairs


def _cell(row: Row, name: str) -> str:
    if name == "low":
        return f"[{number(row.get('low'))}, {number(row.get('high'))}]"
    value = row.get(name)
    return json.dumps(value) if isinstance(value, list | Mapping) else _detail(name, value)


def _detail(name: str, value: Any) -> str:
    return number(value, 2 if name == "p_value" else 6)


def _json_text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
        return "\n".join(json.dumps(item, ensure_ascii=False) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
