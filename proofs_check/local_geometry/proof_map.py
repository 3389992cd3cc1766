"""Counts the index of the paper's lemmas."""

from __future__ import annotations

from proofs_check.engine import Transcript, certificate
from theory.core import Statement
from theory.local_geometry.proof_map import LEMMAS, by_status, proof_map


@certificate(proof_map, scope="Lemmas 1 to 35, and the claims of this package")
def every_lemma_once(statement: Statement, transcript: Transcript) -> None:
    """Each lemma has one place; each named claim exists; each gap has a reason."""
    found, expected = statement.formula()
    size = len(LEMMAS)
    transcript.identity("one place for each lemma", found[:size], expected[:size],
                        scope="Lemmas 1 to 35", concludes=True,
                        shown=f"{size} lemmas with 1 place each")  # fmt: skip
    names = ("names of claims that do not exist", "places without claim or reason",
             "own claims under another name", "places of unknown status")  # fmt: skip
    for name, count, allowed in zip(names, found[size:], expected[size:], strict=True):
        transcript.exact(name, count, "==", allowed, scope="the whole index", concludes=True)
    groups = by_status()
    transcript.exact("places by status", sum(map(len, groups.values())), "==", size,
                     scope="the whole index", shown=", ".join(
                         f"{len(lemmas)} {status}" for status, lemmas in groups.items())
                     )  # fmt: skip
