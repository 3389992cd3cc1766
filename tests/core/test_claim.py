"""The shape of a claim: what is refused, and with which words."""

import dataclasses

import pytest

from theory.core import Claim, ClaimError, Mutant, Source


def formula(x):
    return x, x


def make(**changes):
    fields = {
        "id": "paper/lemma-1",
        "title": "A lemma",
        "kind": "identity",
        "statement": "$x = x$",
        "source": Source("someone2020", item="Lemma 1", equations=("3", "4")),
        "scope": {"x": "real"},
        "formula": formula,
        "mutants": {"off by one": lambda x: (x, x + 1)},
    }
    return Claim(**{**fields, **changes})


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("id", "Lemma 1", "'Lemma 1'"),
        ("id", "", "claim without an id"),
        ("title", " ", "title"),
        ("statement", "", "statement"),
        ("kind", "theorem", "one of definition, identity, inequality"),
        ("source", None, "Source(paper, item=...)"),
        ("source", Source("", item="Lemma 1"), "Source(paper, item=...)"),
        ("scope", {}, "scope"),
        ("expected", "maybe", "one of holds, fails, measured"),
        ("formula", 3, "a callable"),
        ("extra", "nest", "one of cluster, export, gpu, nets, peers"),
        ("mutants", {}, "at least one false variant"),
        ("mutants", {"same": Mutant()}, "changes the statement"),
        ("mutants", {"": formula}, "names that are strings"),
        ("mutants", {"number": 3}, "mutants['number'] is 3"),
    ],
)
def test_malformed_claim_is_refused_in_one_line(field, value, told):
    with pytest.raises(ClaimError) as caught:
        make(**{field: value})
    assert told in str(caught.value)
    assert field in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variants_replace_only_what_the_mutant_says():
    def assumes(x):
        return x > 0

    claim = make(
        assumes=assumes,
        mutants={
            "formula": lambda x: (x, -x),
            "assumption": Mutant(drops_assumptions=True),
            "law": Mutant(given={"law": "cauchy"}),
        },
    )
    assert claim.itself().formula is formula
    assert claim.itself().assumes is assumes
    assert not claim.itself().hypotheses_hold(x=-1)
    assert claim.variant("formula").assumes is assumes
    assert claim.variant("assumption").formula is formula
    assert claim.variant("assumption").hypotheses_hold(x=-1)
    assert dict(claim.variant("law").given) == {"law": "cauchy"}
    assert [s.label for s in claim.variants()] == [
        "paper/lemma-1[formula]", "paper/lemma-1[assumption]", "paper/lemma-1[law]",
    ]  # fmt: skip
    with pytest.raises(ClaimError, match="no mutant called 'other'; it has 'formula'"):
        claim.variant("other")


def test_claims_cannot_be_changed_and_print_their_source():
    claim = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.title = "other"
    with pytest.raises(TypeError):
        claim.mutants["new"] = formula
    assert str(claim.source) == "someone2020, Lemma 1, eq. (3), (4)"
