"""Pages across claims, sources, checksums, and the command that writes them from a store."""

import copy
import csv
import hashlib
import json
import pickle
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import html5lib
import numpy as np
import pytest
from real_report import REAL, real_store
from synthetic_report import synthetic, synthetic_benchmark, synthetic_map

from simulations.app.cli import main
from simulations.app.report import build, tables, views
from simulations.app.report.drawings import Drawing, compact, draw_claims, draw_task
from simulations.app.report.sources import source_files, source_links
from simulations.app.results import save_map, stored_maps
from simulations.app.work import registry as whole_registry
from simulations.engine.store import Store


class Text(HTMLParser):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(file.read_text())

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r" ([,.])", r"\1", " ".join(" ".join(self.words).split()))


@pytest.fixture(scope="module")
def synthetic_site(tmp_path_factory):
    report, registry = synthetic()
    folder = tmp_path_factory.mktemp("site")
    maps = [synthetic_map(), refined_map()]
    build(report, registry, folder, maps=maps, benchmarks=[synthetic_benchmark()])
    return folder


def refined_map():
    """The synthetic map after one stage: two of its small cells were measured, on a GPU."""
    coarse = synthetic_map()
    new = [{**coarse["cells"][4], "alpha": alpha, "device": "toy GPU"} for alpha in (1.25, 1.5)]
    shown = np.arange(6).reshape(3, 2).repeat(2, axis=0).repeat(2, axis=1)
    shown[4, :2] = 6, 7
    stage = {"stage": 1, "levels": [2.5e-5], "cells": new, "shown": shown.tolist()}
    return {**coarse, "check": "refined", "refinement": stage}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The site that the command writes from a store with a few claims and a map."""
    folder = tmp_path_factory.mktemp("real")
    store, site = str(folder / "store"), folder / "site"
    shutil.copytree(real_store(), store)
    found = {**synthetic_map(), "claim": REAL[0], "check": "mass",
             "x": {"name": "d", "values": [1.0, 2.0], "log": False},
             "y": {"name": "sigma_off", "values": [0.1, 1.0, 10.0], "log": True}}  # fmt: skip
    with Store(store) as opened:
        save_map(opened, found)
    (folder / "bench").mkdir()
    (folder / "bench" / "toy-steps.json").write_text(json.dumps(synthetic_benchmark()))
    options = ["--benchmarks", str(folder / "bench"), "--workers", "1"]
    assert main(["report", "--store", store, "--out", str(site), *options]) == 0
    return store, site


def test_tightness_has_the_loosest_bound_first(synthetic_site):
    text = Text(synthetic_site / "tightness.html").text
    assert "0 of 2 bounds are attained up to rounding" in text
    assert "0.99979" in text
    assert "1873" in text
    report, registry = copy.deepcopy(synthetic()[0]), synthetic()[1]
    for result, ratio in zip(report["claims"][:2], (1.0 - 1e-9, 0.25), strict=True):
        piece = next(p for p in result["evidence"] if p["kind"] == "search")
        piece["tightness"] = ratio
    rows = tables.tightness_rows(views.claim_views(report, registry))
    assert [(row.ratio, row.attained) for row in rows] == [(0.25, False), (1.0 - 1e-9, True)]


def test_a_map_has_figure_counts_and_data(synthetic_site):
    text = Text(synthetic_site / "maps.html").text
    for part in ("supported 4 cells", "refuted 1 cell", "error 1 cell", "law gauss",
                 "adageo map toy-norms/lemma-2"):  # fmt: skip
        assert part in text, part
    assert "inconclusive" not in text
    name = "toy-norms-lemma-2-share-alpha-eta"
    rows = list(csv.DictReader((synthetic_site / f"maps/{name}.csv").read_text().splitlines()))
    assert [row["verdict"] for row in rows] == ["supported"] * 4 + ["refuted", "error"]
    assert json.loads((synthetic_site / f"maps/{name}.json").read_text())["level"] == 1e-4
    page = (synthetic_site / "maps.html").read_text()
    assert 'class="plot paper"' in page
    assert "var(--c" not in page


def test_a_refined_map_has_all_its_cells_and_the_level_of_each_stage(synthetic_site):
    text = Text(synthetic_site / "maps.html").text
    plain, refined = text.split("measurement refined", 1)
    for part in ("refuted 3 cells", "cells asked for 6", "cells of the refinement 2",
                 "level of a cell asked for 0.0001", "level of a cell of stage 1 2.5e\u221205",
                 "measured on toy GPU"):  # fmt: skip
        assert part in refined, part
        assert part not in plain, part
    name = "toy-norms-lemma-2-refined-alpha-eta"
    rows = list(csv.DictReader((synthetic_site / f"maps/{name}.csv").read_text().splitlines()))
    assert [row["alpha"] for row in rows] == ["1.0", "2.0"] * 3 + ["1.25", "1.5"]
    assert [row["device"] for row in rows] == [""] * 6 + ["toy GPU"] * 2


def test_benchmarks_have_intervals_beside_their_medians(synthetic_site):
    text = Text(synthetic_site / "benchmarks.html").text
    assert "median (µs)" in text
    assert "theirs & others 20 000 4.5 [4.25, 4.75] 3 [2.9, 3.1]" in text
    assert "optimizer adam, d 64" in text
    assert "hardware.cpu a processor" in text
    assert "ratio low" not in text


def test_a_file_that_is_no_benchmark_is_named(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(tables.BenchmarkFileError, match=r"a\.json: it has no 'case'"):
        tables.load_benchmarks(tmp_path)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(tables.BenchmarkFileError, match=r"a\.json: cannot be read"):
        tables.load_benchmarks(tmp_path)
    assert tables.load_benchmarks(tmp_path / "none") == []
    assert tables.load_benchmarks(tmp_path, strict=False) == []


def test_scaling_has_its_fit_and_its_residuals(synthetic_site):
    page = Text(synthetic_site / "claims/toy-norms/lemma-2.html").text
    assert "exponent = −1.002" in page
    # y = 3.03/8 against 3/8 fitted, with a standard error of 0.02/8.
    assert "8 0.37875 0.0025 0.375 1.5" in page
    assert "Fit of scaling_check with its residuals" in page
    assert (synthetic_site / "figures/toy-norms/lemma-2/fit-scaling_check.svg").is_file()


def test_checksums_hold_for_every_file(synthetic_site):
    lines = (synthetic_site / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {f for f in synthetic_site.rglob("*") if f.is_file() and f.name != "SHA256SUMS"}
    assert set(listed) == {f.relative_to(synthetic_site).as_posix() for f in files}
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert listed[file.relative_to(synthetic_site).as_posix()] == digest


def test_results_are_beside_the_pages(synthetic_site):
    assert json.loads((synthetic_site / "results.json").read_text()) == synthetic()[0]


def test_a_figure_is_a_file_of_its_own(synthetic_site):
    files = sorted((synthetic_site / "figures").rglob("*.svg"))
    assert files
    for file in files:
        text = file.read_text()
        assert text.startswith("<?xml")
        assert "<title" in text
        assert "<desc" in text
        assert "var(--" not in text


def test_themed_colours_keep_their_values_as_fallback():
    drawn = Drawing("a", "b", '<svg><path style="fill: #0072B2; stroke: #123456"/></svg>')
    assert drawn.themed == (
        '<svg><path style="fill: var(--c0072b2, #0072B2); stroke: #123456"/></svg>'
    )


def test_rounding_moves_no_point_by_a_hundredth():
    text = '<path d="M 12.34567 -8.999999 L 1e3 .5"/>'
    rounded = [float(n) for n in re.findall(r"-?\d*\.?\d+(?:e\d+)?", compact(text))]
    assert rounded == pytest.approx([12.34567, -8.999999, 1e3, 0.5], rel=0, abs=0.01)


def test_what_a_worker_does_travels_and_is_the_same():
    registry = whole_registry()
    results = [{"id": "adaptive-norms/lemma-3", "evidence": [
        {"kind": "search", "check": "one", "verdict": "supported", "summary": "s", "seconds": 0.0,
         "ratios": [0.1, 0.5, 1.0], "tightness": 1.0}]}]  # fmt: skip
    task = pickle.dumps(((), results[0]["id"], results[0]["evidence"]))
    there = pickle.loads(pickle.dumps(draw_task(pickle.loads(task))))
    assert {results[0]["id"]: there} == draw_claims(results, registry)


def test_the_site_of_real_claims(real):
    _, site = real
    for file in site.rglob("*.html"):
        html5lib.HTMLParser(strict=True).parse(file.read_text())
    index = Text(site / "index.html").text
    assert "4 of 4 claims ended as expected" in index
    assert "Corrected" in Text(site / "errata.html").text
    assert "0.707107" in Text(site / "tightness.html").text
    assert "supported 4 cells" in Text(site / "maps.html").text
    assert "toy-steps" in Text(site / "benchmarks.html").text
    page = Text(site / "claims/adaptive-norms/proposition-1.html").text
    assert "Statement theory/adaptive_norms/diagonal_share.py line" in page
    assert "simulations/adaptive_norms/diagonal_share.py" in page


def test_sources_are_copied_with_the_line_of_the_claim(real):
    _, site = real
    entry = whole_registry()["adaptive-norms/proposition-1"]
    first = source_links(entry)[0]
    copy = (site / first.path).read_text()
    assert copy == Path(entry.file).read_text()
    assert '"adaptive-norms/proposition-1"' in copy.splitlines()[first.line - 1]
    assert set(source_files(entry)) == {link.path for link in source_links(entry)}


def test_a_claim_from_a_file_does_not_tell_where_it_lies():
    _, registry = synthetic()
    entry = registry["toy-norms/lemma-4"]
    own = type(entry)(entry.claim, "adageo_claims_mine_0", "/home/someone/mine.py", ())
    (link,) = source_links(own)
    assert (link.name, link.line, link.path) == ("mine.py", 0, "")


def test_only_the_maps_of_the_chosen_claims_are_shown(real):
    with Store.existing(real[0]) as store:
        assert len(stored_maps(store, whole_registry().select([REAL[0]]))) == 1
        assert stored_maps(store, whole_registry().select([REAL[1]])) == []


def test_a_pattern_chooses_the_claims_of_the_site(real, tmp_path):
    assert main(["report", "egop/*", "--store", real[0], "--out", str(tmp_path)]) == 0
    assert "1 of 1 claims ended as expected" in Text(tmp_path / "index.html").text


def test_a_missing_benchmark_folder_is_an_error(real, tmp_path, capsys):
    missing = str(tmp_path / "none")
    assert main(["report", "--store", real[0], "--benchmarks", missing]) == 2
    told = f"adageo: --benchmarks {missing}: there is no such directory\n"
    assert capsys.readouterr().err == told
