"""The source files that state and check a claim, as text files beside the pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from theory.core import Entry

_OWN_CLAIMS = "adageo_claims_"


@dataclass(frozen=True)
class SourceLink:
    """One place in the sources.

    Attributes
    ----------
    what : str
        What is found there: ``statement``, or kind and name of a check.
    name : str
        File name as in the source tree, for instance ``theory/adaptive_norms/ellipsoids.py``.
    line : int
        Line of the definition; 0 where it is not known.
    path : str
        Where the copy lies, relative to the root of the site; empty where there is none.
    """

    what: str
    name: str
    line: int
    path: str


def source_links(entry: Entry) -> list[SourceLink]:
    """Where the claim is stated, then every check in the order of registration."""
    return list(_links(entry))


def _links(entry: Entry) -> Iterator[SourceLink]:
    lines = _text(entry.file).splitlines()
    at = next((k for k, line in enumerate(lines, 1) if f'"{entry.claim.id}"' in line), 0)
    yield _link("statement", entry.module, entry.file, at)
    for check in entry.checks:
        line = check.function.__code__.co_firstlineno
        yield _link(f"{check.kind} {check.name}", check.function.__module__, check.file, line)


def _link(what: str, module: str, file: str, line: int) -> SourceLink:
    name = module.replace(".", "/") + ".py"
    if module.startswith(_OWN_CLAIMS):
        # Where a user keeps the file is nobody else's business.
        name = Path(file).name
    path = f"source/{name}.txt" if _text(file) else ""
    return SourceLink(what, name, line if path else 0, path)


def source_files(entry: Entry) -> dict[str, str]:
    """The copies that `source_links` points to: text by path."""
    files = [entry.file, *(check.file for check in entry.checks)]
    return {
        link.path: _text(file)
        for link, file in zip(source_links(entry), files, strict=True)
        if link.path
    }


@cache
def _text(file: str) -> str:
    """The text of a file; empty where it cannot be read (a claim typed at a prompt, say)."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
