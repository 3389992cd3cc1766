"""The manifest says what a run was, and nothing about who ran it where."""

import json
import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from simulations.engine import manifest as module
from simulations.engine.manifest import Manifest, manifest
from theory.core import EnvironmentLacksError


def make(argv=("verify",), **changes):
    settings = {"seed": 7, "budget": "quick", "backend": "numpy", "workers": 2, "argv": list(argv)}
    return Manifest(**{**settings, **changes})


def test_it_is_json_ready_and_has_the_facts():
    row = make().finished()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["seed"], row["budget"], row["backend"], row["workers"]) == (7, "quick", "numpy", 2)
    assert row["device"] == "CPU"
    assert row["python"] == f"CPython {platform.python_version()}"
    assert row["libraries"]["numpy"] == version("numpy")
    assert row["libraries"]["python-flint"] == version("python-flint")
    assert row["adageo"][0].isdigit()
    assert row["hardware"]["gpu"] is None
    assert row["hardware"]["memory_bytes"] > 2**27
    assert row["hardware"]["logical_cores"] >= row["hardware"]["usable_cores"] >= 1
    assert row["threads"]["per_task"] == 1


def test_the_clock_counts_wall_and_processor_time():
    clock = make()
    start = time.process_time()
    while time.process_time() - start < 0.1:
        pass
    time.sleep(0.1)
    row = clock.finished()
    assert row["wall_seconds"] >= 0.19
    assert 0.08 <= row["cpu_seconds"] <= row["wall_seconds"]
    started, finished = (datetime.fromisoformat(row[name]) for name in ("started", "finished"))
    assert started.tzinfo == finished.tzinfo == UTC
    assert (finished - started).total_seconds() >= 0.19
    assert row["started"] < row["finished"]  # the text sorts like the time


def test_processor_time_includes_workers_that_have_ended():
    clock = make()
    subprocess.run(["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"], check=True)
    assert clock.finished()["cpu_seconds"] >= 0.02


def test_no_host_no_user_no_absolute_path():
    home = "/home/someone-special"
    arguments = ["verify", f"--store={home}/x", "--json", f"{home}/out.json", home,
                 "~someone-special", r"C:\Users\someone-special\claim.py"]  # fmt: skip
    row = make(arguments).finished()
    shown = ["verify", "--store=...", "--json", ".../out.json", "...", "...", ".../claim.py"]
    assert row["argv"] == shown
    assert "someone-special" not in json.dumps(row)
    assert platform.node() not in strings(row)
    assert not [value for value in strings(row) if os.path.isabs(value)]


def strings(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


def test_relative_arguments_stay():
    arguments = ["simulate", "a/b", "--set", "d=1,2", "--out=rows.csv", "--x", "d=1:8:4:log"]
    assert manifest(0, "quick", "numpy", 1, arguments)["argv"] == arguments


def test_a_missing_gpu_that_was_asked_for_is_an_error():
    pytest.importorskip("array_api_compat")
    try:
        import cupy  # noqa: F401
    except ImportError:
        with pytest.raises(EnvironmentLacksError, match="cupy"):
            make(backend="cupy")
    assert make(backend="auto").row["backend"] in ("numpy", "cupy")


def git(root, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(root), *arguments],
        check=True, capture_output=True,
    )  # fmt: skip


def test_git_state_of_a_checkout(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    assert module._git_state(tmp_path) is None  # no commit yet
    (tmp_path / "a.py").write_text("")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    state = module._git_state(tmp_path)
    assert len(state["commit"]) == 40
    assert state["dirty"] is False
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    (tmp_path / "b.py").write_text("")
    assert module._git_state(tmp_path) == {"commit": state["commit"], "dirty": True}


def test_without_git_there_is_no_state_and_no_error(tmp_path, monkeypatch):
    assert module._git_state(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert module._git_state(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module._git_state(tmp_path) is None
