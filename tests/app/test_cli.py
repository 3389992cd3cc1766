"""The command line as its user meets it: output, errors in one line, exit status, files."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from simulations.app.cli import main
from simulations.app.template import claim_template

WRONG_CLAIM = '''
from hypothesis import strategies as st
from proofs_check.engine import attack
from theory.core import Claim, Source

def cubes(a, b):
    """a^3 + b^3 <= a^2 + b^2, which fails beyond the unit square."""
    return a**3 + b**3, a * a + b * b

claim = Claim(
    id="wrong/cubes", title="Cubes below squares", kind="inequality",
    statement=r"$a^3 + b^3 \\le a^2 + b^2$ for all real $a, b$.",
    source=Source("nobody", item="Lemma 0"), scope={"a": "real", "b": "real"}, formula=cubes,
    mutants={"fourth powers": lambda a, b: (a**4 + b**4, a * a + b * b)},
)

@attack(claim)
def pairs():
    numbers = st.floats(-100, 100, allow_nan=False)
    return st.fixed_dictionaries({"a": numbers, "b": numbers})
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A claim file of one's own, in an otherwise empty current directory."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.py"
    file.write_text(claim_template("me/lemma-1"))
    return file


def adageo(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_claim_of_ones_own_runs(mine, capsys):
    status = adageo("--claims", mine, "verify", "me/*", "--workers", 1, "--json", "out.json")
    printed = capsys.readouterr().out
    assert status == 0
    assert "2 of 2 claims as expected, 3 of 3 mutants refuted" in printed
    report = json.loads((mine.parent / "out.json").read_text())
    assert report["schema"] == 1
    assert report["manifest"]["seed"] == 0
    by_id = {claim["id"]: claim for claim in report["claims"]}
    assert by_id["me/lemma-1"]["verdict"] == "proved"
    row = by_id["me/lemma-1.law"]["evidence"][0]["rows"][0]
    assert row["low"] < row["claimed"] < row["high"]
    assert {m["by"] for m in by_id["me/lemma-1.law"]["mutants"]["list"]} == {"squares"}


def test_stored_results_serve_list_show_figure_and_report(mine, capsys):
    assert adageo("--claims", mine, "verify", "me/*", "--workers", 1) == 0
    assert adageo("--claims", mine, "list", "me/*", "--json") == 0
    listed = json.loads(capsys.readouterr().out.split("cited steps\n")[-1])
    assert {row["id"]: row["verdict"] for row in listed} == {
        "me/lemma-1": "proved", "me/lemma-1.law": "supported",
    }  # fmt: skip
    assert adageo("--claims", mine, "show", "me/lemma-1") == 0
    assert "last verdict: proved" in capsys.readouterr().out
    assert adageo("--claims", mine, "figure", "me/*", "--out", "f", "--format", "svg,png") == 0
    made = sorted(path.name for path in (mine.parent / "f").iterdir())
    assert made == [
        "me_lemma-1.law.png", "me_lemma-1.law.svg", "me_lemma-1.png", "me_lemma-1.svg",
    ]  # fmt: skip
    assert adageo("--claims", mine, "report", "--out", "site") == 0
    assert "me/lemma-1.law" in (mine.parent / "site" / "index.html").read_text()


def test_second_run_takes_everything_from_the_store(mine, capsys):
    assert adageo("--claims", mine, "verify", "me/*", "--workers", 1) == 0
    first = capsys.readouterr()
    assert "checks: 10/10" in first.err
    assert adageo("--claims", mine, "verify", "me/*", "--workers", 1) == 0
    assert "checks:" not in capsys.readouterr().err
    assert adageo("--claims", mine, "verify", "me/*", "--workers", 1, "--fresh") == 0
    assert "checks: 10/10" in capsys.readouterr().err


def test_a_changed_claim_invalidates_its_own_rows(mine, capsys):
    assert adageo("--claims", mine, "verify", "me/lemma-1", "--workers", 1) == 0
    capsys.readouterr()
    # Another process, because a module is imported once in each.
    mine.write_text(mine.read_text().replace("99 / 100", "98 / 100"))
    found = run_command("--claims", mine, "verify", "me/lemma-1", "--workers", 1, cwd=mine.parent)
    assert found.returncode == 0
    assert "checks: 2/2" in found.stderr


def test_a_wrong_claim_is_refuted_with_a_shrunk_counterexample(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text(WRONG_CLAIM)
    assert adageo("--claims", "wrong.py", "verify", "wrong/*", "--workers", 1, "--json", "o") == 1
    printed = capsys.readouterr().out
    assert "NOT AS EXPECTED wrong/cubes: refuted, expected: holds." in printed
    again = "adageo --claims wrong.py verify 'wrong/cubes' --budget quick --seed 0"
    assert f"Reproduce: {again}" in printed
    search = json.loads((tmp_path / "o").read_text())["claims"][0]["evidence"][0]
    found = search["counterexample"]
    assert found["a"] ** 3 + found["b"] ** 3 > found["a"] ** 2 + found["b"] ** 2
    # Shrunk: small whole numbers, one of them zero.
    assert sorted(abs(value) for value in found.values()) == [0, 2]
    assert "exact" in search["arithmetic"]


def test_falsify_reaches_claims_and_mutants(mine, capsys):
    assert adageo("--claims", mine, "falsify", "me/lemma-1", "--examples", 50) == 0
    assert "supported" in capsys.readouterr().out
    mutant = ["--mutant", "constant too small"]
    assert adageo("--claims", mine, "falsify", "me/lemma-1", *mutant) == 0
    assert "refuted" in capsys.readouterr().out


def test_prove_prints_the_transcript(mine, capsys):
    assert adageo("--claims", mine, "prove", "me/lemma-1") == 0
    printed = capsys.readouterr().out
    assert "(a - b)^2" in printed
    assert "Cited without proof: nothing" in printed


@pytest.mark.parametrize("suffix", ["csv", "json", "npz"])
def test_simulate_writes_rows(mine, suffix, capsys):
    options = ["--set", "scale=1,2.5", "--trials", 500, "--seed", 3, "--out", f"rows.{suffix}"]
    assert adageo("--claims", mine, "simulate", "me/lemma-1.law", *options) == 0
    file = mine.parent / f"rows.{suffix}"
    if suffix == "csv":
        with file.open() as handle:
            rows = list(csv.DictReader(handle))
        scales, trials = [row["scale"] for row in rows], {row["trials"] for row in rows}
        assert (scales, trials) == (["1", "2.5"], {"500"})
    elif suffix == "json":
        assert [row["scale"] for row in json.loads(file.read_text())] == [1, 2.5]
    else:
        assert np.load(file)["claimed"].tolist() == [1.0, 6.25]


BAD_USAGE = [
    (["verify", "me/lema-1"], 2, "nearest: me/lemma-1"),
    (["verify", "--budget", "huge"], 2, "invalid choice: 'huge'"),
    (["verify", "--seed", "-1"], 2, "integer >= 0"),
    (["verify", "--workers", "0"], 2, "integer >= 1"),
    (["verify", "--workers", "many"], 2, "'many' is not an integer"),
    (["verify", "--backend", "cupy"], 3, "cupy"),
    (["show", "me/*"], 2, "no claim matches 'me/*'"),
    (["prove", "me/lemma-1.law"], 2, "has no proof or certificate; it has monte-carlo"),
    (["falsify", "me/lemma-1.law"], 2, "has no counterexample search"),
    (["falsify", "me/lemma-1", "--mutant", "x"], 2, "no mutant called 'x'; it has 'constant"),
    (["simulate", "me/lemma-1"], 2, "has no Monte Carlo measurement"),
    (["simulate", "me/lemma-1.law", "--set", "d=3"], 2, "no such parameter; it has law, scale"),
    (["simulate", "me/lemma-1.law", "--set", "scale"], 2, "must be NAME=V1,V2"),
    (["verify", "me/*", "--json", "no/such/folder.json"], 3, "in a writable directory"),
    (["simulate", "me/lemma-1.law", "--out", "a.txt"], 2, "one of .csv, .json, .npz"),
    (["simulate", "me/lemma-1.law", "--trials", "0"], 2, "integer >= 1"),
    (["figure", "all", "--format", "gif"], 2, "--format gif"),
    (["figure", "me/lemma-1"], 3, "run `adageo verify` first"),
    (["report"], 3, "run `adageo verify` first"),
    (["new-claim", "My Lemma"], 2, "id is 'My Lemma'"),
    (["frobnicate"], 2, "invalid choice: 'frobnicate'"),
    ([], 2, "COMMAND"),
]


@pytest.mark.parametrize(("arguments", "status", "told"), BAD_USAGE)
def test_bad_usage_is_one_clear_line(mine, arguments, status, told, capsys):
    if "cupy" in arguments:
        require_no_gpu()
    try:
        found = adageo("--claims", mine, *arguments)
    except SystemExit as error:
        found = error.code
    captured = capsys.readouterr()
    assert found == status
    assert told in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere", "ModuleNotFoundError"),
        ("from theory.core import Claim\nClaim('a/b', '', 'law', '', 0, {}, 0, {})", "title is ''"),
    ],
)  # fmt: skip
def test_malformed_claim_file_is_named(tmp_path, monkeypatch, text, told, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(text)
    assert adageo("--claims", "bad.py", "list") == 2
    assert told in capsys.readouterr().err


def test_unreadable_store_and_output(mine, capsys):
    (mine.parent / "file").write_text("not a store")
    assert adageo("--claims", mine, "verify", "me/*", "--store", "file") == 3
    assert "file" in capsys.readouterr().err
    arguments = ["verify", "me/*", "--workers", 1, "--json", "no/such/dir/out.json"]
    assert adageo("--claims", mine, *arguments) == 3
    assert "--json no/such/dir/out.json: cannot write" in capsys.readouterr().err


def test_doctor_and_version(mine, capsys):
    assert adageo("--claims", mine, "doctor") == 0
    printed = capsys.readouterr().out
    assert "numpy" in printed
    assert "none yet" in printed
    with pytest.raises(SystemExit) as stopped:
        adageo("--version")
    assert stopped.value.code == 0


def test_new_claim_does_not_overwrite(mine, capsys):
    assert adageo("new-claim", "you/lemma-2", "--out", "new") == 0
    assert adageo("--claims", "new/lemma_2.py", "list", "you/*") == 0
    assert adageo("new-claim", "you/lemma-2", "--out", "new") == 2
    assert "exists already" in capsys.readouterr().err


def run_command(*arguments, cwd):
    command = [sys.executable, "-m", "simulations", *map(str, arguments)]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def require_no_gpu():
    from simulations.engine.backend import select_backend
    from theory.core import EnvironmentLacksError

    try:
        select_backend("cupy")
    except EnvironmentLacksError:
        return
    pytest.skip("a GPU is usable here, so that asking for it is no error")


TROUBLE = """
import sys
from hypothesis import strategies as st
from proofs_check.engine import attack
from simulations.engine import estimators, measurement
from theory.core import Claim, Mutant, Source

