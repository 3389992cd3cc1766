"""The GPU kernels of the two-layer dynamics against the reference.

The same sources run on a CPU through an emulator; on a machine with a GPU the same tests run
there (`pytest -m gpu`).
"""

import numpy as np
import pytest
from cuda_emulator import EmulatedDevice
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulations import two_layer
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key
from simulations.kernels import two_layer_reference as reference
from simulations.kernels.two_layer_gpu import RECORDED, SLOTS, Network
from simulations.kernels.two_layer_gpu_layout import DTYPES, Layout, choose, layouts, streamed
from simulations.kernels.two_layer_gpu_mover import OnDevice
from theory.local_geometry.hessian_diagonal import quantile_ratio
from theory.models.two_layer import loss

METHODS = {
    "sgd": {},
    "sgd_momentum": {"beta": 0.9},
    "nesterov": {"beta": 0.8},
    "sign_descent": {},
    "adagrad": {"eps": 1e-3},
    "rmsprop": {"alpha": 0.9, "momentum": 0.5, "eps": 1e-3},
    "adam": {"beta1": 0.9, "beta2": 0.81, "eps": 1e-3},
    "amsgrad": {"beta1": 0.9, "beta2": 0.5, "eps": 1e-3},
}
# Optimizer, dtype, width and cluster of the layout, (d, n).
WIDE = [
    ("adam", "float32", 64, 1, (61, 64)), ("adam", "float64", 128, 1, (100, 77)),
    ("amsgrad", "float64", 128, 2, (125, 128)), ("nesterov", "float32", 256, 4, (129, 200)),
]  # fmt: skip
ETA = 0.01
# Bytes of shared memory of a block: of a Hopper GPU, and with which every step is streamed.
HOPPER, TOO_SMALL = 232448, 256


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    device = EmulatedDevice(tmp_path_factory.mktemp("kernels"))
    narrow = [Layout(name, dtype, 32, 1) for name in METHODS for dtype in DTYPES]
    wide = [Layout(*chosen) for *chosen, _ in WIDE]
    device.prepare([layout.kernel for layout in narrow + wide])
    device.prepare([kernel for name in ("adam", "sgd") for dtype in DTYPES
                    for kernel in streamed(name, dtype)])  # fmt: skip
    return device


@pytest.fixture(scope="module")
def gpu():
    pytest.importorskip("cupy", reason="CuPy is not installed")
    select_backend("cupy")
    from simulations.kernels.gpu_device import current_device

    return current_device()


def on_host(array):
    return array.get() if hasattr(array, "get") else np.asarray(array)


def case(method, dtype, shape, trials, steps, batch, noise, seed=0):
    """Weights, target and noise of a run, as the dtype has them."""
    (d, n), rng = shape, np.random.default_rng([seed, *shape])
    arrays = {
        "w": rng.standard_normal((trials, d)) / (2 * np.sqrt(d)),
        "W": rng.standard_normal((trials, d, n)) / max(d, n),
        "A": np.linspace(0.5, 1.5, n),
    }  # fmt: skip
    if batch:
        arrays["chi"] = rng.chisquare(batch, (trials, steps))
        arrays["normals"] = rng.standard_normal((trials, steps, n))
    if noise:
        arrays["target"] = noise * rng.standard_normal((trials, steps, n))
    return method, {name: values.astype(dtype) for name, values in arrays.items()}, steps, batch


def by_kernel(device, method, arrays, steps, batch, first=0, at=(), network=None, part=None):
    xp, part = device.xp, part or slice(0, steps)
    w, W, A = (xp.asarray(arrays[name]) for name in ("w", "W", "A"))
    network = network or Network(device, method.name, w, W, A)
    lr, b1, b2, eps = two_layer._step_scalars(method, part.start, part.stop - part.start)
    noise = {name: xp.asarray(arrays[name][:, part]) for name in ("chi", "normals", "target")
             if name in arrays}  # fmt: skip
    seen = network.advance(lr, b1, b2, eps, method.weight_decay, batch, **noise,
                           first=part.start, at=at)  # fmt: skip
    return network, on_host(seen)


def by_reference(method, arrays, steps, batch):
    """Weights after every step, in float64 from the same (rounded) numbers."""
    exact = {name: values.astype(float) for name, values in arrays.items()}
    w, W, A = (exact[name] for name in ("w", "W", "A"))
    state, path = method.init((w, W)), [(w, W)]
    for t in range(steps):
        noise = {key: exact[name][:, t] if name in exact else None for key, name in
                 (("chi_square", "chi"), ("batch_normals", "normals"),
                  ("target_noise", "target"))}  # fmt: skip
        w, W, state = reference.step(method, state, w, W, A, batch=batch, **noise)
        path.append((w, W))
    return path


