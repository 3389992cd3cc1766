r"""The exact law of R_med under SGD with momentum, and where Adam departs from it.

The two-layer linear network of Jiang, Malik, Li (2022) does not change when its hidden units are
rotated: :math:`w'Wx = (Qw)'(QW)x` for orthogonal Q. SGD with momentum, L2 penalty and batch noise
commutes with that rotation and the Gaussian initialisation is invariant under it, so that the
direction of w is uniform at every step. Adam works coordinate by coordinate and does not commute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from theory.core import Claim, Mutant, Source
from theory.laws import GAUSSIAN_MEDIAN, MaxOverMedian, max_over_order_statistic
from theory.local_geometry.hessian_diagonal import r_med

Array = Any
Cdf = Callable[[Any], Any]


def batch_gradients(w: Array, W: Array, covariance: Array, a: Array) -> tuple[Array, Array]:
    r"""Gradients that a batch shows: :math:`W\tilde e` and :math:`w\tilde e'`.

    :math:`\tilde e = \tilde\Lambda W'w - \tilde a` with :math:`\tilde\Lambda = \tilde X\tilde X'/m`
    and :math:`\tilde a = \tilde X\tilde Y'/m` of the batch. The whole (whitened) data have
    :math:`\tilde\Lambda = I`.

    Parameters
    ----------
    w : (d,)
    W : (d, n)
    covariance : (n, n) symmetric
    a : (n,)
        Arrays, or symbols of a matrix algebra with ``@`` and ``.T`` (w and a columns).

    Returns
    -------
    (d,) and (d, n)
    """
    error = covariance @ (W.T @ w) - a
    if getattr(w, "ndim", 2) == 1:
        return W @ error, w[:, None] * error[None, :]
    return W @ error, w @ error.T


def momentum_step(
    state: tuple[Array, Array, Array, Array],
    covariance: Array,
    a: Array,
    *,
    eta: Any,
    beta: Any,
    weight_decay: Any,
) -> tuple[Array, Array, Array, Array]:
    r"""One step of SGD with momentum on both layers, Jiang, Malik, Li (2022), eq. (3).

    :math:`u \leftarrow \beta u + g + \lambda w`, :math:`w \leftarrow w - \eta u`, and the same for
    (W, U); the L2 penalty :math:`\lambda` is the weight decay.

    Parameters
    ----------
    state : (w, W, u, U)
    covariance, a
        The batch, as in `batch_gradients`.
    """
    w, W, u, U = state
    g, G = batch_gradients(w, W, covariance, a)
    u = beta * u + g + weight_decay * w
    U = beta * U + G + weight_decay * W
    return w - eta * u, W - eta * U, u, U


def sgdm_exact_law(d: int, **trajectory: Any) -> Cdf:
    r"""Distribution function of :math:`R_{med,1}` after any number of steps of SGD with momentum.

    It is that of the largest over the median of d squared standard normal variables; alpha, eta,
    beta, the number of steps, batches, target noise and weight decay (`trajectory`) do not enter.

    For a symbolic d of known parity the function of a symbolic r is an unevaluated integral.

    Raises
    ------
    ValueError
        If d is not an integer >= 1.
    """
    if hasattr(d, "free_symbols"):
        return lambda r: ratio_integral(d, r)
    return MaxOverMedian(d).cdf


def ratio_integral(d: Any, r: Any) -> Any:
    r"""P(largest <= r median) of d squared normals as a SymPy integral, d symbolic.

    With :math:`G(x) = \mathrm{erf}(x/\sqrt2)` and k values on either side of the middle:
    :math:`\frac{d!}{k!^2} \int G'(b) G(b)^k (G(\sqrt r b) - G(b))^k db` for d = 2k + 1, and
    :math:`\frac{d!}{k!^2} \iint_{a<b} G'(a) G'(b) G(a)^k (G(\sqrt{r(a^2+b^2)/2}) - G(b))_+^k` for
    d = 2k + 2.

    Raises
    ------
    ValueError
        If the parity of d is unknown.
    """
    import sympy

    if d.is_odd is None:
        raise ValueError(f"d is {d}; its parity must be known")
    a, b = sympy.symbols("a b", positive=True)
    k = (d - 1) / 2 if d.is_odd else (d - 2) / 2
    factor = sympy.factorial(d) / sympy.factorial(k) ** 2

    def inside(x: Any) -> Any:
        return sympy.erf(x / sympy.sqrt(2))

    def density(x: Any) -> Any:
        return sympy.sqrt(2 / sympy.pi) * sympy.exp(-(x**2) / 2)

    if d.is_odd:
        between = inside(sympy.sqrt(r) * b) - inside(b)
        body = density(b) * inside(b) ** k * between**k
        return factor * sympy.Integral(body, (b, 0, sympy.oo))
    between = inside(sympy.sqrt(r * (a**2 + b**2) / 2)) - inside(b)
    body = density(a) * density(b) * inside(a) ** k * sympy.Max(between, 0) ** k
    return factor * sympy.Integral(body, (a, 0, b), (b, 0, sympy.oo))


def _power_of_gaussian_cdf(d: int, scale: float) -> Cdf:
    """P(largest of d squared normals <= scale r)."""
    return lambda r: special.erf(np.sqrt(scale * np.asarray(r) / 2.0)) ** d


def sgdm_conditional_law(d: int, **trajectory: Any) -> Cdf:
    r"""Distribution function of the randomised rank of :math:`R_{med,2}` given singular values.

    With s the singular values of W(t) the claim is that :math:`R_{med,2}` is distributed as
    :math:`\rho(q) = \max_i \sum_k s_k^2 q_{ik}^2 / \mathrm{median}_i`, q Haar. Then, among m
    independent :math:`\rho(q)`, its rank is uniform on 0..m, and ``(rank + U)/(m + 1)`` with U
    uniform is uniform on (0, 1), whatever the law of s: the pivot that is measured.
    """
    return lambda u: u if hasattr(u, "free_symbols") else np.clip(u, 0.0, 1.0)


def row_ratio(singular_values: Array, q: Array) -> Array:
    r""":math:`\max_i \sum_k s_k^2 q_{ik}^2 / \mathrm{median}_i` (midpoint median).

    Parameters
    ----------
    singular_values : (..., d)
    q : (..., d, d) orthogonal

    Returns
    -------
    (...)
    """
    return r_med((q * q) @ (singular_values * singular_values)[..., None], axis=-2)[..., 0]


def adam_breaks_the_law(level: float, **trajectory: Any) -> float:
    r"""Least probability that Adam's :math:`R_{med,1}` is below the `level`-quantile of the law.

    :math:`P(R_{med,1} \le F_d^{-1}(p)) \ge 1 - p`; under the law of SGD with momentum it is p.
    """
    return 1.0 - level


SOURCE = Source("jiang2022", item="beyond")

# Grid points of a variant become one where the variant gives every parameter of a trajectory.
_ADAM = {"optimizer": "adam", "alpha": 1.0, "eta": 0.01, "beta": 0.9, "steps": 20, "noise": 0.0,
         "batch": 0, "weight_decay": 0.0, "target": "ones"}  # fmt: skip

exact_law = Claim(
    id="local-geometry/sgdm-exact-law",
    title="The law of R_med,1 under SGD with momentum, at every step",
    kind="law",
    statement=r"Let $(w,W)$ start from Assumption 2 and follow SGD with momentum on the two-layer "
    r"linear network, with any $d,\alpha,\eta,\beta$, L2 penalty and batches "
    r"$(\tilde\Lambda_t,\tilde A_t)$ that depend on the past only through rotation invariants. At "
    r"every fixed step $t$, also conditional on not having diverged, $w(t)/\|w(t)\|$ is uniform on "
    r"the sphere, so that $R_{\mathrm{med},1}(t)\sim\max_i g_i^2/\mathrm{median}_i\,g_i^2$ with "
    r"$g$ standard normal in $\mathbb{R}^d$.",
    notes="Conditions: whitened data, the Hessian of the unregularised loss, w(t) not 0. It holds "
    "at t = 0 too: SGD does not create the non-uniformity of R_med,1, it keeps that of the "
    "Gaussian initialisation. It is a law at each step, not for all steps at once. In balls the "
    "distribution function is checked at d = 2, 3, 4 and odd d up to 33; the simulations take "
    "other even d.",
    source=SOURCE,
    scope={
        "d": "d >= 1",
        "alpha": ">= 0",
        "eta": "> 0",
        "beta": "[0, 1)",
        "steps": ">= 0",
        "noise": ">= 0",
        "batch": ">= 0 (0: all data)",
        "weight_decay": ">= 0",
    },
    sharpens="local-geometry/theorem-1.sgdm",
    formula=sgdm_exact_law,
    mutants={
        "Adam keeps the law": Mutant(given=_ADAM),
        "uniform initialisation": Mutant(given={"initial": "uniform"}),
        "upper median for the midpoint": lambda d, **trajectory: max_over_order_statistic(
            d, d // 2 + 1
        ),
        "lower median for the midpoint": lambda d, **trajectory: max_over_order_statistic(
            d, (d + 1) // 2
        ),
        "median replaced by its limit": lambda d, **trajectory: _power_of_gaussian_cdf(
            d, GAUSSIAN_MEDIAN
        ),
        "median replaced by the mean": lambda d, **trajectory: _power_of_gaussian_cdf(d, 1.0),
        "one variable fewer": lambda d, **trajectory: MaxOverMedian(max(1, d - 1)).cdf,
        "2 % larger": lambda d, **trajectory: lambda r: MaxOverMedian(d).cdf(np.asarray(r) / 1.02),
    },
)

conditional_law = Claim(
    id="local-geometry/sgdm-conditional-law",
    title="The law of R_med,2 given the singular values",
    kind="law",
    statement=r"In the setting of the exact law let $s_1,\dots,s_d$ be the singular values of "
    r"$W(t)$. Given them, $R_{\mathrm{med},2}(t)\sim\max_i\sum_k s_k^2q_{ik}^2/\mathrm{median}_i$ "
    r"with $q$ Haar distributed on the orthogonal group.",
    notes="At t = 0 the ratio is near 1 for large d; as W becomes rank one it moves to the law of "
    "R_med,1. Measured through the rank among independent draws from the claimed conditional law.",
    source=SOURCE,
    scope={
        "d": "d >= 1",
        "alpha": ">= 0",
        "eta": "> 0",
        "beta": "[0, 1)",
        "steps": ">= 0",
        "draws": "number of Haar matrices a trial",
    },
    formula=sgdm_conditional_law,
    mutants={
        "equal singular values": Mutant(given={"reference": "isotropic"}),
        "leading singular value alone": Mutant(given={"reference": "leading"}),
        "singular values not squared": Mutant(given={"reference": "unsquared"}),
        "uniform initialisation": Mutant(given={"initial": "uniform"}),
        "Adam keeps the conditional law": Mutant(given=_ADAM),
        "rank of the larger of two": lambda d, **trajectory: lambda u: u * u,
    },
)

adam_law = Claim(
    id="local-geometry/adam-breaks-the-law",
    title="Adam is below the law of SGD with momentum after 20 steps",
    kind="law",
    statement=r"From the same initialisation ($\alpha\ge 1$, $d\ge 32$), after 20 steps of Adam "
    r"with $\eta=10^{-2}$, $\beta_1=0.9$, $\beta_2=\beta_1^2$: "
    r"$P\big(R_{\mathrm{med},1}\le F_d^{-1}(p)\big)\ge 1-p$ for $p=0.01$ and $p=0.5$, where $F_d$ "
    r"is the law under SGD with momentum, for which this probability is $p$.",
    notes="One-sided: Adam lies below the first percentile of the law of SGD with momentum in at "
    "least 99 % of the trials. Measured, not proved.",
    source=SOURCE,
    scope={"d": "d >= 32", "alpha": ">= 1", "level": "0.01 and 0.5", "steps": "20"},
    formula=adam_breaks_the_law,
    mutants={
        "SGD with momentum as well": Mutant(given={"optimizer": "sgd_momentum"}),
        "Adam is above": Mutant(given={"event": "above"}),
        "with vanishing steps": Mutant(given={"eta": 1e-9}),
        "at alpha = 0 as well": Mutant(given={"alpha": 0.0}),
    },
)
