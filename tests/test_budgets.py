"""Grid points that the quick budget does not reach can be measured."""

import pytest

from simulations.app.work import registry
from simulations.engine.measurement import BUDGETS, blocks, points, run_block
from theory.core import is_installed

TRIALS = 4


def _added(entry):
    """Check, point and size of a small block, for every point that a larger budget adds."""
    for check in entry.of_kind("monte-carlo"):
        seen = points(check, entry.claim.itself(), "quick")
        for budget in BUDGETS[1:]:
            for point in points(check, entry.claim.itself(), budget):
                if point not in seen:
                    seen.append(point)
                    yield check, point, min(TRIALS, blocks(check, point, budget)[0])


ADDED = {entry.claim.id: entry for entry in registry().select([]) if any(_added(entry))}


@pytest.mark.nightly
@pytest.mark.parametrize("claim", ADDED)
def test_points_of_larger_budgets_can_be_measured(claim):
    entry = ADDED[claim]
    if entry.claim.extra is not None and not is_installed(entry.claim.extra):
        pytest.skip(f"needs the extra {entry.claim.extra}")
    for check, point, size in _added(entry):
        assert run_block(check, point, 0, size, seed=0)
