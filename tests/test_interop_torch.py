"""Networks from and to nn.Sequential: the same bits, PyTorch's outputs, and the gradients that autograd finds."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, MissingLibraryError, Network, forward, from_torch, gradients, to_torch
from backtalk.core.activations import ACTIVATIONS, RegisteredActivation
from engines import drawn, same_bits

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional

BUILT_IN = [name for name, kind in ACTIVATIONS.items() if isinstance(kind, type)]  # others may have been registered
BUILT_IN.remove("exp")  # of which PyTorch has no module
BUILT_IN += ["leaky_relu(slope=0.3)", "elu(alpha=0.5)"]
SIZES = [[3, 2], [1, 1], [4, 7, 3], [3, 1, 2], [5, 6, 1, 4, 3], [2, 3, 3, 1]]
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}
# Each loss of ours by PyTorch's own, from what to_torch gives, summed over the outputs, with a mean over examples
TORCH_LOSSES = {
    "cross_entropy": lambda a, y: F.cross_entropy(a, y),
    "binary_cross_entropy": lambda a, y: F.binary_cross_entropy_with_logits(a, y, reduction="sum") / len(a),
    "squared_error": lambda a, y: F.mse_loss(a, y, reduction="sum") / (2 * len(a)),
    "absolute_error": lambda a, y: F.l1_loss(a, y, reduction="sum") / len(a),
    "huber": lambda a, y: F.huber_loss(a, y, reduction="sum") / len(a),
    # t log t − t is a constant, which has no gradient
    "poisson_deviance": lambda a, y: (
        2 * (F.poisson_nll_loss(a, y, reduction="sum") + (torch.xlogy(y, y) - y).sum()) / len(a)
    ),
}


def close(ours, theirs, dtype):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(theirs).max()))


class PreciseHardsigmoid(nn.Module):
    """As nn.Hardsigmoid is documented; its own g′ in float64 is a 1/6 of float32, wrong by 3e-8 of it."""

    def forward(self, a):
        return F.relu6(a + 3) / 6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", TORCH_LOSSES)
@pytest.mark.parametrize("activation", BUILT_IN)
def test_outputs_and_gradients_are_those_of_torch(activation, loss, dtype):
    for sizes in SIZES:
        network, X, y, _ = drawn(sizes, activation, loss, 9, False, dtype)
        model = to_torch(network)
        if activation == "hard_sigmoid":
            model = nn.Sequential(*(PreciseHardsigmoid() if type(m) is nn.Hardsigmoid else m for m in model))
        logits = model(torch.tensor(X))
        close(forward(network, X).a[network.depth], logits.detach(), dtype)
        value = TORCH_LOSSES[loss](logits, torch.tensor(y))
        value.backward()
        grads = gradients(network, X, y)
        close(grads.loss, value.detach(), dtype)
        for i, layer in enumerate((each for each in model if isinstance(each, nn.Linear)), start=1):
            close(grads.W[i], layer.weight.grad, dtype)
            close(grads.b[i], layer.bias.grad, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES)
def test_a_network_comes_back_to_the_bit(sizes, dtype):
    rng = np.random.default_rng(len(sizes))
    activations = list(rng.choice(BUILT_IN, size=len(sizes) - 2))
    network, X, _, _ = drawn(sizes, activations, "huber(delta=2)", 9, False, dtype)
    back = from_torch(to_torch(network), network.loss)
    assert (back.activations, back.loss) == (network.activations, network.loss)
    assert same_bits(back.to(np), network)
    close(forward(back, torch.tensor(X)).output, forward(network, X).output, dtype)


def test_the_network_keeps_the_models_tensors_as_a_copy():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2)).double()
    network = from_torch(model)
    before = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight += 1
    assert torch.equal(network.W[1], before)
    assert network.spec.dtype_name == "float64"
    assert not network.W[1].requires_grad


def test_training_what_to_torch_gave_changes_nothing_here():
    network = Network.create([3, 2], rng=0)
    for given in (network, network.to(torch)):
        model = to_torch(given)
        with torch.no_grad():
            model[0].weight += 1
            model[0].bias += 1
        assert same_bits(given.to(np), network)
        assert all(parameter.requires_grad for parameter in model.parameters())


def test_to_torch_draws_no_random_numbers():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    to_torch(Network.create([3, 4, 2], rng=0))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("end", "loss"),
    [
        ([], "squared_error"),
        ([nn.Softmax(dim=1)], "cross_entropy"),
        ([nn.Softmax(dim=-1), nn.Identity()], "cross_entropy"),
        ([nn.LogSoftmax(dim=-1)], "cross_entropy"),
        ([nn.Sigmoid()], "binary_cross_entropy"),
        ([nn.Tanh()], "squared_error"),
    ],
)
def test_the_loss_is_the_one_that_belongs_to_the_end(end, loss):
    model = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2), *end)
    network = from_torch(model)
    assert network.loss.name == loss
    X = torch.randn(5, 3)
    expected = model(X).exp() if any(isinstance(each, nn.LogSoftmax) for each in end) else model(X)
    torch.testing.assert_close(forward(network, X).output, expected.detach())


def test_logits_take_the_loss_that_is_given():
    model = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))
    assert from_torch(model, loss="cross_entropy(label_smoothing=0.1)").loss.label_smoothing == 0.1
    assert from_torch(nn.Sequential(model, nn.Sigmoid()), "binary_cross_entropy").loss.name == "binary_cross_entropy"


def test_nested_models_with_modules_that_do_nothing():
    inner = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 4, bias=False), nn.Identity(), nn.Sequential(nn.SiLU()))
    model = nn.Sequential(nn.Flatten(), inner, nn.AlphaDropout(0.2), nn.Sequential(), nn.Linear(4, 3), nn.Identity())
    network = from_torch(model, "cross_entropy")
    assert (network.sizes, repr(network.activations)) == ((6, 4, 3), "(silu,)")
    assert not network.b[1].any()
    X = torch.randn(5, 2, 3)
    torch.testing.assert_close(forward(network, X.flatten(1)).a[2], model.eval()(X).detach())


def test_layers_without_an_activation_between_them_have_the_identity():
    network = from_torch(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 1)))
    assert repr(network.activations) == "(identity, identity)"


def test_a_module_that_is_used_twice_counts_twice():
    shared, square = nn.ReLU(), nn.Linear(4, 4)
    model = nn.Sequential(nn.Linear(3, 4), shared, square, shared, square, shared, nn.Linear(4, 2))
    network = from_torch(model)
    assert (network.sizes, repr(network.activations)) == ((3, 4, 4, 4, 2), "(relu, relu, relu)")
    X = torch.randn(5, 3)
    torch.testing.assert_close(forward(network, X).output, model(X).detach())


def test_a_single_linear_and_named_modules_and_half_precision():
    from collections import OrderedDict

    assert from_torch(nn.Linear(3, 2)).sizes == (3, 2)
    named = nn.Sequential(OrderedDict(first=nn.Linear(3, 2), g=nn.Tanh(), last=nn.Linear(2, 1))).to(torch.bfloat16)
    assert from_torch(named).spec.dtype_name == "float32"
    torch.nn.utils.parametrizations.weight_norm(named[0])
    torch.testing.assert_close(from_torch(named.float()).W[1], named[0].weight.detach())


class Doubling(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Forked(nn.Sequential):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ([nn.Linear(3, 4), nn.Conv1d(1, 1, 1)], r"^model\[1\] \(Conv1d\) is a module that a Network does not have"),
        ([nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4))], r"^model\[1\]\[1\] \(BatchNorm1d\) is a mod"),
        (
            [nn.Linear(3, 4), nn.Hardshrink()],
            r"^model\[1\] \(Hardshrink\) is a module .*: expected Linear, .* LogSoftmax",
        ),
        (
            [nn.Linear(3, 4), nn.Hardtanh(0, 1)],
            r"^model\[1\] \(Hardtanh\) is clipped to \[0.*, 1.*\], expected \[-1, 1\]",
        ),
        ([nn.Linear(3, 4), nn.PReLU()], r"^model\[1\] \(PReLU\) is a module"),
        ([Doubling(3, 4)], r"^model\[0\] \(Doubling\) is a module"),
        ([Forked(nn.Linear(3, 4))], r"^model\[0\] \(Forked\) is a module"),
        ([nn.ReLU(), nn.Linear(3, 4)], r"^model\[0\] \(ReLU\) comes before the first layer"),
        ([nn.Linear(3, 4), nn.ReLU(), nn.Tanh()], r"^model\[2\] \(Tanh\) follows model\[1\] \(ReLU\)"),
        ([nn.Linear(3, 4), nn.Softmax(1), nn.Linear(4, 2)], r"^model\[1\] \(Softmax\) stands between two layers"),
        ([nn.Linear(3, 4), nn.Softmax(0)], r"^model\[1\] \(Softmax\) is over dimension 0"),
        ([nn.Linear(3, 4), nn.Softplus(2.0)], r"^model\[1\] \(Softplus\) has beta 2.0"),
        ([nn.Linear(3, 4), nn.Softplus(threshold=5)], r"^model\[1\] \(Softplus\) has beta 1.0 and threshold 5"),
        ([nn.Linear(3, 4), nn.Flatten()], r"^model\[1\] \(Flatten\) is not Flatten\(1, -1\) before the first layer"),
        ([nn.Flatten(0)], r"^model\[0\] \(Flatten\) is not Flatten\(1, -1\)"),
        ([nn.LazyLinear(3)], r"^model\[0\] \(LazyLinear\) has no weights yet"),
        ([nn.Linear(3, 4, device="meta")], r"^model\[0\] \(Linear\) has no weights yet"),
        ([], r"^model has no layer with weights"),
        ([nn.Dropout()], r"^model has no layer with weights"),
        ([nn.Linear(3, 4), nn.ELU(-1.0)], r"alpha of elu is -1"),
        ([nn.Linear(3, 4), nn.Tanh(), nn.Linear(3, 2)], r"^W\[2\] has 3 columns, but W\[1\] has 4 rows"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_what_a_network_does_not_have_is_named_with_its_place(model, words):
    with pytest.raises(InputError, match=words):
        from_torch(nn.Sequential(*model))


def test_a_name_of_a_module_is_said():
    model = nn.Sequential()
    model.add_module("body", nn.Sequential(nn.Linear(2, 2), nn.Hardshrink()))
    with pytest.raises(InputError, match=r"^model\.body\[1\] \(Hardshrink\)"):
        from_torch(model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "tanh", "leaky_relu(slope=0.2)", "softplus"])
def test_another_pair_of_output_function_and_loss_goes_there_and_back(output, dtype):
    network = Network.create([3, 4, 2], "tanh", "squared_error", output=output, rng=0, dtype=dtype)
    model = to_torch(network)  # ends with the output function, as nn.MSELoss expects
    X, t = torch.randn(5, 3, dtype=getattr(torch, dtype)), torch.rand(5, 2, dtype=getattr(torch, dtype))
    torch.testing.assert_close(model(X).detach(), torch.tensor(forward(network, X.numpy()).output))
    (nn.functional.mse_loss(model(X), t, reduction="sum") / 10).backward()
    ours = gradients(network, X.numpy(), t.numpy())
    torch.testing.assert_close(model[0].weight.grad, torch.tensor(ours.W[1]), rtol=1e-5, atol=1e-6)
    back = from_torch(model, network.loss)
    assert (back.head, torch.equal(back.W[2], torch.tensor(network.W[2]))) == (network.head, True)


def test_an_identity_where_a_loss_has_another_output_function_is_said():
    network = Network.create([3, 2], loss="cross_entropy", output="identity", rng=0)
    assert from_torch(to_torch(network), network.loss, output=network.output).head == network.head


def test_an_output_function_that_is_not_the_models_is_refused():
    model = nn.Sequential(nn.Linear(3, 4), nn.Softmax(-1))
    assert repr(from_torch(model, "squared_error").output) == "softmax"
    words = r"^output is 'sigmoid', but model ends with model\[1\] \(Softmax\): leave output out for softmax"
    with pytest.raises(InputError, match=words):
        from_torch(model, output="sigmoid")
    with pytest.raises(InputError, match="did you mean 'cross_entropy'"):
        from_torch(model, "cross_entropi")


def test_what_is_no_model_or_no_network_is_refused():
    with pytest.raises(InputTypeError, match=r"^model is a list, expected a torch.nn.Sequential"):
        from_torch([nn.Linear(2, 2)])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputTypeError, match=r"^network is a Linear, expected a backtalk.Network"):
        to_torch(nn.Linear(2, 2))


def test_weights_that_are_not_finite_are_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight[1, 0] = float("nan")
    with pytest.raises(InputError, match=r"^W\[1\] holds nan at index \[1, 0\]"):
        from_torch(model)


def test_an_activation_of_ones_own_has_no_module():
    own = RegisteredActivation(
        name="own", kinks=(), initialization="he_normal", function=lambda a: a, derivative=lambda a: 1
    )
    with pytest.raises(InputError, match=r"^activations\[1\] is own, an activation of your own"):
        to_torch(Network.create([2, 2, 2, 1], ["relu", own], "squared_error", rng=0))
    with pytest.raises(InputError, match=r"^activations\[0\] is exp, for which PyTorch has no module"):
        to_torch(Network.create([2, 2, 1], "exp", "squared_error", rng=0))


def test_without_torch_the_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (lambda: from_torch(None), lambda: to_torch(Network.create([2, 1], rng=0))):
        with pytest.raises(MissingLibraryError, match=r"needs torch, which is not installed: pip install 'backtalk\["):
            call()
