"""``adageo export``: every measured row of the store as one table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from simulations.app.cli import OK, UsageError
from simulations.app.files import require_folder
from simulations.app.results import existing, load_claim
from simulations.app.tables import FORMATS, write_rows
from simulations.app.work import registry
from theory.core import Entry, EnvironmentLacksError

_BEFORE = ("claim", "check")
_AFTER = ("estimate", "low", "high", "claimed", "n", "level", "seed", "device", "p_value",
          "standard_error", "resolution", "side", "verdict", "budget", "finished")  # fmt: skip
# A parameter of a grid point may be called n or level as well.
_POINT = "point."


def export_command(arguments: argparse.Namespace) -> int:
    """Write the stored rows of the claims that match."""
    form = arguments.format or Path(arguments.out).suffix[1:]
    if form not in FORMATS:
        raise UsageError(f"--out {arguments.out}: say --format, or end the name in one of "
                         f"{', '.join('.' + name for name in FORMATS)}")  # fmt: skip
    require_folder("--out", arguments.out)
    entries = registry(tuple(arguments.claims)).select(arguments.pattern)
    with existing(arguments.store) as store:
        stored = {entry.claim.id: load_claim(store, entry.claim.id) for entry in entries}
        rows = exported(entries, stored)
    if not rows:
        raise EnvironmentLacksError(f"{arguments.store} has no measured rows of "
                                    f"{' '.join(arguments.pattern) or 'any claim'}; run `adageo "
                                    "verify` first")  # fmt: skip
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(_POINT))
    write_rows(arguments.out, [*_BEFORE, *names, *_AFTER], rows, form)
    claims = len({row["claim"] for row in rows})
    print(f"{arguments.out}: {len(rows)} rows of {claims} claims")
    return OK


def exported(
    entries: Iterable[Entry], stored: Mapping[str, Mapping[str, Any] | None]
) -> list[dict[str, Any]]:
    """Return one row for each grid point that was measured, in the order of the claims.

    A row has the claim, the check, each parameter of the grid point as ``point.NAME``, estimate
    with interval, claimed value, number of trials ``n``, level of the test, seed and device.
    """
    return [row for entry in entries if (found := stored[entry.claim.id])
            for row in _rows(found["claim"], found["manifest"])]  # fmt: skip


def _rows(claim: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for piece in claim["evidence"]:
        for row in piece.get("rows", []) if piece["kind"] == "monte-carlo" else []:
            # A row begins with the parameters of its point.
            point = takewhile(lambda name: name != "trials", row)
            yield {
                "claim": claim["id"], "check": piece["check"],
                **{_POINT + name: row[name] for name in point},
                **{name: row.get(name) for name in _AFTER},
                "n": row["trials"], "level": piece["level"],
                "device": row.get("device", manifest["device"]),
                **{name: manifest[name] for name in ("seed", "budget", "finished")},
            }  # fmt: skip
