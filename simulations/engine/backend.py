"""Array backends: NumPy, CuPy, and strict Array-API arrays for tests."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy
import numpy.typing as npt

from theory.core import EnvironmentLacksError

BACKENDS = ("numpy", "cupy", "auto")
_STRICT = "strict"

Array = Any
FloatArray = npt.NDArray[numpy.float64]


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
    """

    name: str
    xp: Any
    device: str

    def to_numpy(self, array: Array) -> npt.NDArray[Any]:
        """The same values in a NumPy array on the host."""
        if self.name == "cupy":
            return numpy.asarray(self.xp.asnumpy(array))
        if self.name == _STRICT:
            return numpy.asarray(numpy.from_dlpack(array))
        return numpy.asarray(array)


def select_backend(name: str) -> Backend:
    """The backend called `name`; ``auto`` is CuPy where a GPU is usable, NumPy elsewhere.

    Raises
    ------
    EnvironmentLacksError
        If ``cupy`` is asked for and CuPy, its driver or a GPU is missing; the text says which.
    ValueError
        If `name` is not one of ``BACKENDS``.
    """
    if name == "numpy":
        return Backend("numpy", importlib.import_module("array_api_compat.numpy"), "CPU")
    if name == _STRICT:
        return Backend(_STRICT, importlib.import_module("array_api_strict"), "CPU")
    if name == "auto":
        try:
            return _cupy_backend()
        except EnvironmentLacksError:
            return select_backend("numpy")
    if name == "cupy":
        return _cupy_backend()
    raise ValueError(f"backend is {name!r}; it must be one of {', '.join(BACKENDS)}")


def _cupy_backend() -> Backend:
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise EnvironmentLacksError(
            f"backend 'cupy' needs the package CuPy, which cannot be imported ({error}); "
            "install adageo[gpu], or choose --backend numpy"
        ) from error
    return Backend("cupy", importlib.import_module("array_api_compat.cupy"), _gpu_name(cupy))


def _gpu_name(cupy: ModuleType) -> str:
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
        if count == 0:
            raise EnvironmentLacksError("backend 'cupy' needs a CUDA GPU; CuPy finds none")
        # A trivial kernel shows that driver, toolkit and GPU fit together.
        float(cupy.arange(2.0).sum())
        properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    except EnvironmentLacksError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EnvironmentLacksError(
            f"backend 'cupy' needs a usable CUDA GPU and driver; CuPy says: {reason}"
        ) from error
    return str(properties["name"].decode())
