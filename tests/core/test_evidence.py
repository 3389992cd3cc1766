"""How pieces of evidence become a verdict."""

import pytest

from theory.core import Evidence, Verdict, as_expected, combine


def piece(kind, verdict):
    return Evidence(kind, "check", Verdict(verdict), "one line", {"steps": 3}, 0.5)


def test_refutation_wins_over_a_proof_and_an_error_over_support():
    assert combine([Verdict.PROVED, Verdict.REFUTED, Verdict.ERROR]) is Verdict.REFUTED
    assert combine([Verdict.PROVED, Verdict.ERROR]) is Verdict.ERROR
    assert combine([Verdict.INCONCLUSIVE, Verdict.SUPPORTED]) is Verdict.SUPPORTED
    assert combine([Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("expected", "pieces", "fine"),
    [
        ("holds", [("proof", "proved")], True),
        ("holds", [("search", "supported")], True),
        ("holds", [("proof", "inconclusive"), ("search", "supported")], False),
        ("holds", [("certificate", "supported")], True),
        ("holds", [("certificate", "inconclusive"), ("search", "supported")], False),
        ("holds", [("proof", "proved"), ("search", "refuted")], False),
        ("holds", [("proof", "proved"), ("search", "error")], False),
        ("holds", [("monte-carlo", "inconclusive")], False),
        ("holds", [], False),
        ("fails", [("certificate", "refuted")], True),
        ("fails", [("certificate", "proved")], False),
        ("fails", [("search", "refuted"), ("proof", "error")], False),
        ("measured", [("monte-carlo", "refuted")], True),
        ("measured", [("monte-carlo", "inconclusive")], False),
    ],
)
def test_expectation(expected, pieces, fine):
    assert as_expected(expected, [piece(*p) for p in pieces]) is fine


def test_json_round_trip():
    original = piece("proof", "proved")
    assert Evidence.from_json(original.to_json()) == original


def test_a_partial_proof_supports_and_must_say_so():
    whole = Evidence("proof", "check", Verdict.SUPPORTED, "one line")
    part = Evidence("proof", "check", Verdict.SUPPORTED, "one line", {"partial": True})
    assert not as_expected("holds", [whole])
    assert as_expected("holds", [part])
