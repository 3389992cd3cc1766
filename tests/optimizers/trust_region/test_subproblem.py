import math
from functools import partial

import numpy as np
import pytest
from subproblem_problems import (
    KINDS,
    Problem,
    exact_decrease,
    exact_norm,
    optimum,
    random_problem,
)

from theory.optimizers.trust_region import (
    Ellipsoid,
    NotFiniteError,
    cauchy_point,
    eigenpoint,
    exact_subproblem,
    gltr,
    model_decrease,
    preconditioned_cauchy_point,
    steihaug_toint,
)

ITERATIVE = (cauchy_point, preconditioned_cauchy_point, eigenpoint, steihaug_toint, gltr)
SOLVERS = (*ITERATIVE, exact_subproblem)
SADDLE = (np.diag([1.0, -1.0]), np.array([1.0, 0.0]))


def solve(solver, p, **options):
    return solver(p.B, p.g, p.radius, ellipsoid=p.ellipsoid, **options)


@pytest.fixture(scope="module")
def population():
    rng = np.random.default_rng(4)
    problems = [random_problem(rng, index) for index in range(500)]
    return [(p, {solver: solve(solver, p) for solver in SOLVERS}) for p in problems]


def test_gltr_is_within_1e_10_of_the_exact_optimum_on_500_problems(population):
    for p, found in population:
        best = found[exact_subproblem].model_decrease
        assert found[gltr].model_decrease >= (1 - 1e-10) * best, p
        assert found[gltr].model_decrease <= (1 + 1e-10) * best, p


def test_the_population_has_every_case(population):
    found = [(p, steps[exact_subproblem]) for p, steps in population]
    assert {p.kind for p, _ in found} == set(KINDS)
    assert sum(step.hard_case for _, step in found) >= 10
    assert sum(not step.on_boundary for _, step in found) >= 50
    conditions = [Ellipsoid.of(p.ellipsoid, len(p.g)).condition for p, _ in found]
    assert max(conditions) > 1e11


def test_every_step_is_feasible_to_1e_12_in_rationals(population):
    for p, found in population:
        for step in found.values():
            assert exact_norm(p, step.step) <= p.radius * (1 + 1e-12)


def test_steps_on_the_boundary_reach_it(population):
    for p, found in population:
        for step in found.values():
            if step.on_boundary:
                # Shortening may cost u sqrt(cond A) <= 2e-10.
                assert exact_norm(p, step.step) >= p.radius * (1 - 1e-9)


def test_the_reported_decrease_is_that_of_the_step(population):
    for p, found in population[::5]:
        for step in found.values():
            assert step.model_decrease == pytest.approx(exact_decrease(p, step.step), rel=1e-10)


def test_steihaug_reaches_the_preconditioned_cauchy_decrease(population):
    for p, found in population:
        first = found[preconditioned_cauchy_point].model_decrease
        assert found[steihaug_toint].model_decrease >= (1 - 1e-12) * first
        norm = Ellipsoid.of(p.ellipsoid, len(p.g))
        white = norm.whiten_dual(norm.whiten_dual(p.B).T)
        largest = np.linalg.eigvalsh((white + white.T) / 2)[-1]
        slope = norm.dual_norm(p.g)
        reach = min(slope / largest, p.radius) if largest > 0 else p.radius
        assert first >= 0.5 * slope * reach * (1 - 1e-9)


def test_cauchy_point_and_eigenpoint_obey_lemmas_5_and_6(population):
    for p, found in population:
        norm, slope = Ellipsoid.of(p.ellipsoid, len(p.g)), np.linalg.norm(p.g)
        reach = min(slope / np.linalg.norm(p.B, 2), slope / norm.norm(p.g) * p.radius)
        assert found[cauchy_point].model_decrease >= 0.5 * slope * reach * (1 - 1e-12)
        low = np.linalg.eigvalsh(p.B)[0]
        if low < -1e-12:
            u = found[eigenpoint].step / np.linalg.norm(found[eigenpoint].step)
            assert u @ p.B @ u <= 0.9 * low
            bound = 0.5 * 0.9 * -low * (p.radius / norm.norm(u)) ** 2
            assert found[eigenpoint].model_decrease >= bound * (1 - 1e-9)


def test_no_solver_beats_the_exact_one(population):
    for _, found in population:
        best = found[exact_subproblem].model_decrease
        assert all(step.model_decrease <= best * (1 + 1e-10) for step in found.values())


def test_exact_and_gltr_against_seventy_digits():
    rng = np.random.default_rng(7)
    for index in range(36):
        p = random_problem(rng, index, largest=6)
        best = optimum(p)
        for solver in (exact_subproblem, gltr):
            assert exact_decrease(p, solve(solver, p).step) == pytest.approx(best, rel=1e-11)


