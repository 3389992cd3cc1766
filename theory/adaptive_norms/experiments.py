r"""The paper's experiments at a small size: whether ellipsoids always win, and where they do.

Compared are losses in excess of the least one after equal numbers of backpropagations, from the
same starts, for methods whose initial radius (or step size) is tuned on other starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from theory.core import Claim, Source


class Setting(NamedTuple):
    """A comparison of two methods.

    Attributes
    ----------
    problem, method, other : str
        The method is compared with the other one.
    budget : int
        Backpropagations: a gradient of all samples counts 1, one of a minibatch its share.
    cost : int
        What a Hessian-vector product counts, 1 or 2.
    """

    problem: str
    method: str
    other: str
    budget: int
    cost: int


class Outcome(NamedTuple):
    """Median of log10(loss/other loss): below 0 the method is ahead.

    Attributes
    ----------
    value, tolerance : float
        The median is within `tolerance` of `value`: it moves with the radius that the tuning
        picks.
    """

    value: float
    tolerance: float


_ALIGNED, _ROTATED, _VALLEY = "quadratic", "rotated quadratic", "rosenbrock"
_CLASSIFIER, _LARGE = "classifier", "classifier, large start"
_CODER, _LARGE_CODER = "small autoencoder", "small autoencoder, large start"
_DEEP, _LARGE_DEEP = "autoencoder", "autoencoder, large start"
_SPHERE, _ROOT, _PLAIN, _ADAGRAD = "spherical", "rmsprop 1/2", "rmsprop 1", "adagrad 1/2"

# Measured once, with other seeds than those of the checks.
QUICK: Mapping[Setting, Outcome] = MappingProxyType({
    Setting(_ALIGNED, _ROOT, _SPHERE, 25, 1): Outcome(-6.1, 1.5),
    Setting(_ALIGNED, _PLAIN, _SPHERE, 15, 1): Outcome(2.43, 0.6),
    Setting(_ROTATED, _ROOT, _SPHERE, 40, 1): Outcome(-0.08, 0.4),
    Setting(_ROTATED, _PLAIN, _SPHERE, 30, 1): Outcome(1.0, 0.7),
    Setting(_ROTATED, f"{_PLAIN} full", _SPHERE, 15, 1): Outcome(2.43, 0.6),
    Setting(_ROTATED, f"{_PLAIN} full", _SPHERE, 40, 1): Outcome(-7.85, 2.0),
    Setting(_VALLEY, _ROOT, _SPHERE, 40, 1): Outcome(-0.08, 0.25),
    Setting(_VALLEY, _PLAIN, _SPHERE, 80, 2): Outcome(0.38, 0.2),
    Setting(_CLASSIFIER, _ROOT, _SPHERE, 80, 1): Outcome(0.9, 0.5),
    Setting(_CODER, _ROOT, _SPHERE, 60, 1): Outcome(0.05, 0.1),
    Setting(_LARGE_CODER, _ROOT, _SPHERE, 60, 1): Outcome(-0.02, 0.1),
    Setting(_ALIGNED, _ROOT, "sgd", 40, 2): Outcome(-6.1, 1.5),
    Setting(_ALIGNED, _ROOT, "rmsprop", 40, 2): Outcome(7.8, 1.5),
    Setting(_ROTATED, _ROOT, "sgd", 40, 1): Outcome(-2.5, 0.6),
    Setting(_ROTATED, _ROOT, "sgd", 40, 2): Outcome(-0.78, 0.3),
    Setting(_VALLEY, _ROOT, "sgd", 40, 1): Outcome(-0.3, 0.3),
    Setting(_VALLEY, _ROOT, "rmsprop", 40, 2): Outcome(-0.035, 0.1),
})  # fmt: skip
# What the larger budgets add.
MORE: Mapping[Setting, Outcome] = MappingProxyType({
    Setting(_CLASSIFIER, _PLAIN, _SPHERE, 40, 1): Outcome(1.4, 0.5),
    Setting(_CLASSIFIER, _ROOT, "sgd", 60, 2): Outcome(0.8, 0.3),
    Setting(_ROTATED, f"{_ROOT} full", _SPHERE, 40, 1): Outcome(-2.25, 0.8),
    Setting(_ROTATED, _ROOT, _SPHERE, 25, 1): Outcome(0.03, 0.25),
    Setting(_ROTATED, _PLAIN, _SPHERE, 25, 1): Outcome(0.25, 0.4),
    Setting(_ALIGNED, _PLAIN, _SPHERE, 25, 1): Outcome(0.17, 0.7),
    Setting(_ROTATED, f"{_ROOT} full", _SPHERE, 25, 1): Outcome(-0.7, 0.4),
    Setting(_ROTATED, f"{_PLAIN} full", _SPHERE, 25, 1): Outcome(-3.45, 1.2),
    Setting(_ALIGNED, _ADAGRAD, _SPHERE, 50, 2): Outcome(-9.6, 2.0),
    Setting(_ROTATED, _ROOT, _SPHERE, 50, 2): Outcome(0.05, 0.2),
    Setting(_VALLEY, _PLAIN, _SPHERE, 80, 1): Outcome(2.9, 1.2),
    Setting(_VALLEY, _ROOT, _SPHERE, 80, 2): Outcome(0.04, 0.2),
    Setting(_VALLEY, _ROOT, "rmsprop", 40, 1): Outcome(-0.3, 0.2),
    Setting(_ROTATED, _ROOT, "adagrad", 40, 2): Outcome(-0.63, 0.3),
    Setting(_CLASSIFIER, _ROOT, _SPHERE, 80, 2): Outcome(0.5, 0.35),
    Setting(_CLASSIFIER, _ADAGRAD, _SPHERE, 40, 1): Outcome(0.37, 0.3),
    Setting(_LARGE, _PLAIN, _SPHERE, 40, 1): Outcome(1.13, 0.4),
    Setting(_LARGE, _ROOT, _SPHERE, 40, 1): Outcome(0.07, 0.3),
    Setting(_LARGE, _ROOT, _SPHERE, 80, 1): Outcome(0.6, 0.7),
    Setting(_CODER, _PLAIN, _SPHERE, 60, 1): Outcome(0.18, 0.12),
    Setting(_CODER, _ROOT, _SPHERE, 120, 1): Outcome(0.065, 0.08),
    Setting(_CODER, _ROOT, _SPHERE, 120, 2): Outcome(0.055, 0.08),
    Setting(_LARGE_CODER, _ROOT, _SPHERE, 120, 1): Outcome(-0.035, 0.08),
    Setting(_LARGE_CODER, _PLAIN, _SPHERE, 120, 1): Outcome(0.045, 0.1),
    Setting(_ROTATED, _ROOT, "rmsprop", 40, 2): Outcome(-0.6, 0.3),
    Setting(_DEEP, _ROOT, _SPHERE, 100, 1): Outcome(0.01, 0.1),
    Setting(_LARGE_DEEP, _ROOT, _SPHERE, 100, 1): Outcome(-0.02, 0.1),
    Setting(_DEEP, _ROOT, _SPHERE, 300, 1): Outcome(0.04, 0.1),
    Setting(_LARGE_DEEP, _ROOT, _SPHERE, 300, 1): Outcome(-0.07, 0.06),
})  # fmt: skip
OUTCOMES: Mapping[Setting, Outcome] = MappingProxyType({**QUICK, **MORE})


def outcome(problem: str, method: str, other: str, budget: int, cost: int) -> Outcome:
    """The measured outcome of a comparison; raises ValueError if it is not among `OUTCOMES`.

    >>> outcome("quadratic", "rmsprop 1/2", "spherical", 25, 1).value
    -6.1
    """
    setting = Setting(problem, method, other, budget, cost)
    if setting not in OUTCOMES:
        raise ValueError(f"setting is {setting}; it must be one of the {len(OUTCOMES)} of OUTCOMES")
    return OUTCOMES[setting]


def median_ratio(problem: str, method: str, other: str, budget: int, cost: int) -> float:
    """Median of log10(loss/other loss) of the setting; raises ValueError as `outcome`."""
    return outcome(problem, method, other, budget, cost).value


Formula = Callable[[str, str, str, int, int], float]


def never_behind(problem: str, method: str, other: str, budget: int, cost: int) -> float:
    """Upper bound of the median of log10(loss/loss of the spherical region): 0 everywhere."""
    return 0.0


def _never_behind_if(said_of: Callable[[str, str], bool]) -> Formula:
    """Says nothing where `said_of` (problem, method) is false."""
    nothing = 100.0

    def bound(problem: str, method: str, other: str, budget: int, cost: int) -> float:
        return 0.0 if said_of(problem, method) else nothing

    return bound


def _changed(change: Callable[[float], float]) -> Formula:
    def changed(problem: str, method: str, other: str, budget: int, cost: int) -> float:
        return change(median_ratio(problem, method, other, budget, cost))

    return changed


def _read_at(replace: Callable[[Setting], Setting]) -> Formula:
    """The outcome of another setting, where that was measured."""

    def changed(problem: str, method: str, other: str, budget: int, cost: int) -> float:
        own = Setting(problem, method, other, budget, cost)
        return OUTCOMES.get(replace(own), OUTCOMES[own]).value

    return changed


def _without_loss_of_power_1(
    problem: str, method: str, other: str, budget: int, cost: int
) -> float:  # fmt: skip
    value = median_ratio(problem, method, other, budget, cost)
    return min(value, 0.0) if method == _PLAIN else value


def _without_rotation(setting: Setting) -> Setting:
    return setting._replace(problem=setting.problem.removeprefix("rotated "))


_SCOPE = {
    "problem": "quadratics (d = 20, condition 1e4), Rosenbrock (d = 3), tanh network 64-16-10 and "
    "autoencoders on 256 digits",
    "method": "diagonal and full RMSProp and Adagrad matrices, powers 1/2 and 1",
    "other": "spherical region; SGD, Adagrad, RMSprop (batch 32 on networks)",
    "budget": "15 to 300 backpropagations of all samples",
    "cost": "a Hessian-vector product counts 1 or 2",
}

ellipsoids_always_win = Claim(
    id="adaptive-norms/experiment-ellipsoids-always-win",
    title="Ellipsoidal trust regions always beat the spherical one",
    kind="law",
    statement=r"On every problem, with initial radii tuned on one grid, the median over starts of "
    r"$\log_{10}(L_{\mathrm{ellipsoid}}/L_{\mathrm{sphere}})$ after equal numbers of "
    r"backpropagations is at most 0.",
    notes="The paper: ellipsoids 'consistently outperform their spherical counterpart' and 'are to "
    "be preferred'. At this size that is false for both powers of the matrix: the classifier's "
    "loss is 8 times higher with the power 1/2 after 80 backpropagations, and 25 times with the "
    "power 1 after 40. It is true on axis-aligned quadratics with the power 1/2. The paper's own "
    "data sets, widths and batches of 512 are not tried; here the trust-region methods see all "
    "256 samples, so that nothing is said of noise.",
    source=Source("kohler2019", item="section 5"),
    scope=_SCOPE,
    expected="fails",
    corrected_by="adaptive-norms/experiment-where-ellipsoids-win",
    extra="nets",
    formula=never_behind,
    mutants={
        "at least with the power 1/2": _never_behind_if(lambda problem, method: "1/2" in method),
        "at least with the power 1": _never_behind_if(lambda problem, method: "1/2" not in method),
        "at least on networks": _never_behind_if(lambda problem, method: problem in (_CLASSIFIER,
                                                                                     _CODER)),
        "ten times lower": lambda problem, method, other, budget, cost: -1.0,
    },
)  # fmt: skip

where_ellipsoids_win = Claim(
    id="adaptive-norms/experiment-where-ellipsoids-win",
    title="Where ellipsoidal trust regions win, and where they do not",
    kind="law",
    statement=r"Medians of $\log_{10}$ of the ratio of losses, ellipsoid over sphere, radii tuned: "
    r"about $-6$ on axis-aligned quadratics with the power $1/2$, 0 when these are rotated, where "
    r"full matrices still lead ($-2.2$ after 40 backpropagations); with the power 1 $+2.4$ after "
    r"15 of them, but $-7.9$ for full matrices after 40; 0 on Rosenbrock's valley ($+0.4$ with the "
    r"power 1); $+0.9$ and, with the power 1, $+1.4$ for a tanh classifier; $+0.05$ for an "
    r"autoencoder and $-0.02$ for it from large initial weights. Against SGD at 2 "
    r"backpropagations a product: $-6$ and $-0.8$ on the quadratics, $+0.8$ for the classifier; "
    r"against RMSprop on the axes $+8$.",
    notes="Each within its tolerance, which the radius picked by the tuning needs. First-order "
    "methods take batches of 32 of 256 samples on the networks, and steps from a grid of as many "
    "values. How products are counted hardly matters between regions, and much against "
    "first-order methods: -2.5 becomes -0.8 on the rotated quadratic. Budget and initial weights "
    "matter: on the deep autoencoder from large weights the ellipsoid leads by 15 % after 300 "
    "backpropagations, and trails by 8 % from small ones; these two, and the classifier with the "
    "power 1 and against SGD, are measured from the standard budget on. Tried with 5 or 15 "
    "starts for tuning and 32 or 64 others, paired; the sizes are small, so that the signs need "
    "not be those of larger networks.",
    source=Source("kohler2019", item="section 5, at a small size"),
    scope=_SCOPE,
    extra="nets",
    formula=median_ratio,
    mutants={
        "ellipsoids always ahead": _changed(lambda value: -abs(value)),
        "ellipsoids never ahead": _changed(abs),
        "no difference": _changed(lambda value: 0.0),
        "half the decades": _changed(lambda value: value / 2.0),
        "half as many decades again": _changed(lambda value: 1.5 * value),
        "a rotation changes nothing": _read_at(_without_rotation),
        "full matrices no better than diagonal ones": _read_at(
            lambda setting: setting._replace(method=_ROOT) if "full" in setting.method else setting
        ),
        "the power 1 no worse than the sphere": _without_loss_of_power_1,
        "a product counts once in any case": _read_at(lambda setting: setting._replace(cost=1)),
    },
)  # fmt: skip
