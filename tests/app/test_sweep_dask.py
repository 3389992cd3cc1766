"""Sweeps on a Dask cluster of real processes, parts of which are killed on the way."""

import subprocess
from importlib.metadata import version

import pytest
from sweep_tools import (
    BLOCKS,
    Cluster,
    claims_file,
    rows,
    start,
    stop_all,
    stored,
    sweep,
    wait_for_blocks,
)

from simulations.app.cli import main
from simulations.app.work import (
    BlockTask,
    digest_of,
    initialise_elsewhere,
    perform_elsewhere,
    registry,
    source_of,
)
from simulations.engine.cluster import ClusterAddress, DaskExecutor
from simulations.engine.execution import TaskError
from simulations.engine.versions import environment
from theory.core import EnvironmentLacksError

pytest.importorskip("distributed", reason="needs Dask (extra `cluster`)")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def cluster(folder):
    """Two workers for all tests of this module; the last one kills them."""
    made = Cluster(folder, workers=2)
    try:
        made.wait_for_workers(2)
        yield made
    finally:
        stop_all()
        made.stop()


@pytest.fixture(scope="module")
def file(folder):
    return claims_file(folder)


def test_cluster_check_and_a_whole_run(folder, cluster, file, capsys):
    assert main(["cluster-check", "--dask", cluster.address]) == 0
    shown = capsys.readouterr().out
    assert "2 workers, 2 threads, 0 with a GPU: usable from here" in shown
    places = {"dask": ["--dask", cluster.address], "serial": ["--workers", "1"]}
    for name, options in places.items():
        store, out = str(folder / f"{name}-store"), str(folder / f"{name}.json")
        arguments = ["--claims", str(file), "--store", store, "verify", "sweep/*", "--json", out]
        assert main([*arguments, *options]) == 0
    results = [rows(folder / f"{name}.json") for name in places]
    manifest = results[0]["manifest"]
    assert manifest["workers"] == 2
    assert cluster.address not in manifest["argv"]
    pieces = [[piece["rows"] for piece in found["claims"][0]["evidence"]] for found in results]
    assert pieces[0] == pieces[1]


def test_a_worker_with_other_code_is_refused(cluster, file):
    files = (str(file),)
    task = BlockTask("sweep/shifted", "means", {"shift": 0.0}, 0, 9, 0, "numpy", files, "other")
    with DaskExecutor(ClusterAddress(cluster.address)) as executor:
        work = executor.run(
            perform_elsewhere, [task], initializer=initialise_elsewhere, initargs=(files,)
        )
        with pytest.raises(EnvironmentLacksError, match="other code for sweep/shifted than this"):
            list(work)


def test_a_worker_whose_code_has_changed_is_refused(cluster, tmp_path):
    first = claims_file(tmp_path, pause=0)
    second = tmp_path / "second.py"
    second.write_text(first.read_text().replace("sweep/shifted", "sweep/second"))

    def means(files):
        digest = digest_of(source_of(registry(files)["sweep/shifted"]))
        point = {"shift": 0.0}
        task = BlockTask("sweep/shifted", "means", point, 0, 9, 0, "numpy", files, digest)
        with DaskExecutor(ClusterAddress(cluster.address)) as executor:
            return ["arrays" in result for _, result in executor.run(
                perform_elsewhere, [task] * 8, initializer=initialise_elsewhere, initargs=(files,)
            )]  # fmt: skip

    assert means((str(first),)) == [True] * 8
    first.write_text(first.read_text().replace("shift + stream", "1.0 + shift + stream"))
    with pytest.raises(EnvironmentLacksError, match=r"sweep_claims\.py has changed since"):
        means((str(first), str(second)))


def test_workers_of_other_versions_are_refused_and_named(
    folder, cluster, file, monkeypatch, capsys
):
    ours = {**environment(), "numpy": "1.0", "adageo": "9.9"}
    monkeypatch.setattr("simulations.engine.cluster.environment", lambda: ours)
    assert main(["cluster-check", "--dask", cluster.address]) == 3
    shown = capsys.readouterr().out
    assert "2 workers, 2 threads, 0 with a GPU: not usable from here" in shown
    found = f"adageo {version('adageo')} there, 9.9 here; numpy {version('numpy')} there, 1.0 here"
    assert f"{found}\n" in shown
    place = [*sweep(file, folder / "none", folder / "none.json")[3:], "--dask", cluster.address]
    assert main(place) == 3
    assert f"has other versions: {found}" in capsys.readouterr().err
    assert not (folder / "none.json").exists()


