"""What a figure is drawn from: the stored evidence of one claim, as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulations.engine.measurement import ROW_ENTRIES
from theory.core import AdageoError, Claim, Evidence

# What a row has beside the parameters of its grid point.
MEASURED = (*ROW_ENTRIES, "quantiles")


class FigureError(AdageoError):
    """A figure that cannot be drawn; the text names the claim and says why."""


@dataclass(frozen=True)
class Results:
    """The evidence of one claim, as a figure reads it; nothing is recomputed.

    Parameters
    ----------
    claim : Claim
    evidence : tuple of Evidence
    """

    claim: Claim
    evidence: tuple[Evidence, ...]

    def of_kind(self, *kinds: str) -> tuple[Evidence, ...]:
        """The pieces of evidence of the given kinds, in the order in which they were found."""
        return tuple(piece for piece in self.evidence if piece.kind in kinds)

    def rows(self, check: str | None = None) -> list[dict[str, Any]]:
        """Rows of the measurement called `check`; of every measurement when it is omitted.

        Raises
        ------
        FigureError
            If the claim's results have no measurement of that name.
        """
        measured = self.of_kind("monte-carlo")
        chosen = [piece for piece in measured if check in (None, piece.check)]
        if check is not None and not chosen:
            known = ", ".join(piece.check for piece in measured) or "none"
            raise FigureError(
                f"{self.claim.id}: no rows of a measurement {check!r}; it has {known}"
            )
        return [dict(row) for piece in chosen for row in piece.data.get("rows", [])]

    def column(self, name: str, check: str | None = None) -> list[Any]:
        """One column of `rows`; raises FigureError if a row lacks it."""
        rows = self.rows(check)
        for row in rows:
            if name not in row:
                raise FigureError(f"{self.claim.id}: rows have no {name!r}; they have "
                                  f"{', '.join(row)}")  # fmt: skip
        return [row[name] for row in rows]


def parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the grid point of a row.

    >>> parameters({"d": 64, "estimate": 0.1, "low": 0.0, "high": 0.2, "claimed": 0.1})
    {'d': 64}
    """
    return {key: value for key, value in row.items() if key not in MEASURED}


def residual(row: Mapping[str, Any]) -> float:
    """Residual of a point of a scaling fit, in standard errors of what was fitted.

    Rows stored before fits kept it have it as ``(y - fitted) / se``.

    >>> residual({"y": 1.02, "fitted": 1.0, "se": 0.01, "residual": 1.98})
    1.98
    """
    if "residual" in row:
        return float(row["residual"])
    return float((row["y"] - row["fitted"]) / row["se"])


def data_table(results: Results) -> list[dict[str, Any]]:
    """The data behind a claim's figures, one flat dictionary a row, ready for a CSV file.

    Rows of measurements and scaling fits, quantiles of the ratio lhs/rhs of a search, and steps of
    a proof or certificate; ``kind`` and ``check`` say which. Nested values are JSON text.
    """
    table: list[dict[str, Any]] = []
    for piece in results.evidence:
        origin = {"kind": piece.kind, "check": piece.check}
        table += [origin | _flat(row) for row in _data(piece)]
    return table


def _data(piece: Evidence) -> Sequence[Mapping[str, Any]]:
    if piece.kind == "search":
        ratios = piece.data.get("ratios") or []
        last = max(len(ratios) - 1, 1)
        return [{"quantile": k / last, "lhs/rhs": ratio} for k, ratio in enumerate(ratios)]
    if piece.kind in ("proof", "certificate"):
        steps: Sequence[Mapping[str, Any]] = piece.data.get("transcript") or []
        return steps
    if piece.kind == "scaling" and not piece.data.get("rows"):
        return [piece.data]
    rows: Sequence[Mapping[str, Any]] = piece.data.get("rows") or []
    return rows


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: json.dumps(value) if isinstance(value, dict | list | tuple) else value
        for key, value in row.items()
    }
