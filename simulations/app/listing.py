"""``adageo list``: the claims with source, evidence and last verdict.

What a listing says of the suite's own claims follows from their sources. It is kept beside
Python's compiled modules under a checksum of these sources, so that a listing imports neither
proofs nor simulations; where the checksum differs, the claims are discovered anew.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theory.core.registry import ENTRY_POINT_GROUP, EVIDENCE_CHECKS, matching

if TYPE_CHECKING:
    from theory.core import Entry

_ROOT = Path(__file__).resolve().parents[2]

Row = dict[str, Any]


def list_command(arguments: argparse.Namespace) -> int:
    """List claims with source, available evidence and last verdict."""
    from simulations.app.cli import OK
    from simulations.app.output import print_table
    from simulations.app.results import existing, load_claim

    rows = listed(arguments.claims)
    chosen = [rows[claim_id] for claim_id in matching(rows, arguments.pattern)]
    with existing(arguments.store) as store:
        for row in chosen:
            last = load_claim(store, row["id"])
            row["verdict"] = last["claim"]["verdict"] if last else None
    if arguments.json:
        print(json.dumps(chosen, indent=1))
    else:
        print_table(
            ["claim", "source", "evidence", "mutants", "last verdict"],
            [
                (
                    r["id"],
                    r["source"],
                    ", ".join(r["evidence"]),
                    str(r["mutants"]),
                    r["verdict"] or "-",
                )
                for r in chosen
            ],
        )
    return OK


def listed(files: Sequence[str] = (), index: Path | None = None) -> dict[str, Row]:
    """Return what a listing says of every claim, by id; all but the last verdict.

    Parameters
    ----------
    files : sequence of path
        Python files with further claims. With any, or with installed plugins, every claim is
        discovered by importing it.
    index : path
        Where the rows of the suite's own claims are kept; beside the compiled modules unless
        told otherwise. Where it cannot be written, the next listing discovers them again.

    Raises
    ------
    ClaimError
        As `theory.core.discover`.
    """
    if files or importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        return _discovered(files)
    kept = index or Path(importlib.util.cache_from_source(__file__)).with_name("claims.json")
    checksum = _checksum()
    rows = _read(kept, checksum)
    if rows is None:
        rows = _discovered(())
        _write(kept, {"checksum": checksum, "rows": rows})
    return rows


def _discovered(files: Sequence[str]) -> dict[str, Row]:
    from simulations.app.work import registry

    return {entry.claim.id: _row(entry) for entry in registry(tuple(files)).select()}


def _row(entry: Entry) -> Row:
    kinds = dict.fromkeys(check.kind for check in entry.checks if check.kind in EVIDENCE_CHECKS)
    return {
        "id": entry.claim.id,
        "title": entry.claim.title,
        "kind": entry.claim.kind,
        "source": str(entry.claim.source),
        "expected": entry.claim.expected,
        "evidence": list(kinds),
        "mutants": len(entry.claim.mutants),
    }


def _sources() -> Iterable[Path]:
    from simulations.app.rooms import ROOMS

    return (file for room in ROOMS for file in sorted((_ROOT / room).rglob("*.py")))


def _checksum() -> str:
    total = hashlib.sha256(sys.version.encode())
    for file in _sources():
        source = file.read_bytes()
        total.update(f"{file.relative_to(_ROOT)} {len(source)}\n".encode())
        total.update(source)
    return total.hexdigest()


def _read(index: Path, checksum: str) -> dict[str, Row] | None:
    try:
        kept = json.loads(index.read_text("utf-8"))
        return dict(kept["rows"]) if kept["checksum"] == checksum else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none yet, or damaged: the sources say it again


def _write(index: Path, content: Row) -> None:
    """Replace the index as a whole; a directory without write access keeps none."""
    with suppress(OSError):
        index.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=index.parent, prefix=index.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(name, index)
