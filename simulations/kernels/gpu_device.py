"""A device that kernels are launched on: what a launcher asks of it, and CuPy's current GPU."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Protocol

from simulations.kernels.gpu_build import OPTIONS, Kernel, source

Array = Any
# CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED of the driver: clusters of more than 8 blocks.
_LARGE_CLUSTERS, _PORTABLE_CLUSTER = 14, 8


class Device(Protocol):
    """What launchers ask of a device.

    Attributes
    ----------
    xp : module
        Namespace of its arrays.
    shared_limit : int
        Bytes of shared memory that a block may have.
    cluster_limit : int
        Blocks that a cluster may have; 1 where there are no clusters.
    multiprocessors : int
    """

    xp: Any
    shared_limit: int
    cluster_limit: int
    multiprocessors: int

    def address(self, array: Array) -> int:
        """Address of the first element of a contiguous array."""

    def launch(self, kernel: Kernel, grid: tuple[int, int], task: Any) -> None:
        """Run `kernel` on `grid` blocks; `task` is its argument, a NumPy array of one record."""


class CupyDevice:
    """One GPU, through CuPy, which compiles a kernel when it is first launched.

    CuPy keeps the binaries on disk, so that later processes do not compile again.
    """

    def __init__(self, number: int) -> None:
        self._cupy: Any = importlib.import_module("cupy")
        self.xp: Any = importlib.import_module("array_api_compat.cupy")
        found = self._cupy.cuda.Device(number)
        attributes, capability = found.attributes, int(found.compute_capability)
        self.shared_limit = int(attributes["MaxSharedMemoryPerBlockOptin"])
        self.multiprocessors = int(attributes["MultiProcessorCount"])
        # Data-centre chips (9.0, 10.x) take 16 blocks where the launch allows it, others 8.
        self.cluster_limit = 1 if capability < 90 else 16 if capability < 110 else 8
        self._functions: dict[Kernel, Any] = {}

    def address(self, array: Array) -> int:
        """Address of the first element of a contiguous array."""
        return int(array.data.ptr)

    def launch(self, kernel: Kernel, grid: tuple[int, int], task: Any) -> None:
        """Run `kernel` on `grid` blocks; `task` is its argument, a NumPy array of one record."""
        function = self._functions.get(kernel)
        if function is None:
            function = self._functions[kernel] = self._load(kernel)
        function(grid, (kernel.threads,), (task,), shared_mem=kernel.shared)

    def _load(self, kernel: Kernel) -> Any:
        module = self._cupy.RawModule(code=source([kernel]), options=OPTIONS)
        function = module.get_function(kernel.name)
        function.max_dynamic_shared_size_bytes = kernel.shared
        if kernel.cluster > _PORTABLE_CLUSTER:
            driver = self._cupy.cuda.driver
            driver.funcSetAttribute(function.kernel.ptr, _LARGE_CLUSTERS, 1)
        return function


def current_device() -> CupyDevice:
    """CuPy's current GPU, with the kernels that it has loaded.

    Raises
    ------
    ImportError
        If CuPy is missing.
    """
    return _device(int(importlib.import_module("cupy").cuda.Device().id))


@cache
def _device(number: int) -> CupyDevice:
    return CupyDevice(number)
