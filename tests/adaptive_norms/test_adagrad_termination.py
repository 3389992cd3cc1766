"""Termination in Adagrad's ellipsoids: bounds, proof, the valleys, and runs of the method."""

import math

import numpy as np
import pytest

from proofs_check.adaptive_norms import adagrad_termination as checks
from proofs_check.engine import run_proof
from simulations.adaptive_norms import adagrad_termination as runs
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key
from theory.adaptive_norms.adagrad_termination import (
    adagrad_trust_region_terminates,
    guaranteed_decrease,
    safe_radius,
    success_bound,
    termination,
    total_guaranteed,
)
from theory.core import Check, Verdict
from theory.optimizers.trust_region.history import History, Record

CONSTANTS = {"eps_g": 0.3, "eps": 0.1, "beta": 2.0, "eta": 0.25, "shrink": 1.5}


def prove(statement):
    function = checks.guaranteed_decreases_add_up
    check = Check("proof", adagrad_trust_region_terminates, function, {"scope": ""})
    return run_proof(check, statement)


# ---- bounds


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0])
def test_the_number_of_successes_inverts_the_guaranteed_total(power):
    for count in (0.0, 1.0, 17.5, 300.0):
        gap = total_guaranteed(power, count, bound=1.7, **CONSTANTS)
        # a few roundings, amplified by 1/(1 - p) <= 2 or by the logarithm of at most 9
        assert success_bound(power, gap, bound=1.7, **CONSTANTS) == pytest.approx(
            count, rel=1e-12, abs=1e-12
        )


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0])
def test_the_guaranteed_total_is_at_most_the_sum_of_the_decreases(power):
    bound, total = 1.7, 0.0
    for k in range(1, 200):
        total += guaranteed_decrease(power, 0.1 + k * bound**2, **CONSTANTS)
        integral = total_guaranteed(power, k, bound=bound, **CONSTANTS)
        assert integral <= total
        assert integral >= total - guaranteed_decrease(power, 0.1, **CONSTANTS)


def test_orders_in_the_gradient_norm():
    small = CONSTANTS | {"eps_g": 1e-6}
    smaller = CONSTANTS | {"eps_g": 1e-7}
    # with 1 + O(eps_g^2) to the limit
    ratio = success_bound(0.5, 1.0, bound=1.7, **smaller) / success_bound(
        0.5, 1.0, bound=1.7, **small
    )
    assert ratio == pytest.approx(1e4, rel=1e-9)
    fine = CONSTANTS | {"eps_g": 2.0}
    finer = CONSTANTS | {"eps_g": math.sqrt(2.0)}
    logs = [math.log1p(success_bound(1, 0.01, bound=1.7, **values) / (1 + 0.1 / 1.7**2))
            for values in (fine, finer)]  # fmt: skip
    assert logs[1] == pytest.approx(2.0 * logs[0], rel=1e-12)


def test_an_unknown_quantity_is_named():
    with pytest.raises(ValueError, match="quantity is 'steps'; it must be one of radius, decrease"):
        termination("steps", 1, 1.0, bound=1.0, **CONSTANTS)


# ---- the proof


