"""Certificates of sampled bases: the share, the samples needed, and the constants."""

import numpy as np
import pytest

from proofs_check.egop import finite_samples as checks
from proofs_check.engine import run_proof, run_search
from theory.core import Check, Verdict
from theory.egop.estimators import sample_eigenbasis
from theory.egop.finite_samples import (
    certified_constants,
    confidence,
    gap_free_samples,
    retained_share,
    samples_needed,
)
from theory.models.bases import haar_basis

UNIT = np.finfo(float).eps


def test_share_is_the_square_of_the_printed_form():
    n, d, s = 200, 7, 1.5
    printed = (np.sqrt((n - 1) / n) - np.sqrt(d / n) - s / np.sqrt(n)) ** 2
    assert retained_share(n, d, s) == pytest.approx(printed, rel=32 * UNIT)
    assert retained_share(9, 9, 0.0) == 0.0
    assert retained_share(1, 1, 0.0) == 0.0


@pytest.mark.parametrize(("d", "share", "s"), [(1, 0.1, 0.0), (10, 0.5, 3.0), (400, 0.95, 2.0)])
def test_samples_needed_are_the_least(d, share, s):
    n = samples_needed(d, share, s)
    assert retained_share(n, d, s) >= share > retained_share(n - 1, d, s)


def test_confidence_of_three_deviations():
    assert confidence(3.0) == pytest.approx(1 - np.exp(-4.5), rel=4 * UNIT)
    assert confidence(0.0) == 0.0


@pytest.mark.parametrize("spectrum", [[3.0, 1.0, 1.0, -2.0], [1.0, 1.0, 1.0, 1.0]])
def test_sampled_constants_hold_although_eigenvalues_coincide(spectrum):
    rng = np.random.default_rng(3)
    Q = haar_basis(rng.standard_normal((4, 4)))
    K, c = Q @ np.diag(spectrum) @ Q.T, 0.5
    points = c * rng.standard_normal((400, 4))
    gradients = (points - 0.3) @ K
    values, V = sample_eigenbasis(gradients)
    # the hypothesis itself is checked, so that the conclusion is certain
    share = retained_share(400, 4, 3.0)
    gap = gradients.T @ gradients / 400 - share * c**2 * K @ K
    assert np.linalg.eigvalsh(gap).min() > 0
    L = np.diag(certified_constants(values, c, share))
    turned = V.T @ K @ V
    for sign in (1, -1):
        assert np.linalg.eigvalsh(L - sign * turned).min() >= -64 * UNIT * np.trace(L)


def test_fewer_samples_than_dimensions_need_tau():
    rng = np.random.default_rng(4)
    K = np.diag([2.0, 1.0, 0.01, 0.01])
    gradients = rng.standard_normal((30, 4))[:2] @ K
    E, share = gradients.T @ gradients / 2, 0.1
    tau = max(0.0, -np.linalg.eigvalsh(E - share * K @ K).min()) + 1e-12
    values, V = np.linalg.eigh(E)
    L = np.diag(certified_constants(np.maximum(values, 0.0), 1.0, share, tau))
    assert np.linalg.eigvalsh(L - V.T @ K @ V).min() >= -64 * UNIT * np.trace(L)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: retained_share(0, 3, 1.0), "samples is 0; it must be an integer >= 1"),
        (lambda: retained_share(9, 2.5, 1.0), "dimension is 2.5; it must be an integer >= 1"),
        (
            lambda: retained_share(9, 2, -1.0),
            r"deviation is -1\.0; it must be a finite number >= 0",
        ),
        (lambda: confidence(np.nan), "deviation is nan"),
        (lambda: samples_needed(3, 1.0, 1.0), r"share is 1\.0; it must be in \(0, 1\)"),
        (lambda: certified_constants([1.0], 0.0, 0.5), r"c is 0\.0; it must be a finite"),
        (lambda: certified_constants([-1.0], 1.0, 0.5), "eigenvalues reach -1; they must be >= 0"),
        (lambda: certified_constants([1.0], 1.0, 0.0), r"share is 0\.0; it must be in \(0, 1\]"),
        (lambda: certified_constants([1.0], 1.0, 0.5, -1.0), r"tau is -1\.0"),
    ],
)
def test_wrong_sample_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_certificate_search_reaches_equality():
    attack = Check("search", gap_free_samples, checks.estimates,
                   {"examples": {"quick": 100}, "refine": ()})  # fmt: skip
    evidence = run_search(attack, gap_free_samples.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    # bases, roots and shares are exact rationals
    assert evidence.data["tightness"] == 1.0
    assert evidence.data["exercised"] >= 40


def test_certificate_proof_proves_no_mutant():
    check = Check("proof", gap_free_samples, checks.monotone_root, {"scope": "all d"})
    assert run_proof(check, gap_free_samples.itself()).verdict is Verdict.PROVED
    for variant in gap_free_samples.variants():
        assert run_proof(check, variant).verdict is not Verdict.PROVED, variant.label
