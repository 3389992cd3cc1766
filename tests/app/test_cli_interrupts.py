"""Ctrl-C at any moment: status 130, one line that says how to go on, and nothing is lost."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cli_tools import VERIFY, adageo, furnish

from simulations.app import sweep
from simulations.app.interrupts import watched
from simulations.engine.interrupts import interrupts_held

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path, monkeypatch):
    return furnish(tmp_path, monkeypatch)


def press():
    """Ctrl-C, now, whichever thread asks for it."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def result(file):
    """What a run found, without its manifest and its times."""

    def without(value):
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if k not in ("seconds", "manifest")}
        return [without(one) for one in value] if isinstance(value, list) else value

    # A claim file's module is named after its place.
    text = re.sub("adageo_claims_mine_[0-9a-f]+", "mine", Path(file).read_text())
    return without(json.loads(text))


def last_line(capsys):
    lines = capsys.readouterr().err.splitlines()
    assert not [line for line in lines if "Traceback" in line or "KeyboardInterrupt" in line]
    return lines[-1]


ONCE = ("saved", "json", "site")
MOMENTS = [("kept", 1), ("kept", 3), ("rows stored", 1), ("rows stored", 2), ("arrays stored", 1),
           ("merged", 3), ("judged", 2), *((moment, 1) for moment in ONCE)]  # fmt: skip


def pressing(monkeypatch, moment, count):
    """Press Ctrl-C in the call number `count` of what happens at that moment."""
    where, name = {
        "kept": (sweep.Sweep, "_keep"),
        "rows stored": (sweep.Store, "put"),
        "arrays stored": (sweep.Store, "put_arrays"),
        "merged": (sweep.Sweep, "_merge"),
        "judged": ("simulations.app.runner.conclude", None),
        "saved": (sweep.Store, "save_run"),
        "json": ("simulations.app.commands.write_text", None),
        "site": ("simulations.app.report.site._checksums", None),
    }[moment]
    if name is None:
        module, _, name = where.rpartition(".")
        where = __import__(module, fromlist=["_"])
    real, calls = getattr(where, name), []

    def pressed(*words, **more):
        calls.append(1)
        if len(calls) == count:
            press()
        return real(*words, **more)

    monkeypatch.setattr(where, name, pressed)
    return calls


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The result of a run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        furnish(folder, patch)
        assert adageo(*VERIFY, "--json", "a.json") == 0
        return result("a.json")


@pytest.mark.parametrize(("moment", "count"), MOMENTS)
def test_at_every_moment_of_a_run(place, moment, count, whole, monkeypatch, capsys):
    words = [*VERIFY, "--json", "a.json", *(["--report", "site"] if moment == "site" else [])]
    with monkeypatch.context() as patch:
        calls = pressing(patch, moment, count)
        assert adageo(*words) == 130
    assert len(calls) == count  # nothing goes on after it
    told = last_line(capsys)
    assert told.startswith("adageo: interrupted; finished work is kept in .adageo; go on with: ")
    assert told.endswith("adageo --claims mine.py verify 'me/*' " + " ".join(words[4:]))
    assert adageo(*words) == 0
    assert result("a.json") == whole
    if moment in ("merged", "judged", *ONCE):
        # All blocks and checks of the first phase were in the store.
        assert "checks: 1" not in capsys.readouterr().err


# Python may be interrupted between opening a file and entering its `with`.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_random_moments_until_it_is_done(place, whole, monkeypatch, capsys):
    rng, presses = random.Random(5), 0
    for k in range(25):
        timer = threading.Timer(rng.uniform(0.0, 0.02 + 0.01 * k), press)
        try:
            timer.start()
            status = adageo(*VERIFY, "--json", "a.json")
            timer.cancel()
            timer.join()
        except KeyboardInterrupt:  # before the command, or after it
            timer.join()
            continue
        if status == 0:
            break
        assert status == 130
        assert "interrupted" in last_line(capsys)
        presses += 1
    else:
        assert adageo(*VERIFY, "--json", "a.json") == 0
    assert presses
    assert result("a.json") == whole


def test_fresh_is_not_told_to_be_done_again(place, monkeypatch, capsys):
    pressing(monkeypatch, "kept", 2)
    assert adageo(*VERIFY, "--fresh") == 130
    assert last_line(capsys).endswith("adageo --claims mine.py verify 'me/*' --workers 1")


def test_a_command_that_keeps_nothing_says_so(place, monkeypatch, capsys):
    monkeypatch.setattr("simulations.app.listing.matching", lambda *_: press())
    assert adageo("--claims", "mine.py", "list") == 130
    assert last_line(capsys) == "adageo: interrupted"


def test_a_library_that_makes_another_error_of_it(place, monkeypatch, capsys):
    def import_fails(*_):
        try:
            press()
        except KeyboardInterrupt:
            raise ImportError("numpy.core.multiarray failed to import") from None

    monkeypatch.setattr("simulations.app.listing.matching", import_fails)
    assert adageo("--claims", "mine.py", "list") == 130
    assert last_line(capsys) == "adageo: interrupted"


def test_what_a_destructor_swallows_comes_again():
    class Deaf:
        def __del__(self):
            press()

    def forget_and_sleep():
        deaf = Deaf()
        del deaf
        time.sleep(5.0)

    begin = time.monotonic()
    with watched() as watch, pytest.raises(KeyboardInterrupt):
        forget_and_sleep()
    assert watch.seen
    assert time.monotonic() - begin < 4.0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_held_interrupt_comes_when_the_block_is_done():
    done = []

    def work():
        with interrupts_held():
            press()
            # Another thread may hear what this one blocks.
            other = threading.Thread(target=signal.raise_signal, args=(signal.SIGINT,))
            other.start()
            other.join()
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [1]
    with interrupts_held():
        pass


def test_z3_leaves_ctrl_c_to_python():
    import z3

    from proofs_check.engine.polynomials import polynomial

    a, b, c = z3.Ints("a b c")
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    # Fermat's cubes: undecided for as long as it may take.
    with pytest.raises(KeyboardInterrupt):
        polynomial([a > 2, b > 2, c > 2], a**3 + b**3 != c**3, seconds=40)
    timer.join()


# Presses Ctrl-C when the module is first imported, then starts the command.
START = """
import importlib.abc, runpy, signal, sys
class Presses(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == WHEN:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
WHEN = sys.argv[1]
sys.meta_path.insert(0, Presses())
sys.argv[1:] = sys.argv[2:]
runpy.run_module("simulations", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["simulations.app.cli", "simulations.app.commands", "scipy.linalg"]
)
def test_during_the_start(place, module):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", START, module, *VERIFY]
    done = subprocess.run(
        command, cwd=place, text=True, capture_output=True, env=environment, check=False
    )
    assert done.returncode == 130, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("adageo: interrupted")
