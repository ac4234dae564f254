"""What listen hears of all modules of a model: hidden units, their gradients, statistics, and what is wrong."""

from __future__ import annotations

import itertools
import weakref

import pytest

from backtalk import InputError, LayerError, listen

torch = pytest.importorskip("torch")
nn = torch.nn
F = nn.functional


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    torch.manual_seed(0)
    yield
    of_all = torch.nn.modules.module
    assert not of_all._has_any_global_hook()
    assert not of_all._global_forward_hooks_with_kwargs


class Block(nn.Module):
    """A residual block with batch normalization, and operations in place."""

    def __init__(self, channels, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, outputs, 3, stride, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        out += self.down(x)
        return self.relu(out)


class Functional(nn.Module):
    """Convolutions and functions between them, as in many tutorials."""

    def __init__(self, cut=False):
        super().__init__()
        self.conv1, self.conv2, self.cut = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3), cut
        self.fc1, self.fc2 = nn.Linear(16 * 5 * 5, 32), nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.detach() if self.cut else x
        return self.fc2(F.dropout(F.relu(self.fc1(x.view(x.size(0), -1))), 0.5, self.training))


class Recurrent(nn.Module):
    """Words, a recurrent layer, and a head on its last state; the head is called by keyword."""

    def __init__(self, kind):
        super().__init__()
        self.words, self.body = nn.Embedding(50, 8), kind(8, 16, 2, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        _, state = self.body(self.words(x))
        state = state[0] if isinstance(state, tuple) else state
        return self.head(input=state[-1])


class Attention(nn.Module):
    """Queries, keys and values of their own, as many write it."""

    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        h = self.norm(x)
        return x + self.out(F.scaled_dot_product_attention(self.q(h), self.k(h), self.v(h)))


class Transformer(nn.Module):
    """Words and places, encoder layers of PyTorch and one of one's own, and a head."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(50, 16), nn.Parameter(torch.randn(6, 16) * 0.02)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.own, self.head = Attention(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.own(self.body(self.words(x) + self.places)).mean(1))


class Bag(nn.Module):
    def __init__(self, sparse=False):
        super().__init__()
        self.bag, self.head = nn.EmbeddingBag(200, 8, sparse=sparse), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.bag(x))


class Residual(nn.Module):
    """Linears, of which the first is heard by the residual connection too."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(20, 24), nn.Linear(24, 3)
        self.block = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 24))

    def forward(self, x):
        x = self.first(x)
        return self.last(x + self.block(x))


def convolutional(activation=nn.ReLU):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), activation(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), activation(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 32), activation(), nn.Dropout(0.5), nn.Linear(32, 10),
    )  # fmt: skip


