"""The Hessian of piecewise linear networks: its split, against an independent network, mutants."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from proofs_check.adaptive_norms import gauss_newton as checks
from proofs_check.engine import run_proof, run_search
from simulations.adaptive_norms.gauss_newton import polarised
from theory.adaptive_norms.gauss_newton import (
    cross_terms,
    curvature_split,
    gauss_newton_form,
    output,
    relu_ggn_is_not_the_hessian,
    relu_slopes,
    second_derivative,
    stencil_weight,
)
from theory.core import Check, Verdict
from theory.models.multilayer import Network

WIDTHS = (3, 4, 3, 2)


def random_layers(rng, widths=WIDTHS):
    return [0.3 + 0.6 * rng.standard_normal((n, m)) for m, n in pairwise(widths)]


def search(statement, seed=0):
    options = {"examples": {"quick": 60, "standard": 60, "deep": 60}, "refine": ()}
    check = Check("search", relu_ggn_is_not_the_hessian, checks.networks, options)
    return run_search(check, statement, budget="quick", seed=seed)


def prove(statement):
    claim = relu_ggn_is_not_the_hessian
    return run_proof(
        Check("proof", claim, checks.exact_second_differences, {"scope": ""}), statement
    )


@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("objective", ["squared", "cross-entropy"])
def test_the_split_is_that_of_a_network_with_independent_derivatives(activation, objective):
    rng = np.random.default_rng(1)
    net = Network(WIDTHS, activation, objective, bias=False)
    weights, sample = random_layers(rng), rng.standard_normal(WIDTHS[0])
    slopes = relu_slopes(weights, sample) if activation == "relu" else [np.ones(4), np.ones(3)]
    target, z = np.array([0.3, 0.7]), output(weights, slopes, sample)
    share = np.exp(z) / np.exp(z).sum()
    gradient = z - target if objective == "squared" else share - target
    curvature = np.eye(2) if objective == "squared" else np.diag(share) - np.outer(share, share)
    sizes = [matrix.shape for matrix in weights]
    network = {"weights": weights, "slopes": slopes, "sample": sample, "gradient": gradient,
               "curvature": curvature}  # fmt: skip
    params = np.concatenate([matrix.ravel() for matrix in weights])
    batch = (params, sample[None, :], target[None, :])
    for form, expected in (
        (second_derivative, net.hessian(*batch)), (gauss_newton_form, net.ggn(*batch)),
        (cross_terms, net.hessian(*batch) - net.ggn(*batch)),
    ):  # fmt: skip
        found = polarised(form, sizes, **network)
        # the weights of the stencil add up to 7, those of the polarisation to 4, and a loss is
        # off by some 100 roundings of its largest terms: 3000 u in all
        assert found == pytest.approx(expected, abs=1e-12 * max(10.0, np.abs(expected).max()))
    assert np.abs(net.hessian(*batch) - net.ggn(*batch)).max() > 1e-2


def test_one_layer_has_no_cross_terms_and_two_have_an_indefinite_difference():
    rng = np.random.default_rng(0)
    sample, c = rng.standard_normal(3), rng.standard_normal(2)
    (single,), (direction,) = random_layers(rng, (3, 2)), random_layers(rng, (3, 2))
    assert cross_terms([single], [], sample, [direction], c, np.eye(2)) == 0
    sizes = [(4, 3), (2, 4)]
    weights = [rng.standard_normal(size) for size in sizes]
    difference = polarised(
        cross_terms, sizes, weights=weights, slopes=[np.ones(4)], sample=sample, gradient=c,
        curvature=np.eye(2),
    )  # fmt: skip
    values = np.linalg.eigvalsh(difference)
    extreme = np.linalg.norm(c) * np.linalg.norm(sample)
    # every hidden unit gives the singular value ||c|| ||x|| to the off-diagonal block
    assert values == pytest.approx(
        [-extreme] * 4 + [0.0] * (len(values) - 8) + [extreme] * 4, abs=1e-12
    )


def test_the_second_difference_is_exact_up_to_its_degree_and_not_beyond():
    for order in (1, 2, 3, 4):
        nodes = [t for t in range(-order, order + 1) if t]
        for degree in range(1, 2 * order + 2):
            value = sum(stencil_weight(order, t) * t**degree for t in nodes)
            assert value == (2 if degree == 2 else 0)
        assert sum(stencil_weight(order, t) * t ** (2 * order + 2) for t in nodes) != 0


def test_relu_slopes_are_those_of_the_activations():
    weights = [np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [-1.0, 0.0]]), np.eye(2)]
    slopes = relu_slopes(weights, np.array([2.0, -3.0]))
    assert [slope.tolist() for slope in slopes] == [[1.0, 0.0], [1.0, 0.0]]


def test_the_proof_cites_nothing():
    evidence = prove(relu_ggn_is_not_the_hessian.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert evidence.data["cited"] == []


@pytest.mark.parametrize("name", list(relu_ggn_is_not_the_hessian.mutants))
def test_the_proof_refutes_every_mutant(name):
    assert prove(relu_ggn_is_not_the_hessian.variant(name)).verdict is Verdict.REFUTED


def test_the_search_finds_no_difference_in_the_claim():
    evidence = search(relu_ggn_is_not_the_hessian.itself())
    assert evidence.verdict is Verdict.SUPPORTED
    assert evidence.data["exercised"] == 60


def test_the_search_reaches_deep_relu_networks_whose_mutants_differ():
    claim, differing = relu_ggn_is_not_the_hessian, set()

    def remember(**network):
        if len(network["weights"]) == 3 and any(slope == 0 for slope in network["slopes"].flat):
            for name in claim.mutants:
                lhs, rhs = claim.variant(name).formula(**network)
                differing.update([name] if lhs != rhs else [])
        return curvature_split(**network)

    search(replace(claim.itself(), formula=remember))
    assert differing == set(claim.mutants)
