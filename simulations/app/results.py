"""The last result of every claim, as the store keeps it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulations.app.logs import LOG
from simulations.engine.store import Store
from theory.core import Entry
from theory.core.errors import EnvironmentLacksError


@contextmanager
def existing(path: str | Path) -> Iterator[Store | None]:
    """Open a store for reading, or yield None where there is none; tell what was damaged."""
    with Store.existing(path) as store:
        yield store
        if store is not None:
            tell_incidents(store)


def tell_incidents(store: Store) -> None:
    """Print what the store found damaged and set aside, once."""
    for incident in store.incidents:
        print(f"adageo: {incident}", file=sys.stderr)
        LOG.warning("%s", incident)
    store.incidents.clear()


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
    from simulations.app.runner import summarise

    found = [row for entry in entries if (row := load_claim(store, entry.claim.id))]
    if not found:
        raise EnvironmentLacksError("the store has no results yet; run `adageo verify` first")
    claims = [{**row["claim"], "run": _settings(row["manifest"])} for row in found]
    newest = max((row["manifest"] for row in found), key=lambda m: str(m.get("finished", "")))
    return {"schema": 1, "manifest": newest, "claims": claims, "summary": summarise(claims)}


def save_map(store: Store, found: Mapping[str, Any]) -> None:
    """Keep a map; it replaces the former one of the same measurement over the same parameters."""
    axes = found["x"]["name"], found["y"]["name"]
    store.put(_map_key(store, found["claim"], found["check"], axes), found)


def stored_maps(store: Store, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The last map of every measurement of `entries`, over every pair of its parameters."""
    from simulations.engine.maps import MAPPED, numeric_parameters

    keys = [
        _map_key(store, entry.claim.id, check.name, axes)
        for entry in entries
        for check in entry.of_kind(*MAPPED)
        for axes in itertools.permutations(numeric_parameters(check), 2)
    ]
    return [found for key in keys if (found := store.get(key))]


def _map_key(store: Store, claim: str, check: str, axes: tuple[str, ...]) -> str:
    return store.content_key(kind="map", claim=claim, check=check, axes=axes)


def _settings(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {name: manifest[name] for name in ("seed", "budget", "backend")}


def _key(store: Store, claim_id: str) -> str:
    return store.content_key(kind="claim", claim=claim_id)
