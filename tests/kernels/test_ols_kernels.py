"""Bartlett factors and streamed products against their references and laws."""

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
from simulations.kernels import ols_cpu, ols_gpu, ols_reference
from simulations.kernels.gpu_build import source
from simulations.kernels.normals_reference import PRECISIONS, ROWS, normals
from theory.adaptive_norms.ols_share import mean_absolute_inner_product

KEYS = st.integers(0, 2**64 - 1)
MEANS = st.sampled_from([0.0, 0.5, -2.0])


def allowed(diagonal, d, precision):
    """What rounding may change in the sum over i < j of |F_i . F_j|.

    A sum of d products loses about sqrt(d) eps |F_i| |F_j|, a factor's entry a few eps, and the
    sum over i < j of |F_i| |F_j| is at most d/2 times the trace.
    """
    return (16 + 4 * math.sqrt(d)) * np.finfo(precision).eps * diagonal * max(d, 2) / 2


@settings(max_examples=30)
@given(d=st.integers(1, 300), more=st.integers(0, 2000), trials=st.integers(1, 2), key=KEYS,
       mean=MEANS, precision=st.sampled_from(PRECISIONS))  # fmt: skip
def test_cpu_kernel_agrees_with_the_reference(d, more, trials, key, mean, precision):
    n = d + more + (mean != 0.0)
    options = {"key": key, "mean": mean, "first": 2**32 - 2, "precision": precision}
    fused = ols_cpu.bartlett_sums(trials, d, n, **options)
    plain = ols_reference.bartlett_sums(trials, d, n, **options)
    for ours, theirs in zip(fused, plain, strict=True):
        assert np.all(np.abs(ours - theirs) <= allowed(plain[0], d, precision))


@pytest.fixture(scope="module")
def host():
    return compile_for_the_host(source(ols_gpu.catalogue()))


@settings(max_examples=30)
@given(d=st.integers(1, 120), more=st.integers(0, 300), key=KEYS, mean=MEANS,
       precision=st.sampled_from(PRECISIONS))  # fmt: skip
def test_gpu_source_agrees_with_the_reference(host, d, more, key, mean, precision):
    trials, rows, n = 2, d + (mean != 0.0), d + more + (mean != 0.0)
    stack = np.zeros((trials, rows, d), precision)
    centre = mean * math.sqrt(n)
    options = {"degrees": n - (mean != 0.0), "centre": centre, "first": 7,
               "k0": key % 2**32, "k1": key >> 32}  # fmt: skip
    for step in ols_gpu.steps(stack.ctypes.data, stack.shape, precision, options):
        kernel, items, task = step
        host(kernel.name, items // 256 + 1, 256, task)
    for s in range(trials):
        plain = ols_reference.bartlett_factor(
            d, n, key=key, trial=7 + s, mean=mean, precision=precision
        )
        # A few eps of the largest radius, 8.6, and of what is added to the normals.
        bound = 16 * np.finfo(precision).eps * (9.0 + abs(plain) + abs(centre))
        assert np.all(np.abs(stack[s].T - plain) <= bound)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("d", "n", "mean"), [(1, 1, 0.0), (5, 9, 0.5), (200, 300, 0.0)])
def test_gpu_agrees_with_the_cpu(d, n, mean, precision):
    require_gpu()
    options = {"key": 2**60 + 1, "mean": mean, "first": 3, "precision": precision}
    there = ols_gpu.bartlett_sums(3, d, n, **options)
    here = ols_cpu.bartlett_sums(3, d, n, **options)
    for ours, theirs in zip(there, here, strict=True):
        assert np.all(np.abs(ours.get() - theirs) <= 2 * allowed(here[0], d, precision))


# At n >> d the diagonal is about sqrt(n) times the sum beside it, and so is what a difference of
# the two loses. An entry beside it is sqrt(n) z: 16 eps of the radius of z, which is on average
# below three times |z|; the rest is the library's.
FEW, MANY = 4, {"float64": 10**12, "float32": 2**25}


def beside_a_large_diagonal(precision):
    return 128 * np.finfo(precision).eps


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gpu_sums_beside_a_large_diagonal(precision, monkeypatch):
    modules = pretended_cupy()
    monkeypatch.setattr(backend.importlib, "import_module", import_with(modules))
    options = {"key": 12, "precision": precision}
    _, off = ols_gpu.bartlett_sums(3, FEW, MANY[precision], **options)
    found = modules["array_api_compat.cupy"].asnumpy(off)
    _, plain = ols_reference.bartlett_sums(3, FEW, MANY[precision], **options)
    np.testing.assert_allclose(found, plain, rtol=beside_a_large_diagonal(precision))
    _, fused = ols_cpu.bartlett_sums(3, FEW, MANY[precision], **options)
    np.testing.assert_allclose(fused, plain, rtol=beside_a_large_diagonal(precision))


@pytest.mark.gpu
@pytest.mark.parametrize("precision", PRECISIONS)
def test_gpu_agrees_with_the_cpu_beside_a_large_diagonal(precision):
    require_gpu()
    options = {"key": 12, "precision": precision}
    _, there = ols_gpu.bartlett_sums(3, FEW, MANY[precision], **options)
    _, here = ols_cpu.bartlett_sums(3, FEW, MANY[precision], **options)
    np.testing.assert_allclose(there.get(), here, rtol=2 * beside_a_large_diagonal(precision))


