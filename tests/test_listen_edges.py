"""listen where models are unusual, used twice, changed or broken: what is heard, what is said, what is left behind."""

from __future__ import annotations

import copy
import gc
import itertools
import pickle
import sys
import weakref

import pytest

from backtalk import InputError, InputTypeError, LayerError, MissingLibraryError, UnknownNameError, listen

torch = pytest.importorskip("torch")
nn = torch.nn
cross_entropy = nn.functional.cross_entropy


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    torch.manual_seed(0)
    yield
    assert not torch.nn.modules.module._has_any_global_hook()


def mlp(*parts):
    return nn.Sequential(nn.Linear(4, 6), *(parts or (nn.Tanh(),)), nn.Linear(6, 3))


def data(count=8, dtype=torch.float32):
    return torch.randn(count, 4, dtype=dtype), torch.randint(3, (count,))


def heard_of(model, X, y, **arguments):
    model.zero_grad()
    with listen(model, **arguments) as heard:
        cross_entropy(model(X), y).backward()
    return heard


def sum_of_pairs(heard):
    """∇s by name of the parameter, from the pairs alone."""
    total = {}
    for block in heard.gradients(scale="share"):
        for name in block.W:
            total[f"{name}.weight"] = total.get(f"{name}.weight", 0) + block.W[name].sum(0)
        for name in block.b:
            total[f"{name}.bias"] = total.get(f"{name}.bias", 0) + block.b[name].sum(0)
    return total


def is_whole(heard, model, tolerance=1e-5):
    """Whether the pairs add up to the gradients that PyTorch gives, of the Linears that were heard."""
    total = sum_of_pairs(heard)
    grads = {name: part.grad for name, part in model.named_parameters()}
    assert total
    for name, part in total.items():
        torch.testing.assert_close(part.to(grads[name].dtype), grads[name], rtol=tolerance, atol=tolerance)


