"""Refining a map along the border between what is refuted and what is not.

A stage cuts every cell into four. The quarters of a cell that touches the border show their own
centres, all others show what their cell showed. A centre that no earlier stage measured is measured
and tested; one that rounding to integers, or the end of an axis, makes an earlier grid point shows
that point's row, since the trials of a grid point are the same in every stage. So which points a
stage tests depends on the earlier stages only, whose trials are others, and each stage can be
tested at a level of its own: with an equal share of the family's level for each stage, the chance
that any cell of a true claim is shown as refuted stays at most the family's level, however many
cells are refined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing as npt

from simulations.engine.maps import Axis, edges, places
from simulations.engine.measurement import Point

Row = Mapping[str, Any]
Indices = npt.NDArray[numpy.int64]
# A cell of the first stage is then 1/16 of one that was asked for in each direction.
LARGEST_STAGES = 4


@dataclass(frozen=True)
class Raster:
    """A map after some stages: which row each of its cells shows.

    Attributes
    ----------
    x, y : Axis
        As they were asked for.
    stage : int
        How often every cell was cut in two along each axis.
    shown : array (cells along y, cells along x) of int
        Index of a row; several cells show one row where nothing was refined.
    """

    x: Axis
    y: Axis
    stage: int
    shown: Indices

    @classmethod
    def of(cls, x: Axis, y: Axis) -> Raster:
        """The map that was asked for, its rows in the order of `maps.cells`."""
        shape = len(y.values), len(x.values)
        return cls(x, y, 0, numpy.arange(shape[0] * shape[1], dtype=numpy.int64).reshape(shape))

    def finer(self) -> Raster:
        """The same map with every cell cut into four."""
        shown = numpy.repeat(numpy.repeat(self.shown, 2, axis=0), 2, axis=1)
        return Raster(self.x, self.y, self.stage + 1, shown)

    def with_rows(self, found: Mapping[tuple[int, int], int]) -> Raster:
        """The map with another row in some cells, given by (position along y, along x)."""
        shown = self.shown.copy()
        for place, row in found.items():
            shown[place] = row
        return Raster(self.x, self.y, self.stage, shown)


def border(raster: Raster, rows: Sequence[Row]) -> npt.NDArray[numpy.bool_]:
    """Cells that share a side with one of which the claim is refuted where theirs is not."""
    refuted = numpy.asarray([row["verdict"] == "refuted" for row in rows])[raster.shown]
    touched = numpy.zeros_like(refuted)
    for axis in (0, 1):
        differs = numpy.diff(refuted, axis=axis)
        none = [(0, 0), (0, 0)]
        for side in ((1, 0), (0, 1)):
            none[axis] = side
            touched |= numpy.pad(differs, none)
    return touched


def to_show(
    raster: Raster, rows: Sequence[Row], base: Mapping[str, Any], *, whole: tuple[bool, bool]
) -> dict[tuple[int, int], Point]:
    """The grid points of the next stage, by the cells of ``raster.finer()`` that show them.

    Some may be points of earlier stages, and several cells may show one point.

    Parameters
    ----------
    rows : the rows of all stages so far
    base : the other parameters
    whole : whether x, and whether y, takes integers only
    """
    stage = raster.stage + 1
    touched = numpy.repeat(numpy.repeat(border(raster, rows), 2, axis=0), 2, axis=1)
    across = centres(raster.x, stage, whole=whole[0])
    up = centres(raster.y, stage, whole=whole[1])
    return {
        (j, i): {**base, raster.x.name: across[i], raster.y.name: up[j]}
        for j, i in numpy.argwhere(touched).tolist()
    }


def centres(axis: Axis, stage: int, *, whole: bool = False) -> list[float]:
    """Values in the middle of the cells of a stage, within the ends of the axis."""
    cuts = fine_edges(axis, stage)
    ends = places(axis)[[0, -1]]
    values: list[float] = []
    for place in ((cuts[:-1] + cuts[1:]) / 2.0).tolist():
        if not ends[0] < place < ends[1]:
            values.append(axis.values[0] if place <= ends[0] else axis.values[-1])
        else:
            value = float(numpy.exp(place)) if axis.log else place
            values.append(round(value) if whole else value)
    return values


def fine_edges(axis: Axis, stage: int) -> npt.NDArray[numpy.float64]:
    """Boundaries of the cells of a stage: those of the axis, with 2^stage cells between two."""
    cuts = edges(axis)
    parts = numpy.arange(2**stage) / 2**stage
    inner = cuts[:-1, None] + parts * numpy.diff(cuts)[:, None]
    return numpy.concatenate([inner.ravel(), cuts[-1:]])
