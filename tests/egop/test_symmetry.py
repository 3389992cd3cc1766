"""Symmetries of the EGOP: the closed form of a linear network's block, groups, proof, search."""

import matplotlib.figure
import numpy as np
import pytest

from proofs_check.egop import symmetry as checks
from proofs_check.engine import run_proof, run_search
from simulations.egop import symmetry as simulations
from simulations.engine.figures import Results
from theory.core import Check, Verdict
from theory.egop.estimators import average_over_units
from theory.egop.symmetry import LinearNetwork, first_layer_block, image_egop, symmetry
from theory.models import deep_linear

UNIT = np.finfo(float).eps


def test_gradient_is_that_of_the_deep_linear_network():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 50)), rng.standard_normal((4, 50))
    network = LinearNetwork(X @ X.T / 50, Y @ X.T / 50, (3, 5), (1.0, 1.0, 1.0))
    weights = [rng.standard_normal(shape) for shape in ((3, 2), (5, 3), (4, 5))]
    expected = deep_linear.gradients(weights, X, Y)[0]
    # sums of 50 products against products of sums, entries below 100
    np.testing.assert_allclose(network.first_gradients(weights), expected, rtol=0, atol=1e4 * UNIT)


def test_block_of_one_weight_per_layer():
    # (w3 w2)^2 w1 - c w3 w2 with unit variances: E = 9 + c^2
    network = LinearNetwork(np.eye(1), np.array([[2.0]]), (1, 1), (1.0, 1.0, 1.0))
    assert first_layer_block(network).tolist() == [[13.0]]


def test_variances_must_be_positive():
    with pytest.raises(ValueError, match=r"variances\[1\] is 0\.0; it must be a finite number > 0"):
        LinearNetwork(np.eye(1), np.eye(1), (1, 1), (1.0, 0.0, 1.0))


def test_invariant_matrix_has_groups_of_equal_eigenvalues():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((40, 14))
    averaged = average_over_units(rows.T @ rows, np.arange(12).reshape(4, 3))
    values = np.linalg.eigvalsh(averaged)
    # 4 units of 3 parameters, 2 others: 3 groups of 3 and 5 simple ones
    close = np.abs(values[:, None] - values[None, :]) < 1e3 * UNIT * values[-1]
    assert sorted(close.sum(axis=0).tolist()) == [1] * 5 + [3] * 9


def test_permutation_of_samples_and_coordinates_commutes():
    gradients = np.array([[1.0, 2.0], [2.0, 1.0]])
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    lhs, rhs = image_egop(gradients, swap)
    total = gradients.T @ gradients
    assert lhs.tolist() == rhs.tolist() == (total @ swap).tolist()


def test_proof_is_of_the_statement_only():
    proof = Check("proof", symmetry, checks.chain_rule, {"scope": "all"})
    evidence = run_proof(proof, symmetry.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    for variant in symmetry.variants():
        assert run_proof(proof, variant).verdict is not Verdict.PROVED, variant.label


@pytest.mark.parametrize(
    ("variant", "verdict"),
    [
        (None, Verdict.SUPPORTED),
        ("whatever the law of theta", Verdict.REFUTED),
        ("P for its transpose", Verdict.REFUTED),
        ("P not orthogonal", Verdict.REFUTED),
    ],
)
def test_search(variant, verdict):
    options = {"examples": {"quick": 60}, "refine": ()}
    attack = Check("search", symmetry, checks.rational_symmetries, options)
    statement = symmetry.variant(variant) if variant else symmetry.itself()
    found = run_search(attack, statement, budget="quick", seed=4)
    assert found.verdict is verdict, found.summary


class Normals:
    """A stream of standard normals."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def normal(self, shape):
        return self.rng.standard_normal(shape)


@pytest.mark.parametrize(
    ("point", "agrees"),
    [
        ({"row": 0, "column": 1, "stacking": "rows", "spread": 1.0}, True),
        ({"row": 0, "column": 2, "stacking": "rows", "spread": 1.0}, True),
        ({"row": 0, "column": 1, "stacking": "columns", "spread": 1.0}, False),
        ({"row": 0, "column": 0, "stacking": "rows", "spread": 2.0}, False),
    ],
)
def test_measured_products_agree_with_the_closed_form(point, agrees):
    drawn = simulations.products_of_gradients(Normals(7), 20_000, **point)["product"]
    block = np.kron(np.eye(3), first_layer_block(simulations.NETWORK))
    away = abs(drawn.mean() - block[point["row"], point["column"]])
    error = drawn.std() / np.sqrt(len(drawn))
    # five standard errors against more than twenty
    assert away < 5 * error if agrees else away > 20 * error


def test_figure_draws_three_spectra():
    figure = matplotlib.figure.Figure()
    simulations.groups_of_eigenvalues(figure, Results(symmetry, ()))
    assert [len(line.get_ydata()) for line in figure.axes[1].lines] == [6, 6, 6]