@pytest.mark.parametrize("power", [0, 4, 8, 12, 15, 16, 18, 30, 100, 300])
@pytest.mark.parametrize("solver", [exact_subproblem, gltr])
def test_close_to_the_hard_case(solver, power):
    p = Problem("", np.diag([-2.0, -1.0, 3.0]), np.array([10.0**-power, 1.0, 1.0]), None, 4.0)
    found = solve(solver, p)
    assert exact_decrease(p, found.step) == pytest.approx(optimum(p), rel=1e-14)
    assert found.multiplier == pytest.approx(2.0, abs=2.0 * 10.0**-power + 1e-15)


@pytest.mark.parametrize("solver", [exact_subproblem, gltr])
def test_an_unseen_eigenvector_of_several(solver):
    found = solver(np.diag([-1.0, -1.0, -1.0, 2.0]), [0.0, 0.0, 0.0, 3.0], 2.0)
    assert found.hard_case
    assert found.on_boundary
    # lambda = 1, s_4 = -1 and the rest has norm sqrt(3): 3 - 1 + 3/2.
    assert found.model_decrease == pytest.approx(3.5, rel=1e-14)


def test_the_saddle_of_assumption_2():
    assert steihaug_toint(*SADDLE, 2.0).model_decrease == 0.5
    assert eigenpoint(*SADDLE, 2.0).model_decrease == pytest.approx(2.0, rel=1e-14)
    assert gltr(*SADDLE, 2.0).model_decrease == pytest.approx(2.25, rel=1e-14)
    assert gltr(*SADDLE, 2.0, verify=False).model_decrease == 0.5


def test_steihaug_misses_the_literal_lemma_5():
    B = np.array([[1.24, 3.06, 7.04], [3.06, 1.33, -1.68], [7.04, -1.68, -0.488]])
    g, A, radius = np.array([0.974, 3.82, 4.85]), np.array([0.546, 604.0, 489.0]), 18.1
    found = steihaug_toint(B, g, radius, ellipsoid=A)
    assert found.model_decrease == pytest.approx(0.97781, abs=1e-5)
    slope, beta = np.linalg.norm(g), 1 + np.linalg.norm(B, 2)
    bound = 0.5 * slope * min(slope / beta, slope / math.sqrt(g @ (A * g)) * radius)
    assert bound == pytest.approx(2.19, abs=0.01)
    assert cauchy_point(B, g, radius, ellipsoid=A).model_decrease >= bound


@pytest.mark.parametrize("solver", ITERATIVE)
def test_products_are_those_of_the_callable(solver):
    rng = np.random.default_rng(0)
    M = rng.normal(size=(9, 9))
    calls = []
    found = solver(lambda v: calls.append(1) or (M + M.T) @ v, rng.normal(size=9), 0.7,
                   ellipsoid=rng.uniform(0.1, 9.0, 9))  # fmt: skip
    assert found.products == len(calls)
    assert found.converged


@pytest.mark.parametrize("solver", [steihaug_toint, gltr, eigenpoint])
def test_a_budget_of_products_is_kept_and_said(solver):
    rng = np.random.default_rng(1)
    M = rng.normal(size=(30, 30))
    B, g = M @ M.T - 20 * np.eye(30) * (solver is not steihaug_toint), rng.normal(size=30)
    found = solver(B, g, 1e3, max_iter=3)
    assert found.products == 3
    assert not found.converged


def test_gltr_improves_with_every_product():
    rng = np.random.default_rng(2)
    M = rng.normal(size=(40, 40))
    g = rng.normal(size=40)
    values = [gltr(M + M.T, g, 1.0, max_iter=k).model_decrease for k in range(1, 41)]
    assert all(np.diff(values) >= -1e-14 * values[-1])
    assert values[-1] == pytest.approx(exact_subproblem(M + M.T, g, 1.0).model_decrease, rel=1e-13)


def test_gltr_stops_early_in_a_large_space():
    rng = np.random.default_rng(3)
    M = rng.normal(size=(300, 300))
    g = rng.normal(size=300)
    found = gltr(M + M.T, g, 1.0)
    best = exact_subproblem(M + M.T, g, 1.0).model_decrease
    assert found.products < 150
    assert found.converged
    assert found.model_decrease == pytest.approx(best, rel=1e-12)


