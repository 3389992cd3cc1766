"""``adageo store``: looking after the results that are kept."""

from __future__ import annotations

import argparse

from simulations.app.cli import OK
from simulations.app.results import tell_incidents
from simulations.app.work import digest_of, registry, source_of
from simulations.engine.store import Store
from theory.core import EnvironmentLacksError


def store_command(arguments: argparse.Namespace) -> int:
    """Remove what belongs to former versions of the claims (the only action: ``prune``)."""
    with Store.existing(arguments.store) as found:
        if found is None:
            raise EnvironmentLacksError(f"{arguments.store}: there is no store")
    entries = registry(tuple(arguments.claims)).select([])
    current = {entry.claim.id: digest_of(source_of(entry)) for entry in entries}
    with Store(arguments.store) as store:
        before = store.health()["bytes"]
        removed = store.prune(current)
        freed = before - store.health()["bytes"]
        tell_incidents(store)
    print(f"{arguments.store}: removed {removed['rows']} rows, {removed['arrays']} arrays and "
          f"{removed['shards']} files of former versions, {freed / 2**20:.1f} MiB")  # fmt: skip
    if removed["kept_without_claim"]:
        print(f"{removed['kept_without_claim']} rows do not say which version they belong to; kept")
    return OK
