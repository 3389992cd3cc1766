"""The papers that claims cite, by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Paper:
    """One entry of the bibliography.

    Parameters
    ----------
    key : str
        What `Source.paper` of a claim says.
    authors : tuple of str
        Full names, in the order of the title page.
    title : str
    year : int
    url : str
        Where to read it.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    url: str

    def __str__(self) -> str:
        return f"{', '.join(self.authors)} ({self.year}). {self.title}. {self.url}"


PAPERS: Mapping[str, Paper] = MappingProxyType({
    paper.key: paper
    for paper in (
        Paper(
            "kohler2019",
            ("Jonas Kohler", "Leonard Adolphs", "Aurelien Lucchi"),
            "Adaptive norms for deep learning with regularized Newton methods",
            2019,
            "https://arxiv.org/abs/1905.09201",
        ),
        Paper(
            "jiang2022",
            ("Kaiqi Jiang", "Dhruv Malik", "Yuanzhi Li"),
            "How Does Adaptive Optimization Impact Local Neural Network Geometry?",
            2022,
            "https://arxiv.org/abs/2211.02254",
        ),
        Paper(
            "depavia2025",
            ("Adela DePavia", "Vasileios Charisopoulos", "Rebecca Willett"),
            "Faster Adaptive Optimization via Expected Gradient Outer Product Reparameterization",
            2025,
            "https://arxiv.org/abs/2502.01594",
        ),
    )
})  # fmt: skip
