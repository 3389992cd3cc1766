"""Figure: trajectories of Algorithm 1 with their trust regions, for three ellipsoids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.engine.figure_defaults import ratio_curve
from simulations.engine.figures import PALETTE, WIDTH, Results, figure
from theory.adaptive_norms.algorithm import algorithm_1
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import Record, TrustRegionResult
from theory.optimizers.trust_region.method import minimize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
# Centre, radius, ellipsoid, and whether the step was taken.
Region = tuple[Array, float, Ellipsoid, bool]
CONDITION = 40.0
SHAPES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("sphere", {"ellipsoid": "spherical"}),
    ("RMSProp, diagonal", {"diagonal": True}),
    ("RMSProp, full", {"diagonal": False}),
)


@dataclass(frozen=True)
class Landscape:
    """A function of two variables with its derivatives, and what of it is drawn."""

    name: str
    fun: Callable[[Any], Any]
    grad: Callable[[Array], Array]
    hvp: Callable[[Array, Array], Array]
    start: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]


def quadratic(angle: float) -> Landscape:
    """``1/2 x'Mx`` with eigenvalues 1 and `CONDITION`, rotated by an angle in degrees."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = turn @ np.diag([1.0, CONDITION]) @ turn.T
    name = f"rotated by {angle:g}°" if angle else "along the axes"
    first, second = (float(entry) for entry in turn @ np.array([-4.0, 0.8]))
    return Landscape(
        name, lambda x: 0.5 * np.sum(x * (x @ matrix), axis=-1), lambda x: matrix @ x,
        lambda x, v: matrix @ v, (first, second), (-5.5, 5.5), (-4.0, 4.0),
    )  # fmt: skip


def valley() -> Landscape:
    """A curved valley, ``10 (y - x^2)^2 + (1 - x)^2``."""

    def grad(z: Array) -> Array:
        x, y = z
        return np.array([-40.0 * x * (y - x * x) - 2.0 * (1.0 - x), 20.0 * (y - x * x)])

    def hvp(z: Array, v: Array) -> Array:
        x, y = z
        return np.array([(120.0 * x * x - 40.0 * y + 2.0) * v[0] - 40.0 * x * v[1],
                         20.0 * v[1] - 40.0 * x * v[0]])  # fmt: skip

    return Landscape(
        "curved valley",
        lambda z: 10.0 * (z[..., 1] - z[..., 0] ** 2) ** 2 + (1.0 - z[..., 0]) ** 2,
        grad, hvp, (-1.2, 1.0), (-2.75, 2.75), (-1.5, 2.5),
    )  # fmt: skip


@figure(algorithm_1)
def trajectories(figure: Figure, results: Results) -> None:
    """Trust regions of Algorithm 1 on two quadratics and in a curved valley."""
    figure.set_size_inches(WIDTH * 1.3, 6.6)
    landscapes = (quadratic(0.0), quadratic(45.0), valley())
    for row, landscape in zip(figure.subplots(3, 3), landscapes, strict=True):
        for axes, (name, options) in zip(row, SHAPES, strict=True):
            result, regions = descend(landscape, options)
            _panel(axes, landscape, regions, result)
            axes.set_title(f"{name}: {result.products} products", fontsize=9.0)
        row[0].set_ylabel(landscape.name)
    figure.supxlabel(
        "Condition number of the quadratics 40, power 1/2, determinants scaled to 1.\nOutlines: "
        "regions $\\|s\\|_{A_t} \\leq \\Delta_t$, blue where the step is taken, orange where not.",
        fontsize=9.0,
    )


def descend(
    landscape: Landscape, options: dict[str, Any]
) -> tuple[TrustRegionResult, list[Region]]:
    """A run, and the region of each of its iterations."""
    regions: list[Region] = []
    centre = np.array(landscape.start)

    def follow(x: Array, record: Record, ellipsoid: Ellipsoid) -> None:
        nonlocal centre
        regions.append((centre, record.radius, ellipsoid, record.accepted))
        centre = x

    result = minimize(
        landscape.fun, landscape.grad, landscape.hvp, landscape.start, radius=1.0, eps_g=0.02,
        scale_determinant=True, callback=follow, **options,
    )  # fmt: skip
    return result, regions


def _panel(
    axes: Axes, landscape: Landscape, regions: list[Region], result: TrustRegionResult
) -> None:
    x, y = (np.linspace(low, high, 161) for low, high in (landscape.x, landscape.y))
    values = landscape.fun(np.stack(np.meshgrid(x, y), axis=-1))
    axes.contour(x, y, values, levels=np.geomspace(0.05, 400.0, 12), colors=PALETTE["grey"],
                 linewidths=0.4, alpha=0.6)  # fmt: skip
    angles = np.linspace(0.0, 2.0 * np.pi, 121)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    for centre, radius, ellipsoid, taken in regions:
        edge = centre[:, None] + radius * ellipsoid.unwhiten(circle)
        axes.plot(*edge, color=PALETTE["blue" if taken else "vermilion"], lw=0.7, alpha=0.7)
    path = np.array([centre for centre, *_ in regions] + [result.x])
    axes.plot(*path.T, "o-", color=PALETTE["black"], ms=2.5, lw=1.2)
    axes.set(aspect="equal", xlim=landscape.x, ylim=landscape.y)
    axes.grid(visible=False)


# after the figure of its own, what the searches found
figure(algorithm_1)(ratio_curve)
