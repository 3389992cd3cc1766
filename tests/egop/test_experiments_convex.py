"""Convex problems as described; runs; bases; tables of settings and their false variants."""

import numpy as np
import pytest
from scipy.optimize import minimize

from simulations.egop.convex_landscape import STEPS as PATH_STEPS
from simulations.egop.convex_landscape import WithPaths, follow
from simulations.egop.convex_problems import draw_problems, least_logistic
from simulations.egop.convex_runs import (
    CURVE,
    RULES,
    bases,
    gradient_samples,
    paired_runs,
    relative_excess,
    steps_needed,
    tuned_rate,
)
from simulations.egop.rotated_runs import descend
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.egop.experiments_convex import LOSSES, PAPER, STEPS, convex, steps_to_tolerance
from theory.egop.experiments_convex_rates import AT_ONE_RATE, at_one_rate, range_at
from theory.models.objectives import LeastSquares, Logistic, LogSumExpSquares

EPS = np.finfo(float).eps
OBJECTIVES = ("least squares", "logistic", "log-sum-exp")


@pytest.fixture
def stream():
    return Stream(select_backend("numpy"), 7, 0)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_singular_values_and_least_values(stream, name):
    problems = draw_problems(stream, 3, name, 6, 1.0)
    n = 24 if name == "logistic" else 6
    assert problems.objective.A.shape == (3, n, 6)
    scale = n**0.5 if name == "logistic" else 1.0
    singular = np.linalg.svd(problems.objective.A, compute_uv=False)
    np.testing.assert_allclose(singular, scale / np.arange(1, 7) * np.ones((3, 1)), rtol=50 * EPS)
    points = problems.starts[:, None, :]
    for least, objective, start in zip(problems.least, split(problems), points, strict=True):
        found = minimize(lambda x, f=objective: float(f.value(x)), start[0],
                         jac=objective.gradient, tol=1e-12)  # fmt: skip
        # BFGS stops at a gradient of about 1e-9, quadratically close in value.
        assert found.fun == pytest.approx(least, abs=1e-9)


def split(problems):
    kind = type(problems.objective)
    return [kind(A, y[0]) for A, y in zip(problems.objective.A, problems.objective.y, strict=True)]


@pytest.mark.parametrize("kind", [LeastSquares, Logistic, LogSumExpSquares])
def test_a_stack_of_objectives_is_the_objectives_one_by_one(kind):
    rng = np.random.default_rng(3)
    A, y, x = (rng.standard_normal(s) for s in ((4, 7, 5), (4, 1, 7), (4, 2, 5)))
    stack = kind(A, np.sign(y))
    for k in range(4):
        alone = kind(A[k], np.sign(y[k, 0]))
        np.testing.assert_allclose(stack.value(x)[k], alone.value(x[k]), rtol=20 * EPS)
        np.testing.assert_allclose(
            stack.gradient(x)[k], alone.gradient(x[k]), rtol=1e3 * EPS, atol=1e3 * EPS
        )


def test_axis_aligned_data_have_diagonal_gram_matrices(stream):
    A = draw_problems(stream, 2, "axis-aligned least squares", 5, 1.0).objective.A
    gram = A.mT @ A
    np.testing.assert_allclose(gram, np.diag(np.arange(1.0, 6.0) ** -2.0) * np.ones((2, 1, 1)),
                               atol=20 * EPS)  # fmt: skip


def test_separable_labels_have_infimum_zero():
    A = np.array([[1.0, 0.0], [-1.0, 0.5], [2.0, 1.0]])
    assert least_logistic(Logistic(A, np.sign(A[:, 0])), np.zeros(2)) == 0.0


def test_unknown_names_are_refused(stream):
    with pytest.raises(ValueError, match="name is 'huber'"):
        draw_problems(stream, 1, "huber", 4, 1.0)
    with pytest.raises(ValueError, match="kind is 'hadamard'"):
        bases(stream, "hadamard", draw_problems(stream, 1, "least squares", 4, 1.0))
    with pytest.raises(ValueError, match="rate is 'best'"):
        paired_runs(stream, 1, "least squares", "adam egop", "adam original", "best", 4, 1.0)
    with pytest.raises(ValueError, match="run is 'adam'"):
        paired_runs(stream, 1, "least squares", "adam", "adam original", "tuned", 4, 1.0)


@pytest.mark.parametrize("kind", ["original", "egop", "randomized", "random"])
def test_bases_are_orthogonal(stream, kind):
    V = bases(stream, kind, draw_problems(stream, 3, "log-sum-exp", 12, 1.0))
    np.testing.assert_allclose(V.mT @ V, np.eye(12) * np.ones((3, 1, 1)), atol=100 * EPS)