def residual():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), Block(8, 8), Block(8, 16, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip


def mlp(*sizes, activation=nn.ReLU, last=()):
    layers = [part for n, m in itertools.pairwise(sizes) for part in (nn.Linear(n, m), activation())]
    return nn.Sequential(*layers[:-1], *last)


def images():
    return torch.randn(32, 1, 28, 28), torch.randint(10, (32,))


def words():
    return torch.randint(50, (32, 6)), torch.randint(3, (32,))


def rows(k=3):
    return torch.randn(40, 20), torch.randint(k, (40,))


def heard_of(model, X, y, loss=F.cross_entropy):
    model.zero_grad()
    with listen(model) as heard:
        loss(model(X), y).backward()
    return heard


def diagnosis_of(model, data, loss=F.cross_entropy):
    return heard_of(model, *data, loss).diagnose()


def kinds(diagnosis):
    return [each.kind for each in diagnosis.findings if each.severity != "note"]


# h and grad_h


@pytest.mark.parametrize(
    ("model", "data"),
    [(convolutional(nn.Tanh), images), (mlp(20, 16, 3), rows), (Transformer(), words), (Residual(), rows)],
    ids=["convolutional", "mlp", "transformer", "residual"],
)
def test_h_and_grad_h_are_the_outputs_and_their_gradients(model, data):
    model.double().eval()  # no dropout, so that both passes are the same
    X, y = data()
    X = X if X.dtype == torch.long else X.double()
    heard = heard_of(model, X, y)
    outputs, handles = {}, []
    for name, module in model.named_modules():
        if not isinstance(module, nn.ModuleList | nn.MultiheadAttention) and "out_proj" not in name:
            handles.append(module.register_forward_hook(lambda _m, _i, out, name=name: outputs.update({name: out})))
    loss = F.cross_entropy(model(X), y)
    for handle in handles:
        handle.remove()
    gradients = torch.autograd.grad(loss, list(outputs.values()))
    for (name, output), gradient in zip(outputs.items(), gradients, strict=True):
        own = name or "model"
        torch.testing.assert_close(heard.h[own], output.detach(), rtol=1e-10, atol=1e-14)
        torch.testing.assert_close(heard.grad_h[own], gradient, rtol=1e-10, atol=1e-14)


def test_of_several_calls_there_is_a_list_and_of_several_outputs_a_tuple():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.body = nn.Linear(4, 4), nn.LSTM(4, 5)

        def forward(self, x):
            x = self.cell(self.cell(x).tanh())
            return {"out": self.body(x)[0], "unused": x}

    model = Twice()
    with listen(model) as heard:
        model(torch.randn(3, 2, 4))["out"].square().mean().backward()
    assert [h.shape for h in heard.h["cell"]] == [(3, 2, 4)] * 2
    assert [gradient.shape for gradient in heard.grad_h["cell"]] == [(3, 2, 4)] * 2
    output, (h, c) = heard.h["body"]
    assert (output.shape, h.shape, c.shape) == ((3, 2, 5), (1, 2, 5), (1, 2, 5))
    gradient, states = heard.grad_h["body"]
    assert torch.allclose(gradient, 2 * output / output.numel())
    assert states == (None, None)  # nothing came to the loss through them
    assert set(heard.h["model"]) == {"out", "unused"}
    assert list(heard.h) == ["cell", "body", "model"]
    assert "body" in heard.grad_h
    assert len(heard.h) == 3
    with pytest.raises(LayerError, match="'lstm' is no module that a backward pass reached within the block: expected"):
        heard.h["lstm"]


def test_the_model_itself_is_called_model_unless_a_part_is():
    inner = nn.Module()
    inner.model = nn.Linear(2, 2)
    inner.forward = lambda x: inner.model(x) * 2
    with listen(inner) as heard:
        inner(torch.ones(3, 2)).sum().backward()
    assert torch.equal(heard.grad_h[""], torch.ones(3, 2))
    assert torch.equal(heard.grad_h["model"], torch.full((3, 2), 2.0))


def test_an_output_that_was_changed_in_place_is_refused_and_its_gradient_is_right():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    with listen(model) as heard:
        model(torch.randn(5, 4)).sum().backward()
    with pytest.raises(InputError, match=r"^the output of module '0' was changed in place after the call"):
        heard.h["0"]
    assert torch.equal(heard.grad_h["0"], (heard.h["1"] > 0).float())
    heard.grad_h["1"].zero_()
    with pytest.raises(InputError, match=r"^the gradient of the output of module '1' was changed in place"):
        heard.grad_h["1"]


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_and_compiled_models_are_heard_like_the_model(reentrant):
    from torch.utils.checkpoint import checkpoint

    body, head = nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 2)
    model = nn.ModuleList([body, head])
    X = torch.randn(6, 4, requires_grad=True)
    with listen(model) as expected:
        head(body(X)).square().mean().backward()
    with listen(model) as heard:
        head(checkpoint(body, X, use_reentrant=reentrant)).square().mean().backward()
    compiled = torch.compile(nn.Sequential(body, head), backend="eager")
    with listen(compiled) as uncompiled:
        compiled(X).square().mean().backward()
    for name in ("0.0", "0.1", "1"):
        assert torch.equal(heard.grad_h[name], expected.grad_h[name])
        assert torch.equal(uncompiled.grad_h[name], expected.grad_h[name])
    assert heard.diagnose().coverage == 1.0


def test_what_a_model_computes_stays_equal_to_the_bit():
    for model, data in ((residual(), images), (Transformer(), words), (Recurrent(nn.LSTM), words)):
        X, y = data()
        state = {key: value.clone() for key, value in model.state_dict().items()}
        torch.manual_seed(1)
        F.cross_entropy(model(X), y).backward()
        expected = [parameter.grad.clone() for parameter in model.parameters()]
        model.load_state_dict(state)
        torch.manual_seed(1)
        heard_of(model, X, y)
        assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), expected, strict=True))


