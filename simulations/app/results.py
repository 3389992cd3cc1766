"""The last result of every claim, as the store keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulations.app.runner import summarise
from simulations.engine.store import Store
from theory.core import Entry
from theory.core.errors import EnvironmentLacksError


def save_claims(store: Store, report: Mapping[str, Any]) -> None:
    """Keep a run, and the result of each of its claims."""
    store.save_run(report["manifest"], report)
    for claim in report["claims"]:
        store.put(_key(store, claim["id"]), {"claim": claim, "manifest": report["manifest"]})


def load_claim(store: Store | None, claim_id: str) -> dict[str, Any] | None:
    """Return ``{"claim", "manifest"}`` of the last run of a claim, or None."""
    return None if store is None else store.get(_key(store, claim_id))


def stored_report(store: Store, entries: Iterable[Entry]) -> dict[str, Any]:
    """Put the last results of `entries` together as one report.

    Raises
    ------
    EnvironmentLacksError
        If none of the claims was ever verified with this store.
    """
    found = [row for entry in entries if (row := load_claim(store, entry.claim.id))]
    if not found:
        raise EnvironmentLacksError("the store has no results yet; run `adageo verify` first")
    claims = [row["claim"] for row in found]
    newest = max((row["manifest"] for row in found), key=lambda m: str(m.get("finished", "")))
    return {"schema": 1, "manifest": newest, "claims": claims, "summary": summarise(claims)}


def _key(store: Store, claim_id: str) -> str:
    return store.content_key(kind="claim", claim=claim_id)
