r"""The claims as a LaTeX table for the appendix of a paper (``longtable`` with ``booktabs``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulations.app.report.mathml import FormulaError, split
from simulations.app.report.views import ClaimView, claim_views, groups, number
from theory.core import Registry
from theory.core.papers import PAPERS, Paper

_PACKAGES = ("amsmath", "amssymb", "array", "booktabs", "longtable", "mathtools")
_COLUMNS = (
    (r">{\raggedright\arraybackslash}p{0.35\textwidth}", "Claim"),
    (r">{\raggedright\arraybackslash}p{0.15\textwidth}", "Item"),
    (r">{\raggedright\arraybackslash}p{0.11\textwidth}", "Verdict"),
    (r">{\raggedright\arraybackslash}p{0.12\textwidth}", "Evidence"),
    ("r", "Tightness"),
    ("r", "Mutants"),
)
_SPECIAL = {
    "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "–": "--", "—": "---", "−": "$-$",
    "∞": r"$\infty$", "\u202f": r"\,", "\u00a0": "~", "’": "'", "“": "``", "”": "''",
}  # fmt: skip
# In prose these are LaTeX already: a command, an escaped character, a brace, a tie.
_PROSE = re.compile(r"\\[A-Za-z]+|\\.|[&%#_^]|[<>]|[^\x00-\x7f]")


def latex_table(
    report: Mapping[str, Any], registry: Registry, papers: Mapping[str, Paper | str] = PAPERS
) -> str:
    r"""Every claim of a report with item, verdict, evidence, tightness and refuted mutants.

    Parameters
    ----------
    report : mapping
        What ``verify --json`` writes.
    registry : Registry
    papers : mapping from the keys of sources to bibliographic entries

    Returns
    -------
    str
        A fragment for ``\input``; its first lines name the packages that it needs.

    Raises
    ------
    FormulaError
        If a title has a formula that is not closed, or a character that LaTeX does not know.
    UnknownClaimError
        If a claim of the report is not registered.
    """
    views = claim_views(report, registry)
    summary = report["summary"]
    found = (
        f"{summary['as_expected']} of {summary['claims']} as expected; "
        f"{summary['mutants_refuted']} of {summary['mutants']} false variants refuted"
    )
    head = " & ".join(rf"\textbf{{{name}}}" for _, name in _COLUMNS) + r" \\"
    body = [line for group in groups(views, papers) for line in _group(*group)]
    return "\n".join([
        "% Claims and their verdicts, written by adageo.",
        *(rf"% \usepackage{{{name}}}" for name in _PACKAGES),
        r"\begingroup\small\setlength{\tabcolsep}{4pt}\setlength{\LTcapwidth}{\textwidth}",
        rf"\begin{{longtable}}{{@{{}}{''.join(columns for columns, _ in _COLUMNS)}@{{}}}}",
        rf"\caption{{Claims and their verdicts: {found}.}}\label{{tab:adageo-claims}}\\",
        r"\toprule", head, r"\midrule", r"\endfirsthead",
        r"\toprule", head, r"\midrule", r"\endhead",
        rf"\midrule\multicolumn{{{len(_COLUMNS)}}}{{r@{{}}}}{{\emph{{continued}}}}\\",
        r"\endfoot", r"\bottomrule", r"\endlastfoot",
        *body,
        r"\end{longtable}", r"\endgroup", "",
    ])  # fmt: skip


def _group(heading: str, prefix: str, views: Sequence[ClaimView]) -> Iterator[str]:
    title = rf"\emph{{{escape(heading, prefix)}}}"
    yield rf"\addlinespace\multicolumn{{{len(_COLUMNS)}}}{{@{{}}p{{\textwidth}}}}{{{title}}}\\*"
    for view in views:
        yield " & ".join(_cells(view)) + r" \\[2pt]"


def _cells(view: ClaimView) -> Iterator[str]:
    claim = view.claim
    name = re.sub("([-/])", r"\1\\allowbreak{}", escape(claim.id, claim.id))
    yield rf"{prose(claim.title, claim.id)} {{\footnotesize\texttt{{{name}}}}}"
    yield "new here" if claim.source.item == "beyond" else escape(claim.source.item, claim.id)
    expected = "" if view.result["as_expected"] else " (not as expected)"
    yield escape(view.result["verdict"] + expected, claim.id)
    yield escape(", ".join(dict.fromkeys(kind for kind, _ in view.kinds)) or "none", claim.id)
    yield escape(view.tightness, claim.id)
    yield number(view.mutants["refuted"]) + "/" + number(view.mutants["total"])


def escape(text: str, where: str) -> str:
    r"""Plain text with everything that is special to LaTeX escaped.

    >>> escape("50% of a_b", "a/b")
    '50\\% of a\\_b'
    """
    return "".join(_character(character, where, text) for character in text)


def prose(text: str, where: str) -> str:
    r"""LaTeX prose ready for LaTeX: formulas as they are, plain characters escaped.

    >>> prose(r"R&D for $a & b$", "a/b")
    'R\\&D for $a & b$'
    """
    pieces = split(" ".join(text.split()), where)
    return "".join(
        _prose(piece.body, where) if piece.kind == "text" else f"${piece.body}$" for piece in pieces
    )


def _prose(text: str, where: str) -> str:
    return _PROSE.sub(
        lambda found: found[0] if found[0][0] == "\\" else _character(found[0], where, text), text
    )


def _character(character: str, where: str, text: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    # Latin letters with accents are in every font of pdfLaTeX; other scripts are not.
    if ord(character) > 0xFF:
        raise FormulaError(f"{where}: {character!r} in {text!r} has no LaTeX equivalent here")
    return character
