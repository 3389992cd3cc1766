"""``adageo map`` with --refine and --set: the border of what is refuted; resuming after a kill."""

import csv
import json
import multiprocessing
import signal

import numpy as np
import pytest

from simulations.app import work
from simulations.app.cli import UsageError, build_parser
from simulations.app.mapping import map_command
from simulations.app.template import claim_template
from simulations.engine.map_refinement import centres
from simulations.engine.maps import Axis

# Wrong by a half where x^2 + y^2 > 1: the border of what is refuted is a quarter of a circle.
PLANTED = """
import os, pathlib, signal

@measurement(
    law, points={"quick": [{"scale": 2.0, "x": 0.5, "y": 0.5, "k": 1, "name": "a"}]}, trials=400,
    block=200, estimate=estimators.mean("value"), resolution=0.2, survey=True,
    claimed=lambda statement, point: point["scale"],
)
def circle(stream, trials, *, scale, x, y, k, name):
    if pathlib.Path("kill").exists() and x * x + y * y > 1.3:
        os.kill(os.getpid(), signal.SIGKILL)
    wrong = 1.5 if x * x + y * y > 1.0 else 1.0
    return {"value": scale * (wrong + 0.1 * stream.normal((trials,)))}
"""
# Refuted from k = 5 on, so that refinement comes back to integers that were measured before.
STEPS = """
@measurement(
    law, points={"quick": [{"x": 0.5, "k": 1}]}, trials=400, block=400,
    estimate=estimators.mean("value"), resolution=0.2, survey=True,
    claimed=lambda statement, point: 1.0,
)
def steps(stream, trials, *, x, k):
    return {"value": (1.5 if k >= 5 else 1.0) + 0.1 * stream.normal((trials,))}
"""
GRID = ("--x", "x=0:1:4", "--y", "y=0:1:4", "--workers", 1)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, "ROOMS", ())
    monkeypatch.setattr(work, "_registries", {})
    file = tmp_path / "mine.py"
    file.write_text(claim_template("me/lemma-1") + PLANTED)
    return file


def adageo_map(file, *words, store="st", out="maps", claim="me/lemma-1.law"):
    arguments = build_parser().parse_args(["map", claim, *map(str, words), "--out", out])
    arguments.claims, arguments.store = [str(file)], store
    return map_command(arguments)


def found(mine, out="maps", name="me_lemma-1.law_circle_x_y"):
    return json.loads((mine.parent / out / f"{name}.json").read_text())


def assert_no_point_is_tested_twice(result, stages):
    """Cells are unique over all stages, and each took its share of its stage's level."""
    more = result["refinement"]
    rows = result["cells"] + more["cells"]
    names = result["x"]["name"], result["y"]["name"]
    assert len({tuple(row[name] for name in names) for row in rows}) == len(rows)
    tested = [1e-3 / stages / level for level in (result["level"], *more["levels"])]
    assert sum(tested) == pytest.approx(len(rows), rel=1e-12)


def test_the_border_is_found_to_the_smallest_cell(mine, capsys):
    assert adageo_map(mine, *GRID, "--refine", 2) == 0
    result = found(mine)
    more = result["refinement"]
    assert (more["stage"], np.shape(more["shown"])) == (2, (16, 16))
    assert f"{len(more['cells'])} more cells" in capsys.readouterr().out
    rows = result["cells"] + more["cells"]
    shown = [[rows[k] for k in line] for line in more["shown"]]
    # Along the border, what a small cell shows was measured at most half of one away from it.
    side = (1.0 / 3.0) / 4.0
    middles = -1.0 / 6.0 + side * (np.arange(16) + 0.5)
    radius = np.hypot(middles[:, None], middles[None, :])
    refuted = np.asarray([[row["verdict"] == "refuted" for row in line] for line in shown])
    inside = (middles > 0.0) & (middles < 1.0)
    clear = (np.abs(radius - 1.0) > side) & inside[:, None] & inside[None, :]
    np.testing.assert_array_equal(refuted[clear], (radius > 1.0)[clear])
    # All cells at the smallest size would be 16^2.
    assert 16 < len(more["cells"]) < 120
    assert result["level"] == pytest.approx(1e-3 / 3 / 16)
    assert_no_point_is_tested_twice(result, 3)
    table = mine.parent / "maps" / "me_lemma-1.law_circle_x_y.csv"
    with table.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(rows)
    assert (mine.parent / "maps" / "me_lemma-1.law_circle_x_y.png").stat().st_size > 5_000


