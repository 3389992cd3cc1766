"""CUDA compilers without a GPU: nvcc, or NVRTC as a library, and what they say of a kernel."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from simulations.kernels.gpu_build import OPTIONS

_FUNCTION = re.compile(
    r"Function properties for (\S+)\n"
    r"[^\n\d]*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads\n"
    r"[^\n]*Used (\d+) registers"
)
_BLOCK_REGISTERS = 65536


class CompilationError(Exception):
    """The compiler refused a kernel; the text is its first complaint."""


@dataclass(frozen=True)
class Usage:
    """Registers of a thread, and bytes that it spills (stores and loads together)."""

    registers: int
    spilt: int


@dataclass(frozen=True)
class Compiler:
    """A CUDA compiler: `report` compiles text for an architecture, "sm_90", and returns its log."""

    name: str
    report: Callable[[str, str], str]

    def usage(self, text: str, architecture: str) -> dict[str, Usage]:
        """What each kernel in `text` takes.

        Raises
        ------
        CompilationError
            If the text does not compile, or the log names no kernel.
        """
        log = self.report(text, architecture)
        found = {name: Usage(int(registers), int(stores) + int(loads))
                 for name, _, stores, loads, registers in _FUNCTION.findall(log)}  # fmt: skip
        if not found:
            raise CompilationError(f"{self.name} reports no kernel: {_first_line(log)}")
        return found


def find_compiler(name: str = "any") -> Compiler | None:
    """NVRTC (what CuPy compiles with) or else nvcc, or the one asked for; None without any."""
    if name in ("any", "nvrtc") and (library := _nvrtc()) is not None:
        return Compiler("NVRTC", lambda text, arch: _compile_nvrtc(library, text, arch))
    if name in ("any", "nvcc") and (program := _nvcc()) is not None:
        return Compiler("nvcc", lambda text, arch: _compile_nvcc(program, text, arch))
    return None


def _nvcc() -> str | None:
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    inside = shutil.which("nvcc", path=str(Path(home) / "bin")) if home else None
    return inside or shutil.which("nvcc")


def _compile_nvcc(program: str, text: str, architecture: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.cu"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [program, *OPTIONS, "-cubin", f"-arch={architecture}", "-Xptxas", "-v",
             "-o", os.devnull, str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    log = done.stderr + done.stdout
    if done.returncode != 0:
        raise CompilationError(f"nvcc for {architecture}: {_first_line(log)}")
    return log


def _nvrtc() -> ctypes.CDLL | None:
    # A wheel keeps the library under the namespace package `nvidia`.
    spec = find_spec("nvidia")
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    paths = [str(path) for root in roots for path in sorted(root.glob("*/lib/libnvrtc.so.*"))]
    paths += [str(path) for path in sorted(Path(home).glob("lib64/libnvrtc.so*"))] if home else []
    paths += [path for path in [ctypes.util.find_library("nvrtc")] if path]
    for path in paths:
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    return None


def _compile_nvrtc(library: ctypes.CDLL, text: str, architecture: str) -> str:
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None)
    options = [*OPTIONS, f"--gpu-architecture={architecture}", "--ptxas-options=-v"]
    array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    status = library.nvrtcCompileProgram(program, len(options), array)
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, buffer)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    log = buffer.value.decode(errors="replace")
    if status != 0:
        raise CompilationError(f"NVRTC for {architecture}: {_first_line(log)}")
    return log


def _first_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["no message"])[0]


def fits(usage: Usage, threads: int) -> bool:
    """Whether a block of that many threads finds its registers on a multiprocessor."""
    # Registers are given out in units of 8 a thread.
    return -(-usage.registers // 8) * 8 * threads <= _BLOCK_REGISTERS
