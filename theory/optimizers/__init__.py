"""First-order optimizers as pure functions; trust-region methods live in ``trust_region``."""

from theory.optimizers.core import Optimizer, State, tree_map
from theory.optimizers.rules import (
    adagrad,
    adam,
    amsgrad,
    nesterov,
    rmsprop,
    sgd,
    sgd_momentum,
    sign_descent,
)

__all__ = [
    "Optimizer", "State", "adagrad", "adam", "amsgrad", "nesterov", "rmsprop", "sgd",
    "sgd_momentum", "sign_descent", "tree_map",
]  # fmt: skip
