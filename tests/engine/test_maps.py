"""Ranges, axes, and the judgement of the cells of a map."""

import math
from dataclasses import replace

import numpy as np
import pytest

from simulations.engine import estimators
from simulations.engine.map_figure import draw_map
from simulations.engine.maps import Axis, Range, axis, cells, counts, judge, with_trials
from simulations.engine.measurement import measurement, merge, run_block
from theory.core import Check, Claim, Source
from theory.core import registry as core_registry

BASE = {"scale": 2.0, "level": 1.0, "d": 4, "law": "gaussian"}


@pytest.fixture
def register():
    before = list(core_registry._CHECKS)

    def make(**changes) -> Check:
        """E (scale level + noise), which is shifted beyond d = 9, against scale times level."""
        claim = Claim(
            id="test/map", title="-", kind="law", statement="-", source=Source("nobody", "-"),
            scope={"scale": "> 0"}, formula=lambda scale, level: scale * level,
            mutants={"-": lambda scale, level: scale}, **changes,
        )  # fmt: skip
        grid = [BASE]
        measurement(
            claim, points={"quick": grid, "deep": [*grid, {**BASE, "level": 2, "noise": 0.5}]},
            trials=1_000, block=400, estimate=estimators.mean("x"), resolution=0.05,
            claimed=lambda statement, point: statement.formula(point["scale"], point["level"]),
        )(shifted)  # fmt: skip
        return core_registry._CHECKS[-1]

    yield make
    core_registry._CHECKS[:] = before


def shifted(stream, trials, *, scale, level, d, law, noise=0.1):
    return {"x": scale * level + noise * stream.normal((trials,)) + (0.5 if d > 9 else 0.0)}


def outcome(check: Check, point, trials=1_000):
    return merge(check, [run_block(check, point, 0, trials, seed=3)])


def test_ranges():
    assert Range.parse("a=0:1:3").values() == (0.0, 0.5, 1.0)
    assert Range.parse(" a =-1:1:2") == Range("a", -1.0, 1.0, 2)
    # The ends are exact and the ratios equal to rounding (one exponential each).
    values = Range.parse("a=1e-3:1e3:13:log").values()
    assert (values[0], values[-1]) == (1e-3, 1e3)
    np.testing.assert_allclose(np.diff(np.log(values)), math.log(10) / 2, rtol=1e-13)
    assert Range.parse("d=1:8:20:log").values(whole=True) == (1, 2, 3, 4, 5, 6, 7, 8)
    assert Range("a", 2.0, 2.0, 5).values() == (2.0,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a", "NAME=A:B:N"), ("=1:2:3", "NAME=A:B:N"), ("a=1:2", "NAME=A:B:N"),
        ("a=1:2:3:log:x", "NAME=A:B:N"), ("a=1:2:3:lin", "'log'"), ("a=x:2:3", "A is 'x'"),
        ("a=1::3", "B is ''"), ("a=1:2:2.5", "N is '2.5'"), ("a=1:2:0", "N is 0"),
        ("a=1:2:-4", "N is -4"), ("a=1:2:1001", "1..1000"), ("a=2:1:3", "at most B"),
        ("a=0:1:3:log", "positive"), ("a=-1:1:3:log", "positive"), ("a=1:inf:3", "finite"),
        ("a=nan:1:3", "finite"),
    ],
)  # fmt: skip
def test_malformed_ranges_are_named(text, named):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        Range.parse(text)
    assert named in str(caught.value)


def test_integer_parameters_are_rounded_and_deduplicated(register):
    check = register()
    assert axis(check, Range("d", 2, 4, 9)) == Axis("d", (2, 3, 4), False)
    # `level` is 1.0 at one point and 2 at another: a number, not an integer.
    assert axis(check, Range("level", 1, 2, 3)).values == (1.0, 1.5, 2.0)
    # A parameter that only some points have is optional.
    assert axis(check, Range("noise", 0.1, 0.1, 1)).values == (0.1,)
    for name, why in (("law", "is no number"), ("q", "is no parameter")):
        with pytest.raises(ValueError, match=f"'{name}' {why} .* it has d, level, noise, scale$"):
            axis(check, Range(name, 1, 2, 3))