def test_the_proof_cites_three_theorems():
    evidence = prove(adagrad_trust_region_terminates.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert evidence.data["cited"] == [
        "the eigenvalues of A^p lie in [eps^p, S^p]", "Taylor's theorem",
        "the iterates of CG do not lose it",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(adagrad_trust_region_terminates.mutants))
def test_the_proof_refutes_every_mutant(name):
    assert prove(adagrad_trust_region_terminates.variant(name)).verdict is Verdict.REFUTED


# ---- the valleys


def test_valleys_have_the_claimed_derivatives_and_constants():
    rng = np.random.default_rng(0)
    valley = runs.Valley(np.linalg.qr(rng.standard_normal((4, 4)))[0])
    for _ in range(50):
        x, v = 2.0 * rng.standard_normal(4), rng.standard_normal(4)
        step = 1e-5
        slope = (valley.fun(x + step * v) - valley.fun(x - step * v)) / (2 * step)
        # central difference: step^2 times a third derivative of at most 2, and rounding
        assert valley.grad(x) @ v == pytest.approx(slope, abs=1e-8)
        bend = (valley.grad(x + step * v) - valley.grad(x - step * v)) / (2 * step)
        assert valley.hvp(x, v) == pytest.approx(bend, abs=1e-7)
        assert np.linalg.norm(valley.grad(x)) <= runs.gradient_bound(4) + 1e-12
        assert np.linalg.norm(valley.hvp(x, v)) <= runs.BETA * np.linalg.norm(v) * (1 + 1e-12)
        assert valley.fun(x) >= 0.0


def record(**fields):
    plain = {"fun": 1.0, "gradient_norm": 2.0, "radius": 1.0, "trial_fun": 0.5, "step_norm": 1.0,
             "model_decrease": 1.0, "true_decrease": 0.5, "rho": 0.5, "accepted": True,
             "phase": "gradient", "on_boundary": True, "products": 1, "fun_evaluations": 1,
             "grad_evaluations": 1}  # fmt: skip
    return Record(**(plain | fields))


def test_rejected_steps_add_nothing_to_the_matrix():
    history = History([
        record(accepted=False, radius=4.0, true_decrease=-1.0),
        record(radius=2.0), record(gradient_norm=1.0, radius=3.0, true_decrease=0.4),
    ])  # fmt: skip
    first, second = runs.EPS + 4.0, runs.EPS + 5.0
    assert runs.quantity_of(history, "successes", 1.0) == 2.0
    assert runs.quantity_of(history, "radius", 1.0) == 2.0 * math.sqrt(first)
    assert runs.quantity_of(history, "decrease", 0.5) == min(
        0.5 * math.sqrt(first), 0.4 * math.sqrt(second)
    )


# ---- runs


def sample(quantity, trials=3, **point):
    point = {"quantity": quantity, "d": 3, "travel": 0.7, "power": 1.0, "matrix": "full",
             "radii": "least"} | point  # fmt: skip
    claim = adagrad_trust_region_terminates
    stream = Stream(select_backend("numpy"), stream_key(5, claim.id, "test", point), 0)
    return runs.successes_of_runs(stream, trials, **point)["value"], point


@pytest.mark.parametrize("matrix", ["full", "diagonal"])
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_every_run_obeys_the_bounds(matrix, power):
    for quantity in ("successes", "radius", "decrease"):
        found, _ = sample(quantity, matrix=matrix, power=power)
        size = runs.gap(3, 0.7) if quantity == "successes" else 1.0
        claimed = termination(quantity, power, size, runs.EPS_G, runs.EPS, runs.gradient_bound(3),
                              runs.BETA, runs.ETA, runs.GAMMA)  # fmt: skip
        if quantity == "successes":
            assert (found <= claimed).all()
            assert (found >= 2).all()
        else:
            # the first radius attains its bound
            assert (found >= claimed * (1 - 1e-12)).all()


def test_the_least_radius_is_attained_by_the_first_step():
    found, _ = sample("radius", trials=8, travel=0.5)
    claimed = safe_radius(1.0, 1.0, runs.EPS_G, runs.EPS, runs.BETA, runs.ETA) / runs.GAMMA
    assert ((found / claimed >= 1 - 1e-12) & (found / claimed <= 1.02)).all()


def test_wide_radii_end_within_a_few_successes():
    found, _ = sample("successes", travel=2.5, radii="wide", matrix="diagonal")
    assert (found <= 10).all()


def test_runs_refute_a_matrix_that_does_not_grow():
    claim = adagrad_trust_region_terminates
    found, point = sample("successes", d=2, travel=2.5, matrix="diagonal")
    variant = claim.variant("a matrix that does not grow")
    assert (found > runs._claimed(variant, point)).all()
    assert (found <= runs._claimed(claim.itself(), point)).all()
