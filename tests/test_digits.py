"""The digits data set: shapes, scaling, blocks, and what happens without scikit-learn."""

import numpy as np
import pytest

from simulations.digits import CLASSES, IMAGES, load_digits
from theory.core import EnvironmentLacksError


def test_every_image_is_used_once_and_standardised_on_the_training_set():
    pytest.importorskip("sklearn")
    data = load_digits()
    assert len(data.train) + len(data.test) == IMAGES
    assert data.train.shape == (1438, 64)
    assert data.test.shape == (359, 64)
    varying = data.train.std(axis=0) > 0
    # Sums of 1,438 terms of order 1: a few hundred roundings.
    np.testing.assert_allclose(data.train.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(data.train.std(axis=0)[varying], 1, atol=1e-13)
    assert np.all(data.train[:, ~varying] == 0)
    assert not data.train.flags.writeable


def test_classes_are_mixed_in_both_parts():
    pytest.importorskip("sklearn")
    data = load_digits()
    for labels, size in ((data.train_labels, 1438), (data.test_labels, 359)):
        counts = np.bincount(labels, minlength=CLASSES)
        # Hypergeometric counts: six standard deviations of at most sqrt(size / 10).
        assert np.max(np.abs(counts - size / CLASSES)) < 6 * np.sqrt(size / CLASSES)
    # Two halves of the training set have nearly the same mix, unlike a file sorted by writer.
    halves = np.bincount(data.train_labels[:719], minlength=CLASSES)
    assert np.max(np.abs(halves - 71.9)) < 6 * np.sqrt(71.9)


def test_smaller_images_are_averages_of_blocks():
    pytest.importorskip("sklearn")
    whole, small = load_digits(scale="unit"), load_digits(scale="unit", side=4)
    assert whole.train.min() >= 0
    assert whole.train.max() <= 1
    first = whole.train[0].reshape(8, 8)
    np.testing.assert_allclose(small.train[0, 1], first[:2, 2:4].mean(), rtol=1e-15)
    np.testing.assert_array_equal(small.train_labels, whole.train_labels)


@pytest.mark.parametrize(
    ("given", "named"),
    [({"scale": "log"}, "scale is 'log'"), ({"side": 3}, "side is 3"), ({"test": 1.0}, "test is")],
)
def test_wrong_arguments_are_told(given, named):
    with pytest.raises(ValueError, match=named):
        load_digits(**given)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("theory.core.extras.is_installed", lambda extra: False)
    with pytest.raises(EnvironmentLacksError, match=r"needs scikit-learn \(pip install 'adageo"):
        load_digits(scale="unit", side=2, test=0.123)