@pytest.mark.parametrize("d", [4, 90])
def test_trials_are_the_same_whatever_the_blocks(d, monkeypatch):
    whole = ols_cpu.bartlett_sums(5, d, 100, key=3)
    monkeypatch.setattr(ols_cpu, "_NUMBERS", 2 * d * d)
    for k, block in enumerate(ols_cpu.bartlett_sums(5, d, 100, key=3)):
        np.testing.assert_array_equal(block, whole[k])
    late = ols_cpu.bartlett_sums(2, d, 100, key=3, first=3)
    np.testing.assert_array_equal(late[1], whole[1][3:])


@pytest.mark.parametrize("mean", [0.0, 1.5])
@pytest.mark.parametrize("d", [20, 90])
def test_loops_and_lapack_agree(d, mean, monkeypatch):
    results = []
    for threshold in (1, 1000):
        monkeypatch.setattr(ols_cpu, "_LAPACK_FROM", threshold)
        results.append(ols_cpu.bartlett_sums(3, d, 150, key=8, mean=mean))
    for ours, theirs in zip(*results, strict=True):
        assert np.all(np.abs(ours - theirs) <= allowed(results[0][0], d, "float64"))


@pytest.mark.parametrize("degrees", [1, 2, 3, 40])
def test_one_row_is_chi_square(degrees):
    on, off = ols_cpu.bartlett_sums(20_000, 1, degrees, key=99)
    # Fixed key: this holds with probability 1 - 1e-5 for a fresh one.
    assert stats.kstest(on, "chi2", args=(degrees,)).pvalue > 1e-5
    assert not off.any()


@pytest.mark.parametrize(("d", "n", "mean"), [(3, 3, 0.0), (12, 12, 0.0), (6, 9, 0.7)])
def test_law_of_the_share_is_that_of_the_whole_product(d, n, mean):
    trials = 20_000
    on, off = ols_cpu.bartlett_sums(trials, d, n, key=5, mean=mean)
    x = mean + np.random.default_rng(1).standard_normal((trials, d, n))
    hessian = np.abs(x @ x.transpose(0, 2, 1))
    direct = np.trace(hessian, axis1=1, axis2=2) / hessian.sum(axis=(1, 2))
    assert stats.ks_2samp(on / (on + 2.0 * off), direct).pvalue > 1e-5


def test_order_of_the_degrees_of_freedom_matters():
    d, trials = 24, 4000
    claimed = d * (d - 1) / 2 * mean_absolute_inner_product(d)
    _, off = ols_cpu.bartlett_sums(trials, d, d, key=17)
    assert abs(off.mean() - claimed) < 4.5 * off.std() / math.sqrt(trials)
    rng = np.random.default_rng(2)
    wrong = np.triu(rng.standard_normal((trials, d, d)), 1)
    wrong[:, range(d), range(d)] = np.sqrt(rng.chisquare(d - np.arange(d), (trials, d)))
    sums = np.abs(np.triu(wrong @ wrong.transpose(0, 2, 1), 1)).sum(axis=(1, 2))
    assert abs(sums.mean() - claimed) > 20.0 * sums.std() / math.sqrt(trials)


@settings(max_examples=25)
@given(d=st.integers(1, 60), n=st.integers(1, 90), numbers=st.integers(1, 700), key=KEYS,
       precision=st.sampled_from(PRECISIONS))  # fmt: skip
def test_streamed_products_are_the_whole_one(d, n, numbers, key, precision):
    draw = ols_cpu.gaussian_columns(d, key=key, trial=4, precision=precision)
    on, off = ols_cpu.streamed_sums(draw, d, n, numbers=numbers, precision=precision)
    trial = np.asarray([4], dtype=np.uint64)
    x = np.stack([normals(xp, key, ROWS, k, trial, d, precision)[0] for k in range(n)], axis=1)
    hessian = x @ x.T
    bound = allowed(np.trace(hessian) + 9.0, max(d, n), precision)
    assert abs(on - np.trace(hessian)) <= bound
    assert abs(off - np.abs(np.triu(hessian, 1)).sum()) <= bound


def test_streamed_products_of_signs_are_exact():
    signs = np.random.default_rng(3).choice([-1.0, 1.0], (500, 7))
    sums = ols_cpu.streamed_sums(lambda start, count: signs[start : start + count], 7, 500,
                                 numbers=100)  # fmt: skip
    hessian = signs.T @ signs
    assert sums == (3500.0, np.abs(np.triu(hessian, 1)).sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": 0}, "d is 0; it must be in"),
        ({"n": 3}, r"n is 3; it must be in \[4, 2\*\*53\) at d = 4, mean = 0.0"),
        ({"n": 4, "mean": 1.0}, r"n is 4; it must be in \[5"),
        ({"mean": math.inf}, "mean is inf"),
        ({"trials": 0}, "trials is 0"),
        ({"key": -1}, "key is -1"),
        ({"precision": "double"}, "precision is 'double'"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"trials": 2, "d": 4, "n": 9, "key": 1} | change
    with pytest.raises(ValueError, match=message):
        ols_cpu.bartlett_sums(**arguments)


def test_bad_streams():
    with pytest.raises(ValueError, match="numbers is 0"):
        ols_cpu.streamed_sums(lambda start, count: None, 2, 3, numbers=0)
    with pytest.raises(ValueError, match=r"draw\(0, 3\) has shape \(2, 3\), not \(3, 2\)"):
        ols_cpu.streamed_sums(lambda start, count: np.ones((2, count)), 2, 3)
    with pytest.raises(ValueError, match="columns end at 4294967297"):
        ols_cpu.gaussian_columns(2, key=1)(2**32, 1)
