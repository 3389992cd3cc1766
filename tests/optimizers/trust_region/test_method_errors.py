"""Numbers that are not finite end a run; arguments that are wrong are named."""

import math

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

from theory.optimizers.trust_region.history import History, Status
from theory.optimizers.trust_region.method import minimize

START = np.array([-1.2, 1.0, 0.5])


def fails_at(function, call, value):
    """The function, which returns `value` (in its last entry) from a call on, counted from 1."""
    calls = 0

    def wrapped(*arguments):
        nonlocal calls
        calls += 1
        result = function(*arguments)
        if calls < call:
            return result
        return value if np.ndim(result) == 0 else np.append(result[:-1], value)

    return wrapped


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("call", [1, 5])
@pytest.mark.parametrize("which", ["fun", "grad", "hvp"])
def test_numbers_that_are_not_finite_end_the_run(which, call, value):
    functions = {"fun": rosen, "grad": rosen_der, "hvp": rosen_hess_prod}
    functions[which] = fails_at(functions[which], call, value)
    result = minimize(**functions, x0=START, eps_H=1e-3)
    assert result.status is Status.NOT_FINITE
    assert not result.status.converged
    assert f"{which} returned {value}" in result.message
    assert "iteration" in result.message
    # what it has: the last iterate, with its value where that was known
    assert np.isfinite(result.x).all()
    known = not (which == "fun" and call == 1)
    assert (result.fun == rosen(result.x)) == known
    if call == 1:
        assert result.x.tolist() == START.tolist()
        assert len(result.history) == 0
    elif which != "hvp":
        assert len(result.history) >= 3


def test_product_in_the_curvature_test_that_is_not_finite():
    result = minimize(lambda x: 0.0, lambda x: np.zeros(2), lambda x, v: v * np.nan, [1.0, 1.0],
                      eps_H=0.1)  # fmt: skip
    assert result.status is Status.NOT_FINITE
    assert result.products == 1
    assert result.fun == 0.0


@pytest.mark.parametrize(("size", "said"), [(1e160, "squares overflow"), (1e153, "")])
def test_gradient_whose_square_overflows(size, said):
    result = minimize(lambda x: size * float(x[0]), lambda x: np.array([size]),
                      lambda x, v: 0 * v, [1.0], max_iter=3)  # fmt: skip
    assert said in result.message
    assert (result.status is Status.NOT_FINITE) == bool(said)


def test_sum_of_squares_that_overflows():
    result = minimize(lambda x: 1e154 * float(x[0]), lambda x: np.array([1e154]),
                      lambda x, v: 0 * v, [0.0], ellipsoid="adagrad", max_iter=9)  # fmt: skip
    assert result.status is Status.NOT_FINITE
    assert "the sum of squared gradients overflows float64 (iteration 1)" in result.message
    assert len(result.history) == 1


