"""Kernels are compiled once on a machine: later processes load them, and never a stale one."""

import importlib.util
import logging
import os
import subprocess
import sys

import numba
import pytest

from theory.core import compilation
from theory.core.compilation import Compiled

_MODULE = """
import numba
from {name}_value import VALUE

@numba.njit
def inner(x):
    return x + VALUE

def outer(x):
    return inner(x)
"""
# Every compilation of the process is counted, not only those of our own class.
_START = """
import sys
import numpy as np
from numba.core import event
with event.install_recorder("numba:compile") as seen:
    from simulations.kernels.two_layer_layout import Network
    network = Network("sgd", np.ones((1, 2)), np.ones((1, 2, 2)), np.ones(2))
    network.advance(0, np.full(3, 0.1), np.zeros(3), 0.0, 0.0)
print(len(seen.buffer), network.w.tolist())
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Function that writes, imports and wraps a kernel which adds `value`."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compilation, "_announced", set())
    monkeypatch.syspath_prepend(tmp_path)

    def make(value):
        name = f"kernel_of_{tmp_path.name}".replace("-", "_")
        (tmp_path / f"{name}_value.py").write_text(f"VALUE = {value}\n")
        (tmp_path / f"{name}.py").write_text(_MODULE.format(name=name))
        for loaded in (name, f"{name}_value"):
            sys.modules.pop(loaded, None)
        importlib.invalidate_caches()
        compilation._digest.cache_clear()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            module = importlib.import_module(name)
        finally:
            sys.dont_write_bytecode = before
        return Compiled(module.outer, (numba.types.int64,), "outer")

    return make


def test_a_kernel_is_loaded_where_its_sources_are_unchanged(kernels):
    first = kernels(1)
    assert (first(1), first.compilations) == (2, 1)
    second = kernels(1)
    assert (second(1), second.compilations) == (2, 0)
    # The constant stands in another file than the kernel.
    third = kernels(20)
    assert (third(1), third.compilations) == (21, 1)


def test_a_damaged_kernel_is_compiled_again(kernels, tmp_path, caplog):
    assert kernels(1)(1) == 2
    for path in tmp_path.rglob("*.nbc"):
        path.write_bytes(path.read_bytes()[:100])
    again = kernels(1)
    assert (again(1), again.compilations) == (2, 1)
    assert "kernel outer in the cache is damaged" in caplog.text
    last = kernels(1)
    assert (last(1), last.compilations) == (2, 0)


def test_without_a_place_for_them_kernels_still_work(kernels, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
    made = kernels(1)
    assert (made(1), made.compilations) == (2, 1)
    assert "cannot be kept" in caplog.text


def test_the_first_compilation_is_announced_once(kernels, caplog):
    with caplog.at_level(logging.WARNING, logger="adageo.kernels"):
        kernels(1)(1)
        kernels(2)(1)
    assert [record.message.split(",")[0] for record in caplog.records] == ["compiling kernels"]


def test_of_two_processes_one_compiles_and_later_ones_load(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}

    def start():
        return subprocess.Popen(
            [sys.executable, "-c", _START], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def finish(process):
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        count, rest = out.split(" ", 1)
        return int(count), rest, err

    together = [start(), start()]
    (one, first, said_1), (two, second, said_2) = map(finish, together)
    later, third, said_3 = finish(start())
    assert min(one, two) == 0 < max(one, two)
    assert later == 0
    assert first == second == third
    assert (said_1 + said_2).count("compiling kernels") == 1
    assert said_3 == ""
