"""Case A: trials of the two-layer network by our fused kernel, against the named peers."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks import gpu, two_layer_gpu
from benchmarks.contest import DisagreementError
from benchmarks.machine import Machine, levels
from benchmarks.ours import KERNEL, FusedKernel, Runner
from benchmarks.reduced import measure_reduced
from benchmarks.table import markdown
from benchmarks.timing import exponent, race, ratios, steps_for
from benchmarks.workload import OPTIMIZERS, Contestant, Workload
from simulations.engine.execution import one_thread
from simulations.engine.manifest import Manifest

# Module of a peer -> what has to be installed for it.
PEERS = {
    "benchmarks.peers.numpy_peer": (),
    "benchmarks.peers.torch_peer": ("torch",),
    "benchmarks.peers.jax_peer": ("jax", "optax"),
}
# All contestants round differently in sums of length d; 7 steps of size 1e-3 on weights of order
# one leave a few units of 1e-16.
AGREEMENT, AGREEMENT_STEPS = 1e-12, 7
# Operations of the multiply-add pipes for one weight and step: product W E, gradient, first
# moment, step, next product w'W; Adam also squares and averages the gradient, and adds eps.
PIPE_OPERATIONS = {"sgd_momentum": 5, "adam": 8}


__all__ = ["DisagreementError", "agreement", "entrants", "markdown", "measure"]


def measure(
    *,
    sizes: Sequence[int] = (64, 256),
    trials: int = 32,
    repeats: int = 5,
    seconds: float = 0.06,
    scaling: bool = True,
    reduced: bool = True,
) -> dict[str, Any]:
    """Run the case and return its table, JSON-ready.

    Parameters
    ----------
    sizes : sequence of int
        Widths d.
    trials, repeats : int >= 1
    seconds : float
        CPU time that one call of a contestant aims at.
    scaling, reduced : bool
        Whether the exponents, and the reduced full-batch simulation, are measured too.

    Raises
    ------
    DisagreementError
        If a contestant disagrees with the others: then its time means nothing.
    """
    start = Manifest(seed=0, budget="quick", backend="numpy", workers=1, argv=sys.argv[1:])
    machine = Machine()
    with one_thread():
        groups = [
            _group(Workload(optimizer, d, trials), machine, repeats, seconds)
            for optimizer in OPTIMIZERS
            for d in sizes
        ]
        exponents = _exponents(seconds) if scaling else []
        machine.measure(levels() if scaling else ())
        rows = measure_reduced() if reduced else []
    for group in groups:
        _add_shares(group, machine)
    return {
        "schema": 1, "case": "two-layer", "manifest": _with_peers(start.finished()),
        "unit": "CPU microseconds for one step of one trial, one thread, float64",
        "machine": machine.to_json(), "groups": groups, "exponents": exponents,
        "reduced": rows,
        "gpu": gpu.section(two_layer_gpu.title(), two_layer_gpu.gpu_calls, repeats=repeats),
    }  # fmt: skip


def entrants(work: Workload) -> tuple[list[Contestant], list[dict[str, str]]]:
    """Everyone who can take part here, ours first; and who cannot, with the reason."""
    present: list[Contestant] = [FusedKernel(work), Runner(work)]
    absent = []
    for module, needs in PEERS.items():
        lacking = [name for name in needs if importlib.util.find_spec(name) is None]
        if lacking:
            reason = f"not installed: {', '.join(lacking)}"
            absent.append({"name": " + ".join(needs), "reason": reason})
        else:
            present += importlib.import_module(module).contestants(work)
    return present, absent


def agreement(contestants: Sequence[Contestant]) -> dict[str, float]:
    """Largest difference of any weight to those of the first contestant, after 7 steps.

    Raises
    ------
    DisagreementError
        If one exceeds 1e-12; the text names the contestant.
    """
    found: dict[str, float] = {}
    reference = None
    for one in contestants:
        one.reset()
        one.advance(AGREEMENT_STEPS)
        weights = [np.array(x) for x in one.weights()]
        reference = reference or weights
        pairs = zip(weights, reference, strict=True)
        found[one.name] = max(float(np.max(np.abs(a - b))) for a, b in pairs)
        if not found[one.name] <= AGREEMENT:
            raise DisagreementError(
                f"{one.name} is {found[one.name]:.1e} away from {contestants[0].name} after "
                f"{AGREEMENT_STEPS} steps; at most {AGREEMENT:g} is rounding"
            )
    return found


def _group(work: Workload, machine: Machine, repeats: int, seconds: float) -> dict[str, Any]:
    """One optimizer at one size: agreement first, then the race."""
    contestants, absent = entrants(work)
    differences = agreement(contestants)
    machine.measure((_working_set(work),))
    steps = {one.name: steps_for(one, seconds) for one in contestants}
    times = race(contestants, steps, repeats)
    machine.measure((_working_set(work),))
    rows = []
    for name, spent in times.items():
        scaled = sorted(1e6 * value / work.trials for value in spent)
        ratio, low, high = ratios(spent, times[KERNEL])
        rows.append({
            "name": name, "steps": steps[name], "median_us": median(scaled),
            "low_us": scaled[0], "high_us": scaled[-1], "ratio": ratio, "ratio_low": low,
            "ratio_high": high, "difference": differences[name],
        })  # fmt: skip
    return {
        "optimizer": work.optimizer, "d": work.d, "trials": work.trials, "repeats": repeats,
        "rows": rows, "absent": absent,
    }  # fmt: skip


def _working_set(work: Workload) -> int:
    """Bytes of the matrices of one trial: weights and moments."""
    return 8 * (1 + work.slots) * work.d**2


def _add_shares(group: dict[str, Any], machine: Machine) -> None:
    """Add the limits, in the unit of the rows, and the share of the limit that each row reaches.

    The limit is the largest of what the machine needs for the multiply-adds, for the square
    roots and quotients, and for reading and writing weights and moments once.
    """
    work = Workload(group["optimizer"], group["d"], group["trials"])
    weights = 1e6 * work.d**2
    limits = {
        "multiply-add": weights * PIPE_OPERATIONS[work.optimizer] / machine.fma,
        "divider": weights * machine.adam_quotient if work.adam else 0.0,
        "memory": 2e6 * _working_set(work) / machine.bandwidth[_working_set(work)],
    }
    group["limits_us"] = limits
    group["limit"] = max(limits, key=lambda name: limits[name])
    for row in group["rows"]:
        row["share_of_limit"] = limits[group["limit"]] / row["median_us"]


def _exponents(seconds: float) -> list[dict[str, Any]]:
    """Fitted exponents of the kernel's time in d, trials and steps (2, 1 and 1 by the work)."""
    found = []
    for optimizer in OPTIMIZERS:
        by_size = {d: Workload(optimizer, d, 8) for d in (32, 64, 128, 256)}
        by_trials = {s: Workload(optimizer, 64, s) for s in (4, 8, 16, 32)}
        steps = dict.fromkeys((64, 128, 256, 512), by_size[64])
        found.append(_exponent(optimizer, "d", by_size, None, seconds, 2.0))
        found.append(_exponent(optimizer, "trials", by_trials, None, seconds, 1.0))
        found.append(_exponent(optimizer, "steps", steps, steps, seconds, 1.0))
    return found


def _exponent(
    optimizer: str,
    variable: str,
    works: dict[int, Workload],
    steps: dict[int, Workload] | None,
    seconds: float,
    by_work: float,
) -> dict[str, Any]:
    times = {}
    for value, work in works.items():
        one = FusedKernel(work)
        count = value if steps else steps_for(one, seconds / 4)
        spent = median(race([one], {one.name: count}, 3)[one.name])
        times[value] = spent * count if steps else spent
    slope, error = exponent(list(times), list(times.values()))
    return {
        "optimizer": optimizer, "variable": variable, "values": list(times),
        "seconds": list(times.values()), "exponent": slope, "standard_error": error,
        "by_work": by_work,
    }  # fmt: skip


def _with_peers(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the versions of all peers."""
    versions = dict(manifest["libraries"])
    for needs in PEERS.values():
        for name in needs:
            if importlib.util.find_spec(name) is not None:
                versions[name] = importlib.metadata.version(name)
    return {**manifest, "libraries": versions}
