"""``adageo map`` as its user meets it."""

import csv
import json

import pytest

from simulations.app import work
from simulations.app.cli import UsageError, build_parser
from simulations.app.mapping import map_command
from simulations.app.template import claim_template

# The template's law, with a sampler that is wrong beyond n = 6 and fails beyond n = 30.
BREAKS = """
@measurement(
    law, points={"quick": [{"scale": 1.0, "n": 2, "law": "gaussian"}]}, trials=4_000, block=1_000,
    estimate=estimators.mean("square"), resolution=0.2,
    claimed=lambda statement, point: statement.formula(point["scale"]),
)
def breaking(stream, trials, *, scale, n, law):
    if n > 30:
        raise ValueError("every trial diverged")
    return {"square": (scale * stream.normal((trials,))) ** 2 * (1.5 if n > 6 else 1.0)}
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A claim that breaks, alone in the registry, in an otherwise empty current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, "ROOMS", ())
    file = tmp_path / "mine.py"
    file.write_text(claim_template("me/lemma-1") + BREAKS)
    return file


def adageo_map(file, claim, *words, store="st", out="maps"):
    arguments = build_parser().parse_args(["map", claim, *map(str, words), "--out", out])
    arguments.claims, arguments.store = [str(file)], store
    return map_command(arguments)


GRID = ("--x", "n=1:40:4:log", "--y", "scale=0.5:2:3:log", "--workers", 1)
NAME = "me_lemma-1.law_breaking_n_scale"


def test_the_map_shows_where_the_claim_breaks(mine, capsys):
    assert adageo_map(mine, "me/lemma-1.law", *GRID) == 0
    out = capsys.readouterr().out
    assert "...!" not in out
    assert "..X!" in out
    assert ". 6 supported, ~ 0 inconclusive, X 3 refuted, ! 3 error" in out
    assert "every trial diverged" in out
    made = sorted(path.name for path in (mine.parent / "maps").iterdir())
    assert made == [f"{NAME}.{suffix}" for suffix in ("csv", "json", "png", "svg")]
    found = json.loads((mine.parent / "maps" / f"{NAME}.json").read_text())
    assert found["x"] == {"name": "n", "values": [1, 3, 12, 40], "log": True}
    assert found["others"] == {"law": "gaussian"}
    assert found["level"] == pytest.approx(1e-3 / 12)
    assert len(found["cells"]) == 12
    with (mine.parent / "maps" / f"{NAME}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["supported", "supported", "refuted", "error"] * 3
    assert rows[3]["estimate"] == ""
    assert [row["device"] for row in rows] == ["CPU", "CPU", "CPU", ""] * 3
    # Planted factor 1.5; the relative standard error is sqrt(2 / 4000) * 1.5 = 0.034.
    assert abs(float(rows[2]["deviation"]) - 0.5) < 5 * 0.034


def test_resumes_and_gives_the_same_bits_for_any_number_of_workers(mine, capsys):
    first = ("--x", "n=1:3:2", "--y", "scale=0.5:2:3:log", "--workers", 1)
    assert adageo_map(mine, "me/lemma-1.law", *first) == 0
    assert "blocks: 24/24" in capsys.readouterr().err
    # 12 cells of 4 blocks; the 6 cells of the first map are in the store.
    assert adageo_map(mine, "me/lemma-1.law", *GRID) == 0
    assert "blocks: 24/24" in capsys.readouterr().err
    assert adageo_map(mine, "me/lemma-1.law", *GRID[:-1], 2, store="other", out="two") == 0
    one, two = mine.parent / "maps", mine.parent / "two"
    for suffix in ("csv", "svg", "png"):
        name = f"{NAME}.{suffix}"
        assert (one / name).read_bytes() == (two / name).read_bytes()
    cells = [json.loads((folder / f"{NAME}.json").read_text())["cells"] for folder in (one, two)]
    assert cells[0] == cells[1]


@pytest.mark.parametrize(
    ("claim", "x", "y", "message"),
    [
        ("me/lemma-1", "n=1:2:2", "scale=1:2:2", "me/lemma-1 has no Monte Carlo measurement"),
        (
            "me/lemma-1.law",
            "q=1:2:2",
            "scale=1:2:2",
            "--x q=1:2:2: .* no numeric parameter 'q'; it has n, scale$",
        ),
        ("me/lemma-1.law", "n=1:2:2", "law=1:2:2", "--y law=1:2:2: .* no numeric parameter 'law'"),
        ("me/lemma-1.law", "n=1:2:2", "n=1:2:2", "--y n=1:2:2: it must be another parameter"),
        ("me/lemma-1.law", "n=1:2", "scale=1:2:2", "--x n=1:2: it must be NAME=A:B:N"),
        ("me/lemma-1.law", "n=1:2:2", "scale=0:2:2:log", "--y .* a log range must be positive"),
        ("me/lemma-1.law", "n=1:2:0", "scale=1:2:2", "--x n=1:2:0: N is 0"),
    ],
)
def test_bad_arguments_are_one_line(mine, claim, x, y, message):
    with pytest.raises(UsageError, match=message) as caught:
        adageo_map(mine, claim, "--x", x, "--y", y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("--trials", 0, "0 is not positive; it must be an integer >= 1"),
        ("--seed", -1, "-1 is negative; it must be an integer >= 0"),
        ("--workers", 0, "0 is not positive; it must be an integer >= 1"),
        ("--workers", 5000, "5000 is too many; it must be in 1..1024"),
        ("--refine", -1, "-1 is negative; it must be an integer >= 0"),
        ("--refine", 9, "9 is too many; it must be in 0..4"),
        ("--refine", "x", "'x' is not an integer"),
    ],
)
def test_counts_that_make_no_sense(mine, capsys, name, value, message):
    with pytest.raises(SystemExit):
        adageo_map(mine, "me/lemma-1.law", *GRID[:4], name, value)
    assert f"argument {name}: {message}" in capsys.readouterr().err
