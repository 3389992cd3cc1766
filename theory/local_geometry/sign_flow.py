r"""Adam with a vanishing step is sign descent: its flow, and what the initial weights add to it.

Two-layer linear network of Jiang, Malik, Li (2022), target A positive, weights of Assumption 2
(:math:`w_i(0)` of order :math:`d^{-\alpha}`, :math:`W_{ij}(0)` of order :math:`d^{-2\alpha}`).
As the step size tends to 0, and xi faster, every weight moves at unit speed in the direction of
its gradient's sign. From a vanishing initialisation that flow is :func:`flow`; to first order in
the initial weights, |w_i| keeps an offset :math:`e_i` that is frozen from the start
(:func:`offsets`), which gives an exact predictor of R_med,1 for every initialisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace

from theory.arrays import minimum, square_root
from theory.core import Claim, Source
from theory.local_geometry.hessian_diagonal import r_med

Array = Any
QUANTITIES = ("output", "loss", "hidden")


def flow(quantity: str, tau: Any, A: Any, d: Any, entry: int = 0) -> Any:
    r"""The sign flow from a vanishing initialisation, at time tau.

    :math:`|w_i| = c = \tau` (``"output"``); :math:`|W_{ij}| = a_j = \min(\tau, A_j/(d\tau))`
    (``"hidden"``, j = `entry`); loss
    :math:`\tfrac12\sum_j (A_j - d\tau a_j)^2 = \tfrac12\sum_j (A_j - d\tau^2)_+^2`
    (``"loss"``). The same as `theory.models.two_layer.sign_flow`, for numbers and symbols.

    Parameters
    ----------
    quantity : str
        One of ``QUANTITIES``.
    tau : number > 0
        Number of steps times step size; at most :math:`\sqrt{A_{max}/d}`, where the loss is 0.
    A : sequence of positive numbers
        Target.
    d : number
        Number of hidden units.
    entry : int
        Input j of ``"hidden"``.

    Raises
    ------
    ValueError
        If the quantity is unknown.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}; it must be one of {', '.join(QUANTITIES)}")
    if quantity == "output":
        return tau
    if quantity == "hidden":
        return _hidden(tau, A[entry], d)
    return sum((target - d * tau * _hidden(tau, target, d)) ** 2 for target in A) / 2


def _hidden(tau: Any, target: Any, d: Any) -> Any:
    return minimum(tau, target / (d * tau))


def switching_times(w: Array, W: Array, A: Array) -> tuple[Array, Array]:
    r"""When the gradient of w_i turns, and whether it points the wrong way until then.

    :math:`\tau_i = |\langle A, W_i(0)\rangle| / \sum_j A_j`, capped at :math:`|w_i(0)|`; the unit
    is mismatched if :math:`\mathrm{sign}\, w_i(0) \ne \mathrm{sign}\langle A, W_i(0)\rangle`,
    with probability 1/2.

    Parameters
    ----------
    w : (..., d)
    W : (..., d, n)
        Initial weights.
    A : (n,)

    Returns
    -------
    times : (..., d)
        :math:`\min(\tau_i, |w_i(0)|)`.
    mismatched : (..., d) of bool
    """
    xp = array_namespace(w, W, A)
    inner = W @ A
    times = xp.minimum(xp.abs(inner) / xp.sum(A), xp.abs(w))
    return times, xp.sign(w) != xp.sign(inner)


def offsets(w: Array, W: Array, A: Array) -> Array:
    r"""The frozen offsets :math:`e_i = |w_i(\tau)| - \tau` of the sign flow.

    :math:`e_i = |w_i(0)| - 2\min(\tau_i, |w_i(0)|)` for a mismatched unit, else
    :math:`|w_i(0)|`: a mismatched unit moves the wrong way until its row W_i has turned.
    Valid from the largest switching time on, until the loss is 0, up to the relative size of
    :math:`w'W/A` at the switching times (of order :math:`d^{1/2-3\alpha}` initially).

    Returns
    -------
    (..., d)
    """
    xp = array_namespace(w, W, A)
    times, mismatched = switching_times(w, W, A)
    return xp.abs(w) - 2.0 * xp.where(mismatched, times, xp.zeros_like(times))


