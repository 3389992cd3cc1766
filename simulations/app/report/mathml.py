"""LaTeX prose to HTML with MathML; what cannot be converted is an error, never raw LaTeX."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from xml.etree import ElementTree

from markupsafe import Markup

from simulations.app.report.mathml_tidy import tidy
from theory.core import AdageoError

_OPENERS = {
    "$$": ("$$", "display"),
    "$": ("$", "inline"),
    r"\(": (r"\)", "inline"),
    r"\[": (r"\]", "display"),
}
# Order matters: an escaped character must be consumed before a delimiter is looked for.
_START = re.compile(r"\\[^()\[\]]|\$\$|\$|\\\(|\\\[|\\\)|\\\]")
_REWRITES = (
    (re.compile(r"(?<![<>=:]):="), r"\\coloneqq "),
    (re.compile(r"\\operatorname\*"), r"\\operatorname"),
    (re.compile(r"\\arg\s*\\(min|max)(?![A-Za-z])"), r"\\arg\1"),
    (re.compile(r"\\operatorname\{arg(?:\\,|\s)*(min|max)\}"), r"\\arg\1"),
    (re.compile(r"\\mathrm\{([A-Za-z. -]+)\}"), r"\\text{\1}"),
    (re.compile(r"\\(begin|end)\{aligned\}"), r"\\\1{split}"),
)
_PROSE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\\(?P<command>emph|textit|textbf|texttt)\{(?P<argument>[^{}]*)\}"
    r"|\\(?P<escaped>[%&$_#{} ])"
    r"|(?P<unknown>\\[A-Za-z]+|\\.)"
    r"|(?P<break>\n[ \t]*\n\s*)"
    r"|(?P<dash>(?<=\w)---?(?=\w)|(?<=\s)---?(?=\s))"
    r"|(?P<tie>~)"
    r"|``(?P<quoted>[^`]+?)''"
)
_WIDE = 28  # characters of an inline formula that may be wider than a phone
_TAGS = {"emph": "em", "textit": "em", "textbf": "strong", "texttt": "code"}


class FormulaError(AdageoError):
    """A formula that cannot be converted; the text names the claim and the formula."""


@dataclass(frozen=True)
class Segment:
    """A piece of LaTeX prose: `kind` is ``text``, ``inline`` or ``display``."""

    kind: str
    body: str


def split(text: str, where: str) -> list[Segment]:
    r"""Split prose at ``$...$``, ``\(...\)`` (inline) and ``$$...$$``, ``\[...\]`` (display).

    A closing delimiter counts only outside braces, so that ``$x \text{ if $y$}$`` is one formula;
    ``\$`` is a dollar sign.

    Raises
    ------
    FormulaError
        If a delimiter or a brace is not closed, or is closed without having been opened.

    >>> [segment.kind for segment in split(r"For $x > 0$: \[ x^2 > 0. \]", "a/b")]
    ['text', 'inline', 'text', 'display']
    """
    segments: list[Segment] = []
    position = 0
    start = 0
    while found := _START.search(text, position):
        token = found.group()
        position = found.end()
        if token not in _OPENERS:
            if token in (r"\)", r"\]"):
                raise FormulaError(f"{where}: {token!r} closes no formula in {_short(text)}")
            continue
        closer, kind = _OPENERS[token]
        end = _closing(text, position, closer, where)
        if found.start() > start:
            segments.append(Segment("text", text[start : found.start()]))
        body = text[position:end].strip()
        if not body:
            raise FormulaError(f"{where}: an empty formula in {_short(text)}")
        segments.append(Segment(kind, body))
        start = position = end + len(closer)
    if start < len(text):
        segments.append(Segment("text", text[start:]))
    return segments


def to_mathml(latex: str, where: str, *, display: bool = False) -> Markup:
    """One formula as a ``math`` element.

    Raises
    ------
    FormulaError
        If the formula is malformed or uses something that is not converted; `where` (the claim)
        and the formula are named.
    """
    # Imported on use: its symbol tables would slow the start of every command.
    from latex2mathml.converter import convert

    source = latex
    for pattern, replacement in _REWRITES:
        source = pattern.sub(replacement, source)
    try:
        _check_braces(source)
        raw = convert(source, display="block" if display else "inline")
        root = ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", raw))
        tidy(root)
    except Exception as error:
        raise FormulaError(
            f"{where}: the formula {latex!r} cannot be shown as MathML: {_reason(error)}"
        ) from error
    if not "".join(root.itertext()).strip():
        raise FormulaError(f"{where}: the formula {latex!r} is empty when shown as MathML")
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))


def prose(text: str, where: str) -> Markup:
    r"""LaTeX prose as paragraphs of HTML; a blank line starts a new paragraph.

    Outside formulas it knows ``\emph``, ``\textit``, ``\textbf``, ``\texttt``, `` `code` ``,
    ``~``, dashes, quotation marks and escaped characters.

    Raises
    ------
    FormulaError
        If a formula cannot be converted, or another command stands outside a formula.
    """
    parts = "".join(_parts(text, where))
    return Markup(f"<p>{parts.strip()}</p>")


def inline(text: str, where: str) -> Markup:
    """As `prose`, for a single line: no paragraphs around it."""
    return Markup("".join(_parts(" ".join(text.split()), where)))


def _parts(text: str, where: str) -> Iterator[str]:
    segments = split(text, where)
    # Punctuation stays with the formula that it follows.
    after = ""
    for segment, following in zip_longest(segments, segments[1:]):
        if segment.kind == "text":
            yield _text(segment.body.removeprefix(after), where)
            after = ""
            continue
        formula = to_mathml(segment.body, where, display=segment.kind == "display")
        if segment.kind == "display":
            yield f'<span class="display">{formula}</span>'
            continue
        after = _punctuation(following)
        wide = " wide" if len(formula.striptags()) > _WIDE else ""
        yield f'<span class="formula{wide}">{formula}{after}</span>'


def _punctuation(segment: Segment | None) -> str:
    if segment is None or segment.kind != "text":
        return ""
    return segment.body[: len(segment.body) - len(segment.body.lstrip(",.;:)!?"))]


def _text(text: str, where: str) -> str:
    pieces: list[str] = []
    position = 0
    for found in _PROSE.finditer(text):
        pieces.append(html.escape(text[position : found.start()], quote=False))
        pieces.append(_prose_token(found, where, text))
        position = found.end()
    pieces.append(html.escape(text[position:], quote=False))
    return "".join(pieces)


def _prose_token(found: re.Match[str], where: str, text: str) -> str:
    kind = found.lastgroup
    if kind == "unknown":
        raise FormulaError(f"{where}: {found.group()!r} outside a formula in {_short(text)}")
    if kind == "argument":
        tag = _TAGS[found["command"]]
        return f"<{tag}>{html.escape(found['argument'], quote=False)}</{tag}>"
    if kind == "code":
        return f"<code>{html.escape(found['code'], quote=False)}</code>"
    if kind == "quoted":
        return f"“{_text(found['quoted'], where)}”"
    if kind == "escaped":
        return html.escape(found["escaped"], quote=False)
    if kind == "dash":
        return "—" if found["dash"] == "---" else "–"
    return "</p>\n<p>" if kind == "break" else "\u00a0"


def _closing(text: str, start: int, closer: str, where: str) -> int:
    depth = 0
    position = start
    while position < len(text):
        if depth == 0 and text.startswith(closer, position):
            return position
        if text[position] == "\\":
            position += 2
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
    opened = text[max(0, start - len(closer)) :]
    raise FormulaError(f"{where}: a formula is not closed by {closer!r}: {_short(opened)}")


def _check_braces(latex: str) -> None:
    depth = 0
    for found in re.finditer(r"\\.|[{}]", latex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        if depth < 0:
            break
    if depth:
        raise ValueError("unbalanced braces")


def _reason(error: Exception) -> str:
    if isinstance(error, ElementTree.ParseError):
        return "an alignment mark '&' outside aligned, cases or a matrix"
    return str(error) if type(error) is ValueError else type(error).__name__


def _short(text: str, width: int = 60) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= width else line[:width] + "...")
