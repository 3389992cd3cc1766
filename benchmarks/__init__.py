"""Benchmark cases: our kernels and the named peers, measured side by side in one run.

Every figure is CPU time of this process with one thread, the contestants take turns, and medians
are given with their spread. The limits of the machine are measured in the same run, so that the
share of the limit is computed and never quoted.
"""

from __future__ import annotations

# Case -> the module whose `measure` runs it.
CASES = {
    "two-layer": "benchmarks.two_layer",
    "wigner": "benchmarks.wigner",
    "ols": "benchmarks.ols",
    "egop": "benchmarks.egop",
    "smoothness-sdp": "benchmarks.smoothness_sdp",
}
