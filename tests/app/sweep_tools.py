"""A claim whose blocks take their time, the command that sweeps it, and a Dask cluster."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}

CLAIMS = """
import time

from simulations.engine import estimators, measurement
from theory.core import Claim, Source

shifted = Claim(
    id="sweep/shifted", title="Mean and median of a shifted Gaussian", kind="law",
    statement=r"$X \\sim N(m, 1)$ has mean and median $m$.",
    source=Source("sweep", item="Lemma 1"), scope={"shift": "real"},
    formula=lambda shift: shift, mutants={"off by one": lambda shift: shift + 1},
)
POINTS = {"quick": [{"shift": 0.0}, {"shift": 1.5}, {"shift": -2.0}]}


@measurement(shifted, points=POINTS, trials=20_000, block=500, resolution=1.0,
             estimate=estimators.mean("x"))
def means(stream, trials, *, shift):
    time.sleep(PAUSE)
    return {"x": shift + stream.normal((trials,))}


# The samples of a block are kept, and are too many for the database.
@measurement(shifted, points=POINTS, trials=64_000, block=9_000, resolution=1.0,
             estimate=estimators.quantile("x", 0.5))
def medians(stream, trials, *, shift):
    time.sleep(PAUSE)
    return {"x": shift + stream.normal((trials,))}
"""
BLOCKS = 3 * 40 + 3 * 8


def claims_file(folder, pause=0.02):
    """Write the claim; its samplers wait for `pause` seconds in every block."""
    file = folder / "sweep_claims.py"
    file.write_text(CLAIMS.replace("PAUSE", str(pause)))
    return file


def sweep(file, store, out, *options):
    """The command that sweeps the claim."""
    return [sys.executable, "-m", "simulations", "--claims", str(file), "--store", str(store),
            "simulate", "sweep/shifted", "--out", str(out), *map(str, options)]  # fmt: skip


_started = []


def start(command):
    """Start a command; `stop_all` ends it if the test does not."""
    _started.append(subprocess.Popen(
        command, env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ))  # fmt: skip
    return _started[-1]


def stop_all():
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def finish(command, status=0, seconds=120):
    """Run to the end; returns what it wrote to standard error."""
    process = start(command)
    _, errors = process.communicate(timeout=seconds)
    assert process.returncode == status, errors
    return errors


def rows(out):
    return json.loads(Path(out).read_text())


def stored(store):
    """How many blocks the store has."""
    with suppress(sqlite3.Error):
        uri = f"{(Path(store) / 'results.sqlite').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM arrays").fetchone()[0]
    return 0


def wait_for_blocks(store, count, process):
    """Wait until the store has `count` blocks; returns how many it has."""
    deadline = time.monotonic() + 90
    while (found := stored(store)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


class Cluster:
    """A Dask scheduler and its workers on this machine, each a process of its own."""

    def __init__(self, folder, workers, *options, scheme="tcp"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"{scheme}://127.0.0.1:{port}"
        self._folder, self._options = folder, options
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port)
        self.workers = [self.add_worker() for _ in range(workers)]

    def add_worker(self):
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny",
                           "--local-directory", self._folder / "dask")  # fmt: skip

    def wait_for_scheduler(self):
        host, _, port = self.address.partition("://")[2].rpartition(":")
        deadline = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection((host, int(port)), timeout=5).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def wait_for_workers(self, count, security=None):
        from distributed import Client

        self.wait_for_scheduler()
        with Client(self.address, security=security, set_as_default=False, timeout=60) as client:
            client.wait_for_workers(count, timeout=60)

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def _start(self, *arguments):
        command = [sys.executable, "-W", "ignore", "-m", "dask", *arguments, "--no-dashboard",
                   *self._options]  # fmt: skip
        return subprocess.Popen(
            list(map(str, command)), env=ENVIRONMENT, cwd=self._folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
