"""Array backends: NumPy, CuPy, and strict Array-API arrays for tests."""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing as npt

from theory.core import EnvironmentLacksError

BACKENDS = ("numpy", "cupy", "auto")
# Device memory that a process may use; without it all that is free when a block starts.
MEMORY_VARIABLE = "ADAGEO_DEVICE_MEMORY"
# What rows say of a measurement without a GPU.
HOST = "CPU"
_STRICT = "strict"
_CUPY = re.compile(r"cupy(?::(\d+))?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[KMGT]?i?B?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
# Tensor cores round float32 products to 10 bits unless both are told not to.
_NO_TF32 = {"CUPY_TF32": "0", "NVIDIA_TF32_OVERRIDE": "0"}

Array = Any
FloatArray = npt.NDArray[numpy.float64]


class NoGpuError(EnvironmentLacksError):
    """CuPy, its driver or a GPU is missing; what ``auto`` takes NumPy for."""


@dataclass(frozen=True)
class Backend:
    """An Array-API namespace, its name and the device behind it.

    Attributes
    ----------
    name : str
        ``"numpy"``, ``"cupy"``, or ``"strict"`` (array-api-strict over NumPy draws; for tests).
    xp : module
        The Array-API namespace that samplers compute with.
    device : str
        Words for the report: ``"CPU"`` or the name of the GPU.
    label : str
        What `select_backend` takes for the same choice, ``"cupy:1"`` for instance.
    budget : int
        Bytes that CuPy may have allocated on the device; 0 is no limit of this suite.
    """

    name: str
    xp: Any
    device: str
    label: str = ""
    budget: int = 0

    def to_numpy(self, array: Array) -> npt.NDArray[Any]:
        """The same values in a NumPy array on the host.

        Raises
        ------
        TypeError
            If the backend is CuPy and the array is on the host already: whoever computed it
            left the device without saying so.
        """
        if self.name == "cupy":
            if isinstance(array, numpy.ndarray | numpy.generic):
                raise TypeError("a NumPy array came back from a sampler that was given a GPU; "
                                "a sampler that works on the host is declared with host=True"
                                )  # fmt: skip
            return numpy.asarray(self.xp.asnumpy(array))
        if self.name == _STRICT:
            return numpy.asarray(numpy.from_dlpack(array))
        return numpy.asarray(array)

    def release(self) -> None:
        """Return the memory that CuPy keeps for later to the device."""
        if self.name == "cupy":
            importlib.import_module("cupy").get_default_memory_pool().free_all_blocks()


def backend_class(name: str) -> str:
    """Name of a backend without the number of its device: results do not depend on that.

    >>> backend_class("cupy:1")
    'cupy'
    """
    return name.partition(":")[0]


def select_backend(name: str) -> Backend:
    """The backend called `name`; ``auto`` is CuPy where a GPU is usable, NumPy elsewhere.

    ``cupy`` computes on CuPy's current device, ``cupy:1`` on the device of that number. CuPy
    may allocate what is free on the device, or what ``ADAGEO_DEVICE_MEMORY`` says (bytes, or
    with a unit as in ``8GiB`` and ``8GB``, or a share of the device as in ``50%``).

    Raises
    ------
    EnvironmentLacksError
        If ``cupy`` is asked for and CuPy, its driver, a GPU or the device of that number is
        missing, or a GPU is found and the variable cannot be read; the text says which.
    ValueError
        If `name` is not one of ``BACKENDS`` or ``cupy:N``.
    """
    if name == "numpy":
        return Backend(name, importlib.import_module("array_api_compat.numpy"), HOST, name)
    if name == _STRICT:
        return Backend(name, importlib.import_module("array_api_strict"), HOST, name)
    if name == "auto":
        try:
            return _cupy_backend(None)
        except NoGpuError:
            return select_backend("numpy")
    if matched := _CUPY.fullmatch(name):
        return _cupy_backend(None if matched[1] is None else int(matched[1]))
    raise ValueError(f"backend is {name!r}; it must be one of {', '.join(BACKENDS)} or cupy:N")


def _cupy_backend(number: int | None) -> Backend:
    os.environ.update(_NO_TF32)
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise NoGpuError(
            f"backend 'cupy' needs the package CuPy, which cannot be imported ({error}); "
            "install adageo[gpu], or choose --backend numpy"
        ) from error
    device = _gpu_name(cupy, number)
    label = "cupy" if number is None else f"cupy:{number}"
    budget = _limit_memory(cupy)
    return Backend("cupy", importlib.import_module("array_api_compat.cupy"), device, label, budget)


def _gpu_name(cupy: Any, number: int | None) -> str:
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
        if count == 0:
            raise NoGpuError("backend 'cupy' needs a CUDA GPU; CuPy finds none")
        if number is not None:
            if number >= count:
                raise EnvironmentLacksError(
                    f"backend 'cupy:{number}': CuPy finds devices 0..{count - 1} only"
                )
            cupy.cuda.Device(number).use()
        # A trivial kernel shows that driver, toolkit and GPU fit together.
        float(cupy.arange(2.0).sum())
        properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    except EnvironmentLacksError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoGpuError(
            f"backend 'cupy' needs a usable CUDA GPU and driver; CuPy says: {reason}"
        ) from error
    return str(properties["name"].decode())


def _limit_memory(cupy: Any) -> int:
    """Limit CuPy's pool to the budget and return it in bytes."""
    pool = cupy.get_default_memory_pool()
    free, total = (int(amount) for amount in cupy.cuda.Device().mem_info)
    # What the pool keeps for later is not free on the device, but free for this process.
    budget = free + int(pool.total_bytes())
    if asked := os.environ.get(MEMORY_VARIABLE):
        budget = parse_memory(asked, total)
    pool.set_limit(size=budget)
    return budget


def parse_memory(text: str, total: int) -> int:
    """Bytes of a memory size as ``ADAGEO_DEVICE_MEMORY`` has it.

    >>> parse_memory("1.5GiB", 0), parse_memory("2 MB", 0), parse_memory("25%", 1000)
    (1610612736, 2000000, 250)

    Raises
    ------
    EnvironmentLacksError
        If it is no positive size, or more than the `total` of the device for a share.
    """
    matched = _SIZE.fullmatch(text.strip())
    amount = 0.0
    if matched and matched[2] == "%":
        amount = total * float(matched[1]) / 100.0 if float(matched[1]) <= 100.0 else 0.0
    elif matched:
        unit = matched[2].lower()
        base = 1024 if "i" in unit else 1000
        amount = float(matched[1]) * base ** _POWERS[unit.rstrip("b").rstrip("i")]
    if amount < 1.0:
        raise EnvironmentLacksError(f"{MEMORY_VARIABLE} is {text!r}; it must be a positive number "
                                    "of bytes, a size such as 8GiB, or a share such as 50%"
                                    )  # fmt: skip
    return int(amount)
