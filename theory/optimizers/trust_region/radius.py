"""The acceptance test and the radius update of Algorithm 1, in any arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.arrays import minimum

__all__ = ["RadiusRule"]


@dataclass(frozen=True)
class RadiusRule:
    """What the ratio ``rho = (L(x) - L(x + s))/(m(0) - m(s))`` decides (Kohler et al. 2019, F.1).

    The step is taken if ``rho >= eta1``. The radius becomes ``min(gamma_inc Delta, Delta_max)`` if
    ``rho > eta2``, stays if ``eta1 <= rho <= eta2``, and becomes ``Delta/gamma_dec`` if
    ``rho < eta1``.

    Parameters
    ----------
    eta1, eta2 : number
        ``0 < eta1 <= eta2 < 1``.
    gamma_inc, gamma_dec : number > 1
    max_radius : number > 0
        ``Delta_max``.
    """

    eta1: Any
    eta2: Any
    gamma_inc: Any
    gamma_dec: Any
    max_radius: Any

    def accepts(self, rho: Any) -> bool:
        """Whether the step is taken."""
        return bool(rho >= self.eta1)

    def next_radius(self, radius: Any, rho: Any) -> Any:
        """The radius of the next iteration.

        >>> RadiusRule(1e-4, 0.95, 1.1, 1.5, 10.0).next_radius(3.0, -0.2)
        2.0
        """
        if not self.accepts(rho):
            return radius / self.gamma_dec
        return minimum(self.gamma_inc * radius, self.max_radius) if rho > self.eta2 else radius
