"""The 8 x 8 handwritten digits that scikit-learn ships: 1,797 images of ten classes.

They stand in for the paper's Fashion-MNIST and CIFAR-10 at a size that runs anywhere, offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from theory.core.extras import require_extra

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

IMAGES, SIDE, CLASSES = 1797, 8, 10
SCALES = ("standard", "unit")


@dataclass(frozen=True)
class Digits:
    """A training and a test set; the arrays are read-only.

    Attributes
    ----------
    train, test : (m, pixels)
        Images, one per row.
    train_labels, test_labels : (m,)
        Classes, 0 to 9.
    """

    train: FloatArray
    train_labels: IntArray
    test: FloatArray
    test_labels: IntArray


@lru_cache(maxsize=16)
def load_digits(*, scale: str = "standard", side: int = SIDE, test: float = 0.2) -> Digits:
    """Digits, split in a fixed way that keeps the classes mixed.

    Parameters
    ----------
    scale : str
        ``standard``: every pixel has mean 0 and standard deviation 1 over the training set (a
        pixel that never varies there is only centred); ``unit``: in [0, 1], for autoencoders.
    side : int
        8, 4 or 2: averages of blocks of pixels, for smaller networks; 64, 16 or 4 inputs.
    test : float
        Share of the images in the test set, in (0, 1).

    Returns
    -------
    Digits

    Raises
    ------
    EnvironmentLacksError
        If scikit-learn is missing; the text names the extra ``nets``.
    ValueError
        If an argument is out of range.
    """
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; it must be one of {', '.join(SCALES)}")
    if side not in (8, 4, 2):
        raise ValueError(f"side is {side!r}; it must be 8, 4 or 2")
    if not 0 < test < 1:
        raise ValueError(f"test is {test!r}; it must be in (0, 1)")
    pixels, labels = _read()
    images = pixels.reshape(-1, side, SIDE // side, side, SIDE // side).mean(axis=(2, 4))
    images = images.reshape(len(images), side * side) / 16.0
    # The writers follow one another in the file: an order drawn once mixes them.
    order = np.random.Generator(np.random.Philox(key=2019)).permutation(len(images))
    cut = len(images) - round(test * len(images))
    train, held = images[order[:cut]], images[order[cut:]]
    if scale == "standard":
        middle, spread = train.mean(axis=0), train.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        train, held = (train - middle) / spread, (held - middle) / spread
    found = Digits(train, labels[order[:cut]], held, labels[order[cut:]])
    for array in vars(found).values():
        array.flags.writeable = False
    return found


def _read() -> tuple[FloatArray, IntArray]:
    require_extra("nets", "the digits data set")
    from sklearn import datasets

    found: Any = datasets.load_digits()
    return np.asarray(found.data, dtype=np.float64), np.asarray(found.target, dtype=np.int64)
