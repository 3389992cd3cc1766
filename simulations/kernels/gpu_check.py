"""Compile every GPU kernel without a GPU and read what it takes: ``make gpu-check``.

For each architecture: registers of a thread, bytes that it spills, bytes of shared memory of a
block. Exit status 0; 1 if a kernel does not compile, spills more than its limit, or a block does
not find its registers on a multiprocessor; 3 without a compiler.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from simulations.kernels.gpu_build import Kernel, by_file, source
from simulations.kernels.gpu_compilers import (
    CompilationError,
    Compiler,
    Usage,
    find_compiler,
    fits,
)

# Modules of this package that have kernels, each with a function `catalogue`.
CATALOGUES = ("two_layer_gpu_layout", "wigner_gpu", "ols_gpu")
# Architecture -> (bytes of shared memory of a block, blocks of a cluster).
ARCHITECTURES = {
    "sm_80": (166912, 1), "sm_90": (232448, 16), "sm_100": (232448, 16), "sm_120": (101376, 8),
}  # fmt: skip
_TOGETHER = 12
FINE, FAILED, NO_COMPILER = 0, 1, 3

Found = dict[tuple[str, str], Usage | str]


def kernels(containing: str = "") -> list[Kernel]:
    """Every kernel whose name contains the text."""
    modules = [import_module(f"simulations.kernels.{name}") for name in CATALOGUES]
    return [kernel for module in modules for kernel in module.catalogue()
            if containing in kernel.name]  # fmt: skip


def fits_on(kernel: Kernel, architecture: str) -> bool:
    """Whether the architecture has the shared memory and the clusters that the kernel needs."""
    shared, cluster = ARCHITECTURES[architecture]
    return kernel.shared <= shared and kernel.cluster <= cluster


def measure(
    compiler: Compiler, chosen: Sequence[Kernel], architectures: Iterable[str], jobs: int
) -> Found:
    """(kernel, architecture) -> what it takes, or why it did not compile."""
    units = [(group[k : k + _TOGETHER], architecture)
             for architecture in architectures
             for group in by_file(kernel for kernel in chosen if fits_on(kernel, architecture))
             for k in range(0, len(group), _TOGETHER)]  # fmt: skip

    def compiled(unit: tuple[list[Kernel], str]) -> Found:
        group, architecture = unit
        try:
            usage = compiler.usage(source(group), architecture)
        except CompilationError as error:
            return {(kernel.name, architecture): str(error) for kernel in group}
        return {(kernel.name, architecture): usage[kernel.name] for kernel in group}

    found: Found = {}
    with ThreadPoolExecutor(jobs) as pool:
        for part in pool.map(compiled, units):
            found |= part
    return found


def faults(chosen: Iterable[Kernel], found: Found) -> list[str]:
    """One line for each kernel that fails on an architecture."""
    lines = []
    for kernel in chosen:
        for (name, architecture), usage in found.items():
            if name != kernel.name:
                continue
            where = f"{name} on {architecture}"
            if isinstance(usage, str):
                lines.append(f"{where} does not compile: {usage}")
            elif usage.spilt > kernel.spill_limit:
                lines.append(f"{where} spills {usage.spilt} bytes a thread; the limit is "
                             f"{kernel.spill_limit}")  # fmt: skip
            elif not fits(usage, kernel.threads):
                lines.append(f"{where} takes {usage.registers} registers for {kernel.threads} "
                             "threads; a multiprocessor has 65536")  # fmt: skip
    return lines


def table(chosen: Iterable[Kernel], found: Found, architectures: Sequence[str]) -> str:
    """Registers, and spilled bytes behind a plus, of each kernel on each architecture."""

    def cell(kernel: Kernel, architecture: str) -> str:
        usage = found.get((kernel.name, architecture))
        if usage is None:
            return "-"
        if isinstance(usage, str):
            return "error"
        return f"{usage.registers}" + (f"+{usage.spilt}" if usage.spilt else "")

    head = ["kernel", "threads", "cluster", "shared", *architectures]
    rows = [[kernel.name, str(kernel.threads), str(kernel.cluster), str(kernel.shared),
             *(cell(kernel, architecture) for architecture in architectures)]
            for kernel in chosen]  # fmt: skip
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) if k == 0 else text.rjust(width)
                  for k, (text, width) in enumerate(zip(row, widths, strict=True)))
        for row in [head, *rows]
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Compile, print the table and the faults, return the exit status."""
    parser = argparse.ArgumentParser("gpu_check", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--compiler", choices=("any", "nvrtc", "nvcc"), default="any")
    parser.add_argument("--architecture", choices=tuple(ARCHITECTURES), action="append")
    parser.add_argument("--kernel", default="", metavar="TEXT", help="those whose name has TEXT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    chosen = kernels(given.kernel)
    if not chosen:
        parser.error(f"argument --kernel: no kernel has {given.kernel!r} in its name")
    if given.jobs < 1:
        parser.error(f"argument --jobs: {given.jobs} is not >= 1")
    compiler = find_compiler(given.compiler)
    if compiler is None:
        sys.stderr.write("gpu-check: no CUDA compiler: neither the library NVRTC (install "
                         "adageo[gpu-check]) nor nvcc on PATH or in CUDA_HOME\n")  # fmt: skip
        return NO_COMPILER
    architectures = given.architecture or list(ARCHITECTURES)
    found = measure(compiler, chosen, architectures, given.jobs)
    wrong = faults(chosen, found)
    summary = (f"{len(chosen)} kernels, {len(found)} binaries by {compiler.name}: registers of a "
               "thread + bytes it spills; - where shared memory or clusters do not suffice"
               )  # fmt: skip
    lines = [table(chosen, found, architectures), summary]
    sys.stdout.write("\n".join(lines + [f"gpu-check: {line}" for line in wrong]) + "\n")
    return FAILED if wrong else FINE


if __name__ == "__main__":
    sys.exit(main())