def call(**changed):
    return minimize(**{"fun": rosen, "grad": rosen_der, "hvp": rosen_hess_prod, "x0": START,
                       **changed})  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"fun": 3}, "fun is of type int; it must be a function"),
        ({"grad": None}, "grad is of type NoneType; it must be a function"),
        ({"hvp": np.eye(3)}, "hvp is of type ndarray; it must be a function"),
        ({"batches": [1, 2]}, "batches is of type list; it must be a function"),
        ({"callback": 1}, "callback is of type int; it must be a function"),
        ({"x0": []}, r"x0 has shape \(0,\)"),
        ({"x0": [[1.0]]}, r"x0 has shape \(1, 1\)"),
        ({"x0": [1.0, np.nan]}, r"x0\[1\] is nan; it must be finite"),
        ({"x0": ["a"]}, "x0 is .*; it must be an array of real numbers"),
        ({"ellipsoid": "cube"}, "ellipsoid is 'cube'; it must be 'spherical'"),
        ({"ellipsoid": [1.0, -1.0, 1.0]}, r"ellipsoid\[1\] is -1"),
        ({"ellipsoid": -np.eye(3)}, "ellipsoid is not positive definite"),
        ({"ellipsoid": lambda k, x, g: [1.0]}, r"ellipsoid has shape \(1,\)"),
        ({"power": 0.0}, r"power is 0.0; it must be in \(0, 1\]"),
        ({"power": 2}, r"power is 2; it must be in \(0, 1\]"),
        ({"diagonal": 1}, "diagonal is 1; it must be True or False"),
        ({"scale_determinant": "yes"}, "scale_determinant is 'yes'; it must be True or False"),
        ({"decay": 1.0}, r"decay is 1.0; it must be in \[0, 1\)"),
        ({"eps": 0.0}, "eps is 0.0; it must be finite and > 0"),
        ({"solver": "newton"}, "solver is 'newton'; it must be 'steihaug', 'gltr', 'cauchy'"),
        ({"radius": 0.0}, r"radius is 0.0; it must be in \(0, max_radius\] = \(0, 10\]"),
        ({"radius": 11.0}, r"radius is 11.0; it must be in \(0, max_radius\]"),
        ({"radius": math.nan}, "radius is nan"),
        ({"max_radius": math.inf}, "max_radius is inf; it must be finite and > 0"),
        ({"eta1": 0.0}, r"eta1 is 0.0; it must be in \(0, 1\)"),
        ({"eta2": 1.0}, r"eta2 is 1.0; it must be in \[eta1, 1\) = \[0.0001, 1\)"),
        ({"eta1": 0.5, "eta2": 0.25}, r"eta2 is 0.25; it must be in \[eta1, 1\)"),
        ({"gamma_inc": 1.0}, "gamma_inc is 1.0; it must be finite and > 1"),
        ({"gamma_dec": math.inf}, "gamma_dec is inf; it must be finite and > 1"),
        ({"krylov_tolerance": 1.0}, r"krylov_tolerance is 1.0; it must be in \(0, 1\)"),
        ({"theta": -0.5}, "theta is -0.5; it must be finite and >= 0"),
        ({"eps_g": -1.0}, "eps_g is -1.0; it must be finite and >= 0"),
        ({"eps_g": "small"}, "eps_g is 'small'; it must be a real number"),
        ({"eps_H": 0.0}, "eps_H is 0.0; it must be finite and > 0, or None"),
        ({"nu": 1.0}, r"nu is 1.0; it must be in \(0, 1\)"),
        ({"safeguarded": 2.0}, r"safeguarded is 2.0; it must be True, False, or a share in"),
        ({"max_iter": 0}, "max_iter is 0; it must be a whole number >= 1"),
        ({"max_iter": 2.5}, "max_iter is 2.5; it must be a whole number >= 1"),
        ({"max_products": 0}, "max_products is 0; it must be a whole number >= 1"),
        ({"fun": lambda x: x}, r"fun returned an array of shape \(3,\); it must return a number"),
        ({"grad": lambda x: x[:2]}, r"grad returned an array of shape \(2,\); it must be \(3,\)"),
        ({"hvp": lambda x, v: v[:1]}, r"hvp returned an array of shape \(1,\); it must be \(3,\)"),
        ({"grad": lambda x: "no"}, "grad returned 'no'; it must return an array of real numbers"),
        ({"fun": lambda x: None}, "fun returned None; it must return a number"),
        ({"fun": lambda x: 1j}, "fun returned 1j; it must return a number"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(changed, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(**changed)
    assert "\n" not in str(caught.value)


def test_errors_of_the_users_functions_pass():
    def fun(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        call(fun=fun)


def test_history_has_columns_by_name():
    history = call().history
    assert history.column("radius").tolist() == [record.radius for record in history]
    assert isinstance(history[:2], History)
    assert len(history[:2]) == 2
    assert repr(history[:1]) == "<History of 1 iterations, 1 steps taken>"
    with pytest.raises(ValueError, match="name is 'step'; it must be one of fun, gradient_norm"):
        history.column("step")
