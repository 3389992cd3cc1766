"""The manual does what it says: its code runs, its outputs are those printed, its pages build."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulations.app.cli import main

DOCS = Path(__file__).parents[1] / "docs"
TUTORIAL = (DOCS / "tutorial" / "tutorial.md").read_text()
FINISHED = DOCS / "tutorial" / "steepest_descent.py"


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def adageo(capsys, claims, *arguments):
    status = main(["--claims", str(claims), *arguments])
    return status, capsys.readouterr()


@pytest.fixture(scope="module")
def first_guess(tmp_path_factory):
    path = tmp_path_factory.mktemp("tutorial") / "first_guess.py"
    path.write_text(blocks(TUTORIAL, "python")[0])
    return path


@pytest.mark.slow
def test_the_first_guess_falls_as_the_tutorial_says(first_guess, capsys, tmp_path):
    status, said = adageo(capsys, first_guess, "verify", "akaike/*", "--store", str(tmp_path))
    assert status == 1
    printed = " ".join(blocks(TUTORIAL, "text")[0].split())
    claimed = re.search(r"lhs - rhs = (\S+) in exact rationals", printed).group(1)
    assert f"lhs - rhs = {claimed} in exact rationals" in " ".join(
        said.err.split() + said.out.split()
    )


@pytest.mark.slow
def test_the_repair_is_supported_and_tight(first_guess, capsys, tmp_path):
    wrong, repaired = first_guess.read_text(), blocks(TUTORIAL, "python")[1]
    old = re.search(r"def contraction\(.*?\n\n\n", wrong, re.DOTALL).group(0)
    path = tmp_path / "repaired.py"
    path.write_text(wrong.replace(old, repaired + "\n\n"))
    status, said = adageo(capsys, path, "falsify", "akaike/theorem-1")
    assert status == 0
    assert "instances exercised, tightness 1\n" in said.out


@pytest.mark.slow
def test_the_finished_file_ends_as_the_tutorial_says(capsys, tmp_path):
    store = ("--store", str(tmp_path / "store"))
    status, said = adageo(capsys, FINISHED, "verify", "akaike/*", *store)
    assert status == 0
    assert "2 of 2 claims as expected, 4 of 4 mutants refuted" in said.out
    status, _ = adageo(capsys, FINISHED, "figure", "akaike/*", *store, "--out", str(tmp_path),
                       "--format", "svg")  # fmt: skip
    assert status == 0
    assert (tmp_path / "akaike_theorem-1.typical.svg").stat().st_size > 1000


def test_the_finished_file_contains_the_pieces_that_the_tutorial_shows():
    finished = FINISHED.read_text()
    for block in blocks(TUTORIAL, "python")[1:]:
        for function in re.split(r"\n\n\n", block.strip()):
            assert function in finished, function


def test_the_guide_for_pytest_suites_runs(tmp_path):
    guide = "\n".join(blocks((DOCS / "pytest.md").read_text(), "python"))
    (tmp_path / "test_guide.py").write_text(guide)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_guide.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(DOCS.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 passed" in run.stdout


def test_every_page_is_in_the_manual():
    listed = set(re.findall(r"^([\w/]+)$", (DOCS / "index.md").read_text(), re.MULTILINE))
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")
             if "_build" not in page.parts}  # fmt: skip
    assert pages == listed | {"index"}
