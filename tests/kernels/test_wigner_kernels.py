"""Sums of Wigner matrices: kernels against the reference, and their law."""

import math

import array_api_compat.numpy as xp
import numpy as np
import pytest
from cupy_tools import import_with, pretended_cupy
from gpu_host import compile_for_the_host, require_gpu
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulations.engine import backend
from simulations.kernels import normals_cpu, ols_cpu, wigner_cpu, wigner_gpu, wigner_reference
from simulations.kernels.gpu_build import source
from simulations.kernels.normals_reference import DIAGONAL, FACTOR, OFF_DIAGONAL, PRECISIONS
from theory.adaptive_norms.wigner import wigner_expected_share

KEYS = st.integers(0, 2**64 - 1)


def allowed(sums, precision, d):
    """What rounding may change: a few eps of each magnitude, and sqrt(k) eps of a sum of k terms.

    Chunks of 1024 pairs in float64, d^2/4096 of them; of 256 in float32, added in float64. The 9
    stands for the radius, at most 8.6, of a pair of which only one component counts.
    """
    terms = {"float64": 1024 + d * d / 4096, "float32": 256}[precision]
    return (16 + 2 * math.sqrt(terms)) * np.finfo(precision).eps * (sums + 9.0)


@settings(max_examples=60)
@given(d=st.integers(1, 300), trials=st.integers(1, 3), key=KEYS,
       first=st.integers(0, 2**32 - 3), precision=st.sampled_from(PRECISIONS))  # fmt: skip
def test_cpu_kernel_agrees_with_the_reference(d, trials, key, first, precision):
    options = {"key": key, "first": first, "precision": precision}
    fused = wigner_cpu.absolute_sums(trials, d, **options)
    plain = wigner_reference.absolute_sums(xp, trials, d, **options)
    for ours, theirs in zip(fused, plain, strict=True):
        assert np.all(np.abs(ours - theirs) <= allowed(theirs, precision, d))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_cpu_kernel_keeps_its_bound_where_chunks_are_many(precision):
    # 512 chunks in float64; pairwise sums of the reference lose 5 eps at most.
    fused = wigner_cpu.absolute_sums(1, 2049, key=3, precision=precision)
    plain = wigner_reference.absolute_sums(xp, 1, 2049, key=3, precision=precision)
    for ours, theirs in zip(fused, plain, strict=True):
        assert np.all(np.abs(ours - theirs) <= allowed(theirs, precision, 2049))


@pytest.fixture(scope="module")
def host():
    return compile_for_the_host(source(wigner_gpu.catalogue()))


@settings(max_examples=40)
@given(d=st.integers(1, 300), trials=st.integers(1, 3), key=KEYS,
       first=st.integers(0, 2**32 - 3), precision=st.sampled_from(PRECISIONS))  # fmt: skip