def hidden_offsets(w: Array, W: Array, A: Array) -> Array:
    r"""The frozen offsets :math:`f_{ij} = |W_{ij}(\tau)| - \tau` until column j slides.

    :math:`f_{ij} = \mathrm{sign}(w_i(0)) W_{ij}(0)`; for a unit whose output weight changed its
    sign (mismatched, :math:`\tau_i > |w_i(0)|`), with the other sign, less
    :math:`2|w_i(0)|`.

    Returns
    -------
    (..., d, n)
    """
    xp = array_namespace(w, W, A)
    inner = W @ A
    flipped = (xp.sign(w) != xp.sign(inner)) & (xp.abs(inner) > xp.abs(w) * xp.sum(A))
    sign = xp.where(flipped, xp.sign(inner), xp.sign(w))
    late = xp.where(flipped, 2.0 * xp.abs(w), xp.zeros_like(w))
    return sign[..., None] * W - late[..., None]


def end_time(w: Array, W: Array, A: Array) -> Array:
    r"""When the loss vanishes: the last root of :math:`\sum_i (\tau+e_i)(\tau+f_{ij}) = A_j`.

    Its leading term is :math:`\sqrt{A_{max}/d}`; with e alone,
    :math:`[-S + \sqrt{S^2 + 4 d A_{max}}]/(2d)`, :math:`S = \sum_i e_i`.

    Parameters
    ----------
    w : (..., d)
    W : (..., d, n)
        Initial weights.
    A : (n,)

    Returns
    -------
    (...)
    """
    xp = array_namespace(w, W, A)
    e, f = offsets(w, W, A)[..., None], hidden_offsets(w, W, A)
    d = w.shape[-1]
    half, product = xp.sum(e + f, axis=-2) / 2.0, xp.sum(e * f, axis=-2)
    return xp.max((square_root(half * half + d * (A - product)) - half) / d, axis=-1)


def predicted_r_med(c: Array, e: Array) -> Array:
    r"""Predicted :math:`R_{med,1} = \max_i (c+e_i)^2 / \mathrm{median}_i (c+e_i)^2`.

    Parameters
    ----------
    c : (...)
        Coordinate on the invariant manifold: the time tau, until the loss vanishes.
    e : (..., d)
        `offsets`.
    """
    size = c[..., None] + e
    return r_med(size * size)


def predictor_limit(statistic: str) -> float:
    r"""Limits, as the step size tends to 0, of two statistics of simulated trajectories.

    ``"log ratio"``: median of :math:`\log(R_{med,1} - 1) - \log(R_{pred} - 1)` over trials: 0.
    ``"coefficient"``: how many times the switching time is lost by a mismatched unit: 2.

    Raises
    ------
    ValueError
        If the statistic is unknown.
    """
    limits = {"log ratio": 0.0, "coefficient": 2.0}
    if statistic not in limits:
        raise ValueError(f"statistic is {statistic!r}; it must be one of {', '.join(limits)}")
    return limits[statistic]


def _with(**changed: float) -> Callable[[str], float]:
    """The limits with one of them changed."""
    values = {name.replace("_", " "): value for name, value in changed.items()}
    return lambda statistic: values.get(statistic, predictor_limit(statistic))


def _loss_without_clipping(tau: Any, A: Any, d: Any) -> Any:
    return sum((target - d * tau**2) ** 2 for target in A) / 2


SOURCE = Source("jiang2022", item="beyond")

