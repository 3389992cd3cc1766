"""Measurements end to end: registration, blocks, errors that name the place, verdicts."""

import json
import math
import pickle

import numpy as np
import pytest

from simulations.engine import estimators
from simulations.engine.measurement import (
    blocks,
    conclude,
    measurement,
    merge,
    points,
    run_block,
)
from simulations.engine.measurement import tests as point_test
from theory.core import Check, Claim, ClaimError, Mutant, Source, Verdict
from theory.core import registry as core_registry


def claim(formula, mutants=None, kind="law"):
    return Claim(id="planted/measured", title="Planted", kind=kind, statement="planted",
                 source=Source("planted", "measured"), scope={"rate": "> 0"}, formula=formula,
                 mutants=mutants or {"one per cent": lambda rate: 1.01 * formula(rate)},
                 )  # fmt: skip


@pytest.fixture
def register():
    before = list(core_registry._CHECKS)

    def make(sampler, formula=lambda rate: 1.0 / rate, mutants=None, **options) -> Check:
        options = {
            "points": {"quick": [{"rate": 2.0}, {"rate": 0.5}]},
            "estimate": estimators.mean("x"),
            "trials": 3_000,
            "block": 1_000,
            "resolution": 0.2,
        } | options
        measurement(claim(formula, mutants), **options)(sampler)
        return core_registry._CHECKS[-1]

    yield make
    core_registry._CHECKS[:] = before


def waiting(stream, trials, rate):
    return {"x": stream.exponential(trials) / rate}


def measured(check, statement, *, budget="quick", seed=1, backend="numpy", order=1):
    found = []
    for point in points(check, statement, budget):
        sizes = list(enumerate(blocks(check, point, budget)))[::order]
        parts = {
            index: run_block(check, point, index, size, seed=seed, backend=backend)
            for index, size in sizes
        }
        found.append((point, merge(check, [parts[index] for index in sorted(parts)])))
    return found


def test_truth_is_supported_and_a_planted_bias_of_one_per_cent_is_refuted(register):
    check = register(waiting, trials=400_000, block=50_000, resolution=0.01)
    own, mutant = check.claim.itself(), check.claim.variant("one per cent")
    rows = measured(check, own)
    evidence = conclude(check, own, rows, alpha=1e-5)
    assert evidence.verdict is Verdict.SUPPORTED
    assert evidence.kind == "monte-carlo"
    assert evidence.data["n"] == 800_000
    refuted = conclude(check, mutant, rows, alpha=1e-5)
    assert refuted.verdict is Verdict.REFUTED
    for row in refuted.data["rows"]:
        assert row["p_value"] <= 1e-5
        assert not row["low"] <= row["claimed"] <= row["high"]


def test_too_few_trials_are_inconclusive_either_way(register):
    check = register(waiting, resolution=0.01)
    for statement in (check.claim.itself(), check.claim.variant("one per cent")):
        evidence = conclude(check, statement, measured(check, statement), alpha=1e-5)
        assert evidence.verdict is Verdict.INCONCLUSIVE


def test_blocks_do_not_depend_on_order_and_results_repeat_bit_for_bit(register):
    check = register(waiting)
    statement = check.claim.itself()
    forward, backward = (measured(check, statement, order=order) for order in (1, -1))
    for (_, a), (_, b) in zip(forward, backward, strict=True):
        for key, value in a.items():
            np.testing.assert_array_equal(value, b[key])
    other_seed = measured(check, statement, seed=2)
    assert other_seed[0][1]["mean"] != forward[0][1]["mean"]


def test_points_draw_independently(register):
    check = register(waiting)
    first, second = (stats["mean"] * point["rate"] for point, stats in
                     measured(check, check.claim.itself()))  # fmt: skip
    assert first != second


def test_points_with_common_random_numbers_draw_the_same(register):
    check = register(waiting, common=lambda point: {"clock": point["rate"] > 1})
    own = [{"rate": rate} for rate in (2.0, 8.0, 0.5)]
    first, second, other = (run_block(check, point, 0, 100, seed=1)["mean"] * point["rate"]
                            for point in own)  # fmt: skip
    assert first == pytest.approx(second, rel=1e-13)  # sums of 100 scaled numbers round anew
    assert first != other
    assert run_block(check, own[0], 1, 100, seed=1)["mean"] * 2.0 != first
    assert run_block(check, own[0], 0, 100, seed=2)["mean"] * 2.0 != first


@pytest.mark.parametrize(
    ("common", "message"),
    [
        (lambda point: point["weight"], "common: KeyError: 'weight'"),
        (lambda point: "clock", "common is 'clock'; it must be a mapping"),
        (lambda point: {"clock": 1j}, "common: ClaimError: grid point .* has no JSON form"),
    ],
)
def test_bad_common_random_numbers_name_the_point(register, common, message):
    check = register(waiting, common=common)
    with pytest.raises(ClaimError, match=r"planted/measured: waiting at {'rate': 2.0}: " + message):
        run_block(check, {"rate": 2.0}, 0, 10, seed=1)