def allowed(method, dtype, shape, path, steps):
    """Bound on what rounding changes in a weight, from the dtype.

    With u the unit roundoff and M >= 1 the largest weight or residual, |E_j| <= M:

    - E and W_i.E are sums of d and n products, each off by at most (d + 2) u sum |terms|
      (resp. n), and a sum of generic terms has size sqrt(d) M, not d M;
    - the update of one coordinate adds a few operations, and for float32 a division and a root
      of 2 ulp each: 16 u of a step;
    - a step moves a coordinate by lr times the gradient, or by lr times a ratio g/(sqrt(v) + eps)
      whose derivative in g is at most 1/eps: the gradient's error enters with lr/eps <= 10;
    - errors of earlier steps grow as the dynamics' tangent does, (1 + lr/eps (|w| + |E| + ...))
      a step at most; for up to 8 steps of these problems a factor 8 is not exceeded.
    """
    u, size = np.finfo(dtype).eps, max(1.0, *(np.abs(x).max() for pair in path for x in pair))
    adaptive = "eps" in method.hyperparameters
    gain = method.hyperparameters["lr"] / (method.hyperparameters["eps"] if adaptive else 1.0)
    terms = max(shape) + 2
    return 8 * u * size * max(1, steps) * (2 + max(1.0, gain) * (16 + terms / np.sqrt(min(shape))))


def check(device, method, arrays, steps, batch):
    """Weights and records of the kernel agree with the reference."""
    dtype, shape = str(arrays["W"].dtype), arrays["W"].shape[1:]
    size = max(shape)
    limits = (device.shared_limit, device.cluster_limit)
    at = range(steps + 1) if choose(method.name, dtype, size, *limits) else ()
    network, seen = by_kernel(device, method, arrays, steps, batch, at=at)
    path = by_reference(method, arrays, steps, batch)
    bound = allowed(method, dtype, shape, path, steps)
    np.testing.assert_allclose(on_host(network.w), path[-1][0], rtol=0, atol=bound)
    np.testing.assert_allclose(on_host(network.W), path[-1][1], rtol=0, atol=bound)
    assert (on_host(network.diverged) == -1).all()
    assert seen.shape == (len(arrays["w"]), len(at), len(RECORDED))
    cut = None
    for t in at:
        step = slice(max(t - 1, 0), t)
        cut, _ = by_kernel(device, method, arrays, steps, batch, network=cut, part=step)
        check_record(seen[:, t], *(on_host(x).astype(float) for x in (cut.w, cut.W)), arrays["A"])


def check_record(seen, w, W, A):
    """What the kernel recorded is the statistics of its weights, up to its rounding.

    With eps of the kernel's dtype: E_j is a sum of d + 1 products, off by (d + 4) eps times the
    sum of their sizes, and |E|^2 relatively by (n + 2) eps besides. Squares of one sign lose
    (n + 2) eps; a median of perturbed values moves no more, and a quotient adds 4 eps.
    """
    (_, d, n), eps, A = W.shape, np.finfo(A.dtype).eps, A.astype(float)
    error = np.sqrt(2 * loss(w, W, A))
    terms = np.einsum("si,sij->sj", np.abs(w), np.abs(W)) + np.abs(A)
    slack = eps * ((d + 4) * np.linalg.norm(terms, axis=1) + (n + 4) * error)
    expected = [quantile_ratio(square, 1.0, q) for q in (0.5, 0.0)
                for square in (w * w, np.sum(W * W, axis=-1))]  # fmt: skip
    assert np.all(np.isfinite(expected))
    assert np.all(np.abs(np.sqrt(2 * seen[:, 0]) - error) <= slack)
    np.testing.assert_allclose(seen[:, 1:], np.stack(expected, axis=1), rtol=2 * (n + 6) * eps)


PROBLEMS = {
    "dtype": st.sampled_from(list(DTYPES)),
    "trials": st.integers(1, 3),
    "steps": st.integers(0, 8),
    "batch": st.sampled_from([0, 16]),
    "noise": st.sampled_from([0.0, 0.1]),
    "decay": st.sampled_from([0.0, 0.2]),
}


def made(name, decay):
    return two_layer.make_optimizer(name, ETA, {**METHODS[name], "weight_decay": decay})


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=15)
@given(d=st.integers(1, 32), n=st.integers(1, 32), **PROBLEMS)
@example(d=1, n=1, dtype="float64", trials=1, steps=0, batch=0, noise=0.0, decay=0.0)
def test_narrow_networks_agree_with_the_reference(
    emulated, name, d, n, dtype, trials, steps, batch, noise, decay
):
    check(emulated, *case(made(name, decay), dtype, (d, n), trials, steps, batch, noise))


