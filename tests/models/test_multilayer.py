"""Networks: derivatives against complex steps, differences, strict arrays and autograd."""

import array_api_strict
import numpy as np
import pytest

from theory.models.activations import ACTIVATIONS, log_sum_exp, sigmoid, softmax, softplus
from theory.models.multilayer import SCHEMES, Network, autoencoder

EPS = float(np.finfo(float).eps)
NETWORKS = {
    "tanh, classes": Network((3, 4, 5), "tanh", "cross-entropy"),
    "two hidden layers": Network((3, 4, 2, 5), ("sigmoid", "tanh"), "cross-entropy"),
    "autoencoder": autoencoder((3, 4, 2)),
    "relu, squared": Network((3, 6, 4, 2), "relu", "squared"),
    "no bias": Network((3, 4, 2), "sigmoid", "squared", bias=False),
    "linear regression": Network((3, 2), (), "squared"),
    "deep linear": Network((3, 2, 2), "linear", "binary-cross-entropy"),
}
CASES = pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
SAMPLES = 6


def problem(net, seed=0, trials=()):
    rng = np.random.default_rng(seed)
    params = 0.7 * rng.standard_normal((*trials, net.size))
    X = rng.standard_normal((SAMPLES, net.widths[0]))
    if net.objective == "cross-entropy":
        Y = rng.integers(0, net.widths[-1], SAMPLES)
    else:
        Y = rng.random((SAMPLES, net.widths[-1]))
    return params, X, Y, rng.standard_normal((*trials, net.size))


def close(found, expected, factor=1e4):
    # Sums of fewer than 1e3 terms, magnified by two layers of weights: 1e4 roundings.
    scale = np.max(np.abs(expected)) + 1.0
    assert np.max(np.abs(found - expected)) <= factor * EPS * scale


@CASES
def test_gradient_is_the_complex_step_derivative_of_the_loss(net):
    params, X, Y, v = problem(net)
    # No subtraction takes place, so that the step may be tiny and the error is rounding only.
    slope = np.imag(net.loss(params + 1e-30j * v, X, Y)) / 1e-30
    close(net.gradient(params, X, Y) @ v, slope)


@CASES
def test_hessian_product_is_the_complex_step_derivative_of_the_gradient(net):
    params, X, Y, v = problem(net)
    close(net.hvp(params, X, Y, v), np.imag(net.gradient(params + 1e-30j * v, X, Y)) / 1e-30)


@CASES
def test_hessian_product_against_central_differences(net):
    params, X, Y, v = problem(net)
    h = 1e-5
    difference = (net.gradient(params + h * v, X, Y) - net.gradient(params - h * v, X, Y)) / (2 * h)
    # Truncation h^2 times third derivatives below 1e3; rounding of gradients below 1e2 over h.
    assert np.max(np.abs(difference - net.hvp(params, X, Y, v))) < 1e3 * h**2 + 1e2 * EPS / h


@CASES
def test_gauss_newton_is_the_curvature_seen_through_the_jacobian(net):
    params, X, Y, v = problem(net)
    columns = [np.imag(net.outputs(params + 1e-30j * e, X)) / 1e-30 for e in np.eye(net.size)]
    jacobian = np.stack(columns, axis=-1)
    z = net.outputs(params, X)
    if net.objective == "cross-entropy":
        p = softmax(z)
        middle = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    elif net.objective == "squared":
        middle = np.broadcast_to(np.eye(z.shape[1]), (SAMPLES, z.shape[1], z.shape[1]))
    else:
        middle = (sigmoid(z) * sigmoid(-z))[:, :, None] * np.eye(z.shape[1])
    expected = np.einsum("mip,mij,mjq->pq", jacobian, middle, jacobian) / SAMPLES
    close(net.ggn(params, X, Y), expected)
    close(net.ggn_product(params, X, Y, v), expected @ v)
    assert np.linalg.eigvalsh(expected)[0] > -1e3 * EPS


@CASES
def test_hessian_is_symmetric_and_made_of_products(net, monkeypatch):
    params, X, Y, v = problem(net)
    whole = net.hessian(params, X, Y)
    close(whole, whole.T)
    close(whole @ v, net.hvp(params, X, Y, v))
    monkeypatch.setattr("theory.models.multilayer._CHUNK", 1)
    # A leading axis takes the general way, in stacks of products.
    close(net.hessian(params[None], X, Y)[0], whole)


def test_hessian_and_gauss_newton_agree_for_one_layer_and_at_zero_residual():
    single = Network((3, 2), (), "squared")
    params, X, Y, _ = problem(single)
    close(single.hessian(params, X, Y), single.ggn(params, X, Y))
    net = NETWORKS["two hidden layers"]
    params, X, Y, _ = problem(net)
    fitted = softmax(net.outputs(params, X))
    close(net.hessian(params, X, fitted), net.ggn(params, X, fitted))
    assert np.max(np.abs(net.hessian(params, X, Y) - net.ggn(params, X, Y))) > 1e-2


@CASES
def test_trials_are_independent(net):
    params, X, Y, v = problem(net, trials=(3,))
    many_x = np.stack([X, 2 * X, -X])
    many_y = np.stack([Y, Y[::-1], Y])
    for xs, ys in ((X, Y), (many_x, many_y), (many_x, Y), (X, many_y)):
        found = (net.loss(params, xs, ys), net.gradient(params, xs, ys),
                 net.hvp(params, xs, ys, v), net.ggn_product(params, xs, ys, v),
                 net.hessian(params, xs, ys))  # fmt: skip
        for i in range(3):
            x, y = xs[i] if xs is many_x else xs, ys[i] if ys is many_y else ys
            one = (net.loss(params[i], x, y), net.gradient(params[i], x, y),
                   net.hvp(params[i], x, y, v[i]), net.ggn_product(params[i], x, y, v[i]),
                   net.hessian(params[i], x, y))  # fmt: skip
            for stacked, single in zip(found, one, strict=True):
                close(stacked[i], single)


