"""Cases of whole computations at sizes where times mean nothing: entrants, tables, absentees."""

import importlib
import json
import sys

import numpy as np
import pytest

from benchmarks import CASES, contest, egop, gpu, ols, pages, smoothness_sdp, two_layer_gpu, wigner
from benchmarks.contest import DisagreementError, Entrant, Peer
from benchmarks.machine import Machine, levels
from benchmarks.peers import numpy_shares_peer, rmt_peer
from simulations.engine.execution import one_thread
from theory.egop.smoothness import smallest_smoothness_sum

SMALL = {
    "wigner": {"sizes": (48,)},
    "ols": {"sizes": (24,)},
    "egop": {"sizes": (24,), "trials": 3},
    "smoothness-sdp": {"sizes": (6,), "moonshot": None},
}


@pytest.fixture(scope="module", params=SMALL)
def found(request):
    case = importlib.import_module(CASES[request.param])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(rmt_peer.VARIABLE, raising=False)
        patch.setattr(rmt_peer, "_DEFAULT", rmt_peer._ROOT / "no-such-environment")
        patch.setattr(contest, "_SHORT_SECONDS", 1e-4)
        row = case.measure(**SMALL[request.param], repeats=2, scaling=False)
    return request.param, case, json.loads(json.dumps(row, allow_nan=False))


def test_the_table_is_complete(found):
    name, case, row = found
    assert (row["schema"], row["case"]) == (1, name)
    assert row["gpu"]["reason"] or row["gpu"]["rows"]
    assert row["machine"]["multiply-adds"].endswith("GF/s")
    for group in row["groups"]:
        assert group["rows"][0]["name"].startswith("adageo")
        assert group["rows"][0]["ratio"] == 1.0
        for entrant in group["rows"]:
            assert 0.0 < entrant["low_ms"] <= entrant["median_ms"] <= entrant["high_ms"]
            assert entrant["ratio_low"] <= entrant["ratio"] <= entrant["ratio_high"]
            assert entrant["runs"] == 2
        assert set(group["limits_ms"]) == {group["limit"]}
    # Whoever is not here is listed with the reason.
    listed = {entry["name"] for group in row["groups"] for entry in group["rows"] + group["absent"]}
    for peer in case.PEERS:
        assert all(any(need in entry.lower() for entry in listed) for need in peer.needs[1:])
    for group in row["groups"]:
        assert all("not installed" in absent["reason"] for absent in group["absent"])


def test_the_page_has_every_entrant(found):
    _, case, row = found
    page = case.markdown(row)
    for group in row["groups"]:
        assert f"## {group['title']}\n" in page
        for entrant in group["rows"] + group["absent"]:
            assert f"| {entrant['name']} |" in page
    assert "## GPU" in page
    assert "## Limits of one thread" in page


def test_scikit_rmt_is_listed_where_it_is_missing(found):
    name, _, row = found
    if name == "wigner":
        (absent,) = [a for a in row["groups"][0]["absent"] if a["name"] == "scikit-rmt"]
        assert "make bench-peers" in absent["reason"]


def fake_scikit_rmt(folder):
    """A package with the one class that is used, for the protocol between the processes."""
    (folder / "skrmt").mkdir()
    (folder / "skrmt" / "__init__.py").touch()
    (folder / "skrmt" / "ensemble.py").write_text(
        "import numpy\n"
        "class GaussianEnsemble:\n"
        "    def __init__(self, beta, n):\n"
        "        self.matrix = beta * numpy.ones((n, n))\n"
    )
    (folder / "scikit_rmt-9.9.dist-info").mkdir()
    (folder / "scikit_rmt-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: scikit-rmt\nVersion: 9.9\n"
    )


