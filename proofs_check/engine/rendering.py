"""A proof's evidence as text that reads like a proof."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from theory.core import Evidence, Verdict

_MARKS = {"checked": "", "failed": "  << FAILED", "cited": "  (cited, not proved here)"}
_RULES = {
    "identity": "identity, reduced symbolically",
    "nonnegative": "certificate: a sum of nonnegative terms",
    "induction": "induction, both parts certified by sums of nonnegative terms",
    "interval": "enclosure on a box in ball arithmetic",
    "exact": "comparison of numbers in exact or ball arithmetic",
    "polynomial": "implication between polynomials, z3",
    "cited": "theorem",
}  # fmt: skip
_END = {
    Verdict.REFUTED: "The statement is refuted.",
    Verdict.INCONCLUSIVE: "This is not a proof.",
    Verdict.ERROR: "The proof could not be run to its end.",
}


def render(evidence: Evidence, width: int = 100) -> str:
    """A transcript as plain text: assumptions, numbered steps with reasons, cited theorems.

    Raises
    ------
    ValueError
        If the evidence is neither a proof nor a certificate.
    """
    if evidence.kind not in ("proof", "certificate"):
        raise ValueError(f"{evidence.check} is {evidence.kind} evidence; only a proof or a "
                         "certificate has a transcript")  # fmt: skip
    return "\n".join(_lines(evidence, width))


def _lines(evidence: Evidence, width: int) -> Iterator[str]:
    data = evidence.data
    yield f"{evidence.kind.capitalize()} {evidence.check} ({data['scope']}): {evidence.verdict}"
    for assumption in data["given"]:
        yield from _wrap(f"Given: {assumption}", "  ", width)
    for step in data["transcript"]:
        yield ""
        yield from _step(step, width)
    yield ""
    cited = [f"{s['name']} ({s['detail']})" for s in data["transcript"] if s["status"] == "cited"]
    yield from _wrap("Cited without proof: " + ("; ".join(cited) or "nothing"), "", width)
    if evidence.verdict is Verdict.PROVED:
        conclusions = [str(step["index"]) for step in data["transcript"] if step["concludes"]]
        every = "Every other step" if cited else "Every step"
        yield f"{every} is checked; the statement is step {', '.join(conclusions)}. QED"
        return
    if evidence.verdict is Verdict.SUPPORTED:
        yield from _wrap(f"Every step is checked, and covers: {data['scope']}.", "", width)
        return
    yield _END.get(evidence.verdict, "")
    yield from _wrap(evidence.summary, "", width)


def _step(step: Mapping[str, Any], width: int) -> Iterator[str]:
    concludes = "  [the statement]" if step["concludes"] else ""
    yield f"{step['index']}. {step['name']}{concludes}{_MARKS[step['status']]}"
    yield from _wrap(step["claim"], "   ", width)
    yield from _wrap(f"scope: {step['scope']}; rule: {_RULES[step['rule']]}", "   ", width)
    if step["because"]:
        yield from _wrap(f"because {step['because']}", "   ", width)
    if step["detail"]:
        yield from _wrap(step["detail"], "   ", width)


def _wrap(text: str, indent: str, width: int) -> Iterator[str]:
    further = indent + "  "
    yield from textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=further,
                             break_long_words=False, break_on_hyphens=False)  # fmt: skip
