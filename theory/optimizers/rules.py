r"""The family of first-order methods that the papers compare.

Notation: parameters :math:`\theta`, gradient :math:`g_t` at step t = 1, 2, ..., all operations
coordinatewise. Where the papers and PyTorch differ, both conventions are available by name.
"""

from __future__ import annotations

import math

from array_api_compat import array_namespace

from theory.optimizers.core import Array, Optimizer, Slots, require

CONVENTIONS = ("pytorch", "paper")
_NORMAL = 2.0**-126  # the least normal number of single precision


def sgd(lr: float, *, weight_decay: float = 0.0) -> Optimizer:
    r"""Gradient descent, :math:`\theta \leftarrow \theta - \eta g`."""
    _check(lr, weight_decay)

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        return p - lr * g, slots

    return Optimizer("sgd", {"lr": lr}, (), rule, weight_decay)


def sgd_momentum(lr: float, beta: float, *, weight_decay: float = 0.0) -> Optimizer:
    r"""Heavy ball: :math:`u \leftarrow \beta u + g`, :math:`\theta \leftarrow \theta - \eta u`.

    Jiang, Malik, Li (2022), eq. (3); the same as PyTorch's SGD without dampening.
    """
    _check(lr, weight_decay)
    require("beta", beta, 0.0, 1.0)

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        momentum = beta * slots["momentum"] + g
        return p - lr * momentum, {"momentum": momentum}

    return Optimizer("sgd_momentum", {"lr": lr, "beta": beta}, ("momentum",), rule, weight_decay)


def nesterov(lr: float, beta: float, *, weight_decay: float = 0.0) -> Optimizer:
    r"""Nesterov's momentum as PyTorch has it.

    :math:`u \leftarrow \beta u + g`, :math:`\theta \leftarrow \theta - \eta (g + \beta u)`;
    PyTorch's ``SGD(nesterov=True)``.
    """
    _check(lr, weight_decay)
    require("beta", beta, 0.0, 1.0)

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        momentum = beta * slots["momentum"] + g
        return p - lr * (g + beta * momentum), {"momentum": momentum}

    return Optimizer("nesterov", {"lr": lr, "beta": beta}, ("momentum",), rule, weight_decay)


def sign_descent(lr: float, *, weight_decay: float = 0.0) -> Optimizer:
    r"""Sign descent, :math:`\theta \leftarrow \theta - \eta\, \mathrm{sign}(g)`; sign(0) = 0."""
    _check(lr, weight_decay)

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        return p - lr * array_namespace(g).sign(g), slots

    return Optimizer("sign_descent", {"lr": lr}, (), rule, weight_decay)


def adagrad(lr: float, eps: float = 1e-10, *, weight_decay: float = 0.0) -> Optimizer:
    r"""Diagonal Adagrad.

    :math:`s \leftarrow s + g^2`, :math:`\theta \leftarrow \theta - \eta g/(\sqrt s + \epsilon)`.
    Where both s and eps are 0 the coordinate does not move.
    """
    _check(lr, weight_decay)
    require("eps", eps, 0.0, math.inf)

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        total = slots["sum"] + g * g
        return p - lr * _ratio(g, array_namespace(g).sqrt(total), eps), {"sum": total}

    return Optimizer("adagrad", {"lr": lr, "eps": eps}, ("sum",), rule, weight_decay)


def rmsprop(
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    r"""RMSprop without centring, as PyTorch has it.

    :math:`v \leftarrow \alpha v + (1 - \alpha) g^2`, :math:`r = g/(\sqrt v + \epsilon)`,
    :math:`u \leftarrow \mu u + r`, :math:`\theta \leftarrow \theta - \eta u`; `momentum` is
    :math:`\mu`.
    """
    _check(lr, weight_decay)
    require("alpha", alpha, 0.0, 1.0)
    require("eps", eps, 0.0, math.inf)
    require("momentum", momentum, 0.0, 1.0)

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        square = alpha * slots["square_average"] + (1 - alpha) * g * g
        scaled = _ratio(g, array_namespace(g).sqrt(square), eps)
        velocity = momentum * slots["momentum"] + scaled
        return p - lr * velocity, {"square_average": square, "momentum": velocity}

    values = {"lr": lr, "alpha": alpha, "eps": eps, "momentum": momentum}
    return Optimizer("rmsprop", values, ("square_average", "momentum"), rule, weight_decay)


def adam(
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    convention: str = "pytorch",
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    r"""Adam with bias correction.

    :math:`m \leftarrow \beta_1 m + (1-\beta_1) g` and
    :math:`v \leftarrow \beta_2 v + (1-\beta_2) g^2`, both from zero; :math:`c_i = 1 - \beta_i^t`

    - ``"pytorch"``: :math:`\theta \leftarrow \theta - \eta\,(m/c_1)/(\sqrt{v/c_2} + \epsilon)`;
    - ``"paper"`` (Jiang, Malik, Li 2022, eq. (3)):
      :math:`\theta \leftarrow \theta - \eta \sqrt{c_2}/c_1 \cdot m/(\sqrt v + \epsilon)`.

    They agree for eps = 0. Any pair of betas in [0, 1) is allowed.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    return _adam("adam", lr, beta1, beta2, eps, convention, weight_decay, keep_maximum=False)


def amsgrad(
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    convention: str = "pytorch",
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam whose denominator uses the running maximum of the uncorrected second moment.

    As PyTorch's ``Adam(amsgrad=True)``; conventions and errors as in `adam`.
    """
    return _adam("amsgrad", lr, beta1, beta2, eps, convention, weight_decay, keep_maximum=True)


def _adam(
    name: str,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    convention: str,
    weight_decay: float,
    *,
    keep_maximum: bool,
) -> Optimizer:
    _check(lr, weight_decay)
    require("beta1", beta1, 0.0, 1.0)
    require("beta2", beta2, 0.0, 1.0)
    require("eps", eps, 0.0, math.inf)
    if convention not in CONVENTIONS:
        raise ValueError(f"convention is {convention!r}; it must be one of {CONVENTIONS}")

    def rule(g: Array, p: Array, slots: Slots, step: int) -> tuple[Array, Slots]:
        xp = array_namespace(g)
        first = beta1 * slots["first"] + (1 - beta1) * g
        second = beta2 * slots["second"] + (1 - beta2) * g * g
        moved = {"first": first, "second": second}
        if keep_maximum:
            moved["maximum"] = xp.maximum(slots["maximum"], second)
        root = xp.sqrt(moved["maximum"] if keep_maximum else second)
        c1, c2 = 1 - beta1**step, math.sqrt(1 - beta2**step)
        if convention == "pytorch":
            return p - (lr / c1) * _ratio(first, root / c2, eps), moved
        return p - (lr * c2 / c1) * _ratio(first, root, eps), moved

    slots = ("first", "second", "maximum") if keep_maximum else ("first", "second")
    values = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps, "convention": convention}
    return Optimizer(name, values, slots, rule, weight_decay)


def _ratio(numerator: Array, root: Array, eps: float) -> Array:
    """Divide by ``root + eps``, with 0/0 = 0: a coordinate without any gradient does not move."""
    denominator = root + eps
    if eps >= _NORMAL:  # no denominator is 0, in single precision neither
        return numerator / denominator
    xp = array_namespace(numerator)
    idle = denominator == 0
    return xp.where(idle, xp.zeros_like(numerator), numerator / xp.where(idle, 1.0, denominator))


def _check(lr: float, weight_decay: float) -> None:
    require("lr", lr, 0.0, math.inf, open_low=True)
    require("weight_decay", weight_decay, 0.0, math.inf)
