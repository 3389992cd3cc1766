"""Where the processor seconds of a run went: by kind of evidence, and the dearest checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from simulations.app.output import print_table

DEAREST = 10
_MUTANTS = "mutants"


def by_kind(report: Mapping[str, Any]) -> dict[str, float]:
    """Processor seconds by kind of evidence, the dearest first; those of mutants by themselves.

    Parameters
    ----------
    report : mapping
        As ``verify --json`` writes it. What came from the store counts what it cost then.
    """
    total: Counter[str] = Counter()
    for claim in report["claims"]:
        for piece in claim["evidence"]:
            total[piece["kind"]] += piece["seconds"]
        total[_MUTANTS] += sum(mutant["seconds"] for mutant in claim["mutants"]["list"])
    return dict(total.most_common())


def dearest(report: Mapping[str, Any], number: int = DEAREST) -> list[tuple[float, str, str, str]]:
    """Seconds, claim, kind and check of the dearest ones; the mutants of a claim count as one."""
    rows = []
    for claim in report["claims"]:
        rows += [(p["seconds"], claim["id"], p["kind"], p["check"]) for p in claim["evidence"]]
        found = claim["mutants"]["list"]
        spent = sum(mutant["seconds"] for mutant in found)
        rows.append((spent, claim["id"], _MUTANTS, f"{len(found)} of them"))
    return sorted(rows, reverse=True)[:number]


def print_costs(report: Mapping[str, Any]) -> None:
    """Print both tables."""
    kinds = by_kind(report)
    everything = sum(kinds.values()) or 1.0
    rows = [(kind, f"{spent:.1f}", f"{spent / everything:.0%}") for kind, spent in kinds.items()]
    print_table(["evidence", "processor seconds", "share"], rows)
    print_table(
        ["claim", "evidence", "check", "processor seconds"],
        [(claim, kind, check, f"{spent:.1f}") for spent, claim, kind, check in dearest(report)],
    )
