"""The benchmark case: its peers agree, its table is complete, its limits are plausible."""

import argparse
import json
import math
import re

import numpy as np
import pytest

from benchmarks import CASES, timing, two_layer
from benchmarks.machine import Machine
from benchmarks.ours import KERNEL
from benchmarks.table import markdown
from benchmarks.workload import OPTIMIZERS, Workload, aligned
from simulations.app.benching import add_bench_arguments, bench_command
from simulations.app.cli import UsageError
from simulations.engine.execution import one_thread
from simulations.kernels import two_layer_reference as reference
from simulations.two_layer import make_optimizer


@pytest.fixture(scope="module")
def tiny():
    """The whole case at sizes where times mean nothing."""
    found = two_layer.measure(
        sizes=(8,), trials=3, repeats=2, seconds=1e-4, scaling=False, reduced=False
    )
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("d", "trials"), [(5, 3), (24, 4)])
def test_all_contestants_agree_with_the_reference(optimizer, d, trials):
    work = Workload(optimizer, d, trials)
    rate = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8} if work.adam else {"beta": 0.9}
    method = make_optimizer(optimizer, 1e-3, rate)
    w, W = work.weights
    state = method.init((w, W))
    for _ in range(10):
        w, W, state = reference.step(method, state, w, W, work.target)
    with one_thread():
        contestants, _ = two_layer.entrants(work)
        two_layer.agreement(contestants)
        for one in contestants:
            # In two calls, so that what is kept between calls counts; the runner starts anew.
            one.reset()
            for steps in (4, 6) if "simulate" not in one.name else (10,):
                one.advance(steps)
            # Sums of length d in another order: d ulp of numbers of order one, each step.
            bound = 64 * d * 10 * np.finfo(float).eps
            np.testing.assert_allclose(one.weights()[0], w, rtol=0, atol=bound, err_msg=one.name)
            np.testing.assert_allclose(one.weights()[1], W, rtol=0, atol=bound, err_msg=one.name)


def test_a_contestant_that_cheats_is_found():
    work = Workload("adam", 6, 2)
    contestants, _ = two_layer.entrants(work)
    weights = contestants[-1].weights
    contestants[-1].weights = lambda: (weights()[0] + 2e-12, weights()[1])
    named = re.escape(contestants[-1].name)
    with pytest.raises(two_layer.DisagreementError, match=rf"^{named} .* at most 1e-12"):
        two_layer.agreement([contestants[0], contestants[-1]])


def test_reset_goes_back_to_the_start():
    contestants, _ = two_layer.entrants(Workload("sgd_momentum", 6, 2))
    for one in contestants:
        runs = []
        for _ in range(2):
            one.reset()
            one.advance(5)
            runs.append(np.array(one.weights()[1]))
        np.testing.assert_array_equal(*runs, err_msg=one.name)


def test_the_table_is_complete(tiny):
    assert tiny["schema"] == 1
    assert tiny["case"] in CASES
    assert [group["optimizer"] for group in tiny["groups"]] == list(OPTIMIZERS)
    for group in tiny["groups"]:
        names = [row["name"] for row in group["rows"]]
        assert names[0] == KERNEL
        assert sum("NumPy" in name for name in names) == 3
        absent = [row["name"] for row in group["absent"]]
        assert any("torch" in name for name in names + absent)
        assert any("jax" in name.lower() for name in names + absent)
        assert all("not installed" in row["reason"] for row in group["absent"])
        for row in group["rows"]:
            assert 0.0 < row["low_us"] <= row["median_us"] <= row["high_us"]
            assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
            assert row["difference"] <= two_layer.AGREEMENT
        assert group["rows"][0]["ratio"] == 1.0
        assert group["limit"] == max(group["limits_us"], key=group["limits_us"].get)
    assert {"numpy", "numba"} <= set(tiny["manifest"]["libraries"])


def test_the_page_has_every_contestant(tiny):
    page = markdown(tiny)
    for group in tiny["groups"]:
        for row in group["rows"] + group["absent"]:
            assert page.count(f"| {row['name']} |") == 2
    widths = [line.count("|") for line in page.splitlines() if line.startswith("|")]
    assert set(widths) == {7, 3}


def test_limits_of_the_machine():
    machine = Machine()
    machine.measure((65_536,), runs=3)
    # Between a tenth and a hundred times a processor with one 256-bit pipe at 3 GHz.
    assert 1.2e9 < machine.fma < 1.2e12
    assert machine.adam_quotient >= 0.5 * max(machine.root, machine.quotient)
    first = machine.fma
    machine.measure((65_536,), runs=1)
    assert machine.fma >= first
    assert math.isfinite(machine.to_json()["bandwidth_gb_per_s"]["65536"])


def test_timing_tools():
    slope, error = timing.exponent([1, 2, 4], [5.0, 10.0, 20.0])
    assert slope == pytest.approx(1.0, abs=1e-12)
    assert error < 1e-12
    assert timing.ratios([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == (2.0, 1.0, 3.0)
    assert aligned((3, 5)).ctypes.data % 64 == 0
    spent = timing.cpu_seconds(lambda: sum(range(200_000)))
    assert 0.0 < spent < 1.0


def test_chunks_fit_the_cache():
    assert Workload("adam", 256, 32).chunk == 1
    assert Workload("sgd_momentum", 64, 32).chunk == 5
    assert Workload("sgd_momentum", 2, 3).chunk == 3
    with pytest.raises(ValueError, match=r"^optimizer is .lion."):
        Workload("lion", 2, 1)


def test_command_writes_table_and_page(tmp_path, monkeypatch, capsys):
    kept = two_layer.measure

    def quick(**options):
        return kept(**options, seconds=1e-4, scaling=False, reduced=False)

    monkeypatch.setattr(two_layer, "measure", quick)
    assert bench("two-layer", "--d", "4", "--trials", 2, "--repeats", 1, out=tmp_path) == 0
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["two-layer.json", "two-layer.md"]
    text = (tmp_path / "two-layer.json").read_text()
    assert str(tmp_path) not in text
    assert "adageo, fused kernel" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no-such",), "no-such: no such benchmark case; it must be among two-layer"),
        (("--repeats", 0), "--repeats 0: it must be an integer >= 1"),
        (("--trials", -1), "--trials -1: it must be an integer >= 1"),
        (("--d", "4,x"), "--d 4,x: it must be integers >= 1"),
        (("--d", "0"), "--d 0: it must be integers >= 1"),
    ],
)
def test_bad_arguments_are_one_line(words, message, tmp_path):
    with pytest.raises(UsageError, match=f"^{message}"):
        bench(*words, out=tmp_path)


def bench(*words, out):
    parser = argparse.ArgumentParser()
    add_bench_arguments(parser)
    return bench_command(parser.parse_args([*map(str, words), "--out", str(out)]))
