"""``adageo export``: what the store has measured, as a table that other tools load."""

import csv

import numpy as np
import pytest
from sweep_tools import claims_file

from simulations.app.cli import main
from simulations.app.tables import write_rows

COLUMNS = ("claim", "check", "point.shift", "estimate", "low", "high", "claimed", "n", "level",
           "seed", "device")  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    file = claims_file(folder, pause=0)
    place = ["--claims", str(file), "--store", str(folder / "store")]
    assert main([*place, "verify", "sweep/*", "--workers", "1", "--seed", "4"]) == 0
    return place


def export(store, out, *options):
    assert main([*store, "export", "sweep/*", "--out", str(out), *options]) == 0
    return out


def test_csv_has_a_row_for_every_point(store, tmp_path, capsys):
    with export(store, tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert "rows.csv: 6 rows of 1 claims" in capsys.readouterr().out
    assert tuple(rows[0])[: len(COLUMNS)] == COLUMNS
    assert [row["check"] for row in rows] == ["means"] * 3 + ["medians"] * 3
    for row in rows:
        assert float(row["low"]) <= float(row["estimate"]) <= float(row["high"])
        assert row["claimed"] == row["point.shift"]
        assert (row["seed"], row["device"], row["claim"]) == ("4", "CPU", "sweep/shifted")
        assert 0 < float(row["level"]) <= 1e-3
    assert [row["n"] for row in rows] == ["20000"] * 3 + ["64000"] * 3


def test_npz_has_the_same_numbers(store, tmp_path):
    out = export(store, tmp_path / "rows", "--format", "npz")
    with np.load(out) as found:
        assert set(COLUMNS) <= set(found.files)
        assert found["n"].dtype == np.int64
        assert found["estimate"].dtype == np.float64
        with export(store, tmp_path / "rows.csv").open() as file:
            rows = list(csv.DictReader(file))
        for name in COLUMNS:
            assert found[name].tolist() == [type(found[name].tolist()[0])(r[name]) for r in rows]


@pytest.mark.parametrize("form", ["csv", "npz", "parquet"])
def test_pandas_loads_it_in_one_line(store, tmp_path, form):
    pandas = pytest.importorskip("pandas", reason="needs pandas (extra `test`)")
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs PyArrow (extra `export`)")
    load = {
        "csv": pandas.read_csv,
        "npz": lambda file: pandas.DataFrame(dict(np.load(file))),
        "parquet": pandas.read_parquet,
    }
    frame = load[form](export(store, tmp_path / f"rows.{form}"))
    assert len(frame) == 6
    assert frame.groupby("check")["n"].sum().to_dict() == {"means": 60_000, "medians": 192_000}
    assert (frame["low"] <= frame["claimed"]).all()


def test_mixed_and_missing_values(tmp_path):
    rows = [{"a": 1, "b": "x", "c": True, "d": [1, 2]}, {"a": None, "b": None, "c": False},
            {"a": 2.5, "b": 'say "y", z', "c": True, "d": {"k": 1}}]  # fmt: skip
    write_rows(str(tmp_path / "t.npz"), "abcd", rows)
    with np.load(tmp_path / "t.npz") as found:
        assert np.array_equal(found["a"], [1.0, np.nan, 2.5], equal_nan=True)
        assert found["b"].tolist() == ["x", "", 'say "y", z']
        assert found["c"].tolist() == [True, False, True]
        assert found["d"].tolist() == ["[1, 2]", "", '{"k": 1}']
    write_rows(str(tmp_path / "t.csv"), "abcd", rows)
    with (tmp_path / "t.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [row["b"] for row in found] == ["x", "", 'say "y", z']
    assert [row["a"] for row in found] == ["1", "", "2.5"]


@pytest.mark.parametrize(
    ("out", "options", "status", "told"),
    [
        ("rows.xls", [], 2, "end the name in one of .csv, .json, .npz, .parquet"),
        ("no/such/rows.csv", [], 3, "it must be a file in a writable directory"),
        ("rows.csv", ["--store", "none"], 3, "none has no measured rows of sweep/*"),
    ],
)
def test_what_cannot_be_written_is_one_line(store, tmp_path, capsys, out, options, status, told):
    arguments = [*store, "export", "sweep/*", "--out", str(tmp_path / out), *options]
    assert main(arguments) == status
    assert told in capsys.readouterr().err.splitlines()[-1]


def test_parquet_without_pyarrow_says_how_to_install_it(store, tmp_path, monkeypatch, capsys):
    from theory.core import extras

    monkeypatch.setattr(extras, "EXTRAS", {"export": ("no_such_module_", "PyArrow")})
    assert main([*store, "export", "--out", str(tmp_path / "rows.parquet")]) == 3
    assert "needs PyArrow (pip install 'adageo[export]')" in capsys.readouterr().err