def test_no_output_is_kept_that_no_backward_pass_reached():
    model = mlp(4, 4, 2)
    kept = []
    model[0].register_forward_hook(lambda _m, _i, out: kept.append(weakref.ref(out.untyped_storage())))
    with listen(model) as heard:
        with torch.no_grad():
            model(torch.randn(3, 4))
        assert kept[0]() is None
        model(torch.randn(3, 4)).sum().backward()
    assert heard.h["0"].shape == (3, 4)


# statistics


def test_statistics_are_those_of_the_tensors():
    model = convolutional()
    X, y = images()
    heard = heard_of(model, X, y)
    found = {module.name: module for module in heard.diagnose().modules}
    assert list(found) == [str(k) for k in range(11)]
    conv, relu = found["3"], found["4"]
    assert (conv.kind, conv.layer, conv.units, conv.calls, relu.layer) == ("Conv2d", 2, 16, 1, 2)
    assert conv.output_rms == pytest.approx(float(heard.h["3"].square().mean().sqrt()), rel=1e-5)
    assert conv.grad_norm == pytest.approx(float(heard.grad_h["3"].norm()), rel=1e-5)
    assert conv.grad_rms == pytest.approx(float(heard.grad_h["3"].square().mean().sqrt()), rel=1e-5)
    weight = model[3].weight.detach()
    assert conv.ratio == pytest.approx(float(model[3].weight.grad.norm() / weight.norm()), rel=1e-5)
    of_all = torch.cat([parameter.detach().flatten() for parameter in model[3].parameters()])
    assert conv.weight_norm == pytest.approx(float(of_all.norm()), rel=1e-5)
    dead = (heard.h["4"] == 0).all(dim=3).all(dim=2).all(dim=0).nonzero().flatten().tolist()
    assert list(conv.dead_units) == list(relu.dead_units) == dead


HEALTHY = {
    "convolutional": (convolutional, images),
    "with tanh": (lambda: convolutional(nn.Tanh), images),
    "functions": (Functional, images),
    "residual": (residual, images),
    "transformer": (Transformer, words),
    "LSTM": (lambda: Recurrent(nn.LSTM), words),
    "GRU": (lambda: Recurrent(nn.GRU), words),
    "RNN": (lambda: Recurrent(nn.RNN), words),
    "bag": (Bag, words),
    "sparse bag": (lambda: Bag(sparse=True), words),
    "residual Linears": (Residual, rows),
    "bottleneck": (lambda: nn.Sequential(mlp(20, 16, 4), mlp(4, 16, 3)), rows),
    "normalized by itself": (
        lambda: nn.Sequential(nn.BatchNorm1d(20), mlp(20, 16, 3)), lambda: (300 * rows()[0], rows()[1]),
    ),
    "a head of zeros": (lambda: _changed(mlp(20, 32, 3), lambda m: nn.init.zeros_(m[2].weight)), rows),
    "8 layers": (lambda: mlp(20, *[64] * 8, 3), rows),
}  # fmt: skip


def _changed(model, change):
    with torch.no_grad():
        change(model)
    return model


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_has_no_finding_above_a_note(name):
    create, data = HEALTHY[name]
    diagnosis = diagnosis_of(create(), data())
    assert kinds(diagnosis) == []
    assert diagnosis.healthy
    assert diagnosis.coverage == 1.0
    assert str(diagnosis).startswith("healthy: no finding above a note; 100 % of the trained parameters were heard")


def test_a_gan_is_judged_over_batches_of_two_sizes():
    generator, critic = mlp(4, 16, 20), mlp(20, 16, 1)
    with listen(critic) as heard:
        real, fake = critic(torch.randn(40, 20)), critic(generator(torch.randn(30, 4)).detach())
        (F.softplus(-real).mean() + F.softplus(fake).mean()).backward()
    assert [h.shape for h in heard.h["0"]] == [(40, 16), (30, 16)]
    assert heard.diagnose().healthy


# findings


def _all(value):
    def change(model):
        for parameter in model.parameters():
            parameter.fill_(value)

    return change


def _dead(model):
    model[0].bias[:6] = -100


def _normal(model):
    for parameter in model.parameters():
        parameter.normal_(0, 40)