def test_a_scheduler_without_workers_is_one_line(folder, capsys):
    lonely = Cluster(folder, 0)
    try:
        lonely.wait_for_scheduler()
        assert main(["cluster-check", "--dask", lonely.address]) == 3
    finally:
        lonely.stop()
    told = capsys.readouterr().err
    assert told == (f"adageo: the Dask scheduler at {lonely.address} has no workers; start some "
                    "(docs/clusters.md)\n")  # fmt: skip


def test_gpus_that_the_workers_lack_are_named(cluster, capsys):
    with DaskExecutor(ClusterAddress(cluster.address)) as executor:
        if any(worker.gpu for worker in executor.facts):
            pytest.skip("the workers have a GPU")
    arguments = ["verify", "adaptive-norms/lemma-1", "--backend", "cupy", "--dask"]
    assert main([*arguments, cluster.address]) == 3
    assert "--backend cupy: the worker tcp://127.0.0.1:" in capsys.readouterr().err


def test_a_task_that_fails_is_named(cluster):
    with DaskExecutor(ClusterAddress(cluster.address)) as executor:
        with pytest.raises(TaskError, match=r"task 1 \('x'\): ValueError: invalid literal"):
            list(executor.run(int, ["1", "x"]))
        assert dict(executor.run(int, ["4", "5", "6"])) == {0: 4, 1: 5, 2: 6}


def test_killed_worker_client_and_scheduler_change_no_row(folder, cluster, file):
    store = folder / "store"
    command = sweep(file, store, folder / "dask.json", "--dask", cluster.address)
    client = start(command)
    wait_for_blocks(store, 10, client)
    cluster.workers[0].kill()
    before = wait_for_blocks(store, 40, client)
    client.kill()
    client.communicate()

    client = start(command)
    resumed = wait_for_blocks(store, stored(store) + 10, client)
    cluster.scheduler.kill()
    _, told = client.communicate(timeout=60)
    assert client.returncode == 3
    line = told.splitlines()[-1]
    assert line.startswith(f"adageo: the Dask scheduler at {cluster.address} went away")
    assert "Traceback" not in told
    assert before < resumed <= stored(store) < BLOCKS

    for name, place in (("store", "dask"), ("uninterrupted", "serial")):
        assert main(sweep(file, folder / name, folder / f"{place}.json")[3:]) == 0
    assert rows(folder / "dask.json") == rows(folder / "serial.json")
    assert len(rows(folder / "dask.json")) == 6


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path):
    """An authority and one certificate for both ends, made by openssl."""
    try:
        openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    except FileNotFoundError:
        pytest.skip("needs the command openssl")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(tmp_path, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1",
            "-keyout", "key.pem", "-out", "request.pem")  # fmt: skip
    openssl(tmp_path, "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "1", "-extfile", "names", "-out", "cert.pem")  # fmt: skip
    return {name: str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")}


def test_a_cluster_that_speaks_tls(tmp_path, certificates, capsys):
    files = {"ca-file": "ca", "cert": "cert", "key": "key"}
    options = [text for name, key in files.items() for text in (f"--tls-{name}", certificates[key])]
    cluster = Cluster(tmp_path, 1, *options, scheme="tls")
    try:
        where = ClusterAddress(cluster.address, *certificates.values())
        cluster.wait_for_workers(1, where.security())
        ours = [text for name, path in certificates.items() for text in (f"--tls-{name}", path)]
        assert main(["cluster-check", "--dask", cluster.address, *ours]) == 0
        assert "1 workers, 1 threads" in capsys.readouterr().out
        plain = cluster.address.replace("tls", "tcp")
        assert main(["cluster-check", "--dask", plain]) == 3
        assert "cannot be reached" in capsys.readouterr().err
    finally:
        cluster.stop()
