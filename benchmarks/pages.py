"""The Markdown page of a case of whole computations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.layout import table

_LIBRARIES = ("numpy", "scipy", "numba", "torch", "jax", "cvxpy", "clarabel", "scs", "scikit-rmt")


def markdown(found: Mapping[str, Any]) -> str:
    """Circumstances, a table for each group, exponents, the GPU, the machine's limits."""
    parts = [f"# Benchmark `{found['case']}`", _circumstances(found)]
    parts += [_group(group) for group in found["groups"]]
    if found["exponents"]:
        parts.append(_exponents(found))
    parts.append(gpu_section(found["gpu"]))
    rows = [[name, text] for name, text in found["machine"].items()]
    parts.append(f"## Limits of one thread\n\n{table(['', 'measured'], rows)}")
    return "\n\n".join(parts) + "\n"


def gpu_section(found: Mapping[str, Any]) -> str:
    """The table of a GPU, or why there is none."""
    if "reason" in found:
        return f"## GPU\n\nNo GPU here: {found['reason']}."
    heads = ["", "ms", "smallest .. largest", "ratio"]
    rows = [
        [row["name"], f"{row['median_ms']:.3g}", f"{row['low_ms']:.3g} .. {row['high_ms']:.3g}",
         f"{row['ratio']:.2f}"]
        for row in found["rows"]
    ]  # fmt: skip
    return f"## GPU\n\n{found['device']}: {found['title']}\n\n{table(heads, rows)}"


def _circumstances(found: Mapping[str, Any]) -> str:
    run = found["manifest"]
    versions = [f"{name} {run['libraries'][name]}" for name in _LIBRARIES
                if name in run["libraries"]]  # fmt: skip
    hardware = run["hardware"]
    return (
        f"{found['unit']}. The entrants take turns; a time is the median with the smallest and the "
        "largest, a ratio the median (smallest, largest) of the paired ratios to the first row. "
        "The share is that of the limit of this machine, measured in the same run.\n\n"
        f"{hardware['cpu']}, {hardware['usable_cores']} usable cores, {run['platform']}, "
        f"{run['python']}, {', '.join(versions)}; {run['finished'][:10]}."
    )


def _group(group: Mapping[str, Any]) -> str:
    limited = "limits_ms" in group
    heads = ["", "ms", "smallest .. largest", "runs", "ratio"]
    heads += [*(["share of the limit"] if limited else []), "difference", "note"]
    rows = []
    for row in group["rows"]:
        share = [f"{100 * row['share_of_limit']:.0f} %"] if limited else []
        rows.append([
            row["name"], f"{row['median_ms']:.3g}", f"{row['low_ms']:.3g} .. {row['high_ms']:.3g}",
            str(row["runs"]),
            f"{row['ratio']:.2f} ({row['ratio_low']:.2f}, {row['ratio_high']:.2f})",
            *share, f"{row['difference']:.0e}", row["note"],
        ])  # fmt: skip
    rows += [[one["name"], one["reason"], *[""] * (len(heads) - 2)] for one in group["absent"]]
    text = f"## {group['title']}\n\n{table(heads, rows)}"
    if limited:
        limits = ", ".join(f"{name} {value:.3g}" for name, value in group["limits_ms"].items())
        text += f"\n\nLimits in ms: {limits}; the limit is the {group['limit']} bound."
    return text


def _exponents(found: Mapping[str, Any]) -> str:
    heads = ["", "in", "fitted exponent", "by the work", "values"]
    rows = [
        [row["name"], row["variable"], f"{row['exponent']:.2f} ± {row['standard_error']:.2f}",
         f"{row['by_work']:g}", ", ".join(map(str, row["values"]))]
        for row in found["exponents"]
    ]  # fmt: skip
    return f"## How the cost grows\n\n{table(heads, rows)}\n\n± is the standard error of the fit."