@CASES
def test_strict_arrays_give_the_same_numbers(net):
    params, X, Y, v = problem(net)
    strict = [array_api_strict.asarray(array) for array in (params, X, Y, v)]
    for name in ("loss", "gradient", "hvp", "ggn_product", "hessian"):
        given = slice(None, 4 if name in ("hvp", "ggn_product") else 3)
        expected = getattr(net, name)(*(params, X, Y, v)[given])
        close(np.asarray(getattr(net, name)(*strict[given])), expected)


def test_functions_do_not_overflow():
    z = np.array([-1e4, -40.0, 0.0, 40.0, 1e4])
    assert sigmoid(z)[1] == pytest.approx(np.exp(-40.0), rel=8 * EPS)
    assert softplus(z)[1] == pytest.approx(np.exp(-40.0), rel=8 * EPS)
    assert softplus(z)[4] == 1e4
    assert float(log_sum_exp(np.array([1e4, 1e4]))) == pytest.approx(1e4 + np.log(2), rel=EPS)
    assert softmax(np.array([1e4, 0.0])).tolist() == [1.0, 0.0]
    slope, bend = ACTIVATIONS["relu"].derivatives(np.array([-1.0, 0.0, 2.0]), None)
    assert slope.tolist() == [0.0, 0.0, 1.0]
    assert bend is None


def test_initial_weights_have_the_stated_variance_and_biases_are_zero():
    net = Network((40, 30, 20), "relu")
    normals = np.random.default_rng(1).standard_normal((50, net.size))
    for scheme, variance in SCHEMES.items():
        for weight, offset in net.layers(net.initialise(normals, scheme, gain=3.0)):
            k, n = weight.shape[-2:]
            # The relative standard error of a variance of 50 k n >= 3e4 normals is below 0.8 %.
            assert np.var(weight) == pytest.approx(9 * variance(n, k), rel=0.05)
            assert not np.any(offset)
    assert np.array_equal(net.flatten(net.layers(normals)), normals)


def test_cross_entropy_of_classes_of_unit_vectors_and_of_soft_targets():
    net = NETWORKS["tanh, classes"]
    params, X, Y, _ = problem(net)
    assert net.loss(params, X, np.eye(5)[Y]) == net.loss(params, X, Y)
    p = softmax(net.outputs(params, X))
    assert net.loss(params, X, Y) == pytest.approx(-np.mean(np.log(p[np.arange(6), Y])), rel=1e-14)
    accuracy = np.mean(np.argmax(p, axis=1) == Y)
    assert net.accuracy(params, X, Y) == accuracy


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (((3,),), r"widths is \(3,\)"),
        (((3, 0, 2),), r"widths is \(3, 0, 2\)"),
        (((3, 2, 2), "gelu"), "activation is 'gelu'"),
        (((3, 2, 2), ("tanh", "tanh")), "activation is"),
        (((3, 2), (), "hinge"), "objective is 'hinge'"),
    ],
)
def test_malformed_networks_are_told(arguments, named):
    with pytest.raises(ValueError, match=named):
        Network(*arguments)


def test_malformed_input_is_told():
    net = NETWORKS["tanh, classes"]
    params, X, Y, _ = problem(net)
    for call, named in [
        (lambda: net.loss(params[1:], X, Y), r"params has shape \(40,\)"),
        (lambda: net.loss(params, X[:, :2], Y), r"X has shape \(6, 2\)"),
        (lambda: net.loss(params, X[:0], Y[:0]), r"X has shape \(0, 3\)"),
        (lambda: net.loss(params, X, Y[1:]), r"Y has shape \(5,\)"),
        (lambda: net.loss(params, X, Y + 5), "classes 0 to 4"),
        (lambda: net.loss(params, X, X), r"Y has shape \(6, 3\); it must be"),
        (lambda: net.initialise(params, "random"), "scheme is 'random'"),
    ]:
        with pytest.raises(ValueError, match=named):
            call()


def torch_loss(torch, net, params, X, Y):
    start, a = 0, torch.as_tensor(X)
    functions = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu,
                 "linear": lambda z: z}  # fmt: skip
    for index, (n, k) in enumerate(zip(net.widths[:-1], net.widths[1:], strict=True)):
        a = a @ params[start : start + n * k].reshape(k, n).T
        start += n * k
        if net.bias:
            a, start = a + params[start : start + k], start + k
        if index < len(net.activation):
            a = functions[net.activation[index]](a)
    y, functional = torch.as_tensor(Y), torch.nn.functional
    if net.objective == "cross-entropy":
        return functional.cross_entropy(a, y)
    if net.objective == "squared":
        return functional.mse_loss(a, y, reduction="sum") / (2 * len(y))
    return functional.binary_cross_entropy_with_logits(a, y, reduction="sum") / len(y)


@pytest.mark.torch
@CASES
def test_every_derivative_agrees_with_autograd(net):
    torch = pytest.importorskip("torch")
    params, X, Y, v = problem(net, seed=3)
    start = torch.tensor(params, requires_grad=True)
    loss = torch_loss(torch, net, start, X, Y)
    close(net.loss(params, X, Y), loss.item())
    (gradient,) = torch.autograd.grad(loss, start, create_graph=True)
    close(net.gradient(params, X, Y), gradient.detach().numpy())
    (product,) = torch.autograd.grad(gradient @ torch.tensor(v), start)
    close(net.hvp(params, X, Y, v), product.numpy())
