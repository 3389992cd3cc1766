"""What the tests of the store share."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import numpy as np

from simulations.engine.store import INLINE_BYTES

ROOT = Path(__file__).parents[2]
DATABASE = "results.sqlite"


def run_script(text, *arguments, wait=True):
    """Run a script in a new process with the project on its path."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if not wait:
        return process
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def big(seed=0):
    return {"x": np.random.default_rng(seed).normal(size=INLINE_BYTES // 8 + 1)}


def shards(folder):
    return sorted(folder.glob("shards/*/*.npz"))


def corrupt(folder, sql):
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute(sql)
