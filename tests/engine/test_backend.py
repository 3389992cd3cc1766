"""Backends: selection, clear refusals, and one sampler source on every namespace."""

import os

import numpy as np
import pytest
from cupy_tools import FREE, import_with, pretended_cupy

from simulations.engine import backend, cluster
from simulations.engine.backend import MEMORY_VARIABLE, select_backend
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


def pretend(monkeypatch, **options):
    """The modules of a machine with CuPy and a pretended GPU, found by the backend."""
    modules = pretended_cupy(**options)
    monkeypatch.setattr(backend.importlib, "import_module", import_with(modules))
    return modules


def test_cupy_without_the_package_says_what_is_missing(monkeypatch):
    without = import_with({}, missing=("cupy",))
    monkeypatch.setattr(backend.importlib, "import_module", without)
    with pytest.raises(EnvironmentLacksError, match=r"package CuPy.*adageo\[gpu\]"):
        select_backend("cupy")
    assert select_backend("auto").name == "numpy"


@pytest.mark.parametrize(
    ("devices", "failure", "message"),
    [
        (0, None, "CuPy finds none"),
        (1, RuntimeError("CUDA driver version is insufficient\nmore"), "insufficient$"),
    ],
)
def test_cupy_without_a_usable_gpu_says_what_is_missing(monkeypatch, devices, failure, message):
    def failing(_):
        raise failure

    modules = pretend(monkeypatch, devices=devices)
    if failure:
        modules["cupy"].arange = failing
    with pytest.raises(EnvironmentLacksError, match=message):
        select_backend("cupy")
    assert select_backend("auto").name == "numpy"


def test_cupy_with_a_gpu_is_chosen_and_named(monkeypatch):
    pretend(monkeypatch)
    for name in ("cupy", "auto"):
        chosen = select_backend(name)
        assert (chosen.name, chosen.device) == ("cupy", "Pretended GPU 0")


def test_a_device_is_chosen_by_number(monkeypatch):
    pretend(monkeypatch, devices=2)
    chosen = select_backend("cupy:1")
    assert (chosen.name, chosen.label, chosen.device) == ("cupy", "cupy:1", "Pretended GPU 1")
    with pytest.raises(EnvironmentLacksError, match=r"'cupy:2': CuPy finds devices 0\.\.1 only"):
        select_backend("cupy:2")


@pytest.mark.parametrize("name", ["torch", "cupy:", "cupy:x", "numpy:1", "cupy:-1"])
def test_unknown_backend_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"'{name}'; it must be one of numpy, cupy, auto"):
        select_backend(name)


def test_tensor_cores_are_told_to_keep_every_bit(monkeypatch):
    pretend(monkeypatch)
    monkeypatch.setenv("CUPY_TF32", "1")
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    select_backend("cupy")
    assert (os.environ["CUPY_TF32"], os.environ["NVIDIA_TF32_OVERRIDE"]) == ("0", "0")


@pytest.mark.parametrize(
    ("asked", "budget"),
    [("", FREE), ("1000000", 10**6), ("8 MB", 8 * 10**6), ("1.5MiB", 3 * 2**19), ("25%", FREE)],
)
def test_memory_budget_is_the_free_memory_or_what_is_asked(monkeypatch, asked, budget):
    modules = pretend(monkeypatch)
    monkeypatch.setenv(MEMORY_VARIABLE, asked)
    assert select_backend("cupy").budget == budget
    assert modules["cupy"].get_default_memory_pool().limit == budget


@pytest.mark.parametrize("asked", ["much", "0", "-1", "150%", "0%", "8 parsecs"])
def test_memory_that_cannot_be_read_is_named(monkeypatch, asked):
    pretend(monkeypatch)
    monkeypatch.setenv(MEMORY_VARIABLE, asked)
    with pytest.raises(EnvironmentLacksError, match=f"ADAGEO_DEVICE_MEMORY is '{asked}'; it must"):
        select_backend("cupy")
    with pytest.raises(EnvironmentLacksError, match=f"ADAGEO_DEVICE_MEMORY is '{asked}'; it must"):
        select_backend("auto")
    # Nor does a worker of a cluster pass for one without a GPU.
    with pytest.raises(EnvironmentLacksError, match="ADAGEO_DEVICE_MEMORY"):
        cluster._facts()


def test_a_host_array_is_not_taken_for_a_result_of_the_device(monkeypatch):
    pretend(monkeypatch)
    chosen = select_backend("cupy")
    with pytest.raises(TypeError, match="declared with host=True"):
        chosen.to_numpy(np.zeros(3))
    back = chosen.to_numpy(chosen.xp.zeros(3))
    assert isinstance(back, np.ndarray)


def test_the_pretended_device_refuses_what_cupy_refuses(monkeypatch):
    xp = pretend(monkeypatch)["array_api_compat.cupy"]
    here, there = np.ones(2), xp.ones(2)
    for mix in (lambda: here + there, lambda: there * here, lambda: np.asarray(there),
                lambda: np.sum(there), lambda: xp.stack([there, here]), lambda: np.sqrt(there),
                lambda: there[np.asarray([0])]):  # fmt: skip
        with pytest.raises(TypeError):
            mix()
    assert float(xp.sum(np.float64(2.0) * there + 1)) == 6.0
