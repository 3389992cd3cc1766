"""The static site: a page for every claim, and pages that go across claims."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simulations.app.report import tables
from simulations.app.report import views as show
from simulations.app.report.drawings import (
    Drawing,
    Drawings,
    claim_data,
    csv_text,
    draw_claims,
    drawing,
)
from simulations.app.report.mathml import inline, prose
from simulations.app.report.sources import source_files, source_links
from simulations.app.report.views import ClaimView, claim_views, groups
from simulations.engine.map_figure import figure_of
from simulations.engine.maps import all_rows, counts, devices
from theory.core import AdageoError, Entry, Registry
from theory.core.papers import PAPERS, Paper

PAGES = (
    ("index.html", "Claims"),
    ("errata.html", "Errata"),
    ("sharper.html", "Sharper results"),
    ("tightness.html", "Tightness"),
    ("mutants.html", "Mutants"),
    ("maps.html", "Maps"),
    ("benchmarks.html", "Benchmarks"),
    ("manifest.html", "This run"),
)
_MARKS = {"proved": "✓", "supported": "◐", "inconclusive": "?", "refuted": "✗", "error": "!"}
_STEP_MARKS = {"checked": "✓", "failed": "✗", "cited": "↗"}
CHECKSUMS = "SHA256SUMS"


class ReportError(AdageoError):
    """The site cannot be written; the text says where and why."""


def build(
    report: Mapping[str, Any],
    registry: Registry,
    out_dir: str | Path,
    papers: Mapping[str, Paper | str] = PAPERS,
    *,
    maps: Sequence[Mapping[str, Any]] = (),
    benchmarks: Sequence[Mapping[str, Any]] = (),
    workers: int = 1,
    files: tuple[str, ...] = (),
) -> list[Path]:
    """Write the site of one run and return its pages.

    Parameters
    ----------
    report : mapping
        What ``verify --json`` writes: ``manifest``, ``claims``, ``summary``. A claim may carry
        its own ``run`` (seed, budget, backend) where results of several runs are put together.
    registry : Registry
        Statements, sources, scopes, notes and checks of at least the claims of the report.
    out_dir : path
        Made if it does not exist; pages of the same name are replaced.
    papers : mapping from the keys of sources to bibliographic entries
        A key that is missing is printed as it stands.
    maps : sequence of mapping
        What ``adageo map`` writes as JSON and keeps in the store.
    benchmarks : sequence of mapping
        What ``adageo bench`` writes as JSON.
    workers, files : int, tuple of str
        Processes that draw, and what ``--claims`` named; see `draw_claims`.

    Returns
    -------
    list of Path
        Every page; the first is the index.

    Raises
    ------
    FormulaError
        If a statement, title, scope or note has a formula that does not convert to MathML.
    UnknownClaimError
        If a claim of the report is not registered.
    ReportError
        If `out_dir` cannot be written.
    """
    site = _Site(report, registry, papers)
    for view in site.views:
        view.convert()
    # Everything is rendered before anything is written: an error leaves an older site whole.
    drawings = draw_claims(report["claims"], registry, workers=workers, files=files)
    pages = dict(site.pages(drawings, maps, benchmarks))
    texts = {**pages, **site.files}
    texts[CHECKSUMS] = _checksums(texts)
    target = Path(out_dir)
    try:
        for name, text in texts.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ReportError(f"report {target}: {error.strerror or error}") from error
    return [target / name for name in pages]


def _checksums(files: Mapping[str, str]) -> str:
    """What ``sha256sum -c`` compares."""
    digests = ((hashlib.sha256(text.encode()).hexdigest(), name) for name, text in files.items())
    return "".join(f"{digest}  {name}\n" for digest, name in sorted(digests, key=lambda d: d[1]))


class _Site:
    """Pages and files of one report, by path relative to the root of the site."""

    def __init__(
        self, report: Mapping[str, Any], registry: Registry, papers: Mapping[str, Paper | str]
    ) -> None:
        self.registry = registry
        self.papers = papers
        self.views = claim_views(report, registry)
        self.by_id = {view.claim.id: view for view in self.views}
        self.files = {
            "style.css": _template_text("style.css"),
            "results.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n",
        }
        self.environment = _environment()
        self.environment.globals.update(
            bibliography=self._bibliography, manifest=report.get("manifest", {}),
            summary=report["summary"], papers=papers, pages=PAGES,
        )  # fmt: skip

    def pages(
        self,
        drawings: Mapping[str, Drawings],
        maps: Sequence[Mapping[str, Any]],
        benchmarks: Sequence[Mapping[str, Any]],
    ) -> Iterator[tuple[str, str]]:
        """Path and text of every page, the index first."""
        views, render = self.views, self._render
        errata = [(v, self._entry(v.claim.corrected_by)) for v in views
                  if v.claim.expected == "fails"
                  and v.result["verdict"] == "refuted"]  # fmt: skip
        sharper = [(v, self._entry(v.claim.sharpens)) for v in views if v.claim.sharpens]
        yield "index.html", render("index.html", "Claims", **self._overview())
        yield "errata.html", render("errata.html", "Errata", items=errata)
        yield "sharper.html", render("sharper.html", "Sharper results", items=sharper)
        yield (
            "tightness.html",
            render("tightness.html", "Tightness", rows=tables.tightness_rows(views)),
        )
        yield "mutants.html", render("mutants.html", "Mutants", views=views)
        yield "maps.html", render("maps.html", "Maps", maps=[self._map(found) for found in maps])
        yield "benchmarks.html", render(
            "benchmarks.html", "Benchmarks",
            cases=[(case, tables.benchmark_tables(case)) for case in benchmarks],
        )  # fmt: skip
        yield "manifest.html", render("manifest.html", "This run", runs=tables.runs(views))
        neighbours = dict(pairwise(v.claim.id for v in views))
        before = {after: name for name, after in neighbours.items()}
        for view in views:
            name = view.claim.id
            beside = [self.by_id.get(near.get(name, "")) for near in (before, neighbours)]
            yield view.path, self._claim_page(view, drawings[name], beside)

    def _overview(self) -> dict[str, Any]:
        views = self.views
        counts = Counter(view.result["verdict"] for view in views)
        kinds = Counter(kind for view in views for kind in {kind for kind, _ in view.kinds})
        return {
            "groups": groups(views, self.papers),
            "surprises": [view for view in views if not view.result["as_expected"]],
            "verdicts": [(name, counts[name]) for name in _MARKS if counts[name]],
            "kinds": sorted({view.claim.kind for view in views}),
            "evidence_kinds": sorted(kinds),
        }

    def _claim_page(
        self, view: ClaimView, drawn: Drawings, beside: Sequence[ClaimView | None]
    ) -> str:
        claim_id = view.claim.id
        folder = f"figures/{claim_id}"
        data = f"{folder}/data.csv"
        for one in (*drawn.figures, *drawn.fits.values()):
            self.files[f"{folder}/{one.name}.svg"] = one.file
        if drawn.figures or drawn.fits:
            self.files[data] = claim_data(view.entry, view.evidence)
        self.files.update(source_files(view.entry))
        return self._render(
            "claim.html", str(view.title.striptags()), view.path, view=view, drawn=drawn,
            folder=folder, data=data, sources=source_links(view.entry),
            previous=beside[0], following=beside[1],
            corrected=self._entry(view.claim.corrected_by),
            sharpened=self._entry(view.claim.sharpens),
            corrects=[v for v in self.views if v.claim.corrected_by == claim_id],
            sharper=[v for v in self.views if v.claim.sharpens == claim_id],
        )  # fmt: skip

    def _map(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """A stored map with its figure; table and figure are also files of their own."""
        axes = found["x"]["name"], found["y"]["name"]
        name = "-".join((found["claim"].replace("/", "-"), found["check"], *axes))
        drawn, rows = drawing(figure_of(found), name), all_rows(found)
        self.files[f"maps/{name}.svg"] = drawn.file
        self.files[f"maps/{name}.csv"] = csv_text(rows)
        self.files[f"maps/{name}.json"] = json.dumps(found, indent=1) + "\n"
        return {
            **found, "name": name, "drawn": drawn, "view": self.by_id.get(found["claim"]),
            "counts": counts(rows), "devices": devices(rows),
        }  # fmt: skip

    def _render(self, template: str, title: str, path: str | None = None, **context: Any) -> str:
        current = path or template
        root = "../" * current.count("/")
        return self.environment.get_template(template).render(
            page_title=f"{title} - adageo", current=current, root=root,
            reference=self._reference(root), **context,
        )  # fmt: skip

    def _entry(self, claim_id: str | None) -> Entry | None:
        return self.registry[claim_id] if claim_id else None

    def _reference(self, root: str) -> Callable[[Entry], Markup]:
        def reference(entry: Entry) -> Markup:
            view = self.by_id.get(entry.claim.id)
            title = inline(entry.claim.title, entry.claim.id)
            if view is None:
                return Markup("{} (<code>{}</code>, not part of this run)").format(
                    title, entry.claim.id
                )
            return Markup('<a href="{}{}">{}</a>').format(root, view.path, title)

        return reference

    def _bibliography(self, key: str, *, short: bool = False) -> Markup:
        paper = self.papers.get(key, key)
        if not isinstance(paper, Paper):
            return Markup("{}").format(paper)
        if short:
            names = ", ".join(name.split()[-1] for name in paper.authors)
            return Markup("{} ({})").format(names, paper.year)
        return Markup('{} ({}). <cite>{}</cite>. <a href="{}">{}</a>').format(
            ", ".join(paper.authors), paper.year, paper.title, paper.url, paper.url
        )


def _image(drawn: Drawing) -> Markup:
    return Markup(drawn.svg if drawn.has_pixels else drawn.themed)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("simulations.app.report"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        slug=lambda text: re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-"),
        capitalize_first=lambda text: text[:1].upper() + text[1:],
    )
    environment.globals.update(
        marks=_MARKS, step_marks=_STEP_MARKS, prose=prose, table=show.table,
        fit_table=show.fit_table, number=show.number, instance=show.instance,
        details=show.details, sections=tables.manifest_sections, image=_image,
        step_formula=show.step_formula, run_command=show.run_command,
        origin=lambda item: "derived in this project" if item == "beyond" else item,
    )  # fmt: skip
    return environment


def _template_text(name: str) -> str:
    folder = resources.files("simulations.app.report").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8")