def test_cells_keep_the_other_parameters_and_their_order():
    found = cells(Axis("d", (1, 2), False), Axis("level", (0.5, 1.0), True), {"d": 4, "law": "g"})
    assert found == [
        {"d": 1, "law": "g", "level": 0.5}, {"d": 2, "law": "g", "level": 0.5},
        {"d": 1, "law": "g", "level": 1.0}, {"d": 2, "law": "g", "level": 1.0},
    ]  # fmt: skip


def test_verdicts_and_deviations(register):
    check = register(assumes=lambda d: d <= 9)
    statement = check.claim.itself()

    def row(**changes):
        point = {**BASE, **changes}
        return judge(check, statement, point, outcome(check, point), alpha=1e-4)

    true, false, zero = row(), row(d=20), row(level=0.0)
    assert (true["verdict"], false["verdict"]) == ("supported", "refuted")
    assert (true["hypotheses"], false["hypotheses"]) == (True, False)
    # Planted shift 0.5 of 2; the standard error of the relative estimate is 0.1/sqrt(1000)/2.
    assert abs(false["deviation"] - 0.25) < 5 * 0.1 / math.sqrt(1000) / 2
    assert true["deviation_low"] < 0 < true["deviation_high"]
    # Where 0 is claimed the deviation is not divided.
    assert zero["deviation"] == zero["estimate"]


def test_hypotheses_that_ask_for_more_than_the_parameters_are_left_open(register):
    statement = register(assumes=lambda matrix: True).claim.itself()
    check = register()
    assert judge(check, statement, BASE, "-", alpha=0.1)["hypotheses"] is None
    assert judge(check, check.claim.itself(), BASE, "-", alpha=0.1)["hypotheses"] is None


def test_a_cell_that_cannot_be_measured_is_kept(register):
    check = register()
    statement = check.claim.itself()
    good = judge(check, statement, BASE, outcome(check, BASE), alpha=1e-4)
    row = judge(check, statement, {**BASE, "d": 99}, "every trial diverged", alpha=1e-4)
    assert (row["verdict"], row["reason"]) == ("error", "every trial diverged")
    assert row["estimate"] is None
    assert list(row) == list(good)
    assert counts([row, good]) == {"supported": 1, "inconclusive": 0, "refuted": 0, "error": 1}


def test_a_claimed_value_that_does_not_exist_is_an_error_of_its_cell(register):
    check = register()
    broken = replace(check, options={**check.options, "claimed": lambda *_: 1 / 0})
    row = judge(broken, check.claim.itself(), BASE, outcome(check, BASE), alpha=1e-4)
    assert row["verdict"] == "error"
    assert "ZeroDivisionError" in row["reason"]


def test_too_few_trials_are_inconclusive(register):
    check, point = register(), {**BASE, "scale": 0.1}
    row = judge(check, check.claim.itself(), point, outcome(check, point, 40), alpha=1e-4)
    assert row["verdict"] == "inconclusive"


def test_trials_of_a_cell(register):
    check = register()
    assert with_trials(check, None) is check
    assert with_trials(check, 7).options["trials"] == {"quick": 7}


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 15)])
def test_figure_shows_every_verdict(size):
    x = Axis("eta", tuple(np.geomspace(0.01, 1, size[0])), True)
    y = Axis("d", tuple(range(2, 2 + size[1])), False)
    rows = []
    for k, _ in enumerate(cells(x, y, {})):
        verdict = ("supported", "refuted", "inconclusive", "error")[k % 4]
        lost = verdict == "error"
        rows.append({
            "verdict": verdict, "side": "upper",
            "deviation": None if lost else 0.3 * k - 1.0, "claimed": 1.0,
            "deviation_low": None if lost else 0.3 * k - 1.1, "resolution": 0.01,
            "deviation_high": None if lost else 0.3 * k - 0.9,
        })  # fmt: skip
    figure = draw_map("a claim", "alpha = 1", x, y, rows)
    assert figure.legends[0].get_title().get_text() == "alpha = 1; claimed: at most"
    texts = {text.get_text() for text in figure.legends[0].get_texts()}
    assert ("enclosed: refuted" in texts) == any(r["verdict"] == "refuted" for r in rows)
    assert ("could not be measured" in texts) == any(r["verdict"] == "error" for r in rows)
    assert f"{sum(r['verdict'] == 'supported' for r in rows)} supported" in figure.get_label()
    # One filled patch for each inconclusive or lost cell.
    filled = [p for p in figure.axes[0].patches if p.get_hatch()]
    assert len(filled) == sum(r["verdict"] in ("inconclusive", "error") for r in rows)
