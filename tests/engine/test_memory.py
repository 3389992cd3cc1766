"""The allocator keeps what is freed: page faults of a loop over arrays, counted in a process."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource
import numpy as np
from simulations.engine.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        arrays = [np.ones(40_000) for _ in range(20)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
print(keep_freed_memory(), usual, (faults(), faults())[1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_a_loop_over_arrays_reuses_its_pages():
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    taken, usual, kept = done.stdout.split()
    assert taken == "True"
    # 20 arrays of 320 kB are 1,560 pages: without reuse each of the 50 rounds faults them in.
    assert int(usual) > 10 * 1_560
    assert int(kept) < 1_560


def test_elsewhere_nothing_is_changed(monkeypatch):
    from simulations.engine import memory

    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(memory.ctypes, "CDLL", None)
    assert memory.keep_freed_memory() is False