def test_gltr_stops_at_the_relative_residual():
    rng = np.random.default_rng(5)
    M = rng.normal(size=(60, 60))
    B, g = M @ M.T / 60 + np.eye(60), rng.normal(size=60)
    found = gltr(B, g, 1e3, tol=0.1, verify=False)
    assert np.linalg.norm(g + B @ found.step) <= 0.1 * np.linalg.norm(g)
    assert found.products < gltr(B, g, 1e3).products


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_region_gives_the_same_step(solver):
    rng = np.random.default_rng(6)
    M = rng.normal(size=(5, 5))
    B, g, A = M + M.T, rng.normal(size=5), rng.uniform(0.1, 5.0, 5)
    step = solver(B, g, 0.8, ellipsoid=A).step
    # u times the condition of the whitened problem, which is below 1e3.
    close = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11)
    close(solver(B, g, 0.8 * 3, ellipsoid=9 * A).step, step)
    close(solver(B, g, 0.8, ellipsoid=np.diag(A)).step, step)
    close(solver(4 * B, 4 * g, 0.8, ellipsoid=A).step, step)
    close(solver(B, -g, 0.8, ellipsoid=A).step, -step)


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_gradient(solver):
    found = solver(np.diag([3.0, 2.0]), np.zeros(2), 1.0)
    assert found.model_decrease == 0
    assert not found.step.any()
    expected = {eigenpoint: 1.0, gltr: 1.0, exact_subproblem: 1.0}.get(solver, 0.0)
    found = solver(np.diag([3.0, -2.0]), np.zeros(2), 1.0)
    assert found.model_decrease == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_dimension(solver):
    assert solver([[2.0]], [3.0], 9.0).step == pytest.approx([-1.5], rel=1e-14)
    assert solver([[-2.0]], [3.0], 9.0).step == pytest.approx([-9.0], rel=1e-14)


def test_a_model_without_curvature():
    for solver in (cauchy_point, steihaug_toint, gltr, exact_subproblem):
        found = solver(np.zeros((3, 3)), [3.0, 0.0, 4.0], 2.0)
        assert found.step == pytest.approx([-1.2, 0.0, -1.6], rel=1e-14)


def test_steihaug_stops_at_its_residual():
    rng = np.random.default_rng(8)
    M = rng.normal(size=(50, 50))
    B, g, A = M @ M.T + np.eye(50), rng.normal(size=50), rng.uniform(0.5, 2.0, 50)
    found = steihaug_toint(B, g, 1e6, ellipsoid=A, tol=1e-3)
    norm = Ellipsoid.of(A, 50)
    true = norm.dual_norm(g + B @ found.step)
    assert true <= 1e-3 * norm.dual_norm(g)
    assert found.residual == pytest.approx(true, rel=1e-6)
    assert not found.on_boundary


def test_steihaug_leaves_by_the_better_end():
    # After one step along -g the second direction has curvature -50: both ends are reachable.
    B, g = np.diag([1.0, -50.0]), np.array([1.0, 0.02])
    found = steihaug_toint(B, g, 2.0)
    assert found.on_boundary
    assert found.model_decrease >= cauchy_point(B, g, 2.0).model_decrease


def test_eigenpoint_meets_its_share_of_the_least_eigenvalue():
    rng = np.random.default_rng(9)
    M = rng.normal(size=(200, 200))
    B = M + M.T
    low = np.linalg.eigvalsh(B)[0]
    spent = []
    for nu in (0.5, 0.9, 0.999):
        found = eigenpoint(B, np.zeros(200), 1.0, nu=nu)
        assert found.curvature <= nu * low
        spent.append(found.products)
    assert spent == sorted(spent)
    assert spent[-1] < 200
    assert eigenpoint(B, np.zeros(200), 1.0, floor=-2 * low).products <= spent[0]


def test_eigenpoint_goes_down():
    rng = np.random.default_rng(10)
    for _ in range(20):
        M, g = rng.normal(size=(4, 4)), rng.normal(size=4)
        found = eigenpoint(M + M.T, g, 1.0)
        assert g @ found.step <= 0
        assert found.model_decrease >= 0


@pytest.mark.parametrize("solver", ITERATIVE)
def test_a_product_that_is_not_finite_says_what_was_spent(solver):
    count = []

    def hvp(v):
        count.append(1)
        return v * [1.0, 2.0, 3.0] if len(count) < 2 else np.array([0.0, np.nan, 1.0])

    if solver in (cauchy_point, preconditioned_cauchy_point):
        count.append(1)
    with pytest.raises(NotFiniteError, match=r"hvp returned nan at \[1\] in product number") as hit:
        solver(hvp, np.ones(3), 10.0)
    assert hit.value.products == (1 if "cauchy" in solver.__name__ else 2)
    assert isinstance(hit.value, ValueError)


