"""Stores of other schemas, and pruning of what former versions of a claim have left."""

import hashlib
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from store_tools import DATABASE, big, shards

from simulations.engine import store_schema
from simulations.engine.store import Store
from simulations.engine.store_content import encode

key_of = Store.content_key

# The tables of schema 1, as its version of adageo made them.
SCHEMA_1 = """
    CREATE TABLE rows (key TEXT PRIMARY KEY, value BLOB NOT NULL, digest TEXT NOT NULL);
    CREATE TABLE arrays (key TEXT PRIMARY KEY, data BLOB, shard TEXT, bytes INTEGER NOT NULL,
                         digest TEXT NOT NULL);
    CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, head BLOB NOT NULL,
                       digest TEXT NOT NULL, report BLOB NOT NULL);
    CREATE TABLE damaged (source TEXT NOT NULL, key TEXT NOT NULL, content BLOB, digest TEXT);
    PRAGMA application_id = 0x41444147;
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
"""


def checksum(*parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()


@pytest.fixture
def old(tmp_path):
    """A store of schema 1 with a row and an array."""
    folder = tmp_path / "store"
    folder.mkdir()
    row, array = b'{"n":1}', encode({"x": np.arange(3.0)})
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.executescript(SCHEMA_1)
        key = key_of(a=1)
        digest = checksum(key.encode(), row)
        connection.execute("INSERT INTO rows VALUES (?, ?, ?)", (key, row, digest))
        key = key_of(a=2)
        digest = checksum(key.encode(), array)
        values = (key, array, None, len(array), digest)
        connection.execute("INSERT INTO arrays VALUES (?, ?, ?, ?, ?)", values)
    return folder


def version(folder):
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def columns(folder, table):
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({table})")]


def test_a_store_of_schema_1_is_migrated_when_it_is_opened(old, tmp_path):
    with Store(old) as store:
        assert store.get(key_of(a=1)) == {"n": 1}
        assert store.get_arrays(key_of(a=2))["x"].tolist() == [0.0, 1.0, 2.0]
        store.put(key_of(a=3), {"n": 3}, origin=("claim", "source"))
        assert store.health()["integrity"] == "ok"
        assert store.health()["schema"] == 2
        assert store.incidents == []
    assert version(old) == 2
    Store(tmp_path / "new").close()
    for table in store_schema.TABLES:
        assert columns(old, table) == columns(tmp_path / "new", table)


def test_reading_does_not_migrate(old):
    with Store.existing(old) as store:
        assert store.get(key_of(a=1)) == {"n": 1}
        assert store.health()["schema"] == 1
    assert version(old) == 1


def test_a_migration_that_fails_changes_nothing(old, monkeypatch):
    broken = {1: (*store_schema.STEPS[1][:2], "ALTER TABLE no_such_table ADD COLUMN x")}
    monkeypatch.setattr(store_schema.migrate, "__defaults__", (broken,))
    with pytest.raises(Exception, match="no such table"):
        Store(old)
    assert version(old) == 1
    assert len(columns(old, "rows")) == 3
    monkeypatch.undo()
    with Store(old) as store:
        assert store.get(key_of(a=1)) == {"n": 1}


def test_pruning_removes_other_sources_of_known_claims_only(tmp_path):
    folder = tmp_path / "store"
    with Store(folder) as store:
        origins = {"old": ("me/a", "1"), "new": ("me/a", "2"), "other": ("me/b", "1"), "none": None}
        for name, origin in origins.items():
            store.put(key_of(row=name), {"name": name}, origin=origin)
            store.put_arrays(key_of(big=name), big(len(name)), origin=origin)
            store.put_arrays(key_of(small=name), {"x": np.ones(3)}, origin=origin)
        stray = folder / "shards" / "ab" / "stray.npz"
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"left by a killed process")
        before = store.health()["bytes"]
        removed = store.prune({"me/a": "2", "me/c": "1"})
        assert removed == {"rows": 1, "arrays": 2, "shards": 2, "kept_without_claim": 3}
        assert store.health()["bytes"] < before
        for name in origins:
            kept = name != "old"
            assert (store.get(key_of(row=name)) is not None) == kept
            assert (store.get_arrays(key_of(big=name)) is not None) == kept
            assert (store.get_arrays(key_of(small=name)) is not None) == kept
        assert len(shards(folder)) == 3
        assert store.health()["integrity"] == "ok"
        assert store.incidents == []
        assert store.prune({"me/a": "2"})["rows"] == 0
