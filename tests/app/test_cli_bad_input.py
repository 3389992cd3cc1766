"""Every command with words that make no sense: one clear line, the right status, no traceback."""

import pytest
from cli_tools import LAW, LEMMA, LONG, XY, adageo, furnish


@pytest.fixture
def place(tmp_path, monkeypatch):
    return furnish(tmp_path, monkeypatch)


# Words of the command line, exit status, part of the one line.
NO_CLAIMS = [
    (["--claims", "syntax.py", "list"], 2, "--claims syntax.py: SyntaxError: invalid syntax"),
    (["--claims", "cut.py", "verify"], 2, "--claims cut.py: SyntaxError"),
    (["--claims", "imports.py", "list"], 2, "ModuleNotFoundError: No module named 'no_such_"),
    (["--claims", "none.py", "list"], 2, "--claims none.py: there is no claim in it"),
    (["--claims", "exits.py", "list"], 2, "--claims exits.py: SystemExit: 0"),
    (["--claims", "lines.py", "list"], 2, "--claims lines.py: ValueError: a b"),
    (["--claims", "nul.py", "list"], 2, "null bytes"),
    (["--claims", "file", "list"], 2, "--claims file: not a Python file"),
    (["--claims", "gone.py", "list"], 2, "--claims gone.py: no such file"),
    (["--claims", "d.csv", "list"], 2, "--claims d.csv: not a file"),
    (["--claims", LONG, "list"], 2, "File name too long"),
    (["--claims", "", "list"], 2, "argument --claims: the name is empty"),
    (["--claims"], 2, "argument --claims: expected one argument"),
    (["--claims", "twice.py", "list"], 2, "me/lemma-1: claimed twice"),
    ([], 2, "the following arguments are required: COMMAND (see adageo --help)"),
    (["frobnicate"], 2, "invalid choice: 'frobnicate'"),
    (["verify", "--frobnicate"], 2, "unrecognized arguments: --frobnicate"),
]  # fmt: skip

NAMES = [
    (["verify", "me/lema-1"], 2, "no claim matches 'me/lema-1'; nearest: me/lemma-1"),
    (["list", "["], 2, "no claim matches '['"),
    (["list", ""], 2, "no claim matches ''"),
    (["show", "me/*"], 2, "no claim matches 'me/*'"),
    (["show", "\udcff"], 2, "no claim matches"),
    (["show"], 2, "adageo show: the following arguments are required: claim"),
    (["list", "--json=x"], 2, "argument --json: ignored explicit argument 'x'"),
    (["prove", LAW], 2, "has no proof or certificate; it has monte-carlo"),
    (["falsify", LAW], 2, "has no counterexample search"),
    (["falsify", LEMMA, "--mutant", ""], 2, "no mutant called ''; it has 'constant"),
    (["falsify", LEMMA, "--mutant", "x"], 2, "no mutant called 'x'; it has 'constant"),
    (["falsify", LEMMA, "--examples", "0"], 2, "0 is not positive; it must be an integer >= 1"),
    (["mutants", "you/*"], 2, "no claim matches 'you/*'"),
    (["doctor", "extra"], 2, "unrecognized arguments: extra"),
    (["bench", "nothing"], 2, "nothing: no such benchmark case; it must be among two-layer"),
    (["bench", "--d", "2,x"], 2, "--d 2,x: it must be integers >= 1, separated by commas"),
    (["bench", "--repeats", "0"], 2, "--repeats 0: it must be an integer >= 1"),
    (["bench", "--out", "file"], 3, "--out file: cannot create the directory"),
    (["new-claim", "../x"], 2, "id is '../x'; it must be 'paper/item'"),
    (["new-claim", ""], 2, "id is ''"),
    (["new-claim", "me/x", "--out", "file/y"], 3, "--out file/y: cannot create the directory"),
]  # fmt: skip

