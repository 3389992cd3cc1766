"""The static site: one page a claim, an index, errata, sharper results, mutants, manifest."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simulations.app.report import views as show
from simulations.app.report.mathml import inline, prose
from simulations.app.report.views import ClaimView, claim_views, groups
from simulations.engine.figures import FigureError, Results, data_table, draw_all, svg
from theory.core import AdageoError, Entry, Evidence, Registry
from theory.core.papers import PAPERS, Paper

PAGES = (
    ("index.html", "Claims"),
    ("errata.html", "Errata"),
    ("sharper.html", "Sharper results"),
    ("mutants.html", "Mutants"),
    ("manifest.html", "This run"),
)
_MARKS = {"proved": "✓", "supported": "◐", "inconclusive": "?", "refuted": "✗", "error": "!"}
_STEP_MARKS = {"checked": "✓", "failed": "✗", "cited": "↗"}


class ReportError(AdageoError):
    """The site cannot be written; the text says where and why."""


def build(
    report: Mapping[str, Any],
    registry: Registry,
    out_dir: str | Path,
    papers: Mapping[str, Paper | str] = PAPERS,
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
    # Everything is rendered before anything is written: an error leaves an older site whole.
    pages = dict(site.pages())
    target = Path(out_dir)
    try:
        for name, text in {**pages, **site.files}.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ReportError(f"report {target}: {error.strerror or error}") from error
    return [target / name for name in pages]


class _Site:
    """Pages and files of one report, by path relative to the root of the site."""

    def __init__(
        self, report: Mapping[str, Any], registry: Registry, papers: Mapping[str, Paper | str]
    ) -> None:
        self.report = report
        self.registry = registry
        self.papers = papers
        self.views = claim_views(report, registry)
        self.by_id = {view.claim.id: view for view in self.views}
        self.files = {"style.css": _template_text("style.css")}
        self.environment = _environment()
        self.environment.globals.update(
            bibliography=self._bibliography, manifest=report.get("manifest", {}),
            summary=report["summary"], papers=papers, pages=PAGES,
        )  # fmt: skip

    def pages(self) -> list[tuple[str, str]]:
        """Path and text of every page, the index first."""
        surprises = [view for view in self.views if not view.result["as_expected"]]
        errata = [(v, self._entry(v.claim.corrected_by)) for v in self.views
                  if v.claim.expected == "fails"
                  and v.result["verdict"] == "refuted"]  # fmt: skip
        sharper = [(v, self._entry(v.claim.sharpens)) for v in self.views if v.claim.sharpens]
        grouped = groups(self.views, self.papers)
        render = self._render
        return [
            ("index.html", render("index.html", "Claims", groups=grouped, surprises=surprises)),
            ("errata.html", render("errata.html", "Errata", items=errata)),
            ("sharper.html", render("sharper.html", "Sharper results", items=sharper)),
            ("mutants.html", render("mutants.html", "Mutants", views=self.views)),
            ("manifest.html", render("manifest.html", "This run")),
            *((view.path, self._claim_page(view)) for view in self.views),
        ]

    def _claim_page(self, view: ClaimView) -> str:
        claim_id = view.claim.id
        evidence = [Evidence.from_json(piece) for piece in view.evidence]
        figures, no_figure = _figures(view.entry, evidence)
        data = f"data/{claim_id}.csv"
        if figures:
            self.files[data] = _csv(data_table(Results(view.claim, tuple(evidence))))
        return self._render(
            "claim.html", str(view.title.striptags()), view.path, view=view, figures=figures,
            no_figure=no_figure, data=data,
            corrected=self._entry(view.claim.corrected_by),
            sharpened=self._entry(view.claim.sharpens),
            corrects=[v for v in self.views if v.claim.corrected_by == claim_id],
            sharper=[v for v in self.views if v.claim.sharpens == claim_id],
        )  # fmt: skip

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


def _figures(
    entry: Entry, evidence: Sequence[Evidence]
) -> tuple[list[tuple[str, Markup]], str | None]:
    """Caption and image of each figure, or the reason why there is none."""
    try:
        drawn = draw_all(entry, evidence)
    except FigureError as error:
        return [], str(error)
    return [
        (str(made.get_label()).partition("\n")[0], Markup(svg(made, f"figure-{name}")))
        for name, made in drawn.items()
    ], None


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


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
        number=show.number, instance=show.instance, details=show.details, flatten=show.flatten,
        step_formula=show.step_formula, run_command=show.run_command,
        origin=lambda item: "derived in this project" if item == "beyond" else item,
    )  # fmt: skip
    return environment


def _template_text(name: str) -> str:
    folder = resources.files("simulations.app.report").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8")