BROKEN = {  # a model, data, the first finding, its module
    "dead channels": (lambda: _changed(convolutional(), _dead), images, "dead_units", "0"),
    "dead units of a function": (
        lambda: _changed(Functional(), lambda m: m.fc1.bias[:20].fill_(-100)), images, "dead_units", "fc1",
    ),
    "dead units of a transformer": (
        lambda: _changed(Transformer(), lambda m: m.body.layers[1].linear1.bias.fill_(-50)), words, "dead_units",
        "body.layers.1.linear1",
    ),
    "dead block": (
        lambda: _changed(residual(), lambda m: m[3].norm1.bias.fill_(-100)), images, "dead_units", "3.conv1",
    ),
    "saturated": (lambda: _changed(mlp(20, 32, 32, 3, activation=nn.Tanh), _normal), rows, "saturated_units", "0"),
    "zeros": (lambda: _changed(mlp(20, 32, 32, 3), _all(0.0)), rows, "symmetry", "0"),
    "constants": (lambda: _changed(mlp(20, 32, 32, 3, activation=nn.Tanh), _all(0.01)), rows, "symmetry", "0"),
    "constants in an LSTM": (
        lambda: _changed(Recurrent(nn.LSTM), lambda m: _all(0.1)(m.body)), words, "symmetry", "body",
    ),
    "constants in a convolution": (
        lambda: _changed(convolutional(), lambda m: (_all(0.01)(m[0]), _all(0.01)(m[3]))), images, "symmetry", "0",
    ),
    "no activation": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Dropout(0.2), nn.Linear(64, 10)), images,
        "linear_layers", "1",
    ),
    "no activation between convolutions": (
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(4608, 10)), images,
        "linear_layers", "0",
    ),
    "pixels": (convolutional, lambda: (torch.rand(32, 1, 28, 28) * 255, images()[1]), "inputs_not_scaled", "0"),
    "12 sigmoids": (lambda: mlp(*[20] * 12, 3, activation=nn.Sigmoid), rows, "vanishing_gradient", "0"),
    "a NaN in a convolution": (
        lambda: _changed(convolutional(), lambda m: m[3].weight[2, 1].fill_(float("nan"))), images, "non_finite", "3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_has_its_cause_first_with_the_name_of_the_module(name):
    create, data, kind, module = BROKEN[name]
    diagnosis = diagnosis_of(create(), data())
    first = diagnosis.findings[0]
    assert (first.kind, first.numbers["module"]) == (kind, module)
    assert first.severity != "note"
    assert not diagnosis.healthy
    assert f"'{module}'" in first.said
    assert diagnosis.to_dict()["findings"][0]["kind"] == kind


def test_nothing_arrives_says_where_it_stops_and_why():
    X, _ = rows()
    y = (X[:, :1] > 0).float()
    softmax = diagnosis_of(mlp(20, 16, 1, last=[nn.Softmax(dim=1)]), (X, y), F.binary_cross_entropy).findings[0]
    assert (softmax.kind, softmax.severity, softmax.numbers["module"]) == ("nothing_arrives", "severe", "2")
    assert "'3' (Softmax) is a softmax over one unit" in softmax.said
    outside = diagnosis_of(
        mlp(20, 16, 1), (X, y), lambda out, y: F.binary_cross_entropy(out.softmax(1), y)
    ).findings[0]  # fmt: skip
    assert (outside.kind, "the one unit of the model's output" in outside.said) == ("nothing_arrives", True)
    dead = _changed(mlp(20, 16, 1, last=[nn.ReLU()]), lambda model: model[2].bias.fill_(-10))
    found = diagnosis_of(dead, (X, y), F.mse_loss).findings
    assert {each.kind for each in found} >= {"nothing_arrives", "dead_units"}
    assert "the ReLU of '3' (ReLU) is flat for every example" in found[0].said
    hidden = _changed(mlp(20, 16, 3), lambda model: model[0].bias.fill_(-100))
    assert kinds(diagnosis_of(hidden, rows()))[0] in ("dead_units", "nothing_arrives")


def test_a_loss_that_does_not_depend_on_the_model_is_found():
    model = mlp(20, 16, 3)
    X, y = rows()
    with listen(model) as heard:
        output = torch.tensor(model(X).detach().numpy(), requires_grad=True)
        F.cross_entropy(output, y).backward()
    diagnosis = heard.diagnose()
    assert {"nothing_arrives", "unreached_parameters"} <= set(kinds(diagnosis))
    assert diagnosis.coverage == 0.0
    with listen(model) as heard:
        model(X)
    with pytest.raises(InputError, match="no backward pass reached a layer"):
        heard.diagnose()


def test_parameters_that_no_gradient_reached_are_found_by_name():
    cut = diagnosis_of(Functional(cut=True), images())
    first = cut.findings[0]
    assert (first.kind, first.severity, first.numbers["parameters"]) == ("unreached_parameters", "warning", 4)
    assert "'conv1.weight'" in first.said
    assert "to 'fc1' is cut" in first.said
    unused = Functional()
    unused.extra = nn.Linear(100, 400)
    diagnosis = diagnosis_of(unused, images())
    assert kinds(diagnosis) == ["unreached_parameters"]
    assert "Forward does not call 'extra'" in diagnosis.findings[0].said
    assert 0 < diagnosis.coverage < 0.95
    unused.extra.requires_grad_(False)
    assert diagnosis_of(unused, images()).healthy


def test_gradients_that_were_kept_from_before_do_not_count_as_heard():
    model = Functional()
    heard_of(model, *images())
    for parameter in model.parameters():
        parameter.grad.zero_()
    model.cut = True
    with listen(model) as heard:
        F.cross_entropy(model(images()[0]), images()[1]).backward()
    assert kinds(heard.diagnose()) == ["unreached_parameters"]


def test_parameters_that_another_pass_of_the_block_reaches_count_as_heard():
    body, heads = nn.Linear(20, 8), [nn.Linear(8, 3), nn.Linear(8, 3)]
    model = nn.ModuleList([body, *heads])
    X, y = rows()
    with listen(model) as heard:
        for head in heads:
            F.cross_entropy(head(body(X).tanh()), y).backward()
    assert heard.diagnose().healthy
    assert [batch.diagnose().coverage for batch in heard.batches] == [1.0, 1.0]
    with pytest.raises(InputError, match="2 backward passes were heard"):
        _ = heard.h


def test_autograd_grad_counts_as_heard():
    model = Functional()
    X, y = images()
    with listen(model) as heard:
        torch.autograd.grad(F.cross_entropy(model(X), y), list(model.parameters()))
    assert heard.diagnose().coverage == 1.0


def test_a_value_that_is_not_finite_is_traced_to_who_made_it():
    X, y = images()
    X[3, 0, 2, 2] = float("nan")
    data = diagnosis_of(Functional(), (X, y)).findings[0]
    assert (data.kind, data.examples, data.layer) == ("non_finite_data", (3,), 0)
    X, y = images()

    class Broken(Functional):
        def forward(self, x):
            x = F.max_pool2d(self.conv2(self.conv1(x)), 4)[..., :5, :5].flatten(1)
            return self.fc2(F.relu(self.fc1((x - x.mean()).log())))

    between = diagnosis_of(Broken(), (X, y)).findings[0]
    assert (between.kind, between.numbers["module"]) == ("non_finite", "fc1")
    assert "'LogBackward0' made" in between.said
    model = convolutional()
    model[3].register_forward_hook(lambda _m, _i, out: out / 0)  # a hook of the user changes the output
    assert diagnosis_of(model, (X, y)).findings[0].numbers["module"] != "0"
    loss = diagnosis_of(convolutional(), (X, y), lambda out, y: (out * 0).log().mean()).findings[0]
    assert (loss.kind, loss.numbers["module"]) == ("non_finite", "10")
    assert "from the loss" in loss.said


def test_masks_and_infinite_logits_are_no_broken_values():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    with listen(model) as heard:
        model(torch.randn(32, 5, 8), src_mask=mask).square().mean().backward()
    assert heard.diagnose().healthy

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp(20, 16, 3)

        def forward(self, x):
            return self.body(x).masked_fill(torch.tensor([False, False, True]), float("-inf"))

    assert diagnosis_of(Masked(), rows(2)).healthy


def test_a_model_without_a_layer_of_which_examples_are_heard_is_judged_all_the_same():
    model = nn.Sequential(nn.PReLU(), nn.BatchNorm1d(20, affine=False))
    X, _ = rows()
    with listen(model) as heard:
        model(X).square().mean().backward()
    assert heard.h["0"].shape == (40, 20)
    assert heard.diagnose().coverage == 1.0
    with pytest.raises(InputError):
        heard.norms()