def test_strict_arrays_give_the_same_statistics(register):
    check = register(waiting)
    point = {"rate": 2.0}
    one, two = (run_block(check, point, 0, 500, seed=1, backend=name)
                for name in ("numpy", "strict"))  # fmt: skip
    for key, value in one.items():
        np.testing.assert_array_equal(value, two[key])


def test_statistics_can_be_stored_and_sent(register, tmp_path):
    check = register(waiting)
    stats = run_block(check, {"rate": 2.0}, 0, 100, seed=1)
    np.savez(tmp_path / "block.npz", **stats)
    with np.load(tmp_path / "block.npz") as stored:
        for copy in (dict(stored), pickle.loads(pickle.dumps(stats))):
            merged = merge(check, [copy, copy])
            assert estimators.mean("x").count(merged) == 200


def test_evidence_is_json_ready(register):
    check = register(waiting, estimate=estimators.quantile("x", 0.5), trials=10, block=10,
                     formula=lambda rate: math.log(2.0) / rate)  # fmt: skip
    statement = check.claim.itself()
    evidence = conclude(check, statement, measured(check, statement), alpha=1e-6)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    # Ten samples give no limit at this level: an infinite limit becomes None.
    assert evidence.data["rows"][0]["low"] is None
    json.dumps(evidence.to_json(), allow_nan=False)


def test_law_is_measured_against_the_claimed_distribution_function(register):
    def exponential(rate):
        return lambda x: -np.expm1(-rate * np.maximum(x, 0.0))

    mutants = {"five per cent": lambda rate: exponential(1.05 * rate)}
    check = register(waiting, exponential, mutants, estimate=estimators.law("x"), trials=100_000,
                     block=50_000)  # fmt: skip
    own, mutant = check.claim.itself(), check.claim.variant("five per cent")
    rows = measured(check, own)
    # The band is sqrt(log(2e5) / 2e5) = 0.0078.
    for resolution, verdict in ((0.01, Verdict.SUPPORTED), (0.005, Verdict.INCONCLUSIVE)):
        narrow = Check(check.kind, check.claim, check.function,
                       {**check.options, "resolution": resolution})  # fmt: skip
        assert conclude(narrow, own, rows, alpha=1e-5).verdict is verdict
    assert conclude(check, mutant, rows, alpha=1e-5).verdict is Verdict.REFUTED


def test_given_values_of_a_mutant_replace_the_grid_and_are_drawn_anew(register):
    mutants = {"another rate": Mutant(formula=lambda rate: 1.0, given={"rate": 4.0})}
    check = register(waiting, mutants=mutants)
    mutant = check.claim.variant("another rate")
    assert points(check, mutant, "quick") == [{"rate": 4.0}]
    evidence = conclude(check, mutant, measured(check, mutant), alpha=1e-5)
    assert evidence.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("estimate", "claimed", "verdict"),
    [
        (estimators.upper_mean("x"), 1.5, Verdict.SUPPORTED),
        (estimators.upper_mean("x"), 1.0, Verdict.SUPPORTED),
        (estimators.upper_mean("x"), 0.8, Verdict.REFUTED),
        (estimators.lower_mean("x"), 0.5, Verdict.SUPPORTED),
        (estimators.lower_mean("x"), 1.2, Verdict.REFUTED),
    ],
)
def test_one_sided_claims(register, estimate, claimed, verdict):
    check = register(waiting, estimate=estimate, points={"quick": [{"rate": 1.0}]},
                     claimed=lambda statement, point: claimed)  # fmt: skip
    statement = check.claim.itself()
    assert conclude(check, statement, measured(check, statement), alpha=1e-5).verdict is verdict


def test_one_sided_claim_within_the_noise_of_its_bound_is_inconclusive(register):
    check = register(waiting, estimate=estimators.upper_mean("x"), resolution=1e-3,
                     points={"quick": [{"rate": 1.0}]})  # fmt: skip
    statement = check.claim.itself()
    evidence = conclude(check, statement, measured(check, statement), alpha=1e-5)
    assert evidence.verdict is Verdict.INCONCLUSIVE


def test_a_mean_that_does_not_exist_is_never_concluded(register):
    def heavy(stream, trials, rate):
        return {"x": rate / stream.uniform(trials)}

    check = register(heavy, trials=50_000, block=10_000, resolution=10.0)
    statement = check.claim.itself()
    evidence = conclude(check, statement, measured(check, statement), alpha=1e-5)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "tails too heavy" in evidence.data["rows"][0]["caveat"]


def test_a_constant_supports_its_value_and_refutes_nothing(register):
    def constant(stream, trials, rate):
        return {"x": stream.xp.ones(trials) / rate}

    check = register(constant)
    own, mutant = check.claim.itself(), check.claim.variant("one per cent")
    rows = measured(check, own)
    supported = conclude(check, own, rows, alpha=1e-5)
    assert supported.verdict is Verdict.SUPPORTED
    assert "says nothing about rare values" in supported.summary
    assert conclude(check, mutant, rows, alpha=1e-5).verdict is Verdict.INCONCLUSIVE


