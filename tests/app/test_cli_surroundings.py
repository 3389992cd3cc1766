"""Every command where the machine is in the way: rights, streams, terminals, missing packages."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import LAW, LEMMA, VERIFY, XY, adageo, furnish

from simulations.app.cli import main
from simulations.app.template import claim_template
from theory.core import extras

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path, monkeypatch):
    return furnish(tmp_path, monkeypatch)


# Drops what root may do, runs the cases one after the other, and writes what each came to.
POWERLESS = """
import contextlib, ctypes, io, json, os, sys
if os.getuid() == 0:
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(header, none):
        sys.exit(77)
from simulations.app import work
from simulations.app.cli import main
work.ROOMS = ()
found = []
for words in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["--claims", "mine.py", *words])
    found.append([words, status, err.getvalue().splitlines()])
print(json.dumps(found))
"""
OPEN = ["--store", "open/st"]
LOCKED = [
    (["list", "me/*"], 0, None),
    (["doctor"], 0, None),
    (["verify", "me/*", "--workers", "1"], 3, "store .adageo: cannot make the directory: Permi"),
    (["verify", "me/*", "--json", "a.json", *OPEN], 3, "--json a.json: cannot write"),
    (["verify", "me/*", "--report", "site", *OPEN], 3, "--report site: cannot create the direct"),
    (["verify", "me/*", "--report", "shut", *OPEN], 3, "--report shut: cannot write into the di"),
    (["simulate", LAW, "--out", "a.csv", *OPEN], 3, "--out a.csv: cannot write"),
    ([*XY, "n=1:2:3", "--workers", "1"], 2, "has no numeric parameter"),
    (["new-claim", "me/x"], 3, "--out .: cannot write into the directory"),
    (["verify", "me/*", "--workers", "1", "--json", "open/a.json", *OPEN], 0, None),
    (["figure", LAW, *OPEN], 3, "--out figures: cannot create the directory (Permission denied)"),
    (["figure", LAW, "--out", "open/f", *OPEN], 0, None),
    (["report", *OPEN], 3, "--out report: cannot create the directory (Permission denied)"),
    (["export", "--out", "a.csv", *OPEN], 3, "--out a.csv: cannot write"),
    (["export", "--out", "open/a.csv", *OPEN], 0, None),
    (["list", "--store", "shut"], 3, "store shut: cannot open: Permission denied"),
    (["--log", "a.log", "list"], 3, "--log a.log: cannot write (Permission denied)"),
    (["--claims", "secret.py", "list"], 2, "--claims secret.py: PermissionError"),
]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="drops the powers of root as Linux has them")
def test_read_only_current_directory_and_home(place):
    (place / "open").mkdir()
    (place / "shut").mkdir()
    (place / "shut" / "results.sqlite").touch()
    (place / "secret.py").write_text("x = 1\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1",
                   "HOME": "secret.py/home"}  # fmt: skip
    try:
        for name, mode in (("secret.py", 0), ("shut", 0), (".", 0o555)):
            (place / name).chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", POWERLESS], cwd=place, text=True, capture_output=True,
            env=environment, check=False,
            input=json.dumps([words for words, *_ in LOCKED]),
        )  # fmt: skip
    finally:
        for name in (".", "shut"):
            (place / name).chmod(0o755)
    if done.returncode == 77:
        pytest.skip("this system keeps the powers of root")
    assert done.returncode == 0, done.stderr
    for (_, status, told), (words, found, lines) in zip(
        LOCKED, json.loads(done.stdout), strict=True
    ):
        assert found == status, (words, lines)
        if told is not None:
            assert len(lines) == 1, (words, lines)
            assert told in lines[0]


@pytest.mark.parametrize(
    "setting",
    [{"COLUMNS": "20"}, {"COLUMNS": "1"}, {"COLUMNS": "wide"}, {"NO_COLOR": "1"},
     {"TERM": "dumb"}, {"TERM": ""}, {"HOME": None}],
    ids=lambda setting: "=".join(map(str, *setting.items())),
)  # fmt: skip
def test_any_terminal_will_do(place, setting, monkeypatch, capsys):
    for name, value in setting.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert adageo(*VERIFY) == 0
    printed = capsys.readouterr()
    assert "2 of 2 claims as expected" in printed.out
    assert "Traceback" not in printed.err
    if setting.keys() & {"NO_COLOR", "TERM"} and setting != {"TERM": ""}:
        assert "\x1b[32m" not in printed.out
        assert "\x1b[1;32m" not in printed.out
    with pytest.raises(SystemExit) as left:
        main(["verify", "--help"])
    assert left.value.code == 0


def test_what_the_encoding_lacks_is_escaped(place, monkeypatch):
    (place / "mine.py").write_text(claim_template(LEMMA).replace("Young's", "Γ"))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert adageo("--claims", "mine.py", "show", LEMMA) == 0
    assert adageo("--claims", "mine.py", "list") == 0
    printed = raw.getvalue().decode("ascii")
    assert r"me/lemma-1: \u0393 inequality" in printed
    assert "+--" in printed or "---" in printed


@pytest.mark.parametrize("streams", [["stdin"], ["stdout"], ["stdin", "stdout", "stderr"]])
def test_closed_streams(place, streams, monkeypatch):
    for name in streams:
        monkeypatch.setattr(sys, name, None)
    assert adageo(*VERIFY, "--json", "a.json") == 0
    assert adageo("--claims", "mine.py", "list") == 0
    assert json.loads((place / "a.json").read_text())["summary"]["as_expected"] == 2
    for name in streams:
        getattr(sys, name).close()


@pytest.mark.parametrize("words", [["list"], ["--help"], ["show", LEMMA]], ids=str)
@pytest.mark.parametrize("large", [False, True])
def test_a_reader_that_goes_away_is_no_error(place, words, large, monkeypatch, capsys):
    if large:  # what exceeds the stream's buffer is lost at once
        file = place / "mine.py"
        file.write_text(file.read_text().replace("Young's", "Young's " * 3000))
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert adageo("--claims", "mine.py", *words) == 141
        # What is left goes to the null device.
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
@pytest.mark.parametrize("words", [["list"], ["show", LEMMA], ["--help"]], ids=str)
def test_output_to_a_full_disk(place, words, monkeypatch, capsys):
    file = place / "mine.py"
    file.write_text(file.read_text().replace("Young's", "Young's " * 3000))
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert adageo("--claims", "mine.py", *words) == 3
    told = capsys.readouterr().err.splitlines()
    assert told == ["adageo: cannot write the output (No space left on device)"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("export", ["simulate", LAW, "--out", "a.parquet"]),
        ("cluster", ["verify", "--dask", "tcp://127.0.0.1:1"]),
        ("cluster", ["cluster-check", "--dask", "tcp://127.0.0.1:1"]),
    ],
)
def test_a_missing_extra_is_named(place, extra, words, monkeypatch, capsys):
    monkeypatch.setattr(extras, "EXTRAS", {extra: ("no_such_module_", "Needed")})
    assert adageo("--claims", "mine.py", *words) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert f"needs Needed (pip install 'adageo[{extra}]')" in line


def test_an_unreachable_cluster_is_named(place, capsys):
    pytest.importorskip("distributed", reason="needs Dask (extra `cluster`)")
    assert adageo("--claims", "mine.py", "verify", "--dask", "tcp://127.0.0.1:1") == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "the Dask scheduler at tcp://127.0.0.1:1 cannot be reached" in line


def test_benchmark_results_that_are_no_json(place, capsys):
    (place / "bm").mkdir()
    (place / "bm" / "case.json").write_text('{"a')
    assert adageo(*VERIFY) == 0
    capsys.readouterr()
    assert adageo("--claims", "mine.py", "report", "--benchmarks", "bm") in (2, 3)
    (line,) = capsys.readouterr().err.splitlines()
    assert "bm/case.json" in line
    assert "unexpected" not in line


def test_a_damaged_store_is_set_aside_by_verify_and_told_in_one_line(place, capsys):
    assert adageo(*VERIFY, "--store", "damaged") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("adageo")]
    assert len(told) == 1
    assert "set aside as results.sqlite.damaged-1" in told[0]


def test_a_current_directory_that_is_gone(place, monkeypatch, capsys):
    gone = place / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    mine = str(place / "mine.py")
    assert adageo("--claims", mine, "list") == 0
    capsys.readouterr()
    assert adageo("--claims", mine, "verify", "me/*", "--workers", "1") == 3
    assert adageo("--claims", "mine.py", "list") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "store .adageo: cannot make the directory: No such file or directory" in first
    assert "--claims mine.py: No such file or directory" in second