BAD = [
    ({"gradient": [1.0, math.nan]}, r"gradient\[1\] is nan; it must be finite"),
    ({"gradient": [[1.0, 2.0]]}, r"gradient has shape \(1, 2\)"),
    ({"gradient": []}, "gradient has shape"),
    ({"gradient": [1.0, 2j]}, "real numbers"),
    ({"gradient": "ab"}, "real numbers"),
    ({"radius": 0.0}, "radius is 0.0; it must be finite and > 0"),
    ({"radius": -1.0}, "radius is -1.0"),
    ({"radius": math.inf}, "radius is inf"),
    ({"radius": math.nan}, "radius is nan"),
    ({"radius": "wide"}, "radius is 'wide'; it must be a real number"),
    ({"hvp": [[1.0, 2.0], [3.0, 1.0]]}, "is not symmetric: entries differ"),
    ({"hvp": [[1.0, math.inf], [math.inf, 1.0]]}, r"\[0, 1\] is inf; it must be finite"),
    ({"hvp": np.eye(3)}, r"has shape \(3, 3\); it must be \(2, 2\)"),
    ({"ellipsoid": [1.0, 0.0]}, r"ellipsoid\[1\] is 0; .* positive definite"),
    ({"ellipsoid": [[1.0, 2.0], [2.0, 1.0]]}, "ellipsoid is not positive definite"),
    ({"ellipsoid": [[1.0, 0.5], [0.0, 1.0]]}, "ellipsoid is not symmetric"),
    ({"ellipsoid": [1.0, math.nan]}, r"ellipsoid\[1\] is nan"),
    ({"ellipsoid": [1.0, 1.0, 1.0]}, r"ellipsoid has shape \(3,\)"),
    ({"ellipsoid": np.eye(3)}, r"ellipsoid has shape \(3, 3\)"),
    ({"ellipsoid": Ellipsoid.of(None, 3)}, "ellipsoid has dimension 3; it must be 2"),
]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_named(solver, change, message):
    given = {"hvp": np.eye(2), "gradient": [1.0, 2.0], "radius": 1.0, "ellipsoid": None, **change}
    with pytest.raises(ValueError, match=message) as hit:
        solver(given["hvp"], given["gradient"], given["radius"], ellipsoid=given["ellipsoid"])
    assert "\n" not in str(hit.value)


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        (steihaug_toint, {"tol": -0.1}, r"tol is -0.1; it must be in \[0, 1\)"),
        (steihaug_toint, {"max_iter": 0}, "max_iter is 0"),
        (gltr, {"gap": 1.0}, "gap is 1.0"),
        (gltr, {"max_iter": 2.5}, "max_iter is 2.5; it must be a whole number"),
        (eigenpoint, {"nu": 0.0}, r"nu is 0.0; it must be in \(0, 1\)"),
        (eigenpoint, {"floor": -1.0}, "floor is -1.0"),
    ],
)
def test_bad_options_are_named(solver, options, message):
    with pytest.raises(ValueError, match=message):
        solver(*SADDLE, 1.0, **options)


def test_model_decrease_and_its_errors():
    assert model_decrease(lambda v: 2 * v, [1.0, 0.0], [-0.5, 0.0]) == 0.25
    with pytest.raises(ValueError, match=r"step has shape \(3,\); it must be \(2,\)"):
        model_decrease(np.eye(2), [1.0, 0.0], np.ones(3))
    with pytest.raises(ValueError, match=r"hvp returned shape \(1,\)"):
        model_decrease(lambda v: v[:1], [1.0, 0.0], np.ones(2))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("decades", [0, 60, 100])
def test_units_do_not_matter(solver, decades):
    rng = np.random.default_rng(decades)
    for index in range(60):
        d = index % 5 + 1
        M = rng.normal(size=(d, d))
        free = np.diag(rng.choice([0.0, 1.0, -1.0, 1e-9, 1e9], d))
        B = (M + M.T, M @ M.T, free)[index % 3] * 10 ** rng.uniform(-decades, decades)
        g = rng.normal(size=d) * rng.choice([0.0, 1.0], d) * 10 ** rng.uniform(-decades, decades)
        A = 10 ** rng.uniform(-6, 6, d) * 10 ** rng.uniform(-decades / 2, decades / 2)
        radius = 10 ** rng.uniform(-decades / 2, decades / 2)
        found = solver(B, g, radius, ellipsoid=A)
        assert np.isfinite(found.step).all()
        assert found.model_decrease >= 0
        assert Ellipsoid.of(A, d).norm(found.step) <= radius * (1 + 1e-12)


@pytest.mark.parametrize("solver", [exact_subproblem, gltr])
def test_an_eigenvalue_that_rounding_makes_negative(solver):
    # In whitened coordinates the 1e-9 is far below the rounding of the 1e9.
    B, g = np.diag([0.0, 1e9, 1e-9, 1e9]), np.array([0.0, 0.0, 0.0, -0.0077])
    A = np.array([6.8e3, 8.7, 2.1, 1.1e-3])
    found = solver(B, g, 1.0, ellipsoid=A)
    assert found.model_decrease == pytest.approx(0.5 * 0.0077**2 / 1e9, rel=1e-10)
