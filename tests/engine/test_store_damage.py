"""Whatever is damaged is set aside and reported, and never used."""

import os
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from store_tools import DATABASE, big, corrupt, shards

from simulations.engine.store import Store, StoreError

key_of = Store.content_key


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def damage_header(path):
    path.write_bytes(b"this is not a database".ljust(4096) + path.read_bytes()[4096:])


def damage_truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def damage_empty(path):
    os.truncate(path, 0)


def damage_schema(path):
    # Drop a table behind the back of the store.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE rows")


def damage_pages(path):
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


@pytest.mark.parametrize(
    "damage", [damage_header, damage_truncate, damage_empty, damage_schema, damage_pages]
)
def test_a_damaged_database_is_set_aside_and_reported(folder, damage):
    with Store(folder) as store:
        for i in range(200):
            store.put(key_of(i=i), {"text": "x" * 500})
    damage(folder / DATABASE)
    content = (folder / DATABASE).read_bytes()
    with (
        pytest.raises(StoreError, match=f"{DATABASE}: damaged"),
        Store(folder, read_only=True) as s,
    ):
        s.get(key_of(i=0))
    assert (folder / DATABASE).read_bytes() == content
    with Store(folder) as store:
        assert [store.get(key_of(i=i)) for i in range(200)] == [None] * 200
        store.put(key_of(i=0), {"n": 1})
        assert len(store.incidents) == 1
        assert f"{folder / DATABASE} is damaged" in store.incidents[0]
        assert f"set aside as {DATABASE}.damaged-1" in store.incidents[0]
        assert store.health()["integrity"] == "ok"
        assert store.health()["set_aside"] == 1
    assert (folder / f"{DATABASE}.damaged-1").read_bytes() == content
    with Store(folder) as store:
        assert store.get(key_of(i=0)) == {"n": 1}
        assert store.incidents == []


def test_damage_while_the_store_is_open(folder):
    with Store(folder) as store, Store(folder) as other:
        for i in range(200):
            store.put(key_of(i=i), {"text": "x" * 500})
        corrupt(folder, "PRAGMA wal_checkpoint(TRUNCATE)")
        damage_pages(folder / DATABASE)
        store.put(key_of(i=500), {"n": 1})
        assert store.get(key_of(i=500)) == {"n": 1}
        # The second one follows to the new database and sets nothing aside again.
        other.put(key_of(i=501), {"n": 2})
        assert store.get(key_of(i=501)) == {"n": 2}
        assert len(store.incidents) == 1
        assert other.incidents == []


def test_a_second_damaged_database_gets_the_next_number(folder):
    for _ in range(2):
        Store(folder).close()
        damage_header(folder / DATABASE)
    Store(folder).close()
    names = sorted(path.name for path in folder.glob(f"{DATABASE}.damaged-*"))
    assert names == [f"{DATABASE}.damaged-1", f"{DATABASE}.damaged-2"]


def test_a_changed_row_is_never_used(folder):
    with Store(folder) as store:
        store.put(key_of(a=1), {"verdict": "refuted"})
        store.put(key_of(a=2), {"verdict": "proved"})
    corrupt(
        folder,
        f"""UPDATE rows SET value = x'{b'{"verdict":"proved"}'.hex()}'
                        WHERE key = '{key_of(a=1)}'""",
    )
    with Store(folder, read_only=True) as store:
        assert store.get(key_of(a=1)) is None
        assert len(store.incidents) == 1
        assert store.health()["integrity"].startswith("1 wrong checksum")
    with Store(folder) as store:
        assert store.get(key_of(a=1)) is None
        assert store.get(key_of(a=2)) == {"verdict": "proved"}
        assert "set aside in the table `damaged`" in store.incidents[0]
        assert store.health()["set_aside"] == 1
        assert store.health()["integrity"] == "ok"


def test_a_row_under_the_wrong_key_is_never_used(folder):
    with Store(folder) as store:
        store.put(key_of(a=1), {"n": 1})
    corrupt(folder, f"UPDATE rows SET key = '{key_of(a=2)}'")
    with Store(folder) as store:
        assert store.get(key_of(a=2)) is None
        assert len(store.incidents) == 1


def test_changed_inline_arrays_are_never_used(folder):
    with Store(folder) as store:
        store.put_arrays(key_of(a=1), {"x": np.arange(5)})
    corrupt(folder, "UPDATE arrays SET data = substr(data, 1, length(data) - 1)")
    with Store(folder) as store:
        assert store.get_arrays(key_of(a=1)) is None
        assert len(store.incidents) == 1


def shard_truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def shard_flip(path):
    flip(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [shard_truncate, shard_flip, damage_empty])
def test_a_damaged_shard_is_set_aside_and_missing(folder, damage):
    with Store(folder) as store:
        store.put_arrays(key_of(a=1), big())
        (shard,) = shards(folder)
        damage(shard)
        with Store(folder, read_only=True) as reader:
            assert reader.get_arrays(key_of(a=1)) is None
            assert f"{shard} is damaged" in reader.incidents[0]
            assert shard.exists()
        assert store.get_arrays(key_of(a=1)) is None
        assert f"{shard} is damaged" in store.incidents[0]
        assert f"set aside as {shard.name}.damaged-1" in store.incidents[0]
        assert not store.has(key_of(a=1))
        assert shard.with_name(f"{shard.name}.damaged-1").exists()
        store.put_arrays(key_of(a=1), big())
        assert np.array_equal(store.get_arrays(key_of(a=1))["x"], big()["x"])
        assert len(store.incidents) == 1


def test_a_lost_shard_is_reported(folder):
    with Store(folder) as store:
        store.put_arrays(key_of(a=1), big())
        shards(folder)[0].unlink()
        assert store.health()["integrity"] == "0 wrong checksums, 1 shards missing or truncated"
        assert store.get_arrays(key_of(a=1)) is None
        assert "is missing" in store.incidents[0]


def test_a_log_without_its_database_is_not_replayed(folder):
    with Store(folder) as store:
        store.put(key_of(a=1), {"n": 1})
        log = (folder / f"{DATABASE}-wal").read_bytes()
    (folder / DATABASE).unlink()
    (folder / f"{DATABASE}-wal").write_bytes(log)
    with Store(folder) as store:
        assert store.get(key_of(a=1)) is None
        assert "had lost its database" in store.incidents[0]
    assert (folder / f"{DATABASE}-wal.damaged-1").read_bytes() == log


def test_a_store_removed_while_open_is_begun_anew(folder):
    with Store(folder) as store:
        store.put(key_of(a=1), {"n": 1})
        for file in folder.glob(f"{DATABASE}*"):
            file.unlink()
        store.put(key_of(a=2), {"n": 2})
    with Store(folder) as store:
        assert store.get(key_of(a=2)) == {"n": 2}
