from dataclasses import replace

import numpy as np
import pytest

from simulations.adaptive_norms import experiment_runs as runs
from simulations.adaptive_norms.experiment_problems import CONDITION, PROBLEMS, make_problem, mixing
from simulations.adaptive_norms.experiments import against_the_sphere, relative_loss
from simulations.engine.backend import select_backend
from simulations.engine.measurement import points, run_block
from simulations.engine.streams import Stream
from simulations.paired_curves import PairedLosses
from theory.adaptive_norms.experiments import (
    MORE,
    OUTCOMES,
    QUICK,
    Setting,
    median_ratio,
    never_behind,
    outcome,
    where_ellipsoids_win,
)
from theory.core import is_installed
from theory.core import registry as core_registry

needs_digits = pytest.mark.skipif(not is_installed("nets"), reason="needs scikit-learn")
PLAIN = ("quadratic", "rotated quadratic", "rosenbrock")
NETWORKS = tuple(name for name in PROBLEMS if name not in PLAIN)


def stream(block=0):
    return Stream(select_backend("numpy"), 11, block)


def some(names):
    return [pytest.param(name, marks=needs_digits if name in NETWORKS else ()) for name in names]


@pytest.mark.parametrize("name", some((*PLAIN, "classifier", "small autoencoder")))
def test_derivatives(name):
    problem = make_problem(name)
    x = problem.starts(stream(), 2)
    v = np.asarray(stream(1).normal(x.shape))
    h = 1e-5
    slope = (problem.loss(x + h * v) - problem.loss(x - h * v)) / (2 * h)
    bend = (problem.gradient(x + h * v) - problem.gradient(x - h * v)) / (2 * h)
    # Central differences: errors of h^2 times third derivatives, and of eps/h.
    assert np.sum(problem.gradient(x) * v, axis=-1) == pytest.approx(slope, rel=1e-5, abs=1e-7)
    scale = np.max(np.abs(bend))
    assert problem.product(x, v) / scale == pytest.approx(bend / scale, abs=1e-6)


@pytest.mark.parametrize("name", some((*PLAIN, "small autoencoder", "classifier, large start")))
def test_losses_lie_above_the_least_one(name):
    problem = make_problem(name)
    assert (problem.loss(problem.starts(stream(), 20)) > problem.least).all()


def test_rotation_keeps_the_spectrum_and_mixes_every_coordinate():
    basis = mixing(20)
    assert basis @ basis.T == pytest.approx(np.eye(20), abs=1e-14)
    hessians = [make_problem(name).gradient(np.eye(20)) for name in PLAIN[:2]]
    spectra = [np.linalg.eigvalsh(hessian) for hessian in hessians]
    assert spectra[0] == pytest.approx(spectra[1], abs=1e-14)
    assert spectra[0][-1] / spectra[0][0] == pytest.approx(CONDITION)
    assert np.max(np.abs(hessians[0] - np.diag(np.diag(hessians[0])))) == 0.0
    assert np.mean(np.abs(hessians[1]) > 1e-6) > 0.9


