"""The store meets its environment: kills, a second process, full disks, permissions."""

import os
import signal
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from store_tools import DATABASE, corrupt, run_script

from simulations.engine.store import Store, StoreError

key_of = Store.content_key


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def test_what_is_not_a_store_is_left_alone(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for attempt in (Store, lambda path: Store(path, read_only=True), enter_existing):
        with pytest.raises(StoreError, match=f"{file}: not a directory"):
            attempt(file)
    with pytest.raises(StoreError, match="make the directory"):
        Store(file / "below")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    with closing(sqlite3.connect(foreign / DATABASE)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="not one of adageo"):
        Store(foreign)
    assert file.read_text() == "mine"
    assert sorted(path.name for path in foreign.glob(f"{DATABASE}*")) == [DATABASE]


def enter_existing(path):
    with Store.existing(path) as store:
        return store


def test_another_schema_is_refused(folder):
    Store(folder).close()
    corrupt(folder, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99 of a newer adageo; this version reads up to 2"):
        Store(folder)
    with pytest.raises(StoreError, match="schema 99 of a newer adageo"):
        Store(folder, read_only=True)


def test_existing_opens_for_reading_or_gives_none(folder):
    assert enter_existing(folder) is None
    assert not folder.exists()
    with pytest.raises(StoreError, match="there is none"):
        Store(folder, read_only=True)
    with Store(folder) as store:
        store.put(key_of(a=1), {"n": 1})
    with Store.existing(folder) as store:
        assert store.get(key_of(a=1)) == {"n": 1}
        with pytest.raises(StoreError, match="read-only"):
            store.put(key_of(a=2), {"n": 2})


_READ_AND_WRITE = """
    import os, sys
    from simulations.engine.store import Store, StoreError

    if os.geteuid() == 0:
        os.setuid(65534)  # the rights of root would open everything
    with Store.existing(sys.argv[1]) as store:
        print(store.get(Store.content_key(a=1)))
    try:
        Store(sys.argv[1])
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_read_only_directory_can_be_read_and_names_itself_when_written():
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        folder = Path(name) / "store"
        with Store(folder) as store:
            store.put(key_of(a=1), {"n": 1})
        for path in [*folder.rglob("*"), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        read, refused = run_script(_READ_AND_WRITE, folder).splitlines()
        folder.chmod(0o755)
    assert read == "{'n': 1}"
    assert refused.startswith(f"store {folder}")
    assert "the file or its directory is read-only" in refused


_FILL = """
    import resource, sys
    import numpy as np
    from simulations.engine.store import Store, StoreError

    with Store(sys.argv[1]) as store:
        # A file size limit makes writing fail as a full disk does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        try:
            for i in range(1000):
                store.put(store.content_key(i=i), {"text": "x" * 2000})
                print(i, flush=True)
        except StoreError as error:
            print(error)
        try:
            store.put_arrays(store.content_key(big=1), {"x": np.zeros(100_000)})
        except StoreError as error:
            print(error)
"""


def test_a_write_that_fails_loses_nothing(folder):
    *stored, first, second = run_script(_FILL, folder).splitlines()
    assert 10 < len(stored) < 200
    assert first.startswith(f"store {folder / DATABASE}: ")
    assert first.endswith("nothing already stored is lost")
    assert second.startswith(f"store {folder / 'shards'}")
    assert list((folder / "partial").iterdir()) == []
    with Store(folder) as store:
        assert all(store.has(key_of(i=int(i))) for i in stored)
        assert store.health()["integrity"] == "ok"
        assert store.incidents == []
        store.put(key_of(after=1), {})


def test_a_full_disk_is_called_by_its_name(folder):
    with Store(folder) as store:
        store.put(key_of(i=-1), {"n": 1})
        store._database._current().execute("PRAGMA max_page_count = 20")
        with pytest.raises(StoreError, match="no space left on the disk; nothing already stored"):
            store.put(key_of(i=0), {"text": "x" * 200_000})
        assert store.get(key_of(i=-1)) == {"n": 1}


def test_stale_partial_files_are_swept_and_fresh_ones_kept(folder):
    Store(folder).close()
    old, new = folder / "partial" / "old", folder / "partial" / "new"
    old.touch()
    new.touch()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    Store(folder).close()
    assert not old.exists()
    assert new.exists()


# -- kills and company ---------------------------------------------------------------------

_WRITER = """
    import sys
    import numpy as np
    from simulations.engine.store import Store

    start, name = int(sys.argv[2]), sys.argv[3]
    with Store(sys.argv[1]) as store:
        for i in range(start, start + int(sys.argv[4])):
            key = store.content_key(i=i, name=name)
            kind = i % 5
            if kind == 0:
                store.put_arrays(key, {"x": np.full(9000, i + 0.5)})
            elif kind == 1:
                store.put_arrays(key, {"x": np.full(3, i + 0.5)})
            else:
                store.put(key, {"i": i, "text": "x" * (i % 700)})
            print(i, flush=True)
        assert store.incidents == [], store.incidents
"""


def check_written(store, i, name):
    key = key_of(i=i, name=name)
    if i % 5 < 2:
        arrays = store.get_arrays(key)
        assert arrays is not None, i
        assert np.array_equal(arrays["x"], np.full(9000 if i % 5 == 0 else 3, i + 0.5))
    else:
        assert store.get(key) == {"i": i, "text": "x" * (i % 700)}, i


def test_what_was_stored_survives_sigkill_again_and_again(folder):
    done = 0
    for wait in (0.0, 0.001, 0.01, 0.05, 0.1, 0.2):
        writer = run_script(_WRITER, folder, done, "w", 10**6, wait=False)
        first = writer.stdout.readline()
        assert int(first) == done, writer.stderr.read()
        time.sleep(wait)
        writer.kill()
        lines = writer.communicate(timeout=60)[0].splitlines(keepends=True)
        whole = [int(line) for line in [first, *lines] if line.endswith("\n")]
        done = max(whole) + 1
    assert done > 50
    with Store(folder) as store:
        for i in range(done):
            check_written(store, i, "w")
        assert store.incidents == []
        assert store.health()["integrity"] == "ok"


def test_a_kill_during_creation_leaves_a_usable_store(tmp_path):
    text = """
        import sys
        from simulations.engine.store import Store
        print("ready", flush=True)
        for i in range(10**6):
            Store(f"{sys.argv[1]}/{i}").close()
            print(i, flush=True)
    """
    creator = run_script(text, tmp_path, wait=False)
    assert creator.stdout.readline() == "ready\n"
    time.sleep(0.15)
    creator.send_signal(signal.SIGKILL)
    creator.communicate(timeout=60)
    made = list(tmp_path.iterdir())
    assert len(made) > 1
    for folder in made:
        with Store(folder) as store:
            store.put(key_of(a=1), {"n": 1})
            assert store.incidents == []


def test_two_processes_on_one_store(folder):
    writers = [
        run_script(_WRITER, folder, 0, name, 250, wait=False) for name in ("one", "two", "two")
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=120)
        assert writer.returncode == 0, err
    with Store(folder) as store:
        for name in ("one", "two"):
            for i in range(250):
                check_written(store, i, name)
        health = store.health()
    assert health["integrity"] == "ok"
    assert health["rows"] + health["arrays"] == 500
    assert health["unreferenced_shards"] == 0
