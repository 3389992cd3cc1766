"""Every measurement of every claim with ``--backend cupy``, on a pretended GPU and on a real one.

The pretended GPU shows that nothing leaves the device by itself. The two backends draw other
numbers of the same laws (Philox4x64 and Philox4x32), so that a real GPU is compared in law.
"""

import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from cupy_tools import NAME, import_with, pretended_cupy
from scipy import stats

from simulations.app.cli import main
from simulations.app.sweep import RunSettings, Sweep
from simulations.app.work import registry
from simulations.engine import backend, estimators, measurement
from simulations.engine.backend import select_backend
from simulations.engine.measurement import run_block
from simulations.engine.sampling import backend_of, device_of, draw
from simulations.engine.store import Store
from simulations.engine.streams import Stream, stream_key
from simulations.kernels import ols_gpu, ols_reference, wigner_gpu, wigner_reference
from theory.core import Check, Claim, ClaimError, EnvironmentLacksError, Source

CHECKS = [
    check for entry in registry().select() for check in entry.of_kind("monte-carlo", "survey")
]
ON_DEVICE = [check for check in CHECKS if not check.options["host"]]
# Thousands of optimizer steps, each some ten calls: too slow in an interpreter for every run.
LONG = {"correction", "flow_at_vanishing_step", "log_ratio", "at_equal_loss", "adam_at_most",
        "adam_at_least", "rates_at_least", "all_steps", "nonuniformity", "after_adam",
        "rates_at_most", "floor"}  # fmt: skip
TRIALS = 3
SILENT = SimpleNamespace(begin=lambda *_: None, advance=lambda _: None, end=lambda: None)
# Chance that the comparison on a GPU fails anywhere although the laws agree.
LEVEL = 1e-3


def label(check):
    return f"{check.claim.id}.{check.name}"


def marked(checks):
    return [pytest.param(check, id=label(check),
                         marks=[pytest.mark.nightly] if check.name in LONG else [])
            for check in checks]  # fmt: skip


@pytest.fixture
def gpu(monkeypatch):
    modules = pretended_cupy()
    monkeypatch.setattr(backend.importlib, "import_module", import_with(modules))
    xp = modules["array_api_compat.cupy"]

    def bartlett_sums(trials, d, n, **options):
        return tuple(map(xp.asarray, ols_reference.bartlett_sums(trials, d, n, **options)))

    # CUDA kernels need a device: their references stand in for them, on the pretended one.
    monkeypatch.setattr(wigner_gpu, "absolute_sums", partial(wigner_reference.absolute_sums, xp))
    monkeypatch.setattr(ols_gpu, "bartlett_sums", bartlett_sums)
    return modules["cupy"].get_default_memory_pool()


def drawn(check, size, name="cupy"):
    point = check.options["points"]["quick"][0]
    key = stream_key(1, check.claim.id, check.name, point)
    names = check.options["estimate"].reads
    return draw(check, point, 0, size, key=key, backend=name, names=names, where="here")


@pytest.mark.parametrize("check", marked(ON_DEVICE))
def test_measurement_stays_on_the_device(check, gpu):
    assert device_of(check, "cupy") == f"{NAME} 0"
    whole = drawn(check, TRIALS)
    assert all(values.shape == (TRIALS,) for values in whole.values())
    if not check.options["divisible"]:
        return
    chosen, point = select_backend("cupy"), check.options["points"]["quick"][0]
    key = stream_key(1, check.claim.id, check.name, point)
    parts = [check.function(Stream(chosen, key, 0, (low, high, TRIALS)), high - low, **point)
             for low, high in ((0, 1), (1, TRIALS))]  # fmt: skip
    for name, values in whole.items():
        joined = np.concatenate([chosen.to_numpy(part[name]) for part in parts])
        # Random numbers are the same bits; BLAS may sum other batch sizes in another order,
        # which thousands of steps amplify from 1e-16.
        np.testing.assert_allclose(joined, values, rtol=1e-9)


def test_measurements_of_the_host_say_so():
    hosted = [check for check in CHECKS if check.options["host"]]
    assert hosted
    for check in hosted:
        assert backend_of(check, "cupy") == "numpy"
        assert device_of(check, "cupy") == "CPU"


CLAIM = Claim(
    id="toy/sum", title="Sum", kind="law", statement="$E x = 0$", source=Source("kohler2019", "-"),
    scope={"d": "d >= 1"}, formula=lambda **_: 0.0, mutants={"one": lambda **_: 1.0},
)  # fmt: skip