def test_a_map_without_a_border_is_not_refined(mine):
    assert adageo_map(mine, "--x", "x=0:0.6:3", "--y", "y=0:0.6:3", "--refine", 1,
                      "--workers", 1) == 0  # fmt: skip
    assert found(mine)["refinement"]["cells"] == []


def test_integers_are_not_cut_below_one(mine):
    assert adageo_map(mine, "--x", "k=1:2:2", "--y", "x=0:1.2:2", "--set", "y=0", "--refine", 3,
                      "--workers", 1) == 0  # fmt: skip
    result = found(mine, name="me_lemma-1.law_circle_k_x")
    assert {row["k"] for row in result["refinement"]["cells"]} <= {1, 2}
    assert_no_point_is_tested_twice(result, 4)


@pytest.mark.parametrize("spacing", ["k=0:10:3", "k=1:16:3:log"])
def test_an_integer_that_an_earlier_stage_measured_shows_that_row(mine, spacing):
    """In the third stage both sides of the border at k = 5 are centres of earlier stages."""
    file = mine.with_name("steps.py")
    file.write_text(claim_template("me/lemma-1") + STEPS)
    assert adageo_map(file, "--x", spacing, "--y", "x=0:1:2", "--refine", 3, "--workers", 1) == 0
    result = found(mine, name="me_lemma-1.law_steps_k_x")
    more = result["refinement"]
    assert_no_point_is_tested_twice(result, 4)
    rows = result["cells"] + more["cells"]
    across = centres(Axis(**result["x"]), 3, whole=True)
    for line in more["shown"]:
        shown = [rows[k]["k"] for k in line]
        edge = [k >= 5 for k in shown].index(True)
        assert shown[edge - 1 : edge + 1] == across[edge - 1 : edge + 1] == [4, 5]


def test_rows_name_the_device_that_measured_them(mine, monkeypatch, capsys):
    assert adageo_map(mine, *GRID, "--refine", 1) == 0
    assert {row["device"] for row in found(mine)["cells"]} == {"CPU"}
    assert "measured on" not in capsys.readouterr().out
    monkeypatch.setattr(work, "device_of", lambda check, backend: "toy GPU")
    assert adageo_map(mine, *GRID, "--refine", 1, "--seed", 1, out="gpu") == 0
    assert "measured on: toy GPU" in capsys.readouterr().out
    with (mine.parent / "gpu" / "me_lemma-1.law_circle_x_y.csv").open(newline="") as file:
        assert {row["device"] for row in csv.DictReader(file)} == {"toy GPU"}
    result = found(mine, out="gpu")
    assert {row["device"] for row in result["refinement"]["cells"]} == {"toy GPU"}


def test_another_parameter_is_held_at_its_value(mine):
    adageo_map(mine, *GRID, "--set", "scale=3.5", "--set", "name=b")
    result = found(mine)
    assert result["others"] == {"scale": 3.5, "k": 1, "name": "b"}
    assert {row["claimed"] for row in result["cells"]} == {3.5}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "z=1"), "--set z=1: me/lemma-1.law has no parameter 'z'; it has k, "),
        (("--set", "x=1"), "--set x=1: 'x' is an axis of the map"),
        (("--set", "k=1,2"), "--set k=1,2: a map holds a parameter at one value"),
        (("--set", "k"), "--set k: it must be NAME="),
    ],
)
def test_bad_arguments_are_named(mine, words, message):
    with pytest.raises(UsageError, match=message):
        adageo_map(mine, *GRID, *words)


def test_a_killed_map_resumes_and_ends_with_the_same_cells(mine):
    (mine.parent / "kill").touch()
    child = multiprocessing.get_context("fork").Process(
        target=adageo_map, args=(mine, *GRID, "--refine", 1)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert not (mine.parent / "maps").exists() or not list((mine.parent / "maps").iterdir())
    (mine.parent / "kill").unlink()
    adageo_map(mine, *GRID, "--refine", 1)
    adageo_map(mine, *GRID, "--refine", 1, store="other", out="whole")
    resumed, whole = found(mine), found(mine, out="whole")
    assert resumed["cells"] == whole["cells"]
    assert resumed["refinement"] == whole["refinement"]


def test_a_survey_is_no_evidence(mine):
    entry = work.registry((str(mine),))["me/lemma-1.law"]
    assert [check.name for check in entry.of_kind("survey")] == ["circle"]
    assert "circle" not in {check.name for check in entry.of_kind("monte-carlo")}