STORES = [
    (["--store", "file", "list"], 3, "store file: not a directory"),
    (["--store", "file", "doctor"], 3, "store file: not a directory"),
    (["--store", "file", "verify"], 3, "store file: "),
    (["--store", "file/in", "verify"], 3, "store file/in: cannot make the directory"),
    (["--store", "damaged", "list"], 3, "damaged (file is not a database); the next `adageo"),
    (["--store", "damaged", "show", LEMMA], 3, "store damaged/results.sqlite: damaged"),
    (["--store", "damaged", "export", "--out", "a.csv"], 3, "damaged/results.sqlite: damaged"),
    (["--store", "damaged", "figure", "all"], 3, "damaged/results.sqlite: damaged"),
    (["--store", "damaged", "report"], 3, "damaged/results.sqlite: damaged"),
    (["--store", "damaged", "store", "prune"], 3, "damaged/results.sqlite: damaged"),
    (["--store", "empty", "list"], 3, "damaged (the file is empty)"),
    (["--store", "old", "verify"], 3, "store old/results.sqlite: "),
    (["--store", "", "list"], 2, "argument --store: the name is empty"),
    (["--store", LONG, "list"], 3, "File name too long"),
    (["--store", "none", "store", "prune"], 3, "none: there is no store"),
    (["store", "frob"], 2, "invalid choice: 'frob'"),
    (["report"], 3, "run `adageo verify` first"),
    (["figure", LEMMA], 3, "the store has no results yet; run `adageo verify` first"),
    (["export", "--out", "a.csv"], 3, ".adageo has no measured rows of any claim"),
]  # fmt: skip

RUNS = [
    (["verify", "--budget", "huge"], 2, "argument --budget: invalid choice: 'huge'"),
    (["verify", "--budget"], 2, "argument --budget: expected one argument"),
    (["verify", "--seed", "-1"], 2, "-1 is negative; it must be an integer >= 0"),
    (["verify", "--seed", "1.5"], 2, "'1.5' is not an integer"),
    (["verify", "--seed", "9" * 5000], 2, "is not an integer"),
    (["verify", "--workers", "0"], 2, "0 is not positive; it must be an integer >= 1"),
    (["verify", "--workers", "100000"], 2, "100000 is too many; it must be in 1..1024"),
    (["verify", "--workers", "many"], 2, "'many' is not an integer"),
    (["verify", "--backend", "tpu"], 2, "'tpu' is no backend; it must be one of numpy, cupy"),
    (["verify", "--backend", "cupy:x"], 2, "'cupy:x' is no backend"),
    (["verify", "--level=2"], 2, "unrecognized arguments: --level=2"),
    (["verify", "--dask", ""], 2, "it must be tcp://HOST:PORT or tls://HOST:PORT"),
    (["verify", "--dask", "host:1"], 2, "--dask host:1: it must be tcp://HOST:PORT"),
    (["verify", "--dask", "tls://h:1"], 2, "it needs --tls-ca, --tls-cert and --tls-key"),
    (["verify", "--dask", "tcp://h:1", "--workers", "2"], 2, "leave it out with --dask"),
    (["verify", "--tls-ca", "x"], 2, "belong to --dask tls://HOST:PORT"),
    (["cluster-check"], 2, "the following arguments are required: --dask"),
    (["cluster-check", "--dask", "x"], 2, "--dask x: it must be tcp://HOST:PORT"),
    (["simulate", LEMMA], 2, "has no Monte Carlo measurement"),
    (["simulate", LAW, "--set", "d=3"], 2, "no such parameter; it has law, scale"),
    (["simulate", LAW, "--set", "scale"], 2, "it must be NAME=V1,V2"),
    (["simulate", LAW, "--set", "=1"], 2, "it must be NAME=V1,V2"),
    (["simulate", LAW, "--set", "scale=1,,2"], 2, "it must be NAME=V1,V2"),
    (["simulate", LAW, "--set", "scale=big"], 2, "scale=big: it must be a finite number, as 0.5"),
    (["simulate", LAW, "--set", "scale=1e999"], 2, "scale=inf: it must be a finite number"),
    (["simulate", LAW, "--set", "scale={1}"], 2, "scale={1}: it must be a finite number"),
    (["simulate", LAW, "--set", "scale=" + "-" * 9999], 2, "it must be a finite number"),
    (["simulate", LAW, "--set", "scale=1", "--set", "scale=2"], 2, "scale: it was given twice"),
    (["simulate", LAW, "--trials", "0"], 2, "0 is not positive"),
    (["simulate", LAW, "--trials", "9" * 15], 2, "too many; it must be in 1..10000000000"),
]  # fmt: skip

