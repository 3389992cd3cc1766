"""The index behind ``adageo list``: what it may import, and that it says what the sources say."""

import json
import subprocess
import sys

import pytest

from simulations.app import listing
from simulations.app.cli import main
from theory.core import ClaimError, UnknownClaimError
from theory.core.registry import matching

# Each takes from a tenth of a second to a second to import.
HEAVY = ("cupy", "flint", "hypothesis", "matplotlib", "numba", "scipy.linalg", "scipy.optimize",
         "scipy.special", "scipy.stats", "sympy", "z3")  # fmt: skip
LISTING = """
import sys
from simulations.app.cli import main
status = main(["list", "--json", "--store", "no-such-store"])
print(status, *sorted(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


def test_a_listing_imports_nothing_heavy(tmp_path):
    rows = listing.listed()  # writes the index unless it is there
    found = subprocess.run(
        [sys.executable, "-c", LISTING.format(heavy=HEAVY)],
        capture_output=True, text=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert found.stderr.split() == ["0"]
    assert {row.pop("id"): row.pop("verdict") for row in json.loads(found.stdout)} == dict.fromkeys(
        rows
    )


@pytest.fixture
def index(tmp_path):
    return tmp_path / "kept" / "claims.json"


def test_the_index_says_what_the_sources_say(index):
    first = listing.listed(index=index)
    assert first == listing._discovered(())
    assert json.loads(index.read_text())["rows"] == first


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"checksum": "of another tree", "rows": {}}'])
def test_a_stale_or_damaged_index_is_made_again(index, damage):
    index.parent.mkdir()
    index.write_text(damage)
    rows = listing.listed(index=index)
    assert rows
    assert json.loads(index.read_text())["rows"] == rows


def test_a_valid_index_is_believed(index):
    listing.listed(index=index)
    kept = json.loads(index.read_text())
    kept["rows"] = {"planted/lemma-1": {"id": "planted/lemma-1"}}
    index.write_text(json.dumps(kept))
    assert list(listing.listed(index=index)) == ["planted/lemma-1"]


def test_any_edited_new_or_renamed_source_changes_the_checksum(tmp_path, monkeypatch):
    (tmp_path / "theory").mkdir()
    file = tmp_path / "theory" / "a.py"
    monkeypatch.setattr(listing, "_ROOT", tmp_path)
    seen = set()
    for content in ("x = 1\n", "x = 2\n"):
        file.write_text(content)
        seen.add(listing._checksum())
    (tmp_path / "theory" / "b.py").write_text("")
    seen.add(listing._checksum())
    file.rename(tmp_path / "theory" / "c.py")
    seen.add(listing._checksum())
    assert len(seen) == 4


def test_a_directory_that_cannot_be_written_keeps_no_index(tmp_path):
    (tmp_path / "kept").write_text("a file where the directory should be")
    assert listing.listed(index=tmp_path / "kept" / "claims.json") == listing._discovered(())


def test_claims_of_ones_own_are_discovered_and_not_kept(tmp_path, index):
    with pytest.raises(ClaimError, match=r"absent\.py: no such file"):
        listing.listed([str(tmp_path / "absent.py")], index=index)
    assert not index.exists()


def test_matching_sorts_and_names_the_nearest():
    assert matching(["b/2", "a/1", "b/1"], ["b/*", "*/1"]) == ["a/1", "b/1", "b/2"]
    with pytest.raises(UnknownClaimError, match=r"no claim matches 'b/3'; nearest: b/[12]"):
        matching(["a/1", "b/1", "b/2"], ["b/3"])


def test_a_wrong_pattern_is_one_line_and_status_2(tmp_path, capsys):
    assert main(["list", "egop/lemma-99", "--store", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("adageo: no claim matches 'egop/lemma-99'; nearest: ")
