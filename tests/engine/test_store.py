"""The store: what goes in comes out; keys, refusals, runs, health."""

import json
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_tools import big, corrupt, run_script, shards

from simulations.engine.store import INLINE_BYTES, Store

key_of = Store.content_key


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


# -- round trips ---------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(row=st.dictionaries(st.text(), json_values, max_size=4))
def test_a_row_comes_back_in_its_order(tmp_path_factory, row):
    with Store(_shared(tmp_path_factory)) as store:
        store.put(key_of(row=row), row)
        back = store.get(key_of(row=row))
    assert json.dumps(back) == json.dumps(row)


def _shared(factory):
    return factory.getbasetemp() / "shared-store"


def test_rows_survive_reopening_and_are_replaced(folder):
    with Store(folder) as store:
        assert store.get(key_of(a=1)) is None
        assert not store.has(key_of(a=1))
        store.put(key_of(a=1), {"n": 1})
        store.put(key_of(a=1), {"n": 2})
    with Store(folder) as store:
        assert store.get(key_of(a=1)) == {"n": 2}
        assert store.has(key_of(a=1))
        assert store.incidents == []


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES // 8 + 1])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool", "complex128", "U5"])
def test_arrays_come_back_bit_for_bit(folder, size, dtype):
    arrays = {"x": np.arange(size).astype(dtype), "file": np.array(3.5), "a/b": np.eye(2)}
    with Store(folder) as store:
        store.put_arrays(key_of(a=1), arrays)
        back = store.get_arrays(key_of(a=1))
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_special_floats_and_numbers_survive_as_arrays(folder):
    with Store(folder) as store:
        store.put_arrays(key_of(a=1), {"x": np.array([np.nan, -0.0, np.inf]), "seconds": 0.25})
        back = store.get_arrays(key_of(a=1))
    assert back["x"].tobytes() == np.array([np.nan, -0.0, np.inf]).tobytes()
    assert back.pop("seconds") == 0.25


def test_small_arrays_lie_in_the_database_and_large_ones_in_shards(folder):
    with Store(folder) as store:
        store.put_arrays(key_of(a=1), {"x": np.zeros(100)})
        assert shards(folder) == []
        store.put_arrays(key_of(a=2), big())
        assert len(shards(folder)) == 1
        assert list((folder / "partial").iterdir()) == []


def test_a_replaced_shard_is_removed(folder):
    with Store(folder) as store:
        for seed in (0, 1):
            store.put_arrays(key_of(a=1), big(seed))
        assert len(shards(folder)) == 1
        assert np.array_equal(store.get_arrays(key_of(a=1))["x"], big(1)["x"])
        store.put_arrays(key_of(a=1), {"x": np.zeros(3)})
        assert shards(folder) == []


# -- keys and refusals ---------------------------------------------------------------------


def test_content_key_depends_on_content_alone():
    point = {"d": 64, "ratio": Fraction(1, 3), "alpha": float("inf")}
    key = key_of(check="share", point=point, index=3)
    assert key == key_of(index=np.int64(3), point=dict(reversed(point.items())), check="share")
    assert len(key) == 64
    others = [
        key_of(check="share", point=point, index=4),
        key_of(check="share", point=point, index=3.0),
        key_of(check="share", point={**point, "ratio": 1 / 3}, index=3),
        key_of(check="share", point=point, index="3"),
        key_of(check="share", point=point, index=3, variant=None),
    ]
    assert len({key, *others}) == 6


def test_content_key_is_the_same_in_another_process():
    text = (
        "from simulations.engine.store import Store; print(Store.content_key(a={'x': .1, 'y': 2}))"
    )
    assert run_script(text).strip() == key_of(a={"y": 2, "x": 0.1})


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"rows": [{"low": 0.1}, {"low": float("nan")}]}, r"row\['rows'\]\[1\]\['low'\] is nan"),
        ({"x": float("inf")}, r"row\['x'\] is inf"),
        ({"x": object}, r"row\['x'\] is <class 'object'>"),
        ({"x": {1: 2}}, r"row\['x'\] has the name 1"),
    ],
)
def test_a_row_that_is_not_json_ready_is_refused_by_name(folder, row, where):
    with Store(folder) as store, pytest.raises(ValueError, match=where):
        store.put(key_of(a=1), row)


def test_bad_keys_and_object_arrays_are_refused(folder):
    with Store(folder) as store:
        with pytest.raises(ValueError, match=r"key is '\.\./x'"):
            store.put("../x", {})
        with pytest.raises(ValueError, match=r"arrays\['x'\] has dtype object"):
            store.put_arrays(key_of(a=1), {"x": np.array([Fraction(1, 2)])})
        with pytest.raises(ValueError, match=r"part is .*must be made of"):
            key_of(part=lambda: None)


# -- runs ----------------------------------------------------------------------------------


def test_runs_are_kept_in_order(folder):
    with Store(folder) as store:
        assert store.last_run() is None
        for seed in range(3):
            store.save_run(
                {"seed": seed}, {"summary": {"claims": seed}, "claims": [1, {"a": None}]}
            )
    with Store(folder, read_only=True) as store:
        manifest, report = store.last_run()
        assert manifest == {"seed": 2}
        assert report == {"summary": {"claims": 2}, "claims": [1, {"a": None}]}
        assert [run["manifest"]["seed"] for run in store.runs()] == [0, 1, 2]
        assert [run["run"] for run in store.runs()] == [1, 2, 3]


@pytest.mark.parametrize("column", ["head", "report"])
def test_a_damaged_run_gives_way_to_the_one_before(folder, column):
    with Store(folder) as store:
        for seed in range(2):
            store.save_run({"seed": seed}, {"claims": []})
    corrupt(folder, f"UPDATE runs SET {column} = x'00' WHERE id = 2")
    with Store(folder) as store:
        assert store.last_run()[0] == {"seed": 0}
        assert any("run 2 does not match its checksum" in line for line in store.incidents)


def test_many_small_rows_do_not_wait_for_the_disk(folder):
    with Store(folder) as store:
        start = time.process_time()
        for i in range(2000):
            store.put(key_of(i=i), {"estimate": i / 7, "n": i})
        # Measured: 0.2 s. A flush per row would show in the wall time of every run.
        assert time.process_time() - start < 2.0


def test_health_of_a_filled_store(folder):
    with Store(folder) as store:
        store.put(key_of(a=1), {})
        store.put_arrays(key_of(a=2), big())
        store.put_arrays(key_of(a=3), {"x": np.zeros(2)})
        store.save_run({}, {})
        health = store.health()
    assert health["rows"] == 1
    assert health["arrays"] == 2
    assert health["shards"] == 1
    assert health["runs"] == 1
    assert health["bytes"] > INLINE_BYTES
    assert health["integrity"] == "ok"
