"""The site: every page valid, linked, self-contained; every part of the evidence on its page."""

import copy
import csv
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from synthetic_report import synthetic, synthetic_benchmark, synthetic_map

from simulations.app.report import FormulaError, build, views
from simulations.app.report.site import ReportError
from theory.core import Claim, Entry, UnknownClaimError
from theory.core.papers import PAPERS, Paper

PAPER = "Adaptive norms for deep learning with regularized Newton methods"
# Names of namespaces, not addresses of anything that is loaded.
NAMESPACES = ("http://www.w3.org/",)


class Page(HTMLParser):
    """What the tests ask of a page: tags with attributes, in order, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def of(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def text(self) -> str:
        words = (word for word in self.words if '"use strict"' not in word)
        return re.sub(r" ([,.])", r"\1", " ".join(" ".join(words).split()))


def extras():
    return {"maps": [synthetic_map()], "benchmarks": [synthetic_benchmark()]}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    report, registry = synthetic()
    folder = tmp_path_factory.mktemp("site")
    return folder, build(report, registry, folder, **extras())


@pytest.fixture(scope="module")
def pages(site):
    return {file.relative_to(site[0]).as_posix(): Page(file.read_text()) for file in site[1]}


def test_every_page_is_there(pages):
    general = ["index", "errata", "sharper", "tightness", "mutants", "maps", "benchmarks",
               "manifest"]  # fmt: skip
    assert list(pages)[:8] == [f"{name}.html" for name in general]
    names = ["lemma-2", "lemma-3", "lemma-3.repaired", "lemma-4", "lemma-10"]
    assert list(pages)[8:] == [f"claims/toy-norms/{name}.html" for name in names]


def test_html_is_valid(site):
    for file in site[1]:
        html5lib.HTMLParser(strict=True).parse(file.read_text())


def test_names_are_unique_and_labels_refer_to_them(pages):
    for path, page in pages.items():
        names = [a["id"] for _, a in page.tags if "id" in a]
        assert len(names) == len(set(names)), path
        labels = [n for _, a in page.tags for n in a.get("aria-labelledby", "").split()]
        assert set(labels) <= set(names), path


def test_internal_links_resolve(site, pages):
    folder = site[0]
    for path, page in pages.items():
        for attributes in page.of("a", "link"):
            parts = urlsplit(attributes["href"])
            if parts.scheme == "data":
                continue
            if parts.scheme:
                assert (parts.scheme, parts.netloc) == ("https", "arxiv.org")
                continue
            target = (folder / path).parent / unquote(parts.path) if parts.path else folder / path
            assert target.resolve().is_file(), (path, attributes["href"])
            if parts.fragment and "=" not in parts.fragment:
                assert f'id="{parts.fragment}"' in target.read_text()


def test_every_page_and_file_can_be_reached_from_the_index(site, pages):
    seen, waiting = set(), ["index.html"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for attributes in pages[path].of("a", "link") if path in pages else []:
            target = urlsplit(attributes["href"])
            if target.path and not target.scheme:
                found = ((site[0] / path).parent / unquote(target.path)).resolve()
                waiting.append(found.relative_to(site[0].resolve()).as_posix())
    assert seen == {f.relative_to(site[0]).as_posix() for f in site[0].rglob("*") if f.is_file()}


def test_nothing_is_loaded_and_only_the_filters_run(site, pages):
    for path, page in pages.items():
        assert not page.of("iframe", "object", "embed", "img", "base", "style"), path
        scripted = path == "index.html"
        assert len(page.of("script")) == len(page.of("form")) == scripted, path
        assert all(not attributes for attributes in page.of("script")), path
        assert not [a for _, a in page.tags if any(key.startswith("on") for key in a)], path
        for _, attributes in page.tags:
            for key, value in attributes.items():
                if key not in ("href", "xmlns", "xmlns:xlink") and "data:" not in (value or "")[:5]:
                    assert "//" not in (value or "") or key == "class", (path, key, value)
    css = (site[0] / "style.css").read_text()
    assert "url(" not in css
    assert "@import" not in css
    for file in (f for f in site[0].rglob("*") if f.is_file() and "source" not in f.parts):
        addresses = re.findall(r"http[^\"'\s<)]*", file.read_text())
        assert all(a.startswith((*NAMESPACES, "https://arxiv.org/abs/")) for a in addresses), file


def test_headings_descend_by_one(pages):
    for path, page in pages.items():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), path


def test_tables_and_figures_can_be_read_aloud(pages):
    for page in pages.values():
        assert all("scope" in attributes for attributes in page.of("th"))
        assert len(page.of("table")) == len(page.of("caption"))
        for attributes in page.of("svg"):
            assert attributes["role"] == "img"
            assert attributes["aria-labelledby"]
    assert len(pages["claims/toy-norms/lemma-2.html"].of("svg")) == 3


def test_no_latex_is_left(pages):
    for path, page in pages.items():
        assert not re.search(r"\\[A-Za-z]+|\$", page.text), path


def test_index_has_verdict_evidence_tightness(pages):
    text = pages["index.html"].text
    assert PAPER in text
    assert "3 of 5 claims ended as expected" in text
    assert "0.9998" in text
    assert "proof, search (supported), monte-carlo (supported), scaling (supported)" in text
    assert text.count("not as expected") == 2
    assert "✓ proved all d; 1 cited step" in text
    assert text.index("lemma-3.repaired") < text.index("toy-norms/lemma-10")


def test_claim_page_has_everything(pages):
    text = pages["claims/toy-norms/lemma-2.html"].text
    for part in (
        "Lemma 1, eq. (4), (5)", "Jonas Kohler, Leonard Adolphs, Aurelien Lucchi (2019)",
        "d >= 1", "A is positive definite", "complete the square", "rule identity",
        "both sides are squares", "Cited, not proved here: Cauchy-Schwarz",
        "(the statement itself)", "lhs <= rhs", "0.99979", "exact rationals",
        "[0.24825, 0.25275]", "half the constant",
        "lhs = 2 > 1 = rhs", "Sharpened by Invented statement lemma-10",
        "adageo verify toy-norms/lemma-2 --fresh --budget quick --seed 7 --backend numpy",
        "adageo prove toy-norms/lemma-2", "adageo falsify toy-norms/lemma-2",
    ):  # fmt: skip
        assert part in text, part


def test_a_piece_without_data_is_summarised_and_escaped(pages):
    page = pages["claims/toy-norms/lemma-4.html"]
    assert "a proof that ended error: 1 < 2 & 3 > 2" in page.text
    assert "Theorem <1>" in page.text
    assert "anybody1900" in page.text


def test_errata_and_sharper_results_link_both_ways(pages):
    errata = pages["errata.html"]
    hrefs = [a["href"] for a in errata.of("a")]
    assert "claims/toy-norms/lemma-3.html" in hrefs
    assert "claims/toy-norms/lemma-3.repaired.html" in hrefs
    assert "Refuted by certificate certificate_check" in errata.text
    sharper = [a["href"] for a in pages["sharper.html"].of("a")]
    assert {"claims/toy-norms/lemma-10.html", "claims/toy-norms/lemma-2.html"} <= set(sharper)
    assert "Corrects Invented" in pages["claims/toy-norms/lemma-3.repaired.html"].text


def test_mutants_and_manifest(pages):
    assert pages["mutants.html"].text.count("✓ refuted") == 3
    assert pages["mutants.html"].text.count("✗ survives") == 2
    manifest = pages["manifest.html"].text
    assert "versions.python 3.11" in manifest
    assert "adageo verify 'toy-norms/*'" in manifest
    assert "Faster Adaptive Optimization" in manifest


def test_data_behind_the_figures(site):
    file = site[0] / "figures/toy-norms/lemma-2/data.csv"
    rows = list(csv.DictReader(file.read_text().splitlines()))
    kinds = [row["kind"] for row in rows]
    assert [kinds.count(k) for k in ("proof", "search", "monte-carlo", "scaling")] == [3, 101, 6, 6]


def test_the_same_report_gives_the_same_bytes(site, tmp_path):
    report, registry = synthetic()
    build(report, registry, tmp_path, **extras())
    for file in (f for f in site[0].rglob("*") if f.is_file()):
        assert (tmp_path / file.relative_to(site[0])).read_bytes() == file.read_bytes(), file


def _with(registry, **changes):
    entry = registry["toy-norms/lemma-4"]
    fields = {n: getattr(entry.claim, n) for n in Claim.__dataclass_fields__} | changes
    registry.entries[entry.claim.id] = Entry(Claim(**fields), entry.module, entry.file, ())


@pytest.mark.parametrize(
    "changes", [{"statement": r"$\foo$"}, {"title": "$x"}, {"notes": r"$\foo$"},
                {"scope": {"d": r"$\foo$"}}]
)  # fmt: skip
def test_a_formula_that_does_not_convert_stops_the_report_before_it_writes(changes, tmp_path):
    report, registry = synthetic()
    _with(registry, **changes)
    with pytest.raises(FormulaError, match=r"^toy-norms/lemma-4: "):
        build(report, registry, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_unknown_claim_and_unwritable_folder(tmp_path):
    report, registry = synthetic()
    strange = copy.deepcopy(report)
    strange["claims"][0]["id"] = "toy-norms/nothing"
    with pytest.raises(UnknownClaimError, match="toy-norms/nothing"):
        build(strange, registry, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match=r"^report .*file"):
        build(report, registry, tmp_path / "file")


def test_a_part_of_a_run_names_what_is_not_in_it(tmp_path):
    report, registry = synthetic()
    report["claims"] = [c for c in report["claims"] if c["id"] == "toy-norms/lemma-3"]
    build(report, registry, tmp_path)
    text = Page((tmp_path / "errata.html").read_text()).text
    assert "toy-norms/lemma-3.repaired, not part of this run" in text


def test_papers_may_be_text(tmp_path):
    report, registry = synthetic()
    papers = {"kohler2019": PAPERS["kohler2019"], "anybody1900": "Anybody <1900>, in print"}
    build(report, registry, tmp_path, papers)
    page = Page((tmp_path / "claims/toy-norms/lemma-4.html").read_text())
    assert "Anybody <1900>, in print" in page.text


def test_commands_of_a_claim_from_a_file_and_of_another_run():
    report, registry = synthetic()
    entry = registry["toy-norms/lemma-4"]
    registry.entries[entry.claim.id] = Entry(
        entry.claim, "adageo_claims_mine_0", "/home/someone/my claim.py", ()
    )
    report["claims"][-1]["run"] = {"seed": 11}
    view = {v.claim.id: v for v in views.claim_views(report, registry)}[entry.claim.id]
    assert view.commands[0][1] == (
        "adageo --claims 'my claim.py' verify toy-norms/lemma-4 --fresh "
        "--budget quick --seed 11 --backend numpy"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (3, "3"), (120_000, "120\u202f000"), (0.25, "0.25"), (1e-7, "1e−07"),
     (-1.5, "−1.5"), (float("inf"), "∞"), (float("nan"), "–"), (True, "yes"), ("a", "a")],
)  # fmt: skip
def test_numbers(value, text):
    assert views.number(value) == text


def test_tables_tell_trials_from_parameters():
    row = {"n": 8, "trials": 100, "estimate": 1.0, "low": 0.9, "high": None, "claimed": 1.0}
    head, body = views.table([row])
    assert head == ["n", "trials", "estimate", "interval", "claimed"]
    assert body == [["8", "100", "1", "[0.9, –]", "1"]]
    head, body = views.table([{"d": 2, "trials": 100, "estimate": 1.0, "caveat": "few"}])
    assert (head, body) == (["d", "trials", "estimate", "caveat"], [["2", "100", "1", "few"]])


def test_details_name_what_they_count():
    pairs = views.details({"kind": "scaling", "n": 6, "p_value": 0.31642, "rows": [1]}, [])
    assert pairs == [("points", "6"), ("p-value", "0.32")]
    assert views.details({"kind": "monte-carlo", "n": 6, "of": "x"}, ["of"]) == [("trials", "6")]


def test_natural_order():
    names = ["lemma-10", "lemma-2.b", "lemma-2"]
    assert sorted(names, key=views.natural) == ["lemma-2", "lemma-2.b", "lemma-10"]


def test_papers_have_what_a_reader_needs():
    for key, paper in PAPERS.items():
        assert isinstance(paper, Paper)
        assert paper.key == key
        assert str(paper).startswith(paper.authors[0])
        assert key == f"{paper.authors[0].split()[-1].lower()}{paper.year}"
        assert re.fullmatch(r"https://arxiv\.org/abs/\d{4}\.\d{5}", paper.url)


def test_templates_are_shipped():
    import tomllib

    root = Path(__file__).parents[2]
    data = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert data["package-data"]["simulations.app.report"] == ["templates/*"]
