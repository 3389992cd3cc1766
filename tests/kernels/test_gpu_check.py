"""The compile check of the GPU kernels, its compilers, and launching through CuPy."""

import dataclasses
import sys
import types

import numpy as np
import pytest

from simulations.kernels import gpu_check, gpu_compilers, gpu_device
from simulations.kernels.gpu_build import Kernel, by_file, source
from simulations.kernels.gpu_compilers import CompilationError, Compiler, Usage, find_compiler
from simulations.kernels.two_layer_gpu_layout import Layout

SMALL = Layout("sgd", "float32", 32, 1).kernel
LOG = """
ptxas info    : 0 bytes gmem
ptxas info    : Function properties for {name}
    8 bytes stack frame, {stores} bytes spill stores, 16 bytes spill loads
ptxas info    : Used {registers} registers, used 1 barriers, 8 bytes cumulative stack size
"""


def reporting(stores=4, registers=100):
    """A compiler that says of each kernel in the text that it takes so much."""

    def report(text, architecture):
        names = [kernel.name for kernel in gpu_check.kernels() if f"({kernel.name}," in text]
        return "".join(LOG.format(name=n, stores=stores, registers=registers) for n in names)

    return Compiler("a pretended compiler", report)


def test_without_a_compiler_the_check_says_so(monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "find_compiler", lambda name: None)
    assert gpu_check.main([]) == 3
    assert "no CUDA compiler" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("compiler", "status", "line"),
    [
        (reporting(), 0, "sgd_float32_32_1"),
        (reporting(stores=1000), 1, "resident_sgd_float32_32_1 on sm_80 spills 1016 bytes"),
        (reporting(registers=2000), 1, "resident_sgd_float32_32_1 on sm_90 takes 2000 registers"),
        (Compiler("silent", lambda text, architecture: "nothing"), 1, "reports no kernel: nothing"),
    ],
)
def test_faults_are_named(monkeypatch, capsys, compiler, status, line):
    monkeypatch.setattr(gpu_check, "find_compiler", lambda name: compiler)
    options = ["--kernel", "resident_sgd_float32_32", "--jobs", "1"]
    assert gpu_check.main(options) == status
    assert line in capsys.readouterr().out


def test_only_kernels_that_fit_an_architecture_are_compiled():
    wide = Layout("adam", "float32", 512, 16).kernel
    large = Layout("adam", "float64", 128, 1).kernel
    where = [
        [name for name in gpu_check.ARCHITECTURES if gpu_check.fits_on(kernel, name)]
        for kernel in (SMALL, wide, large)
    ]
    assert where == [["sm_80", "sm_90", "sm_100", "sm_120"], ["sm_90", "sm_100"],
                     ["sm_90", "sm_100"]]  # fmt: skip


def test_the_catalogue_has_each_kernel_once():
    names = [kernel.name for kernel in gpu_check.kernels()]
    assert len(set(names)) == len(names) > 100
    with pytest.raises(ValueError, match="it must be of exactly one"):
        source([])
    for group in by_file(gpu_check.kernels()):
        text = source(group)
        assert "#include" not in text
        assert all(kernel.instance in text for kernel in group)


def test_what_ptxas_says_is_read():
    usage = reporting(stores=12, registers=77).usage(source([SMALL]), "sm_90")
    assert usage == {SMALL.name: Usage(77, 28)}
    assert gpu_compilers.fits(Usage(255, 0), 256)
    assert not gpu_compilers.fits(Usage(255, 0), 264)


def test_a_compiler_on_the_path_is_found_and_its_error_named(monkeypatch, tmp_path):
    program = tmp_path / "nvcc"
    program.write_text("#!/bin/sh\necho 'kernels.cu(3): error: no such thing' >&2\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_HOME", raising=False)
    compiler = find_compiler("nvcc")
    assert compiler.name == "nvcc"
    with pytest.raises(CompilationError, match=r"nvcc for sm_90: .*no such thing"):
        compiler.usage("text", "sm_90")
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert find_compiler("nvcc") is None


@pytest.mark.parametrize("name", ["nvcc", "nvrtc"])
def test_a_kernel_compiles(name):
    compiler = find_compiler(name)
    if compiler is None:
        pytest.skip(f"no {name} on this machine")
    found = gpu_check.measure(compiler, [SMALL], ["sm_90"], 1)
    assert 32 <= found[SMALL.name, "sm_90"].registers <= 255
    assert gpu_check.faults([SMALL], found) == []
    broken = dataclasses.replace(SMALL, body="no_such_function(task)")
    assert "does not compile" in gpu_check.faults(
        [broken], gpu_check.measure(compiler, [broken], ["sm_90"], 1)
    )[0]  # fmt: skip


class PretendedFunction:
    def __init__(self):
        self.launches, self.kernel = [], types.SimpleNamespace(ptr=7)

    def __call__(self, *arguments, **options):
        self.launches.append((arguments, options))


def pretended_cupy(capability, attributes):
    """A module with what `CupyDevice` asks of CuPy, and what it was asked."""
    asked = types.SimpleNamespace(modules=[], set=[], functions=[])

    def raw_module(*, code, options):
        asked.modules.append((code, options))
        asked.functions.append(PretendedFunction())
        return types.SimpleNamespace(get_function=lambda name: asked.functions[-1])

    device = types.SimpleNamespace(id=0, attributes=attributes, compute_capability=capability)
    driver = types.SimpleNamespace(funcSetAttribute=lambda *given: asked.set.append(given))
    cuda = types.SimpleNamespace(Device=lambda number=0: device, driver=driver)
    return types.SimpleNamespace(cuda=cuda, RawModule=raw_module), asked


@pytest.mark.parametrize(("capability", "clusters"), [("80", 1), ("90", 16), ("120", 8)])
def test_cupy_launches_with_the_kernel_s_needs(monkeypatch, capability, clusters):
    attributes = {"MaxSharedMemoryPerBlockOptin": 1000, "MultiProcessorCount": 5}
    cupy, asked = pretended_cupy(capability, attributes)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", types.ModuleType("compat"))
    device = gpu_device.CupyDevice(0)
    assert (device.shared_limit, device.multiprocessors) == (1000, 5)
    assert device.cluster_limit == clusters
    task = np.zeros((), np.int64)
    wide: Kernel = dataclasses.replace(SMALL, name="wide", cluster=16, shared=70000)
    for kernel in (SMALL, SMALL, wide):
        device.launch(kernel, (16, 1), task)
    assert len(asked.modules) == 2
    assert SMALL.name in asked.modules[0][0]
    assert wide.name in asked.modules[1][0]
    first, second = asked.functions
    assert len(first.launches) == 2
    assert first.launches[0] == (((16, 1), (64,), (task,)), {"shared_mem": SMALL.shared})
    assert second.max_dynamic_shared_size_bytes == 70000
    # Only clusters of more than eight blocks need the driver's leave.
    assert asked.set == [(7, 14, 1)]