def test_scikit_rmt_in_a_process_of_its_own(tmp_path, monkeypatch):
    fake_scikit_rmt(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(rmt_peer.VARIABLE, sys.executable)
    (entrant,) = rmt_peer.wigner(4)
    assert entrant.run() == 0.25
    assert entrant.seconds(2) >= 0.0
    assert "scikit-rmt 9.9" in entrant.note


def test_an_environment_without_scikit_rmt_is_no_peer(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(rmt_peer.VARIABLE, sys.executable)
    (absent,) = rmt_peer.wigner(4)
    assert absent["reason"].startswith("not installed in its environment")


def test_a_missing_package_is_listed():
    present, absent = contest.gather((Peer("benchmarks.no_such_peer", ("no_such_package",)),), 3)
    assert present == []
    assert absent == [{"name": "no_such_package", "reason": "not installed: no_such_package"}]


def test_an_entrant_with_another_result_is_found():
    entrants = [Entrant("one", lambda: 1.0), Entrant("other", lambda: 1.1)]
    with pytest.raises(DisagreementError, match=r"^other is 1.0e-01 away from one in 'title'"):
        contest.contest("title", entrants, repeats=1, tolerance=0.05)
    assert contest.contest("title", entrants, repeats=1, tolerance=0.2, seconds=0)["rows"]


def test_a_long_run_is_not_repeated(monkeypatch):
    monkeypatch.setattr(contest, "_LONG_SECONDS", 0.0)
    runs = []
    entrants = [Entrant("one", lambda: runs.append(1) or 1.0, lambda: f"{len(runs)} run")]
    (row,) = contest.contest("title", entrants, repeats=9, tolerance=0.0, seconds=0)["rows"]
    assert (row["runs"], row["note"], len(runs)) == (1, "1 run", 1)


def test_a_peer_is_warm_before_its_only_run(monkeypatch):
    monkeypatch.setattr(contest, "_LONG_SECONDS", 0.0)
    seen = []
    one = contest.entrant("one", lambda size: seen.append(size) or 1.0, (9,), (2,), note="said")
    (row,) = contest.contest("title", [one], repeats=3, tolerance=0.0, seconds=0)["rows"]
    assert (seen, row["runs"], row["note"]) == ([2, 9], 1, "said")


@pytest.mark.parametrize(
    ("peer", "function", "arguments"),
    [
        ("numpy_shares_peer", "wigner", (12,)),
        ("numpy_shares_peer", "ols", (12, 20)),
        ("numpy_egop_peer", "entrants", (np.eye(12),)),
        ("torch_shares_peer", "wigner", (12,)),
        ("torch_shares_peer", "ols", (12, 20)),
        ("torch_egop_peer", "entrants", (np.eye(12),)),
        ("convex_peer", "entrants", (np.eye(12),)),
    ],
)
def test_every_peer_has_a_small_run(peer, function, arguments):
    needs = {"torch": ("torch",), "convex": ("cvxpy", "clarabel", "scs")}
    for name in needs.get(peer.split("_")[0], ()):
        pytest.importorskip(name)
    module = importlib.import_module(f"benchmarks.peers.{peer}")
    for one in getattr(module, function)(*arguments):
        assert one.warm() > 0.0
        assert one.run() > 0.0


def test_single_precision_halves_the_random_bits_of_numpy():
    for one in (*numpy_shares_peer.wigner(400), *numpy_shares_peer.ols(60, 90)):
        single = one.name.endswith("float32")
        assert (one.least, one.note) == ((0.5, "float32") if single else (1.0, ""))


def test_solvers_without_a_modelling_layer_find_the_value_of_case_d():
    for name in ("cvxpy", "clarabel", "scs"):
        pytest.importorskip(name)
    H = smoothness_sdp.hessian("OLS", 12)
    value = smallest_smoothness_sum(H).value
    found = importlib.import_module("benchmarks.peers.convex_peer").entrants(H)
    assert [one.name for one in found] == ["Clarabel", "SCS"]
    for one in found:
        assert one.run() == pytest.approx(value, rel=smoothness_sdp.AGREEMENT)
        assert "modelling excluded" in one.note


def test_shares_of_the_limit():
    half = Entrant("half", lambda: sum(range(20_000)), least=0.5)
    entrants = [Entrant("whole", lambda: sum(range(20_000))), half]
    found = contest.contest(
        "title", entrants, repeats=1, tolerance=0.0, limits=lambda: {"adding": 1e-6, "less": 0.0}
    )
    assert found["limit"] == "adding"
    for row, least in zip(found["rows"], (1.0, 0.5), strict=True):
        assert row["share_of_limit"] == pytest.approx(1e-3 * least / row["median_ms"])


def test_growth_of_a_quadratic_cost():
    # From 1000 on: Python keeps integers up to 256, so that sums of them are cheaper.
    sizes = {
        n: (lambda n=n: [sum(range(1000, 1000 + n)) for _ in range(n)]) for n in (200, 400, 800)
    }
    row = contest.growth("sums", "n", 2.0, sizes)
    # Timing noise, not the fit: loops over n numbers n times cost n^2.
    assert 1.5 < row["exponent"] < 2.5


def test_both_methods_of_case_d_agree_with_the_interval():
    with one_thread():
        H = smoothness_sdp.hessian("OLS", 30)
        result = smallest_smoothness_sum(H)
        for method in smoothness_sdp.METHODS:
            solver = smoothness_sdp.Solver(H, method)
            assert result.lower <= solver() * (1 + 1e-15)
            assert solver.gap().startswith("proved to a relative")


@pytest.mark.parametrize(
    ("calls", "many"),
    [
        (lambda: egop.gpu_calls(12, np), 2),
        (lambda: wigner.gpu_calls(12, np), 1),
        (lambda: ols.gpu_calls(12, 40, np), 1),
        (lambda: two_layer_gpu.calls("numpy", np, 5, 3, 4), 2),
    ],
)
def test_what_runs_on_a_gpu_runs_in_any_namespace(calls, many):
    ready = calls()
    assert len(ready) == many
    rows = gpu.timed(ready, lambda: None, repeats=2)
    assert [row["name"] for row in rows] == list(ready)
    page = pages.gpu_section({"device": "a device", "title": "what", "rows": rows})
    assert all(f"| {name} |" in page for name in ready)


def test_plain_elementwise_code_agrees_with_the_simulation():
    ours, plain = (call() for call in two_layer_gpu.calls("numpy", np, 9, 3, 6).values())
    # Six steps of size 1e-3 on weights of order one: a few ulp.
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-13)


def test_levels_of_the_memory(tmp_path, monkeypatch):
    for index, text in enumerate(("Data 1 48K", "Instruction 1 32K", "Unified 2 1024K")):
        (tmp_path / f"index{index}").mkdir()
        for name, value in zip(("type", "level", "size"), text.split(), strict=True):
            (tmp_path / f"index{index}" / name).write_text(value + "\n")
    monkeypatch.setattr("benchmarks.machine._CACHES", tmp_path)
    assert levels() == (24 * 1024, 512 * 1024, 4096 * 1024)
    monkeypatch.setattr("benchmarks.machine._CACHES", tmp_path / "none")
    assert levels() == (2**14, 2**19, 2**24, 2**27)


def test_limits_of_generator_and_blas():
    machine = Machine()
    with one_thread():
        machine.measure_blas(size=128, runs=3)
        machine.measure_generator(runs=3)
    # A tenth of a slow scalar core, and a hundred times a fast one.
    assert 1e8 < machine.blas < 1e13
    assert 1e6 < machine.generator < 1e11
    assert {"matrix product", "Philox 4x32-10"} <= set(machine.page())


@pytest.mark.gpu
def test_the_gpu_section_has_rows():
    found = gpu.section("eigenbasis", lambda xp: egop.gpu_calls(64, xp), repeats=2)
    if "reason" in found:
        pytest.skip(found["reason"])
    assert {row["name"] for row in found["rows"]} == {"Gram matrix + eigh", "svd of the bundle"}
