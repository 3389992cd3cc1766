"""Sweeps in this process and in several: resumed, bounded in memory, on stores that misbehave."""

import os
import signal
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import sweep_tools
from sweep_tools import (
    BLOCKS,
    claims_file,
    finish,
    rows,
    start,
    stop_all,
    stored,
    sweep,
    wait_for_blocks,
)

from simulations.app import sweep as sweeping
from simulations.app import work
from simulations.app.cli import main
from simulations.app.sweep import RunSettings, Sweep
from simulations.app.work import EvidenceTask, initialise_elsewhere, registry, source_of
from simulations.engine import versions
from simulations.engine.maps import with_trials
from simulations.engine.store import Store
from theory.core import EnvironmentLacksError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def file(folder):
    return claims_file(folder, pause=0)


@pytest.fixture(scope="module")
def serial(folder, file):
    """Rows of an uninterrupted sweep in this process; its store is `folder`/serial."""
    assert main(arguments(file, folder / "serial", folder / "serial.json")) == 0
    return rows(folder / "serial.json")


def arguments(*place):
    return sweep(*place)[3:]


class Counter:
    """Counts what had to be done."""

    done = 0

    def begin(self, label, total):
        pass

    def advance(self, label):
        self.done += 1

    def end(self):
        pass


def run(file, store, seed=0, trials=None):
    """Sweep the claim's means; returns blocks done and the merged statistics."""
    entry = registry((str(file),))["sweep/shifted"]
    check = with_trials(entry.of_kind("monte-carlo")[0], trials)
    progress = Counter()
    settings = RunSettings(seed=seed, files=(str(file),))
    work = Sweep([entry], settings, store, progress)
    work.do("blocks", work.blocks(check, {"shift": 0.0}))
    merged = work.merged(check, {"shift": 0.0})
    return progress.done, merged


def test_a_second_sweep_does_nothing_and_a_larger_one_the_rest(tmp_path, file):
    with Store(tmp_path / "store") as store:
        assert run(file, store, trials=5_000)[0] == 10
        assert run(file, store, trials=5_000)[0] == 0
        done, larger = run(file, store, trials=8_000)
        assert done == 6
    with Store(tmp_path / "other") as store:
        whole = run(file, store, trials=8_000)[1]
    assert larger.statistics["central"].tolist() == whole.statistics["central"].tolist()
    assert larger.statistics["mean"].tolist() == whole.statistics["mean"].tolist()


class Recorder:
    """An executor that notes what it was given, and does it."""

    workers, remote = 1, False

    def run(self, function, tasks, *, initializer=None, initargs=(), together=None):
        self.given = [(task.point["shift"], task.index, together(task)) for task in tasks]
        return ((index, function(task)) for index, task in enumerate(tasks))


def test_blocks_with_common_random_numbers_come_first_and_side_by_side(tmp_path, file):
    entry = registry((str(file),))["sweep/shifted"]
    plain = entry.of_kind("monte-carlo")[0]
    common = {"common": lambda point: {"sign": point["shift"] < 0}}
    shared = replace(plain, options=plain.options | common)
    executor = Recorder()
    with Store(tmp_path / "store") as store:
        settings = RunSettings(files=(str(file),))
        work = Sweep([entry], settings, store, Counter(), executor)
        shifts = (1.0, -1.0, 2.0, -2.0)
        tasks = [task for shift in shifts
                 for check in (with_trials(plain, 500), with_trials(shared, 1_000))
                 for task in work.blocks(check, {"shift": shift})]  # fmt: skip
        work.do("blocks", tasks)
    *together, a, b, c, d = executor.given
    assert [(shift, index) for shift, index, _ in together] == [
        (1.0, 0), (2.0, 0), (1.0, 1), (2.0, 1), (-1.0, 0), (-2.0, 0), (-1.0, 1), (-2.0, 1),
    ]  # fmt: skip
    assert [name for *_, name in together[::2]] == [name for *_, name in together[1::2]]
    assert len({name for *_, name in together}) == 4
    assert [a, b, c, d] == [(shift, 0, "") for shift in shifts]


def test_a_damaged_block_is_done_again_while_merging(tmp_path, file):
    with Store(tmp_path / "store") as store:
        whole = run(file, store)[1]
        key = store._database.query("SELECT key FROM arrays LIMIT 1")[0][0]
        store._database.query("UPDATE arrays SET data = x'00' WHERE key = ?", key)
        done, again = run(file, store)
        assert done == 1
        assert again.statistics["central"].tolist() == whole.statistics["central"].tolist()
        assert "does not match its checksum" in store.incidents[0]


