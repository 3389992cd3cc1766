"""Claims that need an optional package: left out by pattern, an error by name."""

import json

import pytest

from simulations.app.cli import main
from simulations.app.template import claim_template
from theory.core import EnvironmentLacksError, extras, is_installed, require_extra


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of two claims, one of which needs an extra that is not installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extras, "EXTRAS", {"nets": ("no_such_module_", "scikit-learn")})
    text = claim_template("me/lemma-1")
    needing = text.replace('    id="me/lemma-1",\n', '    id="me/lemma-1",\n    extra="nets",\n')
    assert needing != text
    file = tmp_path / "mine.py"
    file.write_text(needing)
    return str(file)


def test_a_run_without_the_extra_leaves_the_claim_out_and_says_so(mine, capsys):
    status = main(["--claims", mine, "verify", "me/*", "--workers", "1", "--json", "out.json"])
    printed = capsys.readouterr().out
    assert status == 0
    assert "1 of 1 claims as expected" in printed
    assert "LEFT OUT me/lemma-1: it needs scikit-learn (pip install 'adageo[nets]')" in printed
    with open("out.json") as file:
        report = json.load(file)
    assert [c["id"] for c in report["left_out"]] == ["me/lemma-1"]


def test_a_claim_asked_for_by_name_is_an_error(mine, capsys):
    assert main(["--claims", mine, "verify", "me/lemma-1"]) == 3
    told = capsys.readouterr().err.splitlines()[-1]
    assert "me/lemma-1 needs scikit-learn (pip install 'adageo[nets]')" in told


def test_presence_is_asked_of_the_import_system(monkeypatch):
    monkeypatch.setattr(extras, "EXTRAS", {"here": ("json", "json"), "gone": ("no_such_", "Gone")})
    assert is_installed("here")
    assert not is_installed("gone")
    require_extra("here", "anything")
    with pytest.raises(EnvironmentLacksError, match=r"anything needs Gone \(pip install"):
        require_extra("gone", "anything")