MAPS = [
    (["map", LAW], 2, "the following arguments are required: --x, --y"),
    (["map", LEMMA, "--x", "a=1:2:3", "--y", "b=1:2:3"], 2, "has no Monte Carlo measurement"),
    ([*XY, "n=1:2:3"], 2, "has no numeric parameter 'n'; it has scale"),
    ([*XY, "scale=1:2:3"], 2, "it must be another parameter than that of --x"),
    ([*XY, "n=1:2"], 2, "--y n=1:2: it must be NAME=A:B:N or NAME=A:B:N:log"),
    ([*XY, "n=a:2:3"], 2, "A is 'a'; it must be a number"),
    ([*XY, "n=inf:2:3"], 2, "the ends are inf and 2; they must be finite"),
    ([*XY, "n=2:1:3"], 2, "A must be at most B"),
    ([*XY, "n=-1:2:3:log"], 2, "the ends of a log range must be positive"),
    ([*XY, "n=1:2:0"], 2, "N is 0; it must be in 1..1000"),
    ([*XY, "n=1:2:3:lin"], 2, "the last part is 'lin'; it must be 'log'"),
    ([*XY, "n=1:2:3", "--refine", "99"], 2, "--refine: 99 is too many; it must be in 0..4"),
    ([*XY, "n=1:2:3", "--trials", "x"], 2, "argument --trials: 'x' is not an integer"),
    ([*XY, "n=1:2:3", "--trials", "9" * 15], 2, "too many; it must be in 1..10000000000"),
    ([*XY, "n=1:2:3", "--seed", "-1"], 2, "--seed: -1 is negative; it must be an integer >= 0"),
]  # fmt: skip

OUTPUTS = [
    (["verify", LEMMA, "--json", "d.json"], 3, "--json d.json: cannot write"),
    (["verify", LEMMA, "--json", "no/such.json"], 3, "--json no/such.json: cannot write"),
    (["verify", LEMMA, "--json", LONG], 3, "cannot write (it must be a file in a writable"),
    (["verify", LEMMA, "--json", ""], 2, "argument --json: the name is empty"),
    (["verify", LEMMA, "--report", "file"], 3, "--report file: cannot create the directory"),
    (["simulate", LAW, "--out", "a.txt"], 2, "the suffix must be one of .csv, .json, .npz"),
    (["simulate", LAW, "--out", "d.csv"], 3, "--out d.csv: cannot write"),
    (["simulate", LAW, "--out", "no/such.csv"], 3, "--out no/such.csv: cannot write"),
    (["export"], 2, "the following arguments are required: --out"),
    (["export", "--out", "a.txt"], 2, "say --format, or end the name in one of .csv"),
    (["export", "--out", "d.csv"], 3, "--out d.csv: cannot write"),
    (["export", "--out", "a", "--format", "xls"], 2, "argument --format: invalid choice: 'xls'"),
    (["figure", "all", "--format", "svg,gif"], 2, "--format gif: it must be among svg, png, pdf"),
    (["figure", "all", "--format", ""], 2, "it must be among svg, png, pdf"),
    (["figure", "all", "--out", "file"], 3, "--out file: cannot create the directory"),
    (["report", "--latex", "d.csv"], 3, "--latex d.csv: cannot write"),
    (["report", "--benchmarks", "no"], 2, "--benchmarks no: there is no such directory"),
    (["--log", "d.csv", "list"], 3, "--log d.csv: cannot write (Is a directory)"),
    (["--log", "no/such.log", "list"], 3, "--log no/such.log: cannot write (No such file"),
    (["--log", "", "list"], 2, "argument --log: the name is empty"),
]  # fmt: skip

CASES = [*NO_CLAIMS, *NAMES, *STORES, *RUNS, *MAPS, *OUTPUTS]


def name_of(case):
    return " ".join(word[:20] for word in case[0]) or "nothing"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_one_line_and_the_right_status(place, case, capsys):
    words, status, told = case
    found = adageo("--claims", "mine.py", *words)
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert found == status, lines
    assert len(lines) == 1, lines
    assert lines[0].startswith("adageo")
    assert told in lines[0]
    assert "unexpected" not in lines[0]
    assert len(lines[0]) < 1200
    assert printed.out == ""


def test_the_table_is_long_enough():
    names = [name_of(case) for case in CASES]
    assert len(CASES) >= 60
    assert len(set(names)) == len(names)
