"""Discovery: files, malformed claims, unknown names."""

import importlib.metadata

import pytest

from theory.core import ClaimError, UnknownClaimError, discover

CLAIM = """
from theory.core import Claim, Source, check_decorator

def square(x):
    return 0 * x, x * x

mine = Claim(id="{id}", title="Squares", kind="inequality", statement="$0 <= x^2$",
             source=Source("me", item="Lemma 1"), scope={{"x": "real"}}, formula=square,
             mutants={{"negated": lambda x: (x * x, 0 * x)}})
"""
EVIDENCE = """
@check_decorator("search", mine)
def attack_it():
    return None
"""


def write(folder, text, name="claims_of_mine.py"):
    file = folder / name
    file.write_text(text)
    return file


def test_file_outside_the_project_is_found_with_its_checks(tmp_path):
    file = write(tmp_path, CLAIM.format(id="me/lemma-1") + EVIDENCE)
    registry = discover([], [file])
    entry = registry["me/lemma-1"]
    assert [check.name for check in entry.of_kind("search")] == ["attack_it"]
    assert entry.file == str(file)
    assert [e.claim.id for e in registry.select(["me/*"])] == ["me/lemma-1"]


def test_claim_without_evidence_is_refused(tmp_path):
    with pytest.raises(ClaimError, match="me/lemma-2: no evidence"):
        discover([], [write(tmp_path, CLAIM.format(id="me/lemma-2"))])


def test_claim_that_stands_twice_is_refused(tmp_path):
    text = CLAIM.format(id="me/lemma-3") + EVIDENCE
    files = [write(tmp_path, text, "a.py"), write(tmp_path, text, "b.py")]
    with pytest.raises(ClaimError, match="me/lemma-3"):
        discover([], files)


def test_unknown_names_offer_the_nearest(tmp_path):
    registry = discover([], [write(tmp_path, CLAIM.format(id="me/lemma-4") + EVIDENCE)])
    with pytest.raises(UnknownClaimError, match="'me/lema-4'; nearest: me/lemma-4"):
        registry["me/lema-4"]
    with pytest.raises(UnknownClaimError, match="nearest: me/lemma-4"):
        registry.select(["you/*"])


@pytest.mark.parametrize(
    ("text", "told"),
    [("import nothing_like_this", "ModuleNotFoundError"), ("1 +", "SyntaxError")],
)
def test_broken_file_is_named(tmp_path, text, told):
    file = write(tmp_path, text)
    with pytest.raises(ClaimError, match=told) as caught:
        discover([], [file])
    assert str(file) in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ClaimError, match="no such file"):
        discover([], [tmp_path / "absent.py"])


def test_check_needs_a_claim():
    from theory.core import check_decorator

    with pytest.raises(ClaimError, match="@proof: its first argument is 'lemma'"):
        check_decorator("proof", "lemma")


def offer(monkeypatch, value):
    """Install one plugin in the group, as far as the registry can see."""
    point = importlib.metadata.EntryPoint("mine", value, "adageo.claims")
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == point.group else []
    )


def test_claims_of_an_installed_plugin_are_found(tmp_path, monkeypatch):
    write(tmp_path, CLAIM.format(id="plugin/lemma-1") + EVIDENCE, "plugin_of_somebody.py")
    monkeypatch.syspath_prepend(tmp_path)
    offer(monkeypatch, "plugin_of_somebody")
    assert discover([])["plugin/lemma-1"].module == "plugin_of_somebody"


def test_broken_plugin_is_named(monkeypatch):
    offer(monkeypatch, "no_such_package.claims")
    with pytest.raises(ClaimError, match=r"plugin mine \(no_such_package.claims\): Module"):
        discover([])
