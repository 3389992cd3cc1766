"""Merging in instalments: the same bits, in the memory of a few blocks."""

import tracemalloc

import numpy as np
import pytest

from simulations.engine import estimators
from simulations.engine.folding import fold
from simulations.engine.measurement import measurement, merge, points, run_block
from theory.core import Claim, Source
from theory.core import registry as core_registry

ESTIMATORS = {
    "mean": estimators.mean("x"),
    "variance": estimators.variance("x"),
    "ratio": estimators.ratio_of_means("x", "y"),
    "proportion": estimators.proportion("positive"),
    "quantile": estimators.quantile("x", 0.3),
    "bounded": estimators.bounded_mean("share", 0.0, 1.0),
}


@pytest.fixture
def check_of():
    before = list(core_registry._CHECKS)

    def make(name):
        claim = Claim(id=f"planted/{name}", title="Planted", kind="law", statement="planted",
                      source=Source("planted", "folding"), scope={"shift": "real"},
                      formula=lambda shift: shift, mutants={"other": lambda shift: shift + 1},
                      )  # fmt: skip

        @measurement(claim, points={"quick": [{"shift": 0.5}]}, trials=10, block=10,
                     estimate=ESTIMATORS[name])  # fmt: skip
        def draws(stream, trials, *, shift):
            x = shift + stream.normal((trials,))
            return {"x": x, "y": x + 3.0, "positive": 1.0 * (x > 0), "share": 1.0 / (1.0 + x * x)}

        return core_registry._CHECKS[-1]

    yield make
    core_registry._CHECKS[:] = before


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("count", [1, 2, 3, 8, 23])
def test_folding_gives_the_bits_of_merging(check_of, name, count):
    check = check_of(name)
    point = points(check, check.claim.itself(), "quick")[0]
    parts = [run_block(check, point, i, 40 + i, seed=1) for i in range(count)]
    folded, merged = fold(check, iter(parts)), merge(check, parts)
    assert folded.keys() == merged.keys()
    for key in merged:
        assert np.array_equal(folded[key], merged[key]), key


@pytest.mark.parametrize(
    # Powers of one block are 80 kB; the statistics of all would be 500 kB, the samples 4 MB. The
    # quantile keeps 8 bytes a trial; while they are merged there are two copies.
    ("name", "allowed"),
    [("mean", 250_000), ("proportion", 250_000), ("quantile", 3 * 8 * 500_000)],
)
def test_folding_takes_the_memory_of_a_few_blocks(check_of, name, allowed):
    check = check_of(name)
    rng = np.random.default_rng(0)

    def parts():
        for _ in range(500):
            x = rng.normal(size=1_000)
            yield check.options["estimate"].summarise({"x": x, "positive": 1.0 * (x > 0)})

    fold(check, [next(parts())])
    tracemalloc.start()
    try:
        folded = fold(check, parts())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert check.options["estimate"].count(folded) == 500_000
    assert peak < allowed