@pytest.mark.parametrize(("name", "dtype", "width", "cluster", "shape"), WIDE)
def test_wide_networks_agree_with_the_reference(emulated, name, dtype, width, cluster, shape):
    chosen = choose(name, dtype, max(shape), emulated.shared_limit, emulated.cluster_limit)
    assert (chosen.width, chosen.cluster) == (width, cluster)
    check(emulated, *case(made(name, 0.1), dtype, shape, 1, 3, 4, 0.1))


@settings(max_examples=10)
@given(d=st.integers(1, 40), n=st.integers(1, 300), **PROBLEMS)
@example(d=60, n=257, dtype="float64", trials=2, steps=2, batch=4, noise=0.1, decay=0.2)
def test_streamed_networks_agree_with_the_reference(
    emulated, d, n, dtype, trials, steps, batch, noise, decay
):
    check(
        emulated.twin(shared_limit=TOO_SMALL),
        *case(made("adam", decay), dtype, (d, n), trials, min(steps, 3), batch, noise),
    )


@pytest.mark.nightly
@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=12)
@given(d=st.integers(1, 300), n=st.integers(1, 300), stream=st.booleans(), **PROBLEMS)
def test_every_kernel_agrees_with_the_reference(
    emulated, name, d, n, dtype, trials, steps, batch, noise, decay, stream
):
    device = emulated.twin(shared_limit=TOO_SMALL if stream else HOPPER)
    check(device, *case(made(name, decay), dtype, (d, n), trials, steps, batch, noise))


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", DTYPES)
def test_clusters_of_sixteen(emulated, dtype):
    name = "adam" if dtype == "float32" else "sgd_momentum"
    check(emulated, *case(made(name, 0.0), dtype, (500, 512), 1, 2, 4, 0.1))


@pytest.mark.gpu
@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=40)
@given(d=st.integers(1, 600), n=st.integers(1, 600), **PROBLEMS)
def test_gpu_agrees_with_the_reference(
    gpu, name, d, n, dtype, trials, steps, batch, noise, decay
):  # fmt: skip
    check(gpu, *case(made(name, decay), dtype, (d, n), trials, steps, batch, noise))


@pytest.mark.parametrize(("width", "cluster"), [(32, 1), (128, 2)])
def test_the_order_of_threads_changes_nothing(emulated, width, cluster):
    method, arrays, steps, batch = case(
        made("amsgrad", 0.1), "float64", (width - 3, width), 3, 2, 4, 0.1
    )
    arrays["w"][0, : width // 2] *= 1e60
    found = []
    for order in range(8):
        device = emulated.twin(order=order)
        network, seen = by_kernel(device, method, arrays, steps, batch, at=[0, 1])
        assert (network.layout.width, network.layout.cluster) == (width, cluster)
        assert network.diverged.tolist() == [0, -1, -1]
        found.append((network.W, network.w, seen))
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def check_cut(device, name, dtype, shape, *, resident):
    """A run in two calls, or one that records, ends in the same bits as the run in one."""
    method, arrays, steps, batch = case(made(name, 0.1), dtype, shape, 2, 7, 4, 0.1)
    whole, _ = by_kernel(device, method, arrays, steps, batch)
    assert (whole.layout is not None) == resident
    cut, _ = by_kernel(device, method, arrays, steps, batch, part=slice(0, 3))
    by_kernel(device, method, arrays, steps, batch, network=cut, part=slice(3, 7))
    recorded, _ = by_kernel(device, method, arrays, steps, batch, at=[0, 3, 7] if resident else ())
    for other in (cut, recorded):
        np.testing.assert_array_equal(on_host(whole.W), on_host(other.W))
        np.testing.assert_array_equal(on_host(whole.w), on_host(other.w))


@pytest.mark.parametrize("shared_limit", [HOPPER, TOO_SMALL])
def test_a_run_in_two_calls_is_the_run_in_one(emulated, shared_limit):
    device = emulated.twin(shared_limit=shared_limit)
    check_cut(device, "adam", "float64", (9, 12), resident=shared_limit == HOPPER)


@pytest.mark.gpu
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 12), (61, 64), (520, 600)])
def test_a_run_in_two_calls_is_the_run_in_one_on_a_gpu(gpu, name, dtype, shape):
    check_cut(gpu, name, dtype, shape, resident=max(shape) <= 64)


@pytest.mark.parametrize("shared_limit", [HOPPER, TOO_SMALL])
@pytest.mark.parametrize("batch", [0, 4])
def test_simulate_on_a_device_agrees_with_the_cpu(emulated, monkeypatch, shared_limit, batch):
    device = emulated.twin(shared_limit=shared_limit)
    options = {"optimizer": "adam", "d": 12, "steps": 40, "alpha": 0.5, "eta": 1e-3, "eps": 1e-3,
               "batch": batch, "noise": 0.1 if batch else 0.0,
               "record": [0, 7, 32, 40]}  # fmt: skip
    key = stream_key(0, "test", "test", {})

    def simulate():
        return two_layer.simulate(Stream(select_backend("numpy"), key, 0), 3, **options)

    expected = simulate()
    monkeypatch.setattr(
        two_layer, "_mover",
        lambda method, problem, w, W, A: OnDevice(
            device, method, problem.batch, (w, W, A), two_layer._step_scalars
        ),
    )  # fmt: skip
    found = simulate()
    assert found.step.tolist() == [0, 7, 32, 40]
    # 40 steps of 1e-3 on weights of order 1: rounding stays far below 1e-11 of the statistics.
    for name in ("w", "W", *RECORDED):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-11)
    assert found.diverged_at.tolist() == expected.diverged_at.tolist()


