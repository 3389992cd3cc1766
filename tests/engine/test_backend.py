"""Backends: selection, clear refusals, and one sampler source on every namespace."""

import importlib
import types

import numpy as np
import pytest

from simulations.engine import backend
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.core import EnvironmentLacksError


def share(stream, trials, d):
    xp = stream.xp
    entries = xp.abs(stream.normal((trials, d, d)))
    diagonal = xp.linalg.diagonal(entries)
    return xp.sum(diagonal, axis=-1) / xp.sum(entries, axis=(1, 2))


def test_the_same_source_gives_the_same_numbers_on_strict_arrays():
    drawn = {}
    for name in ("numpy", "strict"):
        chosen = select_backend(name)
        drawn[name] = chosen.to_numpy(share(Stream(chosen, 3, 0), 100, 4))
        assert isinstance(drawn[name], np.ndarray)
    # 16 summands of one sign: the order of summation changes at most 16 ulps.
    np.testing.assert_allclose(drawn["strict"], drawn["numpy"], rtol=16 * np.finfo(float).eps)


def test_strict_arrays_of_every_kind_come_back():
    strict = select_backend("strict")
    for values in ([True, False], [1, 2], [0.5]):
        back = strict.to_numpy(strict.xp.asarray(values))
        np.testing.assert_array_equal(back, np.asarray(values))


def without_cupy(name, *rest, _real=importlib.import_module):
    if name.startswith("cupy"):
        raise ImportError("No module named 'cupy'")
    return _real(name, *rest)


def fake_cupy(count: int, failure: Exception | None = None) -> types.SimpleNamespace:
    def arange(_):
        if failure is not None:
            raise failure
        return np.arange(2.0)

    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: count, getDeviceProperties=lambda _: {"name": b"NVIDIA T1000"}
    )
    device = types.SimpleNamespace(id=0)
    cuda = types.SimpleNamespace(runtime=runtime, Device=lambda: device)
    return types.SimpleNamespace(cuda=cuda, arange=arange)


def importing(cupy):
    def import_module(name, *rest, _real=importlib.import_module):
        return cupy if name in ("cupy", "array_api_compat.cupy") else _real(name, *rest)

    return import_module


def test_cupy_without_the_package_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(backend.importlib, "import_module", without_cupy)
    with pytest.raises(EnvironmentLacksError, match=r"package CuPy.*adageo\[gpu\]"):
        select_backend("cupy")
    assert select_backend("auto").name == "numpy"


@pytest.mark.parametrize(
    ("cupy", "message"),
    [
        (fake_cupy(0), "CuPy finds none"),
        (fake_cupy(1, RuntimeError("CUDA driver version is insufficient\nmore")), "insufficient$"),
    ],
)
def test_cupy_without_a_usable_gpu_says_what_is_missing(monkeypatch, cupy, message):
    monkeypatch.setattr(backend.importlib, "import_module", importing(cupy))
    with pytest.raises(EnvironmentLacksError, match=message):
        select_backend("cupy")
    assert select_backend("auto").name == "numpy"


def test_cupy_with_a_gpu_is_chosen_and_named(monkeypatch):
    monkeypatch.setattr(backend.importlib, "import_module", importing(fake_cupy(1)))
    for name in ("cupy", "auto"):
        chosen = select_backend(name)
        assert (chosen.name, chosen.device) == ("cupy", "NVIDIA T1000")


def test_unknown_backend_lists_the_known_ones():
    with pytest.raises(ValueError, match="'torch'; it must be one of numpy, cupy, auto"):
        select_backend("torch")
