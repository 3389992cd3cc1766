"""Steepest descent with exact line search: Akaike (1959), and how often a start is a bad one."""

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.engine import attack, proof
from simulations.engine import estimators, figure, measurement
from simulations.engine.figures import PALETTE
from theory.core import Claim, Mutant, Source


def step(curvatures, x):
    """One step x - a g on f(x) = sum_i curvatures_i x_i^2 / 2, with the a that minimises f."""
    g = curvatures * x
    return x - (g * g).sum() / (curvatures * g * g).sum() * g


def contraction(smallest, largest, curvatures, x):
    """f(x_next) <= ((M - m) / (M + m))^2 f(x), both sides doubled."""
    y = step(curvatures, x)
    rate = (largest - smallest) / (largest + smallest)
    return (curvatures * y * y).sum(), rate * rate * (curvatures * x * x).sum()


def bounded(smallest, largest, curvatures, x):
    """0 < m <= curvatures <= M, and x is not the minimizer."""
    inside = all(smallest <= c and c <= largest for c in curvatures)
    return smallest > 0 and inside and any(value != 0 for value in x)


def rate_to_the_third(smallest, largest, curvatures, x):
    """A false variant: the cube of the rate."""
    lhs, rhs = contraction(smallest, largest, curvatures, x)
    return lhs, rhs * (largest - smallest) / (largest + smallest)


def in_the_euclidean_norm(smallest, largest, curvatures, x):
    """A false variant: the distance to the minimizer contracts at the same rate."""
    y = step(curvatures, x)
    rate = (largest - smallest) / (largest + smallest)
    return (y * y).sum(), rate * rate * (x * x).sum()


def nearly(smallest, largest, curvatures, x):
    """A false variant: the constant made smaller by 2 %."""
    lhs, rhs = contraction(smallest, largest, curvatures, x)
    return lhs, rhs * 98 / 100


per_step = Claim(
    id="akaike/theorem-1",
    title="Steepest descent contracts the function value",
    kind="inequality",
    statement=r"Let $f(x) = \frac12 x^\top H x$ with $m I \preceq H \preceq M I$, $m > 0$. One "
    r"step of steepest descent with exact line search gives $f(x_+) \le "
    r"\left(\frac{M - m}{M + m}\right)^2 f(x)$.",
    source=Source("Akaike (1959), Ann. Inst. Stat. Math. 11", item="Theorem 1"),
    scope={"smallest": "> 0", "largest": ">= smallest", "curvatures": "in [smallest, largest]",
           "x": "not 0"},
    formula=contraction,
    assumes=bounded,
    mutants={
        "Euclidean distance": in_the_euclidean_norm,
        "cube of the rate": rate_to_the_third,
        "constant 2 % smaller": nearly,
    },
    notes="Sharp: equality in the plane of the two extreme eigenvectors, where both components of "
    "the gradient are equally long. H may be taken diagonal: the method commutes with rotations.",
)  # fmt: skip


@proof(per_step, scope="d = 2, the extreme curvatures", partial=True)
def in_the_extreme_plane(statement, transcript):
    """In the plane of the two extreme eigenvectors the difference is a square."""
    m, gap = sympy.symbols("m gap", positive=True)
    u, v = sympy.symbols("u v", positive=True)  # the components of the gradient
    M = m + gap
    lhs, rhs = statement.formula(m, M, np.array([m, M]), np.array([u / m, v / M]))
    positive = (m + M) ** 2 * (m * u**2 + M * v**2)
    transcript.nonnegative(
        "times a positive factor, the difference is a square",
        sympy.cancel((rhs - lhs) * positive),
        [(gap * (u**2 - v**2)) ** 2],
        scope="d = 2, the extreme curvatures",
        concludes=True,
    )


