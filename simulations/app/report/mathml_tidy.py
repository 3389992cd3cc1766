"""Turn latex2mathml's output into MathML that browsers (MathML Core) lay out as TeX would.

MathML Core dropped `mathvariant` (except ``normal``), `columnalign` and named spaces, and takes
the spacing of a symbol from its element: a relation that arrives as an identifier would stand
without space, a function name as an operator with too much of it.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from xml.etree import ElementTree

_TOKENS = frozenset({"mi", "mn", "mo", "mtext"})
_SCRIPTED = frozenset({"msub", "msup", "msubsup", "munder", "mover", "munderover"})
_LIMIT_OPERATORS = ("lim", "max", "min", "sup", "inf", "Pr", "det", "gcd", "arg")
# Symbols of category Sm that are read as identifiers, not as operators.
_IDENTIFIERS = frozenset("∞∂∇∅⊤⊥")
_COMMAND = re.compile(r"\\[A-Za-z]")
_BARS = frozenset("|‖∥")
_OTHER = {"left": "right", "right": "left", "center": "right"}
_ACCENTS = frozenset("^~˜¯ˉ˙¨―‾")
_REPLACED = {"~": "˜", "―": "‾"}
_THIN = "0.167em"
_VARIANTS = {
    "bold": ("MATHEMATICAL BOLD",),
    "bold-italic": ("MATHEMATICAL BOLD ITALIC",),
    "double-struck": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "script": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "fraktur": ("MATHEMATICAL FRAKTUR", "BLACK-LETTER"),
    "sans-serif": ("MATHEMATICAL SANS-SERIF",),
    "monospace": ("MATHEMATICAL MONOSPACE",),
}
_TEXT_STYLES = {
    "bold": "font-weight:bold",
    "italic": "font-style:italic",
    "monospace": "font-family:monospace",
}


def tidy(root: ElementTree.Element) -> None:
    """Rewrite a MathML tree in place; the mathematics stays the same.

    Raises
    ------
    ValueError
        If something in the tree is not rendered by browsers, or is LaTeX that was not converted.
    """
    for element in root.iter():
        _check(element)
        _variant(element)
        _classify(element)
        _attributes(element)
    for element in root.iter():
        _limits_below(element)
        _space_functions(element)
        _signs(element)


def _check(element: ElementTree.Element) -> None:
    text = element.text or ""
    if element.tag in _TOKENS and len(element):
        raise ValueError("a symbol made of other symbols (\\mathop around a formula)")
    if element.tag == "merror":
        raise ValueError("an error inside the formula")
    if element.get("linebreak"):
        raise ValueError("a line break outside aligned, cases or a matrix")
    if "$" in text or _COMMAND.search(text):
        raise ValueError(f"{text!r} is not a command that can be converted")


def _variant(element: ElementTree.Element) -> None:
    variant = element.get("mathvariant")
    if variant is None or variant == "normal":
        return
    del element.attrib["mathvariant"]
    text = element.text or ""
    if element.tag == "mtext":
        element.set("style", _TEXT_STYLES.get(variant, ""))
    elif variant in _VARIANTS:
        element.text = "".join(_styled(character, _VARIANTS[variant]) for character in text)
    elif variant != "italic":
        raise ValueError(f"letters in the style {variant!r}")


def _styled(character: str, prefixes: tuple[str, ...]) -> str:
    words = unicodedata.name(character, "UNNAMED").split()
    kind = next((word for word in words if word in ("CAPITAL", "SMALL", "DIGIT")), "")
    for prefix in prefixes:
        try:
            return unicodedata.lookup(f"{prefix} {kind} {words[-1]}")
        except KeyError:
            continue
    return character


def _classify(element: ElementTree.Element) -> None:
    text = element.text or ""
    if element.tag == "mi" and len(text) > 1 and text.isalpha():
        element.tag = "mo"
    if element.tag == "mo" and text in _REPLACED:
        element.text = _REPLACED[text]
    if element.tag == "mo" and text in _IDENTIFIERS:
        element.tag = "mi"
    if element.tag != "mi" or len(text) != 1:
        return
    if text == "~":
        element.tag, element.text = "mo", "∼"
    elif unicodedata.category(text) in ("Ps", "Pe"):
        element.tag = "mo"
        element.set("stretchy", "false")
    elif _is_operator(text):
        element.tag = "mo"


def _is_operator(symbol: str) -> bool:
    if symbol in _IDENTIFIERS:
        return False
    return unicodedata.category(symbol) == "Sm" or symbol in ":±" or symbol in _BARS


def _attributes(element: ElementTree.Element) -> None:
    text = element.text or ""
    align = element.attrib.pop("columnalign", None)
    if element.tag == "mtd" and align:
        element.set("style", f"text-align:{align}")
    if element.tag == "mtable" and element.get("columnspacing", "").startswith("0em"):
        # Aligned equations: nothing between the left side and its relation.
        for cell in element.iter("mtd"):
            side = cell.get("columnalign", "center")
            cell.set("style", f"text-align:{side};padding-{side}:0;padding-{_OTHER[side]}:0.4em")
            cell.attrib.pop("columnalign", None)
    if element.get("width") == "negativethinmathspace":
        element.set("width", f"-{_THIN}")
    if element.tag == "mo" and (text in _BARS or text == "/"):
        # A bar in mid-row counts as infix and would be spaced like a relation.
        element.set("lspace", "0")
        element.set("rspace", "0")
    if element.tag == "mo" and text in _BARS and element.get("stretchy") is None:
        element.set("stretchy", "false")
    if element.tag == "mover" and len(element) == 2 and element[1].text in _ACCENTS:
        element.set("accent", "true")


def _is_function(element: ElementTree.Element) -> bool:
    text = (element.text or "").replace("\u2006", "").replace("\u2009", "")
    return element.tag == "mo" and len(text) > 1 and text.isalpha()


def _core(element: ElementTree.Element) -> ElementTree.Element:
    while (element.tag in _SCRIPTED or element.tag == "mrow") and len(element):
        if element.tag == "mrow" and len(element) > 1:
            break
        element = element[0]
    return element


def _limits_below(element: ElementTree.Element) -> None:
    if element.tag == "msub" and _is_function(element[0]):
        words = (element[0].text or "").replace("\u2009", "\u2006").split("\u2006")
        if words[0] in _LIMIT_OPERATORS:
            element.tag = "munder"
            element[0].set("movablelimits", "true")


def _space_functions(element: ElementTree.Element) -> None:
    for position, child in enumerate(element):
        function = _core(child)
        if element.tag in _SCRIPTED or not _is_function(function):
            continue
        before = element[position - 1] if position else None
        after = element[position + 1] if position + 1 < len(element) else None
        function.set("form", "prefix")
        function.set("lspace", "0" if before is None or _core(before).tag == "mo" else _THIN)
        function.set("rspace", "0" if after is None or _opens(after) else _THIN)


def _signs(element: ElementTree.Element) -> None:
    """A sign after an operator or an opening bracket belongs to the number that follows it."""
    for before, sign in pairwise(element):
        text = before.text or ""
        if sign.tag == "mo" and sign.text in tuple("−+±") and before.tag == "mo":
            if text[:1] in tuple(")]}⟩") or text in _BARS:
                continue
            sign.set("form", "prefix")
            sign.set("lspace", "0")
            sign.set("rspace", "0")


def _opens(element: ElementTree.Element) -> bool:
    core = element[0] if element.tag == "mrow" and len(element) else _core(element)
    text = core.text or ""
    return core.tag == "mo" and text[:1] in tuple("([{⟨")
