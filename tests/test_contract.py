"""What every claim of the suite must satisfy; a new claim edits nothing here."""

import math
import re

import pytest

from simulations.app.cli import main
from simulations.app.work import registry
from simulations.engine.figures import draw, save
from theory.core import Evidence
from theory.core.papers import PAPERS

ENTRIES = {entry.claim.id: entry for entry in registry().select()}
CLAIM_IDS = sorted(ENTRIES)


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """One quick run of the whole suite, through the command line."""
    import json

    folder = tmp_path_factory.mktemp("verify")
    status = main(
        ["verify", "--workers", "2", "--store", str(folder / "store"),
         "--json", str(folder / "out.json"), "--report", str(folder / "site")]
    )  # fmt: skip
    report = json.loads((folder / "out.json").read_text())
    return {"status": status, "report": report, "site": folder / "site",
            "claims": {claim["id"]: claim for claim in report["claims"]}}  # fmt: skip


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_source_is_in_the_bibliography(claim_id):
    claim = ENTRIES[claim_id].claim
    assert claim.source.paper in PAPERS


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_links_lead_somewhere(claim_id):
    claim = ENTRIES[claim_id].claim
    for other in (claim.corrected_by, claim.sharpens):
        assert other is None or other in ENTRIES
    assert (claim.expected != "fails") or claim.corrected_by


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_public_formula_is_documented(claim_id):
    formula = ENTRIES[claim_id].claim.formula
    assert formula.__doc__, f"{formula.__name__} has no docstring"


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_verdict_is_as_expected(claim_id, results):
    claim = results["claims"][claim_id]
    assert claim["as_expected"], [piece["summary"] for piece in claim["evidence"]]
    assert claim["undecided"] == []


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_every_mutant_is_refuted(claim_id, results):
    survivors = [m for m in results["claims"][claim_id]["mutants"]["list"] if not m["refuted"]]
    assert survivors == []


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_quick_run_is_quick(claim_id, results):
    claim = results["claims"][claim_id]
    seconds = claim["seconds"] + math.fsum(m["seconds"] for m in claim["mutants"]["list"])
    assert seconds < 20


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_figure_renders(claim_id, results, tmp_path):
    pieces = [Evidence.from_json(piece) for piece in results["claims"][claim_id]["evidence"]]
    save(draw(ENTRIES[claim_id], pieces), tmp_path / "figure", ["svg"])
    text = (tmp_path / "figure.svg").read_text()
    assert re.search(r"<(path|text|use)\b", text)


def test_the_run_as_a_whole(results):
    assert results["status"] == 0
    summary = results["report"]["summary"]
    assert summary["claims"] == summary["as_expected"] == len(ENTRIES)
    assert summary["mutants"] == summary["mutants_refuted"] >= 2 * len(ENTRIES)


def test_the_report_has_a_page_for_every_claim(results):
    index = (results["site"] / "index.html").read_text()
    missing = [claim_id for claim_id in CLAIM_IDS if claim_id not in index]
    assert missing == []