@st.composite
def _instances(draw):
    size = draw(st.integers(2, 5))
    smallest = draw(st.integers(1, 20))
    largest = smallest + draw(st.integers(0, 200))
    inner = st.integers(smallest, largest)
    middle = draw(st.lists(inner, min_size=size - 2, max_size=size - 2))
    curvatures = np.array([smallest, *middle, largest], dtype=float)
    gradient = draw(st.lists(st.floats(-4, 4, width=16), min_size=size, max_size=size))
    return {"smallest": float(smallest), "largest": float(largest), "curvatures": curvatures,
            "x": np.array(gradient) / curvatures}  # fmt: skip


@attack(per_step, refine=("x",))
def starts():
    """Whole-number curvatures between the extremes, any gradient."""
    return _instances()


def share_of_the_bound(condition):
    """Law of f(x_next) / (rate^2 f(x)) for a Gaussian start in the plane, as a function of t.

    With s = (g_2 / g_1)^2 = condition^2 Cauchy^2 the share is (1 + k)^2 s / ((1 + k s)(k + s)),
    so it is at most t where s <= a or s >= 1 / a, a the smaller root of the quadratic.
    """

    def cdf(t):
        t = np.clip(np.asarray(t, dtype=float), 1e-12, 1.0)
        half = ((1 + condition) ** 2 / t - condition**2 - 1) / (2 * condition)
        a = 1 / (half + np.sqrt(np.maximum(half**2 - 1, 0.0)))
        return (2 / np.pi) * (np.arctan(np.sqrt(a) / condition) + np.arctan(np.sqrt(a) * condition))

    return cdf


typical = Claim(
    id="akaike/theorem-1.typical",
    title="How much of the worst case a random start sees",
    kind="law",
    statement=r"For $H = \mathrm{diag}(1, \kappa)$ and $x \sim N(0, I)$ the share of the bound "
    r"that one step uses is at most $t$ with probability $\frac{2}{\pi}\left("
    r"\arctan\frac{\sqrt a}{\kappa} + \arctan \kappa\sqrt a\right)$.",
    source=Source("Akaike (1959), Ann. Inst. Stat. Math. 11", item="beyond"),
    scope={"condition": "> 1"},
    formula=share_of_the_bound,
    mutants={"start on the ellipse": Mutant(given={"start": "energy"})},
    sharpens="akaike/theorem-1",
)


@measurement(
    typical,
    points={"quick": [{"condition": k, "start": "gaussian"} for k in (2.0, 10.0, 100.0)]},
    trials={"quick": 40_000, "standard": 400_000, "deep": 4_000_000},
    block=20_000,
    estimate=estimators.law("share"),
    resolution=0.05,
    claimed=lambda statement, point: statement.formula(point["condition"]),
)
def shares(stream, trials, *, condition, start):
    """Share of the bound that one step from a random start uses."""
    x = stream.normal((trials, 2))
    H = stream.xp.asarray([1.0, condition])
    if start == "energy":
        x = x / stream.xp.sqrt(H)
    g = H * x
    a = (g * g).sum(axis=1) / (H * g * g).sum(axis=1)
    y = x - a[:, None] * g
    rate = (condition - 1) / (condition + 1)
    return {"share": (H * y * y).sum(axis=1) / (rate**2 * (H * x * x).sum(axis=1))}


@figure(typical)
def typical_starts(drawing, results):
    """Share of the worst case that a random start sees: claimed law (lines), sample (points)."""
    axes = drawing.subplots()
    t = np.linspace(0.0, 1.0, 400)
    for colour, row in zip(("blue", "orange", "green"), results.rows("shares"), strict=True):
        condition = row["condition"]
        axes.plot(t, share_of_the_bound(condition)(t), color=PALETTE[colour],
                  label=f"condition {condition:g}")  # fmt: skip
        sample = row["quantiles"]["sample"]
        levels = np.linspace(0.01, 0.99, len(sample))
        axes.plot(sample[4::10], levels[4::10], "o", color=PALETTE[colour])
    axes.set_xlabel("share t of the bound")
    axes.set_ylabel("probability of at most t")
    axes.legend()
