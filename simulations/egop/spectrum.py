"""Measures Lemma 19: mean squared gradients along the EGOP's eigenvectors, between both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.engine import estimators, measurement
from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, Results, figure
from theory.egop.outer_product import egop_least_squares, eigenbasis
from theory.egop.spectrum import lemma_18, lemma_19

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulations.engine.streams import Stream

Array = np.ndarray[Any, Any]

# Singular values 2, 1, 1/2, right basis of a reflection, an extra row of A in no one's range.
_SIGMA = (2.0, 1.0, 0.5)
_REFLECTION = np.eye(3) - 2.0 / 3.0
_TARGETS = {"first": (2.0, 0.0, 0.0, 1.0), "last": (0.0, 0.0, 6.0, 1.0),
            "every": (1.0, 1.0, 1.0, 1.0)}  # fmt: skip
_POINTS = {"quick": [{"target": target, "law": law, "c": c, "k": k}
                     for target, law, c in (("first", "normal", 1.0), ("last", "rademacher", 0.5),
                                            ("every", "normal", 2.0))
                     for k in (1, 2, 3)]}  # fmt: skip
# A squared gradient has relative sd at most sqrt(2): standard error 0.7 % of the mean.
_TRIALS = {"quick": 40_000, "standard": 400_000, "deep": 4_000_000}


def data() -> Array:
    """A (4, 3) with singular values 2, 1 and 1/2; its left singular vectors are e_1, e_2, e_3."""
    return np.asarray(np.vstack([np.diag(_SIGMA) @ _REFLECTION, np.zeros(3)]))


def _instance(point: dict[str, Any]) -> dict[str, Any]:
    return {"A": data(), "y": np.array(_TARGETS[point["target"]]), "c": point["c"], "k": point["k"]}


@measurement(
    lemma_19, points=_POINTS, trials=_TRIALS, estimate=estimators.upper_mean("square"),
    resolution=0.05,
    claimed=lambda statement, point: float(statement.formula(**_instance(point))[1][1]),
    divisible=True,
)  # fmt: skip
def below_the_upper_end(
    stream: Stream, trials: int, target: str, law: str, c: float, k: int
) -> dict[str, Any]:
    """``(v_k' grad f)^2``, whose mean is ``lam_k``, v_k the k-th eigenvector of the EGOP."""
    return {"square": _squares(stream, trials, target, law, c, k)}


@measurement(
    lemma_19, points=_POINTS, trials=_TRIALS, estimate=estimators.lower_mean("square"),
    resolution=0.05,
    claimed=lambda statement, point: float(statement.formula(**_instance(point))[0][0]),
    divisible=True,
)  # fmt: skip
def above_the_lower_end(
    stream: Stream, trials: int, target: str, law: str, c: float, k: int
) -> dict[str, Any]:
    """The same means, against the lower end."""
    return {"square": _squares(stream, trials, target, law, c, k)}


def _squares(stream: Stream, trials: int, target: str, law: str, c: float, k: int) -> Any:
    xp, A, y = stream.xp, data(), np.array(_TARGETS[target])
    direction = eigenbasis(egop_least_squares(A, y, c)).V[:, k - 1]
    gram, u = A.T @ A, A.T @ y
    draw = stream.normal if law == "normal" else stream.rademacher
    theta = c * draw((trials, 3))
    # the law is centred, so that the sign of A'y matters to no mean
    return (theta @ xp.asarray(gram @ direction) - float(u @ direction)) ** 2


@figure(lemma_19)
def between_fourth_powers(figure: Figure, results: Results) -> None:
    """Measured eigenvalues between the fourth powers of the singular values."""
    axes = figure.subplots()
    below, above = results.rows("above_the_lower_end"), results.rows("below_the_upper_end")
    looks = (("first", "blue", "o", -0.2), ("last", "vermilion", "s", 0.0),
             ("every", "green", "D", 0.2))  # fmt: skip
    names = {"first": "$u$ along $v_1$, $c = 1$", "last": "$u$ along $v_3$, $c = 1/2$",
             "every": "$u$ in no eigenspace, $c = 2$"}  # fmt: skip
    for target, colour, marker, shift in looks:
        low, high = ([row for row in rows if row["target"] == target] for rows in (below, above))
        if not low or not high:
            continue
        x = np.array([row["k"] for row in low]) + shift
        values = np.array([row["estimate"] for row in low])
        axes.vlines(x, [row["claimed"] for row in low], [row["claimed"] for row in high],
                    color=PALETTE[colour], lw=7, alpha=0.25)  # fmt: skip
        axes.plot(x, values, marker, color=PALETTE[colour], label=names[target])
    axes.set(yscale="log", xlabel="position $k$", xticks=[1, 2, 3],
             ylabel="eigenvalue $\\lambda_k$ of the EGOP",
             title="Measured (points) and the ends of Lemma 19 (bars)")  # fmt: skip
    axes.legend()


# after the figure of its own, what the searches found
figure(lemma_19)(ratio_curve)
figure(lemma_18)(ratio_curve)
