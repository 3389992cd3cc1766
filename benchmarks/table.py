"""The Markdown table of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.layout import table
from benchmarks.pages import gpu_section

Row = Mapping[str, Any]
_OPTIMIZERS = {"sgd_momentum": "SGD with momentum", "adam": "Adam"}
_LIBRARIES = ("numpy", "numba", "torch", "jax", "optax")


def markdown(found: Mapping[str, Any]) -> str:
    """The whole page: circumstances, one table for each group, the machine, the exponents."""
    parts = [f"# Benchmark `{found['case']}`", _circumstances(found)]
    for group in found["groups"]:
        parts.append(_group(group))
    if found["reduced"]:
        parts.append(_reduced(found["reduced"]))
    if found["exponents"]:
        parts.append(_exponents(found["exponents"]))
    parts += [gpu_section(found["gpu"]), _machine(found["machine"])]
    return "\n\n".join(parts) + "\n"


def _circumstances(found: Mapping[str, Any]) -> str:
    run = found["manifest"]
    versions = [f"{name} {run['libraries'][name]}" for name in _LIBRARIES
                if name in run["libraries"]]  # fmt: skip
    hardware = run["hardware"]
    return (
        f"{found['unit']}. The contestants take turns; a time is the median with the smallest and "
        "the largest, a ratio the median (smallest, largest) of the paired ratios to the fused "
        "kernel. The share is that of the limit of this machine, measured in the same run.\n\n"
        f"{hardware['cpu']}, {hardware['usable_cores']} usable cores, {run['platform']}, "
        f"{run['python']}, {', '.join(versions)}; {run['finished'][:10]}."
    )


def _group(group: Mapping[str, Any]) -> str:
    limits = ", ".join(
        f"{name} {value:.3g}" for name, value in group["limits_us"].items() if value > 0.0
    )
    title = f"## {_OPTIMIZERS[group['optimizer']]}, d = {group['d']}, {group['trials']} trials"
    heads = ["", "\u00b5s", "smallest .. largest", "ratio", "share of the limit",
             "difference after 7 steps"]  # fmt: skip
    rows = [
        [row["name"], f"{row['median_us']:.3g}", f"{row['low_us']:.3g} .. {row['high_us']:.3g}",
         f"{row['ratio']:.2f} ({row['ratio_low']:.2f}, {row['ratio_high']:.2f})",
         f"{100 * row['share_of_limit']:.0f} %", f"{row['difference']:.0e}"]
        for row in group["rows"]
    ]  # fmt: skip
    rows += [[row["name"], row["reason"], "", "", "", ""] for row in group["absent"]]
    note = f"Limits in \u00b5s: {limits}; the limit is the {group['limit']} bound."
    return f"{title}\n\n{table(heads, rows)}\n\n{note}"


def _reduced(rows: Sequence[Row]) -> str:
    first = rows[0]
    heads = ["", "ms a trial", "smallest .. largest", "gain", "levels", "error by itself",
             "proved a bound", "difference"]  # fmt: skip
    cells = [
        [row["name"], f"{row['median_ms']:.3g}", f"{row['low_ms']:.3g} .. {row['high_ms']:.3g}",
         f"{row['gain']:.1f} ({row['gain_low']:.1f}, {row['gain_high']:.1f})",
         str(row.get("levels", "")), _power(row.get("stated_error")),
         f"{row['proved']} of {row['trials']}" if "proved" in row else "",
         _power(row.get("difference"))]
        for row in rows
    ]  # fmt: skip
    title = f"## Full-batch SGD with momentum, d = {first['d']}, {first['steps']} steps"
    note = ("Setup included. Errors are those of w at the end, relative to its norm. The error by "
            "itself is that of the reduction in exact arithmetic, a bound where it is proved; the "
            "difference has the rounding of both besides.")  # fmt: skip
    return f"{title}\n\n{table(heads, cells)}\n\n{note}"


def _power(value: float | None) -> str:
    return "" if value is None else f"{value:.0e}"


def _exponents(rows: Sequence[Row]) -> str:
    heads = ["optimizer", "in", "fitted exponent", "by the work", "values"]
    cells = [
        [_OPTIMIZERS[row["optimizer"]], row["variable"],
         f"{row['exponent']:.2f} \u00b1 {row['standard_error']:.2f}", f"{row['by_work']:g}",
         ", ".join(map(str, row["values"]))]
        for row in rows
    ]  # fmt: skip
    note = "Time of the fused kernel; \u00b1 is the standard error of the fit."
    return f"## How the cost grows\n\n{table(heads, cells)}\n\n{note}"


def _machine(machine: Mapping[str, Any]) -> str:
    rows = [
        ["multiply-adds", f"{machine['fma_gflops']} GF/s"],
        ["square root", f"{machine['root_ns']} ns"],
        ["quotient", f"{machine['quotient_ns']} ns"],
        ["m / (sqrt(v) + eps)", f"{machine['adam_quotient_ns']} ns"],
    ]
    rows += [
        [f"scaling {int(size) // 1024} KiB in place", f"{rate} GB/s"]
        for size, rate in machine["bandwidth_gb_per_s"].items()
    ]
    return f"## Limits of one thread\n\n{table(['', 'measured'], rows)}"
