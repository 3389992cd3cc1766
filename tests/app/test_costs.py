"""The tables of ``verify --profile``."""

from simulations.app.cli import main
from simulations.app.costs import by_kind, dearest
from simulations.app.template import claim_template


def _claim(name, pieces, mutants):
    return {
        "id": name,
        "evidence": [{"kind": kind, "check": f"by_{kind}", "seconds": s} for kind, s in pieces],
        "mutants": {"list": [{"seconds": s} for s in mutants]},
    }


REPORT = {"claims": [_claim("a/1", [("proof", 1.0), ("search", 4.0)], [0.5, 0.25]),
                     _claim("a/2", [("search", 8.0)], [16.0])]}  # fmt: skip


def test_seconds_add_up_by_kind():
    assert by_kind(REPORT) == {"mutants": 16.75, "search": 12.0, "proof": 1.0}
    assert list(by_kind(REPORT)) == ["mutants", "search", "proof"]


def test_the_dearest_come_first():
    assert dearest(REPORT, 3) == [
        (16.0, "a/2", "mutants", "1 of them"),
        (8.0, "a/2", "search", "by_search"),
        (4.0, "a/1", "search", "by_search"),
    ]


def test_verify_prints_the_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(claim_template("me/lemma-1"))
    arguments = ["--claims", "mine.py", "verify", "me/lemma-1", "--workers", "1", "--profile"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "processor seconds" in printed
    assert "1 of them" in printed or "2 of them" in printed