def toy(sampler, *, divisible=True, host=False):
    options = {"estimate": estimators.mean("x"), "divisible": divisible, "host": host,
               "points": {"quick": [{"d": 50}]}}  # fmt: skip
    return Check("monte-carlo", CLAIM, sampler, options)


def means(stream, trials, d):
    return {"x": stream.xp.mean(stream.normal((trials, d)), axis=1)}


def test_a_block_above_the_budget_is_cut_without_changing_a_number(gpu, monkeypatch):
    whole = drawn(toy(means), 101)["x"]
    # 101 trials of 50 numbers are 40 kB, 26 are 10.4 kB and 13 fit.
    monkeypatch.setenv(backend.MEMORY_VARIABLE, "9 kB")
    cut = drawn(toy(means), 101)["x"]
    assert gpu.refused
    assert gpu.freed == 3
    np.testing.assert_array_equal(cut, whole)


def test_out_of_memory_names_what_was_asked_and_the_budget(gpu, monkeypatch):
    monkeypatch.setenv(backend.MEMORY_VARIABLE, "300")
    message = (
        r"here: 1 trials do not fit the memory of the Pretended GPU 0: Out of memory "
        r"allocating 400 bytes.*; the budget is 300 bytes \(ADAGEO_DEVICE_MEMORY"
    )
    with pytest.raises(ClaimError, match=message):
        drawn(toy(means), 2)
    with pytest.raises(ClaimError, match=r"here: 2 trials .*declare the measurement divisible"):
        drawn(toy(means, divisible=False), 2)


def test_survivors_are_drawn_in_one_part(gpu, monkeypatch):
    # A survivor's place depends on the trajectories before it, also by way of `_relative`.
    ways = {"surviving", "_relative"}
    checks = [check for check in CHECKS if ways & set(check.function.__code__.co_names)]
    assert len(checks) >= 8
    assert not any(check.options["divisible"] for check in checks)
    monkeypatch.setenv(backend.MEMORY_VARIABLE, "20")
    with pytest.raises(ClaimError, match=r"here: 3 trials do not fit .*take a smaller block"):
        drawn(checks[0], TRIALS)


def test_a_sampler_that_ignores_its_part_is_refused(gpu, monkeypatch):
    def shared(stream, trials, d):
        return {"x": stream.normal(trials) * stream.xp.sum(stream.normal(d))}

    monkeypatch.setenv(backend.MEMORY_VARIABLE, "410")
    with pytest.raises(ClaimError, match="does not start with the 30 trials of the part"):
        drawn(toy(shared), 60)


def test_a_sampler_that_leaves_the_device_is_refused_unless_it_is_declared(gpu):
    def hosted(stream, trials, d):
        return {"x": np.zeros(trials)}

    with pytest.raises(ClaimError, match=r"given a GPU.*declared with host=True"):
        drawn(toy(hosted), 2)
    assert drawn(toy(hosted, host=True), 2)["x"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "cupy"), [("egop/random-density", f"{NAME} 0"), ("egop/symmetry", "CPU")]
)
def test_rows_name_the_device(gpu, tmp_path, name, cupy):
    entry, out = registry()[name], tmp_path / "rows.json"
    (check,) = entry.of_kind("monte-carlo")
    point = check.options["points"]["quick"][0]
    for backend_name, expected in (("cupy", cupy), ("numpy", "CPU")):
        main(["simulate", name, "--trials", "10", "--backend", backend_name, "--out", str(out)])
        assert {row["device"] for row in json.loads(out.read_text())} == {expected}
        with Store(tmp_path / backend_name) as store:
            for _ in ("measured", "read from the store"):
                sweep = Sweep([entry], RunSettings(backend=backend_name), store, SILENT)
                sweep.do("blocks", sweep.blocks(check, point)[:1])
                assert sweep.merged(check, point).device == expected


@pytest.mark.gpu
@pytest.mark.parametrize("check", [pytest.param(check, id=label(check)) for check in ON_DEVICE])
def test_a_gpu_and_the_host_agree_in_law(check):
    try:
        select_backend("cupy")
    except EnvironmentLacksError as error:
        pytest.skip(f"no GPU was compared with the host: {error}")
    point = check.options["points"]["quick"][0]
    size = min(measurement.blocks(check, point, "quick")[0], 500)
    here, there = (drawn(check, size, name) for name in ("numpy", "cupy"))
    level = LEVEL / len(ON_DEVICE) / len(here)
    for name in here:
        assert stats.ks_2samp(here[name], there[name]).pvalue > level, name
    assert run_block(check, point, 0, TRIALS, seed=2, backend="cupy")
