"""``--log FILE``: what was asked, by which versions, and what every check did."""

import logging
import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_tools import LEMMA, VERIFY, adageo, furnish

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z (INFO|WARNING|ERROR) (.*)")

FAILS = """
from simulations.engine import estimators, measurement
from theory.core import Claim, Source
import warnings

law = Claim(id="me/fails", title="-", kind="law", statement="-", source=Source("me", item="1"),
            scope={"bad": "bool"}, formula=lambda bad: 1.0, mutants={"two": lambda bad: 2.0})

@measurement(law, points={"quick": [{"bad": 0}]}, trials=2_000, resolution=0.5,
             estimate=estimators.mean("x"))
def draws(stream, trials, *, bad):
    warnings.warn("doubtful", UserWarning, stacklevel=1)
    raise ValueError("nothing to draw")
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    return furnish(tmp_path, monkeypatch)


def lines_of(file):
    """Level and text of every line that begins one; the times are in order and of now."""
    found = [LINE.fullmatch(line) for line in Path(file).read_text().splitlines()]
    whole = [match for match in found if match]
    times = [datetime.fromisoformat(match[1]).replace(tzinfo=UTC) for match in whole]
    assert times == sorted(times)
    assert all(abs(datetime.now(UTC) - time) < timedelta(minutes=10) for time in times)
    return [(match[2], match[3]) for match in whole]


def test_the_log_has_every_check_with_start_end_verdict_and_duration(place, capsys):
    assert adageo("--log", "a.log", *VERIFY) == 0
    texts = [text for level, text in lines_of("a.log") if level == "INFO"]
    assert texts[0] == f"command: adageo --log a.log {' '.join(VERIFY)}".replace("me/*", "'me/*'")
    assert re.match(r"versions: adageo \S+, python \S+, numpy \S+", texts[1])
    assert texts[2] == "checks: to do 10, in the store 0"
    for check, verdict in (
        ("me/lemma-1 [young_proof]", ", proved"), ("me/lemma-1 [young_instances]", ", supported"),
        ("me/lemma-1.law [squares]", ""),
        ("me/lemma-1 [young_instances, young_proof] {constant too small}", ", refuted"),
    ):  # fmt: skip
        start = texts.index(f"start {check}")
        ends = [k for k, text in enumerate(texts) if text.startswith(f"end {check}{verdict}: ")]
        assert len(ends) == 1
        assert start < ends[0]
        took = re.fullmatch(r".*: (\d+\.\d{3}) s, (\d+\.\d{3}) s of processor time", texts[ends[0]])
        assert 0.0 <= float(took[1]) < 60.0
        assert float(took[2]) <= float(took[1]) + 0.1  # one thread, and the clocks' steps
    assert "verdict me/lemma-1: proved, expected: holds" in texts
    assert any(re.fullmatch(r"verdict me/lemma-1.law \[squares\] monte-carlo: supported "
                            r"\(\d\.\d{3} s\)", text) for text in texts)  # fmt: skip
    assert any("mutant me/lemma-1.law {another law}: refuted by squares" in t for t in texts)
    assert re.fullmatch(r"exit status 0 after \d+\.\d{3} s", texts[-1])
    assert "--log" not in capsys.readouterr().err


def test_a_log_is_appended_to_and_says_what_the_store_had(place):
    assert adageo("--log", "a.log", *VERIFY) == 0
    first = Path("a.log").read_text()
    assert adageo(*VERIFY, "--log", "a.log") == 0
    assert Path("a.log").read_text().startswith(first)
    again = [text for _, text in lines_of("a.log")][len(lines_of_text(first)) :]
    assert "checks: to do 0, in the store 10" in again
    assert not [text for text in again if text.startswith(("start", "end"))]
    assert "verdict me/lemma-1: proved, expected: holds" in again


def lines_of_text(text):
    return [line for line in text.splitlines() if LINE.fullmatch(line)]


def test_errors_have_their_traceback_and_warnings_are_shown_as_well(place, capsys):
    (place / "fails.py").write_text(FAILS)
    words = ["--claims", "fails.py", "verify", "me/fails", "--workers", "1", "--log", "a.log"]
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert adageo(*words) == 1
    found, text = lines_of("a.log"), Path("a.log").read_text()
    assert any(level == "WARNING" and "UserWarning: doubtful" in line for level, line in found)
    assert any(level == "ERROR" and "nothing to draw" in line for level, line in found)
    assert "Traceback (most recent call last):" in text
    assert "in draws" in text
    assert ("WARNING", "verdict me/fails: error, expected: holds") in found
    errors = capsys.readouterr().err
    assert [str(one.message) for one in shown] == ["doubtful"]
    assert "Traceback" not in errors


def test_a_failed_command_leaves_its_traceback_in_the_log_only(place, capsys):
    assert adageo("--claims", "mine.py", "--log", "a.log", "show", "me/lema") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    failed = [line for level, line in lines_of("a.log") if level == "ERROR"]
    assert failed == [f"failed: no claim matches 'me/lema'; nearest: {LEMMA}"]
    assert "theory.core.errors.UnknownClaimError" in Path("a.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_a_full_disk_costs_the_log_and_nothing_else(place, capsys):
    assert adageo("--log", "/dev/full", *VERIFY) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("adageo")]
    assert told == [
        "adageo: --log /dev/full: cannot write (No space left on device); the rest is not logged"
    ]


def test_nothing_is_left_behind_in_the_process(place):
    everything = logging.getLogger("adageo")
    before = everything.handlers[:], everything.level, warnings.showwarning
    assert adageo("--log", "a.log", "--claims", "mine.py", "list") == 0
    assert (everything.handlers, everything.level, warnings.showwarning) == before
    size = Path("a.log").stat().st_size
    assert adageo(*VERIFY) == 0
    assert Path("a.log").stat().st_size == size
