"""A run that is killed at any moment goes on, and ends with the same result."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

# Claims with all kinds of evidence that together take some seconds.
PATTERNS = ["adaptive-norms/proposition-1*", "adaptive-norms/lemma-1", "adaptive-norms/average*"]
pytestmark = pytest.mark.slow


def command(folder, store, out, patterns=PATTERNS):
    return [sys.executable, "-m", "simulations", "verify", *patterns, "--workers", "2",
            "--store", str(folder / store), "--json", str(folder / out)]  # fmt: skip


def without_times(report):
    """Drop the manifest and every measured duration."""
    if isinstance(report, dict):
        return {k: without_times(v) for k, v in report.items() if k not in ("seconds", "manifest")}
    return [without_times(v) for v in report] if isinstance(report, list) else report


def test_killed_runs_end_like_an_uninterrupted_one(tmp_path):
    subprocess.run(command(tmp_path, "whole", "whole.json"), check=True, capture_output=True)
    rng, kills = random.Random(7), 0
    for _ in range(4):
        process = subprocess.Popen(
            command(tmp_path, "killed", "killed.json"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(rng.uniform(2.0, 6.0))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 1
    subprocess.run(command(tmp_path, "killed", "killed.json"), check=True, capture_output=True)
    whole, killed = (
        without_times(json.loads((tmp_path / f"{name}.json").read_text()))
        for name in ("whole", "killed")
    )
    assert killed == whole


def test_interrupt_is_clean(tmp_path):
    process = subprocess.Popen(
        command(tmp_path, "store", "out.json", ["*"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    time.sleep(5.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; finished work is kept" in errors
    assert "Traceback" not in errors