def test_memory_does_not_grow_with_the_blocks(tmp_path, file):
    """A task takes about 150 bytes while it waits; statistics of a block would be 1 kB."""
    peaks = []
    with Store(tmp_path / "store") as store:
        run(file, store, trials=1_000)
        for seed, blocks in ((1, 50), (2, 450)):
            tracemalloc.start()
            try:
                assert run(file, store, seed=seed, trials=500 * blocks)[0] == blocks
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    assert peaks[1] - peaks[0] < 400 * 500


def test_evidence_that_is_an_error_is_not_stored(tmp_path, file):
    entry = registry((str(file),))["sweep/shifted"]
    task = EvidenceTask("sweep/shifted", ("proof",), None, "quick", 0, (str(file),))
    with Store(tmp_path / "store") as store:
        made = Sweep([entry], RunSettings(files=(str(file),)), store, Counter())
        for verdict, kept in (("error", False), ("inconclusive", True)):
            made._keep(task, {"evidence": [{"verdict": "proved"}, {"verdict": verdict}]})
            assert made.results[made.key(task)]["evidence"][1]["verdict"] == verdict
            again = Sweep([entry], RunSettings(files=(str(file),)), store, Counter())
            assert again._is_stored(task) is kept


def test_keys_have_the_libraries_that_decide_the_bits(tmp_path, file, monkeypatch):
    entry = registry((str(file),))["sweep/shifted"]
    check = entry.of_kind("monte-carlo")[0]

    def keys():
        with Store(tmp_path / "store") as store:
            works = [Sweep([entry], RunSettings(backend=name), store, Counter())
                     for name in ("numpy", "cupy", "cupy:1")]  # fmt: skip
            return [w.key(w.blocks(check, {"shift": 0.0})[0]) for w in works]

    before = keys()
    assert before[0] != before[1] == before[2]
    monkeypatch.setattr(sweeping, "gpu_versions", lambda: ("cupy-cuda13x 99",))
    after = keys()
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_versions_of_an_extra_are_part_of_the_source(file, monkeypatch):
    installed = {"torch": "2.99", "scikit-learn": "1.99", "cupy-cuda13x": "14.9"}
    real = versions._version
    monkeypatch.setattr(versions, "_version", lambda name: installed.get(name) or real(name))
    versions.library_versions.cache_clear()
    try:
        plain = versions.library_versions()
        assert versions.library_versions("nets") == (*plain, "scikit-learn 1.99")
        assert versions.library_versions("peers") == (*plain, "torch 2.99")
        entry = registry((str(file),))["sweep/shifted"]
        assert source_of(entry)["libraries"] == plain
        nets = next(e for e in registry().select([]) if e.claim.extra == "nets")
        assert source_of(nets)["libraries"] == versions.library_versions("nets")
    finally:
        versions.library_versions.cache_clear()
    theirs = {**versions.environment(), "cupy-cuda13x": "13.0"}
    assert versions.differences(versions.environment(), theirs) == [
        "cupy-cuda13x 13.0 there, 14.9 here"
    ]


@pytest.mark.parametrize("changed", ["helper.py", "claims"])
def test_a_worker_refuses_code_that_changed_after_its_import(tmp_path, monkeypatch, changed):
    """The second command names its files otherwise, so that the worker looks once more."""
    pytest.importorskip("psutil")
    monkeypatch.setattr(work, "_imported", {})
    monkeypatch.setattr(work, "_since", {})
    # This test is no worker: files may have been edited while the others ran.
    monkeypatch.setattr(work, "_process_start", time.time)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"helper_of_{changed.partition('.')[0]}"
    helper = tmp_path / f"{name}.py"
    helper.write_text("SHIFT = 0.0\n")
    file = tmp_path / "claims.py"
    file.write_text(f"import {name}\n{sweep_tools.CLAIMS.replace('PAUSE', '0')}")
    other = tmp_path / "others.py"
    other.write_text(file.read_text().replace("sweep/shifted", "sweep/other"))
    time.sleep(0.05)  # file systems count time in ticks
    initialise_elsewhere((str(file),))
    initialise_elsewhere((str(file), str(other)))
    time.sleep(0.05)
    edited = helper if changed == "helper.py" else file
    edited.write_text(edited.read_text() + "# another line\n")
    work.initialise_elsewhere((str(file),))
    match = f"{edited.name} has changed since this worker started; restart the workers"
    with pytest.raises(EnvironmentLacksError, match=match):
        initialise_elsewhere((str(other), str(file)))
    sys.modules.pop(name)
    if edited == file:
        initialise_elsewhere((str(other),))  # the edited file is none of this command


