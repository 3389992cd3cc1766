"""The index of lemmas, and planted mistakes in it."""

import itertools
from dataclasses import replace

import pytest

from theory.local_geometry.proof_map import LEMMAS, PROOF_MAP, audit, by_status, claim_ids

FIRST_CHECK = len(LEMMAS)


def test_the_map_is_complete():
    found, expected = audit()
    assert found == expected


def test_known_ids_are_those_of_the_package():
    ids = claim_ids()
    assert {"local-geometry/lemma-28", "local-geometry/proof-map"} <= ids
    assert all(name.startswith("local-geometry/") for name in ids)


@pytest.mark.parametrize(("change", "position", "value"), [
    (lambda places: places[1:], 0, 0),
    (lambda places: [*places, places[4]], 4, 2),
    (lambda places: [replace(places[0], claims=("no-such-claim",)), *places[1:]], FIRST_CHECK, 1),
    (lambda places: [replace(places[0], claims=()), *places[1:]], FIRST_CHECK + 1, 1),
    (lambda places: [replace(places[0], why=""), *places[1:]], FIRST_CHECK + 1, 1),
    (lambda places: [*places[:3], replace(places[3], claims=("lemma-28",)), *places[4:]],
     FIRST_CHECK + 2, 1),
    (lambda places: [replace(places[0], status="unknown"), *places[1:]], FIRST_CHECK + 3, 1),
])  # fmt: skip
def test_mistakes_are_seen(change, position, value):
    found, expected = audit(change(list(PROOF_MAP)))
    assert found[position] == value
    assert found != expected


def test_statuses_cover_all_lemmas():
    assert sorted(itertools.chain(*by_status().values())) == list(LEMMAS)