@pytest.mark.parametrize("shared_limit", [HOPPER, TOO_SMALL])
def test_a_diverged_trial_is_left_where_it_was(emulated, shared_limit):
    device = emulated.twin(shared_limit=shared_limit)
    method, arrays, *_ = case(made("sgd", 0.0), "float64", (4, 4), 2, 0, 0, 0.0)
    arrays["w"][1] *= 1e3
    at = [0, 20] if shared_limit == HOPPER else ()
    network, seen = by_kernel(device, method, arrays, 20, 0, at=at)
    # The reference overflows later; its first squared residual beyond 1e100 is the step.
    with np.errstate(all="ignore"):
        path = by_reference(method, arrays, 20, 0)
        squares = [2 * loss(w[1], W[1], arrays["A"]) for w, W in path]
    step = next(t for t, square in enumerate(squares) if not square < reference.DIVERGED)
    assert network.diverged.tolist() == [-1, step]
    stopped, _ = by_kernel(device, method, arrays, int(network.diverged[1]), 0)
    np.testing.assert_array_equal(network.W[1], stopped.W[1])
    by_kernel(device, method, arrays, 40, 0, network=network, part=slice(20, 40))
    assert network.diverged[1] == step
    if len(at):
        assert np.isfinite(seen[:, 0]).all()
        assert np.isfinite(seen[0, 1]).all()
        assert np.isnan(seen[1, 1]).all()


def test_kernels_need_what_the_layout_says():
    for name, dtype in ((name, dtype) for name in SLOTS for dtype in DTYPES):
        assert {kernel.file for kernel in streamed(name, dtype)} == {"two_layer_gpu_streamed.cu"}
        for layout in layouts(name, dtype):
            # A Hopper block: 255 registers of a thread, of which some are needed for the work.
            words = DTYPES[dtype][1] // 4
            assert (layout.cells + layout.held) * words <= 192
            assert layout.blocks * layout.threads <= 2048
    assert choose("adam", "float32", 512, HOPPER, 16).cluster == 16
    assert choose("adam", "float32", 513, HOPPER, 16) is None
    assert choose("adam", "float32", 200, 166912, 1) is None
    assert choose("amsgrad", "float64", 128, HOPPER, 16).cluster == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adamw"}, "optimizer is 'adamw'; it must be one of sgd, "),
        ({"dtype": "float16"}, "dtype of w, W, A is float16.* one of float32, float64"),
        ({"A": np.ones(3)}, "shapes of w, W, A are .*they must be"),
        ({"at": [2, 1]}, r"at is \[2, 1\]; it must be ascending steps in 0..2"),
        ({"batch": 3}, "chi is missing with batch 3"),
        ({"target": np.ones((1, 1, 4))}, r"target has shape .*; it must be \(1, 2, 4\)"),
    ],
)  # fmt: skip
def test_bad_input_is_named(emulated, changes, message):
    given = {"optimizer": "sgd", "dtype": "float64", "A": np.ones(4), "at": (), "batch": 0,
             "target": None} | changes  # fmt: skip
    w, W, A = (x.astype(given["dtype"]) for x in (np.ones((1, 4)), np.ones((1, 4, 4)), given["A"]))
    two = np.ones(2)
    with pytest.raises(ValueError, match=message):
        Network(emulated, given["optimizer"], w, W, A).advance(
            two, 0.0, 0.0, two, batch=given["batch"], target=given["target"], at=given["at"]
        )


def test_a_streamed_network_records_nothing(emulated):
    network = Network(
        emulated.twin(shared_limit=TOO_SMALL), "sgd", *(np.ones(s) for s in ((1, 4), (1, 4, 4), 4))
    )
    with pytest.raises(ValueError, match=r"at is \[1\]; it must be empty for a streamed network"):
        network.advance(np.ones(1), 0.0, 0.0, np.zeros(1), at=[1])


def test_size_must_be_positive():
    with pytest.raises(ValueError, match="size is 0; it must be an integer >= 1"):
        choose("sgd", "float64", 0, HOPPER, 16)
    with pytest.raises(ValueError, match="dtype is 'float16'; it must be one of"):
        choose("sgd", "float16", 4, HOPPER, 16)
