"""Addresses and certificates of a cluster, versions that must agree: what needs no cluster."""

import builtins
import socket

import pytest

from simulations.app.cli import main
from simulations.engine.cluster import ClusterAddress, DaskExecutor
from simulations.engine.versions import differences, environment
from theory.core import EnvironmentLacksError, extras

TLS = ("ca.pem", "cert.pem", "key.pem")


@pytest.mark.parametrize(
    ("address", "files", "told"),
    [
        ("localhost:8786", (), "tcp://HOST:PORT"),
        ("tcp://localhost", (), "tcp://HOST:PORT"),
        ("tcp://:8786", (), "tcp://HOST:PORT"),
        ("tcp://host:port", (), "tcp://HOST:PORT"),
        ("tcp://host:0", (), "tcp://HOST:PORT"),
        ("tcp://host:65536", (), "tcp://HOST:PORT"),
        ("http://host:80", (), "tcp://HOST:PORT"),
        ("", (), "tcp://HOST:PORT"),
        ("tls://host:8786", (), "needs --tls-ca, --tls-cert and --tls-key"),
        ("tls://host:8786", TLS[:2], "needs --tls-ca, --tls-cert and --tls-key"),
        ("tcp://host:8786", TLS, "need an address tls://HOST:PORT"),
    ],
)
def test_a_wrong_address_is_refused(address, files, told):
    with pytest.raises(ValueError, match=told):
        ClusterAddress(address, *files)


def test_host_and_port():
    assert ClusterAddress("tcp://node-1.local:8786").place == ("node-1.local", 8786)
    assert ClusterAddress("tcp://[::1]:80").place == ("::1", 80)


def test_certificates_are_passed_through(tmp_path):
    pytest.importorskip("distributed", reason="needs Dask (extra `cluster`)")
    files = [str(tmp_path / name) for name in TLS]
    where = ClusterAddress("tls://host:8786", *files)
    with pytest.raises(EnvironmentLacksError, match=r"--tls-ca .*ca.pem: No such file"):
        where.security()
    for name in TLS:
        (tmp_path / name).touch()
    security = where.security()
    found = [security.tls_ca_file, security.tls_client_cert, security.tls_client_key]
    assert found == files
    assert security.require_encryption is True
    assert ClusterAddress("tcp://host:8786").security() is None


def test_an_unreachable_scheduler_is_one_line_at_once():
    pytest.importorskip("distributed", reason="needs Dask (extra `cluster`)")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(EnvironmentLacksError, match=rf"at tcp://127.0.0.1:{port} cannot be reached "
                       r"\(ConnectionRefusedError: .*refused\)$"):  # fmt: skip
        DaskExecutor(ClusterAddress(f"tcp://127.0.0.1:{port}"))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(extras, "EXTRAS", {"cluster": ("no_such_module_", "Dask")})
    monkeypatch.setattr(builtins, "__import__", _no_dask(builtins.__import__))
    with pytest.raises(EnvironmentLacksError, match=r"needs Dask \(pip install 'adageo\[cluster"):
        DaskExecutor(ClusterAddress("tcp://127.0.0.1:1"))


def _no_dask(load):
    def guarded(name, *arguments):
        assert not name.startswith(("dask", "distributed")), name
        return load(name, *arguments)

    return guarded


def test_versions_that_differ_are_named():
    ours = environment()
    assert differences(ours, ours) == []
    assert {"adageo", "python", "numpy", "numba"} <= ours.keys()
    theirs = {**ours, "numpy": "1.0", "python": "3.0.0"}
    del theirs["scipy"]
    found = differences(ours, theirs)
    assert [line.split()[0] for line in found] == ["python", "numpy", "scipy"]
    assert f"numpy 1.0 there, {ours['numpy']} here" in found
    assert f"scipy missing there, {ours['scipy']} here" in found


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--dask", "head"], "--dask head: it must be tcp://HOST:PORT"),
        (
            ["--dask", "tls://head:1", "--tls-ca", "a"],
            "it needs --tls-ca, --tls-cert and --tls-key",
        ),
        (["--tls-key", "a"], "belong to --dask tls://HOST:PORT"),
        (["--dask", "tcp://head:1", "--workers", "2"], "--workers 2: a cluster has workers of its"),
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(options, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "adaptive-norms/lemma-1", *options]) == 2
    assert told in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