def test_rotated_problems_are_the_same_problems(stream):
    problems = draw_problems(stream, 3, "logistic", 6, 1.0)
    turned = problems.rotated(bases(stream, "random", problems))
    values = [p.objective.value(p.starts[:, None, :]) for p in (problems, turned)]
    np.testing.assert_allclose(values[0], values[1], rtol=100 * EPS)


def test_gradients_are_taken_at_standard_normal_points(stream):
    problems = draw_problems(stream, 400, "least squares", 4, 1.0)
    gradients = gradient_samples(stream, problems)
    assert gradients.shape == (400, 20, 4)
    gram = problems.objective.A.mT @ problems.objective.A
    # Their covariance given the data is the square of the Gram matrix, of trace sum k^-4.
    u = -(problems.objective.y @ problems.objective.A)
    away = ((gradients - u) ** 2).sum(axis=2).mean()
    expected = float(np.trace(gram[0] @ gram[0]))
    # The standard deviation of the mean over 400 problems and 20 points is below 1.5 / 8000^.5.
    assert away == pytest.approx(expected, abs=6 * 1.5 / 8000**0.5)


def test_the_rate_is_the_fastest_of_those_that_converge(stream):
    problems = draw_problems(stream, 4, "axis-aligned least squares", 3, 0.0)
    # With A'A = I gradient descent at rate 1 arrives in one step; .8 and .4 converge too.
    assert tuned_rate(problems, "sgd", 100) == 1.0


def test_excess_and_steps_of_runs(stream):
    problems = draw_problems(stream, 2, "axis-aligned least squares", 3, 0.0)
    runs = descend(problems.objective, RULES["sgd"], [1.0, 1e-9, 1e9], problems.starts, 10,
                   tolerance=1e-5)  # fmt: skip
    excess = relative_excess(problems, runs)[..., -1]
    np.testing.assert_allclose(excess, [[1e-10, 1.0, 1e3]] * 2, rtol=1e-7)
    assert steps_needed(runs).tolist() == [[1.0, 11.0, 11.0]] * 2


def test_paired_runs_share_problems(stream):
    pair = paired_runs(stream, 5, "log-sum-exp", "momentum random", "momentum original", "tuned",
                       4, 1.0)  # fmt: skip
    assert pair.losses.shape == (5, CURVE)
    # Equivariant up to rounding, amplified over 40 steps by at most the condition number 16.
    np.testing.assert_allclose(pair.losses, pair.others, rtol=1e-6)
    assert np.array_equal(pair.steps, pair.other_steps)


@pytest.mark.parametrize(
    ("claim", "table"), [(convex, LOSSES), (steps_to_tolerance, STEPS), (at_one_rate, AT_ONE_RATE)]
)
def test_every_false_variant_differs_somewhere_and_keeps_the_rest(claim, table):
    for mutant in claim.variants():
        changed = [s for s in table if mutant.formula(**s._asdict()) != table[s]]
        assert 0 < len(changed) < len(table)


def test_tables_refuse_what_was_not_measured():
    setting = next(iter(PAPER))._replace(d=7)
    with pytest.raises(ValueError, match="must be one of the"):
        convex.formula(**setting._asdict())
    with pytest.raises(ValueError, match="must be one of the"):
        range_at("least squares", "sgd", 1.0, 30, 1.0)


def test_paths_in_two_coordinates(stream):
    problems = draw_problems(stream, 3, "least squares", 2, 2.0)
    V = bases(stream, "random", problems)
    path = follow(problems, V, 0.5)
    assert path.shape == (3, PATH_STEPS + 1, 2)
    np.testing.assert_allclose(path[:, 0], problems.starts, atol=10 * EPS)
    # Adagrad's first step moves every rotated coordinate by the rate.
    first = ((path[:, 1] - path[:, 0])[:, None, :] @ V)[:, 0]
    np.testing.assert_allclose(np.abs(first), 0.5, rtol=1e-8)


def test_the_first_trial_is_kept_for_the_figure():
    estimator = WithPaths(1, ["a"])
    parts = [estimator.summarise({"loss_1": np.full(3, 0.1), "other_1": np.ones(3),
                                  "a": np.arange(3.0) - k}) for k in (1, 2)]  # fmt: skip
    stats = estimator.merge(parts)
    found = estimator.details(stats, (-2.0, 0.0))["quantiles"]
    assert estimator.count(stats) == 6
    assert estimator.estimate(stats) == pytest.approx(-1.0)
    assert found["first"] == {"a": -1.0}
    assert found["won"] == 1.0
