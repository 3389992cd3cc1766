"""A CuPy without a GPU: arrays on a pretended device that never turn into NumPy's by themselves.

As with CuPy, an implicit conversion (``__array__``, a NumPy function) and an operation with a
NumPy array raise TypeError; Python and NumPy scalars mix with everything. The namespace has the
names of the Array API and no others, and every result above the memory limit is out of memory.
"""

import importlib
import operator
import types

import array_api_compat.numpy as host
import array_api_strict
import numpy as np
from gpu_host import HostModule

NAME = "Pretended GPU"
FREE = 2**30


class OutOfMemoryError(MemoryError):
    """What CuPy raises, with its text."""

    def __init__(self, size, limit):
        super().__init__(
            f"Out of memory allocating {size:,} bytes (allocated so far: 0 bytes, "
            f"limit set to: {limit:,} bytes)."
        )


class Pool:
    """CuPy's memory pool, as far as a backend uses it."""

    def __init__(self):
        self.limit, self.refused, self.freed = FREE, [], 0

    def total_bytes(self):
        return 0

    def set_limit(self, size):
        self.limit = size

    def free_all_blocks(self):
        self.freed += 1

    def admit(self, values):
        if values.nbytes > self.limit:
            self.refused.append(values.nbytes)
            raise OutOfMemoryError(values.nbytes, self.limit)


class DeviceArray:
    """An array of the pretended device."""

    __array_ufunc__ = None
    __hash__ = None

    def __init__(self, values, xp):
        xp.pool.admit(values)
        self._values, self._xp = values, xp

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_function__(self, function, *_):
        raise TypeError(f"numpy.{function.__name__} of an array on the device")

    def __array_namespace__(self, **_):
        return self._xp

    def __getitem__(self, key):
        return _up(self._values[_down(key)], self._xp)

    def __setitem__(self, key, values):
        self._values[_down(key)] = _down(values)

    def __iter__(self):
        return (_up(row, self._xp) for row in self._values)

    def __len__(self):
        return len(self._values)

    def __repr__(self):
        return f"DeviceArray({self._values!r})"

    def to_device(self, *_, **__):
        return self

    device = NAME
    data = property(lambda self: types.SimpleNamespace(ptr=self._values.ctypes.data))
    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    T = property(lambda self: _up(self._values.T, self._xp))


def _method(function, swapped=False):
    def method(self, *others):
        values = [_down(other) for other in others]
        pair = (*values, self._values) if swapped else (self._values, *values)
        return _up(function(*pair), self._xp)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_",
              "xor", "lshift", "rshift"):  # fmt: skip
    _operation, _plain = getattr(operator, _name), _name.strip("_")
    setattr(DeviceArray, f"__{_plain}__", _method(_operation))
    setattr(DeviceArray, f"__r{_plain}__", _method(_operation, swapped=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert"):
    setattr(DeviceArray, f"__{_name}__", _method(getattr(operator, _name)))
DeviceArray.mT = property(lambda self: _up(np.matrix_transpose(self._values), self._xp))
for _name, _kind in {"float": float, "int": int, "bool": bool, "index": operator.index}.items():
    setattr(DeviceArray, f"__{_name}__", lambda self, kind=_kind: kind(self._values[()]))


def _down(value):
    """Arguments as NumPy takes them; TypeError for an array that is not on the device."""
    if isinstance(value, DeviceArray):
        return value._values
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, tuple | list):
        return type(value)(_down(part) for part in value)
    return value


def _up(result, xp):
    """Every array and NumPy scalar of a result on the device."""
    if isinstance(result, np.ndarray | np.generic):
        return DeviceArray(np.asarray(result), xp)
    if isinstance(result, tuple):
        parts = (_up(part, xp) for part in result)
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return [_up(part, xp) for part in result] if isinstance(result, list) else result


class Namespace(types.ModuleType):
    """The Array API over arrays of the pretended device."""

    def __init__(self, name, real, standard, pool=None):
        super().__init__(name)
        self.pool = pool or Pool()
        for label in standard.__all__:
            found = getattr(real, label, None)
            if isinstance(found, types.ModuleType):
                found = Namespace(label, found, getattr(standard, label), self.pool)
                found.top = self
            elif callable(found) and not isinstance(found, type):
                found = self._wrapped(found)
            setattr(self, label, found)

    def _wrapped(self, function):
        def wrapped(*args, **kwargs):
            given = {name: _down(value) for name, value in kwargs.items()}
            return _up(function(*_down(args), **given), getattr(self, "top", self))

        return wrapped


def pretended_cupy(devices=1):
    """The modules ``cupy`` and ``array_api_compat.cupy`` of a machine with that many GPUs."""
    xp = Namespace("array_api_compat.cupy", host, array_api_strict)
    wrapped = xp.asarray

    def asarray(values, /, **options):
        # Upload: the one explicit way from the host to the device.
        return _up(host.asarray(values, **options), xp) if isinstance(
            values, np.ndarray) else wrapped(values, **options)  # fmt: skip

    xp.asarray, xp.asnumpy = asarray, lambda values: values._values
    current = types.SimpleNamespace(id=0)

    def device(number=None):
        def use():
            current.id = number

        return types.SimpleNamespace(id=current.id, use=use, mem_info=(FREE, 4 * FREE))

    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: devices,
        getDeviceProperties=lambda number: {"name": f"{NAME} {number}".encode()},
    )
    cupy = types.SimpleNamespace(
        cuda=types.SimpleNamespace(runtime=runtime, Device=device), arange=np.arange,
        get_default_memory_pool=lambda: xp.pool, RawModule=HostModule,
    )  # fmt: skip
    return {"cupy": cupy, "array_api_compat.cupy": xp}


def import_with(modules, missing=()):
    """Stand-in for ``importlib.import_module`` that finds `modules`, and none of `missing`."""
    real = importlib.import_module

    def import_module(name, *rest):
        if name in missing:
            raise ImportError(f"No module named {name!r}")
        return modules[name] if name in modules else real(name, *rest)

    return import_module