@needs_digits
def test_minibatches_average_to_the_whole_gradient():
    problem = make_problem("classifier")
    x = problem.starts(stream(), 1)
    parts = [problem.gradient(x, np.arange(k, k + 32)[None]) for k in range(0, problem.samples, 32)]
    assert np.mean(parts, axis=0) == pytest.approx(problem.gradient(x), abs=1e-13)
    drawn = runs.minibatches(stream(), problem, 3, 10.0)
    assert drawn.shape == (10 * problem.samples // 32, 3, 32)
    assert drawn.max() < problem.samples
    assert runs.minibatches(stream(), make_problem("quadratic"), 3, 10.0) is None


def test_curve_counts_backpropagations_and_never_exceeds_the_budget():
    problem = make_problem("rotated quadratic")
    start = problem.starts(stream(), 1)[0]
    once, twice = (runs.region_curve(problem, "rmsprop 1/2", start, 1.0, 30.0, cost)
                   for cost in (1.0, 2.0))  # fmt: skip
    for spent, losses in (once, twice):
        assert spent[0] == 0.0
        assert 20.0 < spent[-1] <= 30.0
        assert (np.diff(spent) >= 0.0).all()
        assert (np.diff(losses) <= 0.0).all()
        assert losses[0] == problem.loss(start)
    # The same iterations cost more: the gradients once, the products twice.
    common = min(len(once[0]), len(twice[0]))
    assert (once[1][:common] == twice[1][:common]).all()
    assert (twice[0][1:common] > once[0][1:common]).all()


@pytest.mark.parametrize("method", ["spherical", "rmsprop 1", "adagrad 1/2 full"])
def test_a_short_run_is_the_beginning_of_a_long_one(method):
    problem = make_problem("rosenbrock")
    start = problem.starts(stream(), 1)[0]
    long = runs.Trajectory(problem, method, start, 0.1)
    whole = long.until(60.0)
    assert whole[-1, :2].sum() > 50.0
    for horizon in (0.0, 1.5, 7.0, 23.0, 59.0, 60.0):
        short = runs.Trajectory(problem, method, start, 0.1).until(horizon)
        assert short[:, :2].sum(axis=1).max() <= horizon
        assert (short == whole[: len(short)]).all()
        assert (long.until(horizon) == short).all()
    assert (long.until(90.0)[: len(whole)] == whole).all()


def watched(problem):
    """The problem, and a list that grows with every gradient."""
    calls = []

    def gradient(x):
        calls.append(None)
        return problem.gradient(x)

    return replace(problem, gradient=gradient), calls


def test_shorter_and_dearer_runs_evaluate_nothing_again():
    problem, calls = watched(make_problem("quadratic"))
    start = problem.starts(stream(3), 1)[0]
    runs.region_curve(problem, "spherical", start, 0.1, 40.0, 1.0)
    first = len(calls)
    assert first > 0
    for budget, cost in ((40.0, 2.0), (25.0, 1.0), (40.0, 1.0)):
        runs.region_curve(problem, "spherical", start, 0.1, budget, cost)
    assert len(calls) == first
    # A product at half the cost allows more of them.
    runs.region_curve(problem, "spherical", start, 0.1, 40.0, 0.5)
    assert len(calls) > first


def test_a_run_that_ended_by_itself_is_not_run_again():
    problem, calls = watched(make_problem("quadratic"))
    start = np.zeros(problem.size)
    start[-1] = 1.0
    run = runs.Trajectory(problem, "spherical", start, 10.0)
    ended = run.until(50.0)
    assert ended[-1, 2] < 1e-20
    first = len(calls)
    assert (run.until(500.0) == ended).all()
    assert len(calls) == first > 0


def test_both_claims_compare_the_same_runs():
    point = Setting("rosenbrock", "rmsprop 1", "spherical", 80, 2)._asdict()
    curves = []
    for sampler in (relative_loss, against_the_sphere):
        (check,) = [one for one in core_registry._CHECKS if one.function is sampler]
        assert point in points(check, check.claim.itself(), "quick")
        curves.append(run_block(check, point, 0, 8, seed=3)["curves"])
    assert curves[0].tolist() == curves[1].tolist()


def test_first_order_curve_is_the_plain_iteration():
    problem = make_problem("quadratic")
    starts = problem.starts(stream(), 3)
    found = runs.loss_curves(problem, "sgd", starts, 0.5, 16.0, 1.0)
    values = np.diag(problem.gradient(np.eye(problem.size)))
    for k in range(runs.CURVE):
        x = starts * (1.0 - 0.5 * values) ** (2 * (k + 1))
        assert found[:, k] == pytest.approx(problem.loss(x), rel=1e-12)


def test_divergent_runs_stay_finite():
    problem = make_problem("rosenbrock")
    found = runs.loss_curves(problem, "sgd", problem.starts(stream(), 3), 10.0, 24.0, 1.0)
    assert np.isfinite(found).all()
    assert (found > 1e6).all()


def test_tuned_setting_has_the_smallest_median():
    problem = make_problem("quadratic")
    starts = problem.starts(stream(), 5)
    medians = {size: np.median(runs.loss_curves(problem, "sgd", starts, size, 24.0, 1.0)[:, -1])
               for size in runs.STEPS}  # fmt: skip
    assert runs.tuned(problem, "sgd", starts, 24.0, 1.0) == min(medians, key=medians.get)
    assert len(runs.STEPS) == len(runs.RADII)


def test_pairs_start_from_the_same_points():
    problem = make_problem("rosenbrock")
    first, second = runs.paired_curves(
        stream(), 4, problem, ("spherical", "spherical"), budget=16.0, cost=1.0
    )
    assert (first == second).all()
    assert first.shape == (4, runs.CURVE)


def samples(loss, other):
    curves = {f"loss_{k}": np.asarray(loss) * k for k in (1, 2)}
    return curves | {f"other_{k}": np.asarray(other) * 1.0 for k in (1, 2)}


def test_paired_losses():
    estimator = PairedLosses(2)
    loss, other = np.full(40, 5.0), np.where(np.arange(40) < 30, 1.0, 100.0)
    stats = estimator.merge([estimator.summarise(samples(loss[:20], other[:20])),
                             estimator.summarise(samples(loss[20:], other[20:]))])  # fmt: skip
    assert estimator.count(stats) == 40
    assert estimator.estimate(stats) == pytest.approx(1.0)
    details = estimator.details(stats, (0.5, 0.1))["quantiles"]
    assert details["range"] == pytest.approx([0.4, 0.6])
    assert (details["won"], details["lost"]) == (0.25, 0.75)
    assert details["loss"] == [pytest.approx([5.0, 10.0])] * 3
    assert details["other"][1] == pytest.approx([1.0, 1.0])
    assert estimator.claimed_number((0.5, 0.1)) == 0.5


def test_paired_losses_refute_only_outside_of_the_tolerance():
    estimator = PairedLosses(2)
    stats = estimator.summarise(samples(np.full(40, 5.0), np.ones(40)))
    assert estimator.p_value(stats, (1.2, 0.3)) == 1.0
    assert estimator.p_value(stats, (1.2, 0.1)) == pytest.approx(2.0**-39)
    assert estimator.p_value(stats, (0.8, 0.1)) == pytest.approx(2.0**-39)
    upper = PairedLosses(2, side="upper")
    assert upper.p_value(stats, (5.0, 0.0)) == 1.0
    assert upper.p_value(stats, (0.0, 0.0)) == pytest.approx(2.0**-40)


def test_paired_losses_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        PairedLosses(2).summarise(samples([0.0, 1.0], [1.0, 1.0]))


def test_outcomes():
    assert len(OUTCOMES) == len(QUICK) + len(MORE)
    assert {setting.problem for setting in OUTCOMES} <= set(PROBLEMS)
    assert {name for setting in OUTCOMES for name in setting[1:3]} <= set(runs.METHODS)
    assert all(found.tolerance > 0.0 for found in OUTCOMES.values())
    assert never_behind("quadratic", "rmsprop 1/2", "spherical", 25, 1) == 0.0


def test_mutants_differ_by_more_than_the_tolerance():
    for variant in where_ellipsoids_win.variants():
        gaps = [abs(variant.formula(*setting) - found.value) / found.tolerance
                for setting, found in QUICK.items()]  # fmt: skip
        assert max(gaps) > 1.9, variant.label


def test_unknown_names():
    with pytest.raises(ValueError, match="problem is 'sphere'"):
        make_problem("sphere")
    with pytest.raises(ValueError, match="method is 'adam'"):
        runs.loss_curves(make_problem("quadratic"), "adam", np.ones((1, 20)), 1.0, 8.0, 1.0)
    with pytest.raises(ValueError, match="setting is Setting"):
        outcome("quadratic", "adam", "spherical", 25, 1)
    assert median_ratio(*next(iter(QUICK))) == next(iter(QUICK.values())).value
    assert Setting("a", "b", "c", 1, 2).cost == 2
