"""Evidence and verdicts, and how pieces of evidence become the verdict of a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EVIDENCE_KINDS = ("proof", "certificate", "search", "monte-carlo", "scaling")


class Verdict(StrEnum):
    """What a piece of evidence, or all of it together, says of a statement."""

    PROVED = "proved"
    SUPPORTED = "supported"
    INCONCLUSIVE = "inconclusive"
    REFUTED = "refuted"
    ERROR = "error"


# The first that occurs among a claim's evidence is the claim's verdict.
_PRECEDENCE = (Verdict.REFUTED, Verdict.ERROR, Verdict.PROVED, Verdict.SUPPORTED)


@dataclass(frozen=True)
class Evidence:
    """One check's answer about one statement.

    Attributes
    ----------
    kind : str
        One of ``EVIDENCE_KINDS``.
    check : str
        Name of the check that produced it.
    verdict : Verdict
    summary : str
        One line for a reader.
    data : mapping
        JSON-ready details: steps, rows, instance, worst margin, tightness, level, ...
    seconds : float
        Processor time that it took.
    """

    kind: str
    check: str
    verdict: Verdict
    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A dictionary for ``verify --json``; the details stand beside kind and verdict."""
        return {"kind": self.kind, "check": self.check, "verdict": self.verdict.value,
                "summary": self.summary, **self.data, "seconds": self.seconds}  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Evidence:
        """The inverse of `to_json`."""
        own = ("kind", "check", "verdict", "summary", "seconds")
        data = {key: value for key, value in row.items() if key not in own}
        return cls(row["kind"], row["check"], Verdict(row["verdict"]), row["summary"], data,
                   row["seconds"])  # fmt: skip


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The strongest verdict, with any confirmed refutation, then any error, winning.

    >>> combine([Verdict.SUPPORTED, Verdict.PROVED, Verdict.INCONCLUSIVE]).value
    'proved'
    >>> combine([Verdict.PROVED, Verdict.REFUTED]).value
    'refuted'
    >>> combine([]).value
    'inconclusive'
    """
    found = set(verdicts)
    return next((verdict for verdict in _PRECEDENCE if verdict in found), Verdict.INCONCLUSIVE)


def as_expected(expected: str, evidence: Iterable[Evidence]) -> bool:
    """Whether a claim ended as it should.

    ``holds`` asks for `proved` or `supported`, and every proof and certificate must check (a
    certificate, and a proof of a part of the statement, by `supported`);
    ``fails`` asks for `refuted`; ``measured`` for any decision. An error is never expected.
    """
    pieces = list(evidence)
    if any(piece.verdict is Verdict.ERROR for piece in pieces):
        return False
    verdict = combine(piece.verdict for piece in pieces)
    if expected == "fails":
        return verdict is Verdict.REFUTED
    if expected == "measured":
        return verdict in (Verdict.PROVED, Verdict.SUPPORTED, Verdict.REFUTED)
    checked = all(_checks(piece) for piece in pieces if piece.kind in ("proof", "certificate"))
    return verdict in (Verdict.PROVED, Verdict.SUPPORTED) and checked


def _checks(piece: Evidence) -> bool:
    whole = piece.kind == "proof" and not piece.data.get("partial")
    return piece.verdict is Verdict.PROVED or (piece.verdict is Verdict.SUPPORTED and not whole)
