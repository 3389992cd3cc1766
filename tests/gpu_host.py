"""GPU sources without barriers and lanes, compiled as C++: one thread after the other."""

import atexit
import ctypes
import functools
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from simulations.engine.backend import select_backend
from theory.core import EnvironmentLacksError

_HOST = r"""
#include <math.h>
#define ADAGEO_EMULATED
#define ADAGEO_DEVICE inline
#define ADAGEO_UNROLL
static int thread_now, block_now;
inline int thread_index() { return thread_now; }
inline int block_index_x() { return block_now; }
#define ADAGEO_KERNEL(NAME, THREADS, BLOCKS, TASK, BODY)               \
  extern "C" void NAME(int blocks, int threads, const TASK* given) {   \
    const TASK task = *given;                                          \
    for (block_now = 0; block_now < blocks; ++block_now)               \
      for (thread_now = 0; thread_now < threads; ++thread_now) { BODY; } \
  }
"""


@functools.cache
def compile_for_the_host(text):
    """A function ``run(name, blocks, threads, task)`` over the kernels in a GPU source."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the GPU sources for the CPU with")
    folder = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, library = folder / "kernels.cpp", folder / "kernels.so"
    path.write_text(_HOST + text)
    flags = ["-std=c++17", "-O1", "-shared", "-fPIC", "-Wno-unknown-pragmas"]
    subprocess.run(["g++", *flags, "-o", str(library), str(path)], check=True)
    loaded = ctypes.CDLL(str(library))

    def run(name, blocks, threads, task):
        getattr(loaded, name)(blocks, threads, task.ctypes.data_as(ctypes.c_void_p))

    return run


class HostModule:
    """Stand-in for ``cupy.RawModule`` on such sources."""

    def __init__(self, *, code, options, backend):
        self._run = compile_for_the_host(code)

    def get_function(self, name):
        """The kernel, called with grid, block and arguments."""
        return lambda grid, block, arguments: self._run(name, *grid, *block, *arguments)


def require_gpu():
    """Skip the test where there is no GPU, and say what was not done."""
    try:
        select_backend("cupy")
    except EnvironmentLacksError as error:
        pytest.skip(f"the kernels did not run on a GPU: {error}")
