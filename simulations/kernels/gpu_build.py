"""GPU kernels as source text: one instance, or several, of the templates in the ``.cu`` files.

The text is complete, with the package's headers inside, so that every compiler takes it as it is
and CuPy's cache of binaries on disk, which is keyed by the text, notices every change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulations.kernels.two_layer_reference import DIVERGED

# Division and square root of float32 may be 2 ulp off, as the error bounds of the tests allow;
# float64 is rounded correctly, and subnormal numbers are kept.
OPTIONS = ("--std=c++17", "--prec-div=false", "--prec-sqrt=false")
_INCLUDE = re.compile(r'^#include "([\w.]+)"\n', re.MULTILINE)


@dataclass(frozen=True)
class Kernel:
    """An instance of a kernel template.

    Attributes
    ----------
    name : str
        What the compiled function is called.
    file : str
        The ``.cu`` file of this package that has the template.
    argument : str
        C++ type of the only argument, which the body calls `task`.
    body : str
        C++ expression that runs the template.
    threads, blocks, cluster : int
        Threads of a block; blocks that a multiprocessor should have room for; blocks of a
        cluster (1 is none).
    shared : int
        Bytes of dynamic shared memory.
    spill_limit : int
        Bytes of a thread that the compiler may spill.
    """

    name: str
    file: str
    argument: str
    body: str
    threads: int
    blocks: int
    cluster: int
    shared: int
    spill_limit: int

    @property
    def instance(self) -> str:
        """The line that makes the compiler emit this kernel."""
        head = f"{self.name}, {self.threads}, {self.blocks}"
        tail = f"{self.argument}, ({self.body})"
        if self.cluster == 1:
            return f"ADAGEO_KERNEL({head}, {tail})"
        return f"ADAGEO_CLUSTER_KERNEL({head}, {self.cluster}, {tail})"


def source(kernels: Sequence[Kernel]) -> str:
    """C++ text of kernels of one file.

    Raises
    ------
    ValueError
        If the kernels are of several files, or there is none.
    """
    names = sorted({kernel.file for kernel in kernels})
    if len(names) != 1:
        raise ValueError(f"kernels is of the files {names}; it must be of exactly one")
    lines = [f"#define ADAGEO_DIVERGED {DIVERGED!r}", _expanded(names[0])]
    return "\n".join(lines + [kernel.instance for kernel in kernels]) + "\n"


def by_file(kernels: Iterable[Kernel]) -> list[list[Kernel]]:
    """The kernels grouped by their file."""
    groups: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        groups.setdefault(kernel.file, []).append(kernel)
    return list(groups.values())


@cache
def _expanded(name: str) -> str:
    """Text of a file of this package with the files it includes in their places."""
    text = files("simulations.kernels").joinpath(name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: _expanded(found[1]), text)