adam_sign_flow = Claim(
    id="local-geometry/adam-sign-flow",
    title="Adam with a vanishing step follows the sign flow",
    kind="limit",
    statement=r"Let $A_j>0$, $\tau=\eta t$. As $\eta\to0$, from initial weights proportional to "
    r"$\eta$, Adam (and sign descent) on the two-layer network has $|w_i|\to c=\tau$, "
    r"$|W_{ij}|\to a_j=\min\big(\tau,\tfrac{A_j}{d\tau}\big)$ and "
    r"$L\to\tfrac12\sum_j(A_j-d\tau^2)_+^2$ for $0<\tau\le\sqrt{A_{\max}/d}$.",
    notes="A solution in the sense of Filippov: once E_j = 0 the j-th column slides along that "
    "surface, which its unit speed allows since A_j <= d tau^2. At a finite step Adam lags behind "
    "by eta log(tau/eta) to leading order, since its two averages see a growing gradient with "
    "different delays; sign descent does not.",
    source=SOURCE,
    scope={
        "A": "positive",
        "tau": "0 < tau <= sqrt(A_max/d)",
        "xi": "0",
        "initial weights": "proportional to eta; measured: |w_i(0)| = 8 eta, |W_ij(0)| = eta/100",
    },
    formula=flow,
    mutants={
        "columns never slide": lambda quantity, tau, A, d, entry=0: (
            tau if quantity == "hidden" else flow(quantity, tau, A, d, entry)
        ),
        "loss without clipping": lambda quantity, tau, A, d, entry=0: (
            _loss_without_clipping(tau, A, d)
            if quantity == "loss"
            else flow(quantity, tau, A, d, entry)
        ),
        "columns end at A_j/tau": lambda quantity, tau, A, d, entry=0: (
            minimum(tau, A[entry] / tau)
            if quantity == "hidden"
            else flow(quantity, tau, A, d, entry)
        ),
        "d - 1 for d": lambda quantity, tau, A, d, entry=0: flow(quantity, tau, A, d - 1, entry),
        "output 2 % slower": lambda quantity, tau, A, d, entry=0: (
            flow(quantity, tau, A, d, entry) * (98 if quantity == "output" else 100) / 100
        ),
    },
)

adam_predictor = Claim(
    id="local-geometry/adam-predictor",
    title="Exact predictor of R_med,1 under Adam",
    kind="limit",
    statement=r"Let $\tau_i=|\langle A,W_i(0)\rangle|/\sum_jA_j$ and "
    r"$e_i=|w_i(0)|-2\min(\tau_i,|w_i(0)|)\,"
    r"\mathbf 1[\mathrm{sign}\,w_i(0)\ne\mathrm{sign}\langle A,W_i(0)\rangle]$. As $\eta\to0$ "
    r"(then $\xi\to0$), for every initialisation with $|w'W|\ll A$ until the switching is over and "
    r"$\max_i\min(\tau_i,|w_i(0)|)\le\tau\le\tau_{\mathrm{end}}$, "
    r"$|w_i|=c+e_i$ with $c=\tau$ common to all units, hence "
    r"$R_{\mathrm{med},1}\to\max_i(c+e_i)^2/\mathrm{median}_i(c+e_i)^2$. The end is the last "
    r"root of $\sum_i(\tau+e_i)(\tau+f_{ij})=A_j$, $f_{ij}=\mathrm{sign}(w_i(0))W_{ij}(0)$ (for "
    r"units with $\tau_i>|w_i(0)|$, mismatched: $-f_{ij}-2|w_i(0)|$); nearly "
    r"$\frac{-S+\sqrt{S^2+4dA_{\max}}}{2d}$, $S=\sum_ie_i$.",
    notes="Compared trial by trial. At the window's start c is the measured common part "
    "mean_i(|w_i| - e_i), because at a finite step it lags behind tau by eta log(tau/eta); at the "
    "end c is tau_end, from the initial weights alone. The offsets f of W shift the end by the "
    "largest of n nearly normal numbers of sd d^(-2 alpha - 1/2)/2: 0.35 % at d = 16, alpha = 1, "
    "which the measurement sees. beta2 = beta1^2 is not needed in the limit; at finite eta the "
    "pair (.9, .999) is off by 2 % (d = 16) to 10 % (d = 32) at eta = 2e-5, and Adagrad, whose "
    "rates fall, is not a sign method.",
    source=SOURCE,
    scope={
        "A": "positive",
        "alpha": "> 1/2 for an early end of the switching; measured 1, 1.5",
        "eta": "to 0; measured 5e-6 to 4e-5",
    },
    formula=predictor_limit,
    mutants={
        "ratio 1 % larger": _with(log_ratio=0.01),
        "ratio 1 % smaller": _with(log_ratio=-0.01),
        "no correction for mismatched units": _with(coefficient=0.0),
        "corrected once": _with(coefficient=1.0),
        "coefficient 5 % larger": _with(coefficient=2.1),
    },
)