def test_gpu_source_agrees_with_the_reference(host, d, trials, key, first, precision):
    options = {"key": key, "first": first, "precision": precision}
    plain = wigner_reference.absolute_sums(xp, trials, d, **options)
    for part, size, theirs in ((DIAGONAL, d, plain[0]), (OFF_DIAGONAL, d * (d - 1) // 2, plain[1])):
        shape = (trials, wigner_gpu.pieces(size, precision))
        partial = np.full(shape, np.nan)
        address = (part, 0, first, key % 2**32, key >> 32)
        task = wigner_gpu.task(partial.ctypes.data, size, shape, address)
        host(wigner_gpu.kernel(precision).name, partial.size // 256 + 1, 256, task)
        assert np.all(np.abs(partial.sum(axis=1) - theirs) <= allowed(theirs, precision, d))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gpu_memory_is_bounded_without_changing_a_number(precision, monkeypatch):
    modules = pretended_cupy()
    monkeypatch.setattr(backend.importlib, "import_module", import_with(modules))
    device, options = modules["array_api_compat.cupy"], {"key": 7, "first": 4}
    options |= {"precision": precision}
    whole = wigner_gpu.absolute_sums(5, 40, **options)
    piece = 8 * wigner_gpu.pieces(40 * 39 // 2, precision)
    monkeypatch.setattr(wigner_gpu, "_BYTES", 2 * piece)
    device.pool.limit = 2 * piece
    for parts, sums in zip(wigner_gpu.absolute_sums(5, 40, **options), whole, strict=True):
        np.testing.assert_array_equal(device.asnumpy(parts), device.asnumpy(sums))
    # A block of one trial is the least, however little memory is asked for.
    monkeypatch.setattr(wigner_gpu, "_BYTES", 1)
    for parts, sums in zip(wigner_gpu.absolute_sums(5, 40, **options), whole, strict=True):
        np.testing.assert_array_equal(device.asnumpy(parts), device.asnumpy(sums))


@pytest.mark.gpu
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("d", [1, 2, 77, 1024])
def test_gpu_agrees_with_the_cpu(d, precision):
    require_gpu()
    options = {"key": 2**63 + 5, "first": 9, "precision": precision, "sigma_off": 0.5}
    there = wigner_gpu.absolute_sums(3, d, **options)
    here = wigner_cpu.absolute_sums(3, d, **options)
    for ours, theirs in zip(there, here, strict=True):
        assert np.all(np.abs(ours.get() - theirs) <= allowed(theirs, precision, d))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_trials_are_the_same_whatever_the_threads_and_blocks(precision):
    whole = wigner_cpu.absolute_sums(7, 33, key=11, precision=precision)
    spread = wigner_cpu.absolute_sums(7, 33, key=11, precision=precision, threads=3)
    blocks = [
        wigner_cpu.absolute_sums(count, 33, key=11, first=first, precision=precision)
        for first, count in ((0, 2), (2, 5))
    ]
    for k in (0, 1):
        np.testing.assert_array_equal(whole[k], spread[k])
        np.testing.assert_array_equal(whole[k], np.concatenate([block[k] for block in blocks]))
        assert np.unique(whole[k]).size == 7
    other = wigner_cpu.absolute_sums(7, 33, key=12, precision=precision)
    assert not np.any(other[1] == whole[1])


def test_standard_deviations_scale_the_sums():
    plain = wigner_cpu.absolute_sums(4, 9, key=1)
    scaled = wigner_cpu.absolute_sums(4, 9, key=1, sigma_diagonal=3.0, sigma_off=0.25)
    np.testing.assert_array_equal(scaled[0], 3.0 * plain[0])
    np.testing.assert_array_equal(scaled[1], 0.25 * plain[1])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_expected_share(precision):
    d, trials = 6, 40_000
    on, off = wigner_cpu.absolute_sums(trials, d, key=2026, precision=precision)
    share = on / (on + 2.0 * off)
    error = share.std() / math.sqrt(trials)
    # The share of the expectation, 1/6, lies 9 standard errors away.
    assert abs(share.mean() - wigner_expected_share(d)) < 4.5 * error
    assert abs(share.mean() - 1.0 / d) > 5.0 * error


@pytest.mark.parametrize("precision", PRECISIONS)
def test_normals_are_independent_and_normal(precision):
    size = 200_001
    out = np.empty(size, precision)
    ols_cpu._VECTOR[precision](out, *(np.uint64(word) for word in (FACTOR, 0, 3, 4, 5)))
    z = out.astype(np.float64)
    # Fixed key: each of these holds with probability above 1 - 1e-5 for a fresh one.
    assert stats.kstest(z, "norm").pvalue > 1e-5
    half = size // 2
    first, second = z[:half], z[half + 1 :]
    for a, b in ((first, second), (first**2, second**2), (z[:-1], z[1:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4.4 / math.sqrt(len(a))
    assert stats.kstest(first**2 + second**2, "chi2", args=(2,)).pvalue > 1e-5
    # Far in the tails: counts beyond 4 are Poisson with mean 12.7.
    assert 1 <= np.count_nonzero(np.abs(z) > 4.0) <= 35


@pytest.mark.parametrize("degree", [2, 3, 6])
def test_economised_polynomials_keep_their_bound(degree):
    radius = normals_cpu._X_SQUARE
    grid = np.linspace(0.0, radius, 501)
    short = np.polynomial.polynomial.polyval(
        grid, normals_cpu.economised(normals_cpu._COSINE, radius, degree)
    )
    bound = sum(2.0 * (radius / 4.0) ** n / math.factorial(2 * n) for n in range(degree + 1, 12))
    error = np.max(np.abs(short - np.cos(np.sqrt(grid))))
    assert error <= bound * 1.05 + 2e-16
    taylor = radius ** (degree + 1) / math.factorial(2 * degree + 2)
    assert bound < taylor / 10.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": 0}, "d is 0; it must be in"),
        ({"d": 131_073}, "d is 131073"),
        ({"trials": 0}, "trials is 0"),
        ({"key": 2**64}, "key is 18446744073709551616"),
        ({"first": 2**32 - 1}, "first is 4294967295"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"sigma_off": 0.0}, "sigma_off is 0.0"),
        ({"sigma_diagonal": math.nan}, "sigma_diagonal is nan"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"trials": 2, "d": 3, "key": 1} | change
    with pytest.raises(ValueError, match=message):
        wigner_cpu.absolute_sums(**arguments)
