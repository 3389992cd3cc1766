import numpy as np
import pytest

from simulations.adaptive_norms.experiments_quadratic import (
    GRID,
    POINTS,
    paired_ratio,
    steps_needed,
    tuned_step,
)
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.adaptive_norms.experiments_quadratic import (
    angle_factor,
    diagonal_beats_full,
    full_adagrad_direction,
    relative_steps,
    rotated_hessian,
)
from theory.adaptive_norms.preconditioners import adagrad_matrix
from theory.matrix_roots import matrix_square_root

SIZES = np.asarray([0.25, 1.0, 4.0])
RNG = np.random.default_rng


def hessian(angle, condition):
    return np.asarray(rotated_hessian(angle, condition))


def rotation(angle):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.asarray([[c, -s], [s, c]])


@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 130.0])
def test_rotated_hessian(angle):
    expected = rotation(angle) @ np.diag([1 / 50, 1.0]) @ rotation(angle).T
    assert hessian(angle, 50.0) == pytest.approx(expected, abs=1e-15)


def test_direction_is_the_limit_of_the_matrix_of_the_method():
    gradients = RNG(1).standard_normal((5, 3))
    matrix = adagrad_matrix(gradients, 1e-12)
    expected = np.linalg.solve(matrix_square_root(matrix), gradients[-1])
    direction = full_adagrad_direction(gradients.T @ gradients, gradients[-1])
    assert direction == pytest.approx(expected, abs=1e-9)


def test_first_direction_has_length_one():
    gradient = RNG(2).standard_normal((40, 4)) * 10.0 ** RNG(3).uniform(-6, 6, (40, 1))
    total = gradient[:, :, None] * gradient[:, None, :]
    direction = full_adagrad_direction(total, gradient)
    unit = gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    # The eigenvector of a matrix of rank one is exact to some eps.
    assert direction == pytest.approx(unit, abs=1e-13)


@pytest.mark.parametrize("angle", [10.0, 22.5, 45.0, 70.0])
def test_angle_factor_is_the_condition_number_left(angle):
    kappa = 1e8
    scale = np.sqrt(np.abs([np.sin(np.radians(angle)), np.cos(np.radians(angle))]))
    values = np.linalg.eigvalsh(hessian(angle, kappa) / scale[:, None] / scale[None, :])
    # The terms left out are of order 1/kappa; the small eigenvalue is known to eps kappa.
    assert values[1] / values[0] / kappa == pytest.approx(angle_factor(angle), rel=1e-6)


def test_diagonal_adagrad_on_the_axes_does_not_see_the_condition_number():
    starts = RNG(4).standard_normal((30, 2))
    first, second = (steps_needed("diagonal", starts, hessian(0.0, kappa), SIZES, 400)
                     for kappa in (4.0, 4096.0))  # fmt: skip
    # Powers of two scale without rounding: the iterates agree bit for bit.
    assert np.isfinite(first).any()
    assert (first == second).all()


@pytest.mark.parametrize("method", ["gd", "full"])
def test_rotations_change_nothing_but_for_the_diagonal(method):
    starts = RNG(5).standard_normal((60, 2))
    plain = steps_needed(method, starts, hessian(0.0, 20.0), SIZES[:2], 200)
    turned = steps_needed(method, starts @ rotation(33.0).T, hessian(33.0, 20.0), SIZES[:2], 200)
    # Rounding may move a run across its goal by a step, and rarely.
    assert np.mean(plain == turned) > 0.95
    other = steps_needed("diagonal", starts @ rotation(33.0).T, hessian(33.0, 20.0), SIZES, 200)
    assert np.mean(other == steps_needed("diagonal", starts, hessian(0.0, 20.0), SIZES, 200)) < 0.3


def test_gradient_descent_needs_the_steps_of_its_rate():
    starts = np.asarray([[1.0, 0.0], [0.0, 1.0]])
    found = steps_needed("gd", starts, hessian(0.0, 50.0), np.asarray([0.5]), 2_000)
    expected = [np.ceil(np.log(1e-3) / np.log1p(-0.5 * eig)) for eig in (1 / 50, 1.0)]
    assert found[0].tolist() == expected


def test_divergent_and_unfinished_runs_are_infinite():
    starts = np.ones((2, 2))
    found = steps_needed("gd", starts, hessian(0.0, 10.0), np.asarray([8.0, 1e-4]), 300)
    assert np.isinf(found).all()


def test_tuned_step_has_the_smallest_median():
    starts = RNG(6).standard_normal((15, 2))
    all_steps = np.median(steps_needed("gd", starts, hessian(0.0, 10.0), np.asarray(GRID), 400), 1)
    chosen = tuned_step("gd", starts, hessian(0.0, 10.0), 400)
    assert all_steps[GRID.index(chosen)] == all_steps.min()


def test_samples_are_the_same_in_strict_arrays():
    drawn = [paired_ratio(Stream(select_backend(name), 7, 0), 4, "full", 30.0, 10.0)["ratio"]
             for name in ("numpy", "strict")]  # fmt: skip
    assert np.asarray([float(value) for value in drawn[1]]) == pytest.approx(drawn[0])


def test_mutants_claim_something_else_within_the_grid():
    for variant in diagonal_beats_full.variants():
        changes = [abs(variant.formula(**point) / relative_steps(**point) - 1.0)
                   for point in POINTS["quick"]]  # fmt: skip
        # The bands are 15 % wide on both sides, and the intervals 10 %.
        assert max(changes) >= 0.29, variant.label


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("adam", 0.0, 10.0), "method is 'adam'"),
        (("diagonal", 1.0, 10.0), "angle is 1.0"),
        (("diagonal", 0.0, 0.5), "condition is 0.5"),
        (("full", 0.0, float("nan")), "condition is nan"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        relative_steps(*arguments)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"total has shape \(2, 2\)"):
        full_adagrad_direction(np.eye(2), np.ones(3))