@pytest.mark.nightly
def test_ten_million_trials_fit_in_one_gigabyte(tmp_path, file):
    command = sweep(file, tmp_path / "store", tmp_path / "rows.json",
                    "--set", "shift=0", "--trials", 10**7, "--workers", 2)  # fmt: skip
    finish(command, seconds=1800)
    assert [row["trials"] for row in rows(tmp_path / "rows.json")] == [10**7] * 2
    import resource

    # Of the largest of the processes; the second claim keeps every sample, 80 MB.
    unit = 1 if sys.platform == "darwin" else 1024
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit < 10**9


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the worker processes in /proc")
def test_four_workers_one_of_them_killed_give_the_serial_rows(tmp_path, serial):
    slow = claims_file(tmp_path, pause=0.02)
    command = sweep(slow, tmp_path / "store", tmp_path / "rows.json", "--workers", 4)
    try:
        process = start(command)
        wait_for_blocks(tmp_path / "store", 10, process)
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        _, told = process.communicate(timeout=120)
    finally:
        stop_all()
    assert process.returncode == 0, told
    assert stored(tmp_path / "store") == BLOCKS
    assert rows(tmp_path / "rows.json") == serial


def workers_of(parent):
    """The process numbers of the workers that `parent` has spawned."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            line = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"spawn_main" in line:
            found.append(int(status.parent.name))
    return found


def test_a_truncated_shard_is_set_aside_and_done_again(folder, file, serial, capsys):
    shard, *others = (folder / "serial").glob("shards/*/*.npz")
    shards = 1 + len(others)
    shard.write_bytes(shard.read_bytes()[:1000])
    assert main(arguments(file, folder / "serial", folder / "again.json")) == 0
    told = capsys.readouterr().err
    assert f"{shard} is damaged (its checksum does not match); set aside as {shard.name}" in told
    assert "repair: 1/1" in told
    assert rows(folder / "again.json") == serial
    assert not shard.exists()
    assert len(list((folder / "serial").glob("shards/*/*.npz"))) == shards


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files by POSIX means")
def test_a_full_disk_ends_with_one_line_and_keeps_what_is_stored(folder, file, serial, capsys):
    import resource

    store, out = folder / "half", folder / "half.json"
    # A limit on the size of files makes writing fail as a full disk does.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        assert main(arguments(file, store, out)) == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr().err
    assert told.splitlines()[-1].startswith(f"adageo: store {store}")
    assert "Traceback" not in told
    kept = stored(store)
    assert kept < BLOCKS
    with Store(store) as opened:
        assert opened.health()["integrity"] == "ok"
        assert opened.health()["arrays"] == kept > 0
    assert main(arguments(file, store, out)) == 0
    assert rows(out) == serial


def test_pruning_keeps_what_the_claim_of_today_needs(tmp_path, capsys):
    file, store = claims_file(tmp_path, pause=0), tmp_path / "store"
    verify = ["--claims", str(file), "--store", str(store), "verify", "sweep/*", "--workers", "1"]
    assert main(verify) == 0
    with Store(store) as opened:
        # A former version of the claim, and a claim that this command does not know.
        for i, claim in enumerate(("sweep/shifted", "unknown/claim")):
            opened.put(Store.content_key(i=i), {"i": i}, origin=(claim, "former"))
    capsys.readouterr()
    assert main(["--claims", str(file), "--store", str(store), "store", "prune"]) == 0
    assert "removed 1 rows, 0 arrays and 0 files of former versions" in capsys.readouterr().out
    assert main(verify) == 0
    assert "checks: 0/" not in capsys.readouterr().err
    with Store(store) as opened:
        assert opened.get(Store.content_key(i=1)) == {"i": 1}
    assert main(["--store", str(tmp_path / "none"), "store", "prune"]) == 3
    assert "none: there is no store" in capsys.readouterr().err