class Mixing(nn.Module):
    """In-place operations after and on outputs, views of outputs, and user's hooks."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(3, 3)

    def forward(self, x):
        a = self.one(x)
        a.mul_(2).tanh_()
        b = self.two(a)
        b[:, :2] *= 3
        left, right = b.chunk(2, 1)
        return self.three(left.clone().add_(right))


def test_operations_in_place_do_not_change_what_is_heard():
    model = Mixing()
    X, y = data()
    heard = heard_of(model, X, y)
    assert heard.names == ("one", "two", "three")
    is_whole(heard, model)


def test_the_gradient_is_heard_as_the_users_hooks_left_it():
    model = mlp()
    model[0].register_forward_hook(lambda module, inputs, output: output * 2)
    model[2].register_full_backward_hook(lambda module, grad_input, grad_output: None)
    X, y = data()
    with listen(model) as heard:
        output = model(X)
        output.register_hook(lambda gradient: gradient * 5)
        cross_entropy(output, y).backward()
    is_whole(heard, model)


def test_random_numbers_hooks_and_the_training_of_a_model_stay_as_they_are():
    def train(listening):
        torch.manual_seed(3)
        model = mlp(nn.Dropout(0.5), nn.BatchNorm1d(6))
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(3):
            X, y = data()
            optimizer.zero_grad()
            if listening:
                with listen(model) as heard:
                    cross_entropy(model(X), y).backward()
                    heard.norms()
                    heard.diagnose()
            else:
                cross_entropy(model(X), y).backward()
            optimizer.step()
        return model, torch.get_rng_state()

    (one, state), (other, other_state) = train(True), train(False)
    assert torch.equal(state, other_state)
    for name, part in one.state_dict().items():
        assert torch.equal(part, other.state_dict()[name])
    for module in one.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert not any(part._backward_hooks for part in one.parameters())
    pickle.loads(pickle.dumps(one))


def test_after_the_block_nothing_is_heard_and_nothing_is_kept():
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        loss = cross_entropy(model(X), y)
    loss.backward()
    cross_entropy(model(X), y).backward()
    with pytest.raises(InputError, match="no backward pass reached a layer"):
        heard.norms()
    with listen(model) as heard:
        output = model(X)
        cross_entropy(output, y).backward(retain_graph=True)
        first = heard.norms().whole
    cross_entropy(output, y).backward()
    assert len(heard.batches) == 1
    assert torch.equal(heard.norms().whole, first)


def test_what_was_heard_lives_no_longer_than_it_is_asked_for():
    model = mlp()
    X, y = data()
    heard = heard_of(model, X, y)
    heard.norms()
    hooks = weakref.ref(heard._hooks)
    gc.collect()
    gc.disable()  # it goes with the last reference, and not when a collector comes by
    try:
        del heard
        assert hooks() is None
    finally:
        gc.enable()


def test_after_an_exception_nothing_is_left_behind():
    model = mlp()
    X, y = data()
    with pytest.raises(ZeroDivisionError), listen(model):
        cross_entropy(model(X), y) / (1 // 0)
    assert not torch.nn.modules.module._has_any_global_hook()
    with pytest.raises(RuntimeError), listen(model):  # within the forward pass
        model(X[:, :3])
    assert not torch.nn.modules.module._has_any_global_hook()
    is_whole(heard_of(model, X, y), model)


def test_blocks_within_blocks_hear_the_same():
    model = mlp()
    X, y = data()
    with listen(model) as outer:
        with listen(model[0], reduction="sum") as part, listen(model) as inner:
            cross_entropy(model(X), y).backward()
        cross_entropy(model(X), y).backward()
    assert torch.equal(outer.batches[0].norms().whole, inner.norms().whole)
    assert part.names == ("model",)
    torch.testing.assert_close(8 * part.norms().W["model"], inner.norms().W["0"])
    assert len(outer.batches) == 2


def test_each_backward_pass_is_a_batch_of_its_own():
    model = mlp()
    (X, y), (more, labels) = data(), data(5)
    with listen(model) as heard:
        cross_entropy(model(X), y).backward()
        cross_entropy(model(more), labels).backward()
    with pytest.raises(InputError, match=r"^2 backward passes were heard, expected one: read each of them"):
        heard.norms()
    one, two = heard.batches
    assert (one.count, two.count, one.names) == (8, 5, ("0", "2"))
    assert torch.equal(one.norms().whole, heard_of(model, X, y).norms().whole)
    assert torch.equal(two.norms().whole, heard_of(model, more, labels).norms().whole)
    assert repr(heard).startswith("Heard 2 layers in 2 backward passes: 0, 2")


def test_forward_passes_may_come_before_their_backward_passes():
    model = mlp()
    (X, y), (more, labels) = data(), data(5)
    with listen(model) as heard:
        losses = [cross_entropy(model(X), y), cross_entropy(model(more), labels)]
        losses[1].backward()
        losses[0].backward()
    assert [batch.count for batch in heard.batches] == [5, 8]
    assert torch.equal(heard.batches[1].norms().whole, heard_of(model, X, y).norms().whole)


def test_a_graph_that_is_retained_is_heard_each_time():
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        output = model(X)
        cross_entropy(output, y).backward(retain_graph=True)
        (2 * cross_entropy(output, y)).backward()
    one, two = heard.batches
    torch.testing.assert_close(two.norms().whole, 2 * one.norms().whole)


def test_the_gradient_of_a_gradient_is_refused():
    model = mlp()
    X, y = data()
    X.requires_grad_()
    with listen(model) as heard:
        output = model(X)
        (slope,) = torch.autograd.grad(output.sum(), X, create_graph=True)
        (cross_entropy(output, y) + slope.square().sum()).backward()
    assert torch.isfinite(heard.batches[0].norms().whole).all()
    assert not heard.batches[0].norms().whole.requires_grad
    with pytest.raises(InputError, match=r"the loss depends on a gradient of layer '0' \(create_graph=True\)"):
        heard.batches[1].norms()


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_checkpoints_are_heard_as_one_backward_pass(reentrant, deep):
    from torch.utils.checkpoint import checkpoint

    body = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 4), nn.Tanh())
    model = nn.ModuleList([nn.Linear(4, 4), body, nn.Linear(4, 3)])

    def run(x):
        return checkpoint(body, x, use_reentrant=reentrant)

    X, y = data()
    with listen(model) as heard:
        h = model[0](X)
        for _ in range(2):
            h = checkpoint(lambda x: run(x).tanh(), h, use_reentrant=reentrant) if deep else run(h)
        cross_entropy(model[2](h), y).backward()
    assert heard.names == ("0", "1.0", "1.2", "2")
    assert len(heard.batches) == 1
    is_whole(heard, model)


def test_without_gradients_nothing_is_heard():
    model = mlp().eval()
    X, y = data()
    with listen(model) as heard:
        with torch.no_grad():
            model(X)
        with torch.inference_mode():
            model(X)
    with pytest.raises(InputError, match=r"^no layer was heard: of layer '0', it was called without gradients alone"):
        heard.norms()
    with listen(model) as heard:
        with torch.no_grad():
            model(X)
        cross_entropy(model(X), y).backward()
    is_whole(heard, model)


def test_the_fast_path_of_a_transformer_stays_the_same():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    X = torch.randn(4, 5, 8)
    with torch.no_grad():
        expected = model(X)
        with listen(model):
            found = model(X)
    assert torch.equal(found, expected)
    with listen(model) as heard:
        model(X).square().mean().backward()
    assert heard.names == ("norm1", "linear1", "linear2", "norm2")
    assert dict(heard.unheard) == {
        "self_attn.out_proj": "MultiheadAttention uses its weights without calling it",
        "self_attn": "MultiheadAttention, a kind that is not heard: in_proj_weight, in_proj_bias",
    }
    is_whole(heard, model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_widened_to_float32(dtype):
    model = mlp().to(dtype)
    X, y = data(dtype=dtype)
    heard = heard_of(model, X, y)
    assert heard.norms().whole.dtype == torch.float32
    is_whole(heard, model, 3e-2)
    twin = copy.deepcopy(model).float()
    torch.testing.assert_close(heard.norms().whole, heard_of(twin, X.float(), y).norms().whole, rtol=0.1, atol=0.05)


def test_autocast_is_heard_as_it_computed():
    model = mlp()
    X, y = data()
    with listen(model) as heard, torch.autocast("cpu", dtype=torch.bfloat16):
        cross_entropy(model(X).float(), y).backward()
    assert heard.norms().whole.dtype == torch.float32
    is_whole(heard, model, 1e-2)
    heard.unit_importance()
    heard.diagnose()


def test_parts_that_the_loss_does_not_reach_have_no_part():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle, self.asleep, self.frozen = (nn.Linear(4, 3) for _ in range(4))
            self.frozen.requires_grad_(False)
            self.norm, self.slope = nn.LayerNorm(3), nn.PReLU()

        def forward(self, x):
            self.idle(x)
            return self.norm(self.slope(self.used(x)) + self.frozen(x))

    model = Branches()
    X, y = data()
    heard = heard_of(model, X, y)
    assert heard.names == ("used", "norm")
    assert dict(heard.unheard) == {
        "idle": "no backward pass within the block reached it",
        "asleep": "it was not called within the block",
        "frozen": "its weight and bias are frozen",
        "slope": "PReLU, a kind that is not heard: weight",
    }
    assert "not heard: frozen, its weight and bias are frozen" in repr(heard)


def test_a_frozen_weight_leaves_the_bias():
    model = mlp()
    model[0].weight.requires_grad_(False)
    X, y = data()
    heard = heard_of(model, X, y)
    norms = heard.norms()
    assert list(norms.W) == ["2"]
    assert list(norms.b) == ["0", "2"]
    assert list(norms.a) == list(norms.layers) == ["0", "2"]
    is_whole(heard, model)
    assert heard.kronecker_factors().a["0"].shape == (6, 6)
    assert heard.diagnose().layers[0].ratio is None
    model[2].weight.requires_grad_(False)
    with pytest.raises(InputError, match="no weights are trained"):
        _ = heard_of(model, X, y).norms().whole_without_biases


def test_weights_that_are_computed_or_of_others_are_said_not_to_be_heard():
    from torch.nn.utils.parametrizations import spectral_norm, weight_norm

    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(5, 4), nn.Linear(4, 5)
            self.head.weight = self.embedding.weight
            self.normed, self.spectral = weight_norm(nn.Linear(4, 4)), spectral_norm(nn.Linear(4, 4))
            self.doubled, self.patched, self.plain = Doubled(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.patched.forward = lambda x: 3 * nn.functional.linear(x, self.patched.weight)

        def forward(self, x):
            x = self.patched(self.doubled(self.spectral(self.normed(self.embedding(x)))))
            return self.head(self.plain(input=self.plain(x)))

    model = Language()
    X, y = torch.randint(5, (6,)), torch.randint(5, (6,))
    heard = heard_of(model, X, y)
    assert heard.names == ("embedding", "plain", "head")
    reasons = heard.unheard
    computed = "its weight or bias is computed from other parameters (weight_norm, or another parametrization)"
    assert reasons["normed"] == reasons["spectral"] == computed
    assert reasons["doubled"] == "its forward is not that of nn.Linear but of Doubled"
    assert reasons["patched"] == "its forward was replaced"


def test_a_lazy_linear_is_heard_from_its_first_call():
    model = nn.Sequential(nn.LazyLinear(6), nn.ReLU(), nn.Linear(6, 3))
    X, y = data()
    with listen(model) as heard:
        cross_entropy(model(X), y).backward()
    assert heard.names == ("0", "2")
    is_whole(heard, model)


def test_experts_that_see_some_examples_are_refused_with_the_two_layers():
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        cross_entropy(model[2](model[1](model[0](X))[:5]), y[:5]).backward()
    with pytest.raises(
        InputError,
        match=r"^layer '0' heard 8 examples, but layer '2' 5 \(input of shape \(5, 6\)\), expected as many in all: set "
        r"batch_dimension, or listen to a part of the model where they agree\.$",
    ):
        heard.norms()


def test_a_batch_dimension_that_is_none_is_refused():
    model = nn.Linear(4, 3)
    with listen(model, batch_dimension=2) as heard:
        model(torch.randn(2, 5, 4)).sum().backward()
    with pytest.raises(InputError, match=r"^batch_dimension is 2, but layer 'model' was given .* expected 0 to 1\.$"):
        heard.norms()
    with listen(model) as heard:
        model(torch.randn(4)).sum().backward()
    with pytest.raises(InputError, match=r"^layer 'model' was given an input of shape \(4,\), expected \(B, …, n\)\.$"):
        heard.norms()
    model = nn.Linear(4, 3, dtype=torch.complex64)
    with listen(model) as heard:
        model(torch.randn(2, 4, dtype=torch.complex64)).abs().sum().backward()
    with pytest.raises(InputError, match=r"^layer 'model' has complex numbers, expected real ones\.$"):
        heard.norms()
    model = nn.Linear(4, 3)
    with listen(model) as heard:
        model(torch.randn(0, 4)).sum().backward()
    with pytest.raises(InputError, match=r"^the batch has no examples"):
        heard.norms()


def test_reading_before_backward_is_refused():
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        with pytest.raises(InputError, match=r"^no layer was heard: of layer '0', it was not called within the block"):
            heard.norms()
        assert repr(heard) == "Heard nothing yet"
        loss = cross_entropy(model(X), y)
        with pytest.raises(
            InputError, match=r"^no backward pass reached a layer of the model: call loss\.backward\(\)"
        ):
            heard.diagnose()
        loss.backward()
        heard.norms()


def test_a_loss_that_reaches_no_linear_is_refused():
    model = mlp()
    X, _ = data()
    free = torch.ones(3, requires_grad=True)
    with listen(model) as heard:
        model(X)
        free.sum().backward()
    with pytest.raises(InputError, match=r"^no backward pass reached a layer of the model"):
        heard.norms()


@pytest.mark.parametrize("when", ["before forward", "before backward"])
def test_a_model_that_changed_before_backward_is_refused(when):
    X, y = data()

    def changed(change):
        model = mlp()
        with listen(model) as heard:
            if when == "before forward":
                change(model)
            loss = cross_entropy(model(X), y)
            if when == "before backward":
                change(model)
            loss.backward()
        with pytest.raises(InputError) as error:
            heard.norms()
        return str(error.value)

    def replace(model):
        model[0] = nn.Linear(4, 6)

    def other_weight(model):
        model[2].weight = nn.Parameter(torch.zeros(3, 6))

    assert "the part '0' of module 'model' was replaced, added or removed" in changed(replace)
    assert "'extra' of module 'model' was" in changed(lambda model: model.add_module("extra", nn.Linear(3, 3)))
    said = changed(other_weight)
    assert "the parameters of layer '2' were replaced" in said
    assert said.count(".") == 1
    if when == "before forward":

        def resize(model):
            model[0].weight.data = torch.randn(6, 4)[:, :2].repeat(1, 2).repeat(1, 1)
            model[0].weight.data, model[2].weight.data = torch.randn(5, 4), torch.randn(3, 5)
            model[0].bias.data = torch.randn(5)

        assert "the weight of layer '0' went from shape (6, 4) to (5, 4)" in changed(resize)


def test_a_model_may_change_after_backward():
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        cross_entropy(model(X), y).backward()
        model[0] = nn.Linear(4, 6)
    assert heard.norms().whole.shape == (8,)


def test_a_model_called_with_other_parameters_is_not_heard():
    model = mlp()
    X, y = data()
    others = {name: part.detach().clone().requires_grad_() for name, part in model.named_parameters()}
    with listen(model) as heard:
        cross_entropy(torch.func.functional_call(model, others, (X,)), y).backward()
    with pytest.raises(InputError, match=r"it was called with other parameters than the model's"):
        heard.norms()


def test_torch_func_within_the_block_is_let_alone():
    model = mlp()
    X, y = data()
    parameters = dict(model.named_parameters())

    def loss(parameters, x, label):
        return cross_entropy(torch.func.functional_call(model, parameters, (x[None],)), label[None])

    with listen(model):
        inside = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(parameters, X, y)
    outside = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(parameters, X, y)
    assert all(torch.equal(inside[name], outside[name]) for name in inside)


def test_an_input_that_is_changed_after_backward_is_refused():
    model = mlp()
    X, y = data()
    heard = heard_of(model, X, y)
    X.zero_()
    with pytest.raises(
        InputError, match=r"^the input of layer '0' was changed in place after it was heard: read heard"
    ):
        heard.norms()


def test_importance_after_the_optimizers_step_is_refused():
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        cross_entropy(model(X), y).backward()
        torch.optim.SGD(model.parameters(), 0.1).step()
    assert torch.isfinite(heard.norms().whole).all()
    assert heard.diagnose().layers[0].W is None
    with pytest.raises(InputError, match=r"^the weight of layer '0' was changed since it was heard"):
        heard.unit_importance()


@pytest.mark.parametrize(
    "read",
    ["norms", "moments", "noise_scale", "kronecker_factors", "unit_importance", "cosines", "gram", "gradients"],
)
def test_values_that_are_not_finite_are_refused(read):
    model = mlp()
    X, y = data()
    with listen(model) as heard:
        output = model(X)
        output.register_hook(lambda gradient: gradient.index_fill(0, torch.tensor([2, 5]), float("nan")))
        cross_entropy(output, y).backward()
    with pytest.raises(
        InputError,
        match=r"^the output's gradient of layer '2' holds nan, for example 2 of the batch and of 1 others: ",
    ):
        getattr(heard, read)()
    diagnosis = heard.diagnose()
    assert [each.kind for each in diagnosis.findings] == ["non_finite"]
    assert diagnosis.findings[0].examples == (2, 5)
    X[1, 0] = float("inf")
    heard = heard_of(model, X, y)
    with pytest.raises(InputError, match=r"^the input of layer '0' holds inf, for example 1 of the batch: expected"):
        heard.clipped_sum(1.0)
    assert heard.diagnose().findings[0].kind == "non_finite_data"


def test_wrong_arguments_are_refused_in_one_sentence():
    for wrong, said in ((lambda x: x, "a function"), (nn.Linear, "the class Linear"), (None, "a NoneType")):
        with pytest.raises(InputTypeError, match=f"^model is {said}, expected a torch.nn.Module"), listen(wrong):
            pass
    with pytest.raises(UnknownNameError, match=r"^reduction is 'none'"), listen(mlp(), reduction="none"):
        pass
    for wrong in (True, 1.0, "0"):
        with pytest.raises(InputTypeError, match=r"^batch_dimension is"), listen(mlp(), batch_dimension=wrong):
            pass
    with pytest.raises(InputError, match=r"^batch_dimension is -1"), listen(mlp(), batch_dimension=-1):
        pass
    X, y = data()
    heard = heard_of(mlp(), X, y)
    with pytest.raises(LayerError, match=r"^layers holds '1', expected names of layers that were heard: '0', '2'"):
        heard.gram(layers=["1"])
    with pytest.raises(InputTypeError, match=r"^layers is '0', expected a list of names, such as \['0'\]"):
        heard.gram(layers="0")
    with pytest.raises(InputError, match="none twice"):
        heard.gradients(layers=["0", "0"])
    with pytest.raises(UnknownNameError, match=r"^scale is"):
        heard.norms(scale="mine")
    with pytest.raises(InputError, match=r"^clip_norm is -1"):
        heard.clipped_sum(-1)
    with pytest.raises(InputTypeError, match=r"^other is a tuple, expected what another listen heard"):
        heard.gram((X, y))
    with pytest.raises(InputError, match=r"^other has no layer '0' like that of this pass"):
        heard.gram(heard_of(nn.Sequential(nn.Linear(4, 3)), X, y))
    with pytest.raises(InputError, match=r"^the backward pass had 1 example"):
        heard_of(mlp(), X[:1], y[:1]).noise_scale()


def test_without_torch_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with (
        pytest.raises(MissingLibraryError, match=r"^listen needs PyTorch, which is not installed: pip install"),
        listen(object()),
    ):
        pass


def kinds(model, X, y):
    return [each.kind for each in heard_of(model, X, y).diagnose().findings if each.severity != "note"]


def stack(sizes, activation):
    layers = [part for n, m in itertools.pairwise(sizes) for part in (nn.Linear(n, m), activation())]
    return nn.Sequential(*layers[:-1])


def test_the_doctor_finds_what_is_wrong():
    X = torch.randn(64, 20)
    y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
    assert kinds(stack((20, 30, 30, 3), nn.ReLU), X, y) == []
    assert kinds(stack([20] * 12 + [3], nn.Sigmoid), X, y)[0] == "vanishing_gradient"
    exploding = stack([20] * 10 + [3], nn.Identity)
    for part in exploding[:-1:2]:
        part.weight.data.mul_(8)
    assert "exploding_gradient" in kinds(exploding, X, y)
    dead = stack((20, 30, 30, 3), nn.ReLU)
    dead[0].bias.data[:15] = -100
    assert kinds(dead, X, y) == ["dead_units"]
    diagnosis = heard_of(dead, X, y).diagnose()
    assert diagnosis.findings[0].units == tuple(range(15))
    assert diagnosis.findings[0].layer == 1
    assert "'0'" in diagnosis.findings[0].title
    assert not diagnosis.healthy
    assert "dead units in layer '0'" in str(diagnosis)
    assert diagnosis.to_dict()["layers"][0]["dead_units"] == list(range(15))
    alike = stack((20, 30, 3), nn.Tanh)
    nn.init.constant_(alike[0].weight, 0.01)
    nn.init.constant_(alike[0].bias, 0.0)
    nn.init.constant_(alike[2].weight, 0.01)
    assert "symmetry" in kinds(alike, X, y)
    some = stack((20, 30, 3), nn.Tanh)
    for family in (some[0].weight.data, some[0].bias.data, some[2].weight.data.T):
        family[7], family[20] = family[4], family[11]
    found = heard_of(some, X, y).diagnose().findings[0]
    assert (found.kind, found.units) == ("symmetry", (4, 7, 11, 20))
    assert kinds(stack((20, 30, 3), nn.Tanh), 50 * X, y)[0] == "inputs_not_scaled"
    assert kinds(stack((20, 30, 3), nn.Tanh), 1e-3 * X, y)[0] == "inputs_too_small"
    model, target = stack((20, 3), nn.Tanh), torch.randn(64, 3)
    target[3] = 200
    with listen(model, reduction="sum") as heard:
        nn.functional.mse_loss(model(X), target, reduction="sum").backward()
    loud = heard.diagnose().findings[0]
    assert (loud.kind, loud.severity, loud.examples) == ("dominating_examples", "note", (3,))
    heavy = stack((20, 30, 30, 3), nn.Tanh)
    heavy[0].weight.data.mul_(1e6)
    assert "layer_not_learning" in kinds(heavy, X, y)


def test_a_batch_without_examples_is_refused_in_words():
    heard = heard_of(mlp(), *data(0))
    with pytest.raises(InputError, match="without examples"):
        heard.diagnose()


def test_the_sentence_of_one_dead_unit_is_in_the_singular():
    model = mlp(nn.ReLU())
    model[0].bias.data[2] = -100
    said = [each.said for each in heard_of(model, *data(64)).diagnose().findings if each.kind == "dead_units"]
    assert said == [
        "1 unit of 6 in layer '0' (Linear) is 0 for every one of 64 examples, and hears nothing from the loss: 3."
    ]


def saturated():
    """A model that is right about every example, with hidden units that are all at an end of tanh."""
    X = torch.eye(4).repeat(10, 1)
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    for part in model[::2]:
        part.weight.data = 20 * torch.eye(4)
        part.bias.data.fill_(-10.0)
    return model, X, X.argmax(dim=1)


@pytest.mark.parametrize("goal", [0, 1])
def test_units_that_are_saturated_where_the_model_has_learned_are_a_note(goal):
    model, X, y = saturated()
    with listen(model) as heard:
        loss = nn.functional.cross_entropy(model(X), (y + goal) % 4)
        loss.backward()
    for given, severity in ((loss, "severe" if goal else "note"), (None, "severe")):
        assert [each.severity for each in heard.diagnose(loss=given).findings if each.kind == "saturated_units"] == [
            severity
        ]


def test_pixels_are_no_units():
    X, y = torch.rand(60, 1, 8, 8), torch.arange(60) % 3
    X[:, :, :5] = 0
    convolution = nn.Conv2d(1, 2, 3, bias=False)
    convolution.weight.data.abs_()
    for parts in ((nn.ReLU(), nn.Flatten()), (nn.Flatten(), nn.ReLU()), (nn.ReLU(), nn.Identity(), nn.Flatten())):
        model = nn.Sequential(convolution, *parts, nn.Linear(72, 3))
        assert "dead_units" not in kinds(model, X, y)
