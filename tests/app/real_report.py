"""Results of a few real claims, verified once a process into a store of their own."""

from __future__ import annotations

import atexit
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from synthetic_report import synthetic

from simulations.app.cli import main
from simulations.app.runner import summarise
from simulations.app.work import registry
from theory.core import Registry

# A law with proof, measurement and figure; a false lemma; a scaling fit; a loose bound.
REAL = (
    "adaptive-norms/proposition-1", "adaptive-norms/lemma-9", "egop/corollary-7",
    "local-geometry/two-number-reduction.order",
)  # fmt: skip


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Kept until the process ends, then removed."""
    found: tempfile.TemporaryDirectory[str] = tempfile.TemporaryDirectory(
        prefix="adageo-real-", ignore_cleanup_errors=True
    )
    atexit.register(found.cleanup)
    return found


@cache
def real_store() -> str:
    """Path of a store with the results of the real claims, and the report beside it."""
    folder = _folder().name
    store = f"{folder}/store"
    words = ["--store", store, "--workers", "1", "--json", f"{folder}/report.json"]
    assert main(["verify", *REAL, *words]) == 0
    return store


def combined() -> tuple[dict[str, Any], Registry]:
    """The report of the real and of the invented claims, with the registry that has both."""
    real = json.loads((Path(real_store()).parent / "report.json").read_text())
    invented, known = synthetic()
    both = Registry({**registry().entries, **known.entries})
    claims = [*real["claims"], *invented["claims"]]
    return {**real, "claims": claims, "summary": summarise(claims)}, both