SOURCE = Source("nobody", item="Lemma 0")

leaves = Claim(
    id="trouble/leaves", title="A sampler that exits", kind="law", statement="-", source=SOURCE,
    scope={"bad": "bool"}, formula=lambda bad: 1.0, mutants={"crashes": Mutant(given={"bad": 1})},
)

@measurement(leaves, points={"quick": [{"bad": 0}]}, trials=20_000, resolution=0.1,
             estimate=estimators.mean("x"))
def draws(stream, trials, *, bad):
    if bad:
        sys.exit(5)
    return {"x": stream.exponential((trials,))}

wide = Claim(
    id="trouble/wide", title="A difference beyond float64", kind="inequality", statement="-",
    source=SOURCE, scope={"x": "real"}, formula=lambda x: (-x * x, x * x),
    mutants={"reversed": lambda x: (x * x, -x * x)},
)

@attack(wide)
def numbers():
    return st.fixed_dictionaries({"x": st.floats(1e154, 1.3e154)})
"""


def test_one_check_in_trouble_ends_no_run_and_refutes_no_mutant(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.py").write_text(TROUBLE)
    options = ["--workers", 1, "--json", "o.json"]
    assert adageo("--claims", "t.py", "verify", "trouble/*", *options) == 1
    leaves, wide = json.loads((tmp_path / "o.json").read_text())["claims"]
    assert (leaves["verdict"], wide["verdict"]) == ("supported", "supported")
    assert leaves["mutants"]["list"][0]["refuted"] is False
    assert "SystemExit" in leaves["mutants"]["list"][0]["detail"]
    printed = capsys.readouterr().out
    assert "Reproduce: adageo --claims t.py mutants 'trouble/leaves'" in printed


def test_a_refutation_is_not_printed_beside_the_margin_of_other_instances(mine, capsys):
    mutant = ["--mutant", "constant too small"]
    assert adageo("--claims", mine, "falsify", "me/lemma-1", *mutant) == 0
    printed = capsys.readouterr().out
    assert "counterexample: {" in printed
    assert "worst_margin" not in printed
    assert adageo("--claims", mine, "falsify", "me/lemma-1", "--examples", 50) == 0
    assert "worst_margin" in capsys.readouterr().out


def test_an_unexpected_error_is_one_line(mine, monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr("simulations.app.commands.registry", broken)
    assert adageo("show", "me/lemma-1") == 3
    assert capsys.readouterr().err == (
        "adageo: unexpected RuntimeError: first second (--debug shows where)\n"
    )
    with pytest.raises(RuntimeError):
        adageo("--debug", "show", "me/lemma-1")
