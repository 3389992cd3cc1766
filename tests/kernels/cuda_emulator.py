"""A CPU in the place of a GPU: the .cu sources compiled as C++ and run on fibers.

See cuda_host/emulated.hpp for what is emulated and which mistakes it finds.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path

import array_api_compat.numpy as xp
import pytest

from simulations.kernels.gpu_build import by_file, source

HEADER = Path(__file__).parent / "cuda_host" / "emulated.hpp"
ERRORS = {1: "a barrier that some thread never reaches", 2: "a write beyond the shared memory"}


class EmulatedDevice:
    """Launches kernels on the CPU, with the limits of a Hopper GPU unless told.

    `order` is that in which threads run between barriers: 0 upwards, 1 downwards, others shuffled.
    """

    def __init__(self, folder, shared_limit=232448, cluster_limit=16, order=0):
        self.xp, self.multiprocessors = xp, 2
        self.shared_limit, self.cluster_limit, self.order = shared_limit, cluster_limit, order
        self._folder, self._functions = folder, {}

    def twin(self, **limits):
        """Another device with the kernels that are compiled already."""
        device = EmulatedDevice(self._folder, **limits)
        device._functions = self._functions
        return device

    def address(self, array):
        assert array.flags.c_contiguous
        return array.ctypes.data

    def prepare(self, kernels):
        """Compile kernels together, which is faster than one by one."""
        missing = dict.fromkeys(k for k in kernels if k not in self._functions)
        for group in by_file(missing):
            library = compile_as_cpp(group, self._folder / f"{group[0].name}_{len(group)}.so")
            self._functions |= {kernel: getattr(library, kernel.name) for kernel in group}

    def launch(self, kernel, grid, task):
        assert kernel.shared <= self.shared_limit
        assert kernel.cluster <= self.cluster_limit
        self.prepare([kernel])
        status = self._functions[kernel](
            task.ctypes.data_as(ctypes.c_void_p), *grid, ctypes.c_longlong(kernel.shared),
            self.order,
        )  # fmt: skip
        assert status == 0, f"{kernel.name}: {ERRORS[status]}"


def compile_as_cpp(kernels, library):
    """Load the kernels of one file compiled by g++, or skip where there is none."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler (g++) to run the GPU sources on the CPU with")
    text = library.with_suffix(".cpp")
    text.write_text(source(kernels))
    flags = ["-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-U_FORTIFY_SOURCE",
             "-Wall", "-Wextra", "-Werror"]  # fmt: skip
    done = subprocess.run(["g++", *flags, "-include", HEADER, "-o", library, text],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))