def bad(stream, trials, rate):
    x = np.asarray(stream.exponential(trials))
    x[3] = math.nan if rate > 1.0 else -math.inf
    return {"x": x}


PLACE = r"planted/measured: {} at \{{'rate': 2.0\}}, block 7: "


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (bad, "sample 'x' is NaN or infinite in 1 of 100 trials"),
        (lambda s, trials, rate: {"x": s.normal((trials, 1))}, r"shape \(100, 1\); it must be"),
        (lambda s, trials, rate: {"y": s.normal(trials)}, "returned no quantity called 'x'"),
        (lambda s, trials, rate: {"x": s.student_t(-1.0, trials)}, "df is -1.0"),
        (lambda s, trials: {"x": s.normal(trials)}, "unexpected keyword argument 'rate'"),
        (lambda s, trials, rate: {}["cauchy"], "the sampler raised KeyError: 'cauchy'"),
        (lambda s, trials, rate: {"x": 1e200 * s.normal(trials)}, "moments overflow"),
    ],
)
def test_bad_samples_name_claim_check_point_and_block(register, sampler, message):
    check = register(sampler)
    place = PLACE.format(check.name)
    with pytest.raises(ClaimError, match=place + ".*" + message):
        run_block(check, {"rate": 2.0}, 7, 100, seed=1)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (lambda rate: math.nan, "claimed value is nan; it must be finite"),
        (lambda: 1.0, "unexpected keyword argument 'rate'"),
        (lambda rate: (rate, rate), "tuple"),
    ],
)
def test_bad_claimed_values_name_claim_check_and_point(register, formula, message):
    check = register(waiting, formula, {"m": lambda rate: 0.0})
    statement = check.claim.itself()
    (point, stats), *_ = measured(check, statement)
    with pytest.raises(ClaimError, match=rf"planted/measured: waiting at .*{message}"):
        point_test(check, statement, point, stats)


def test_budgets_fall_back_to_the_next_smaller_one(register):
    check = register(
        waiting, points={"quick": [{"rate": 1.0}], "deep": [{"rate": 2.0}]},
        trials={"quick": 2_500, "standard": 5_000}, block=lambda point: 1_000,
    )  # fmt: skip
    statement = check.claim.itself()
    assert points(check, statement, "standard") == [{"rate": 1.0}]
    assert points(check, statement, "deep") == [{"rate": 2.0}]
    assert blocks(check, {"rate": 1.0}, "quick") == [1_000, 1_000, 500]
    assert sum(blocks(check, {"rate": 1.0}, "deep")) == 5_000
    with pytest.raises(ClaimError, match="budget is 'huge'; it must be one of quick, standard"):
        points(check, statement, "huge")


def test_trials_and_resolution_may_depend_on_the_point(register):
    check = register(waiting, trials=lambda point, budget: int(100 * point["rate"]) - 150,
                     resolution=lambda point: point["rate"])  # fmt: skip
    assert blocks(check, {"rate": 2.0}, "quick") == [50]
    with pytest.raises(ClaimError, match="trials is -50; it must be a positive integer"):
        blocks(check, {"rate": 1.0}, "quick")
    with pytest.raises(ClaimError, match="budget is 'huge'"):
        blocks(check, {"rate": 2.0}, "huge")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": -5}, r"trials\['quick'\] is -5; it must be a positive integer"),
        ({"trials": {"quick": 0}}, r"trials\['quick'\] is 0"),
        ({"trials": {"quick": 2.5}}, r"trials\['quick'\] is 2.5"),
        ({"trials": {"quick": True}}, r"trials\['quick'\] is True"),
        ({"trials": {"deep": 10}}, "given for 'quick'"),
        ({"trials": {"quick": 1, "huge": 2}}, "a budget of trials is 'huge'; it must be one of"),
        ({"points": {"quick": []}}, r"points\['quick'\] is \[\]; it must be a non-empty list"),
        ({"points": {"deep": [{}]}}, "with 'quick' among them"),
        ({"points": [{"rate": 1.0}]}, "a mapping from budgets"),
        ({"points": {"quick": [{}], "fast": [{}]}}, "a budget of points is 'fast'"),
        ({"points": {"quick": [{"low": 1}]}}, r"\['low'\]; it must be other names"),
        ({"block": 0}, "block is 0; it must be a positive integer, or a callable"),
        ({"resolution": 0.0}, "resolution is 0.0; it must be positive and finite"),
        ({"resolution": math.nan}, "resolution is nan"),
        ({"estimate": "mean"}, "estimate is 'mean'; it must be an estimator"),
        ({"claimed": 1.0}, "claimed is 1.0; it must be a callable"),
        ({"common": "rate"}, "common is 'rate'; it must be a callable"),
    ],
)
def test_bad_options_are_refused_in_one_line(register, options, message):
    with pytest.raises(ClaimError, match=r"planted/measured: measurement: .*" + message) as error:
        register(waiting, **options)
    assert "\n" not in str(error.value)
