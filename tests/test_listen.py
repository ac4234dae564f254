"""What listen hears, against torch.func: norms, sums, moments, products and gradients of single examples."""

from __future__ import annotations

import copy
import warnings

import pytest

from backtalk import InputError, listen, per_example

torch = pytest.importorskip("torch")
nn = torch.nn
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-4}
EXAMPLES = 12


class Pooled(nn.Module):
    """A body, the mean over the places of each example, and a head."""

    def __init__(self, body, places, width):
        super().__init__()
        self.body, self.places, self.head = body, places, nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.body(x).mean(self.places))


class Shared(nn.Module):
    """One Linear three times, also within a module that is nested and used twice, and one that stands in two places."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Sequential(nn.Linear(5, 5), nn.Tanh())
        self.block = nn.ModuleDict(
            {"deep": nn.ModuleList([nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 5))])}
        )
        self.again = self.cell[0]
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        deep = self.block["deep"][0]
        x = self.cell(self.cell(x)) + deep(x)
        return self.head(deep(self.again(x)))


class Tied(nn.Module):
    """Two Linears with one weight and a bias each, and a third with the bias of the second."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 5)
        self.two.weight = self.one.weight
        self.three.bias = self.two.bias

    def forward(self, x):
        return self.three(self.two(self.one(x).tanh()).tanh())[:, :3]


def encoder(batch_first):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=batch_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def mlp():
    return nn.Sequential(
        nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 7, bias=False), nn.ReLU(inplace=True), nn.Linear(7, 3)
    )


def convolutional():
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 * 4, 6), nn.ReLU(), nn.Linear(6, 3)
    )


CASES = {  # a model, the shape of an input, which of its dimensions counts the examples
    "mlp": (mlp, (EXAMPLES, 6), 0),
    "linear": (lambda: nn.Linear(6, 3), (EXAMPLES, 6), 0),
    "transformer": (lambda: Pooled(encoder(True), 1, 8), (EXAMPLES, 5, 8), 0),
    "transformer, long": (lambda: Pooled(encoder(True), 1, 8), (EXAMPLES, 20, 8), 0),
    "transformer, (T, B, n)": (lambda: Pooled(encoder(False), 0, 8), (5, EXAMPLES, 8), 1),
    "shared": (Shared, (EXAMPLES, 5), 0),
    "shared over places": (lambda: Pooled(nn.Sequential(Shared(), nn.Linear(3, 4)), 1, 4), (EXAMPLES, 4, 5), 0),
    "tied": (Tied, (EXAMPLES, 5), 0),
    "(B, T, S, n)": (lambda: Pooled(mlp(), (1, 2), 3), (EXAMPLES, 2, 3, 6), 0),
    "(T, S, B, n)": (lambda: Pooled(mlp(), (0, 1), 3), (2, 3, EXAMPLES, 6), 2),
    "convolutional": (convolutional, (EXAMPLES, 2, 6, 6), 0),
}


def relative(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def own_gradients(model, X, y, loss, dimension):
    """By name of the parameter, ∇ℓ_n of each example, by torch.func."""
    model = copy.deepcopy(model)  # functional_call leaves a module that stands in two places with other parameters
    parameters = {name: part.detach() for name, part in model.named_parameters() if part.requires_grad}

    def own_loss(parameters, x, label):
        output = torch.func.functional_call(model, parameters, (x.unsqueeze(dimension),))
        return loss(output, label[None])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that vmap has no fast rule for attention
        return torch.func.vmap(torch.func.grad(own_loss), in_dims=(None, dimension, 0))(parameters, X, y)


def by_name(model, heard, grads):
    """The gradients of what was heard, as W and b by the layers' names."""
    paths = {id(part): name for name, part in model.named_parameters()}
    modules = {name or "model": module for name, module in model.named_modules()}
    norms = heard.norms(layers=heard.names)
    return (
        {name: grads[paths[id(modules[name].weight)]] for name in norms.W},
        {name: grads[paths[id(modules[name].bias)]] for name in norms.b},
    )


@pytest.fixture(params=CASES, scope="module")
def case(request):
    return CASES[request.param]


@pytest.fixture(params=TOLERANCES, ids=str, scope="module")
def found(case, request):
    """A model, what was heard of it, and its examples' gradients by torch.func."""
    create, shape, dimension = case
    torch.manual_seed(0)
    model = create().to(request.param)
    X, y = torch.randn(shape, dtype=request.param), torch.randint(3, (EXAMPLES,))
    loss = nn.CrossEntropyLoss()
    twin = copy.deepcopy(model)
    loss(twin(X), y).backward()
    with listen(model, batch_dimension=dimension) as heard:
        loss(model(X), y).backward()
    W, b = by_name(model, heard, own_gradients(model, X, y, loss, dimension))
    return model, twin, heard, W, b, TOLERANCES[request.param]


def flat(*families):
    return torch.cat([part.flatten(1) for family in families for part in family.values()], 1)


def test_the_gradients_of_the_model_stay_equal_to_the_bit(found):
    model, twin = found[:2]
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one.grad, other.grad)


def test_norms_are_those_of_torch_func(found):
    *_, heard, W, b, tolerance = found
    norms = heard.norms(layers=heard.names)
    for name in heard.names:
        both = [family[name].flatten(1) for family in (W, b) if name in family]
        if both:
            assert relative(norms.layers[name], torch.cat(both, 1).norm(dim=1)) < tolerance
    for family, expected in ((norms.W, W), (norms.b, b)):
        for name, part in expected.items():
            assert relative(family[name], part.flatten(1).norm(dim=1)) < tolerance
    assert relative(norms.whole, flat(W, b).norm(dim=1)) < tolerance
    assert relative(norms.whole_without_biases, flat(W).norm(dim=1)) < tolerance
    assert relative(heard.norms(layers=heard.names, scale="share").whole * EXAMPLES, norms.whole) < 1e-6
    assert norms.whole.dtype is (torch.float64 if tolerance < 1e-6 else torch.float32)


def test_clipped_sums_are_those_of_torch_func(found):
    *_, heard, W, b, tolerance = found
    whole = flat(W, b).norm(dim=1)
    limit = float(whole.median())
    total = heard.clipped_sum(limit, layers=heard.names)
    c = (limit / whole).clamp(max=1)
    for family, expected in ((total.W, W), (total.b, b)):
        for name, part in expected.items():
            assert relative(family[name], torch.einsum("n,n...->...", c, part)) < tolerance
    assert 0 < total.share_clipped < 1
    noisy = per_example.add_noise(total, 1.0, rng=0)
    assert noisy.noise == limit
    assert list(noisy.b) == list(total.b)


def test_moments_are_those_of_torch_func(found):
    *_, heard, W, b, tolerance = found
    moments = heard.moments()
    for which, expected in (("W", W), ("b", b)):
        for name, part in expected.items():
            assert relative(getattr(moments.mean, which)[name], part.mean(0)) < tolerance
            assert relative(getattr(moments.second_moment, which)[name], (part**2).mean(0)) < tolerance
            variance = getattr(moments.variance, which)[name]
            assert relative(variance, part.var(0, unbiased=False)) < tolerance


def test_the_noise_scale_is_that_of_the_gradients(found):
    *_, heard, W, b, tolerance = found
    gradients = flat(W, b)
    noise = heard.noise_scale()
    trace = float(gradients.var(0).sum())
    assert noise.trace == pytest.approx(trace, rel=10 * tolerance)
    square = float(gradients.mean(0).square().sum())
    assert noise.squared_norm == pytest.approx(square - trace / EXAMPLES, rel=10 * tolerance, abs=tolerance * square)


def test_gram_matrices_are_those_of_torch_func(found):
    *_, heard, W, b, tolerance = found
    gradients = flat(W, b)
    assert relative(heard.gram(), gradients @ gradients.T) < tolerance
    assert relative(heard.gram(memory_limit=40_000), gradients @ gradients.T) < tolerance
    name = next(iter(W))
    own = flat(*({name: family[name]} for family in (W, b) if name in family))
    assert relative(heard.gram(layers=[name]), own @ own.T) < tolerance
    assert relative(heard.gram(heard), gradients @ gradients.T) < tolerance


def test_explicit_gradients_are_those_of_torch_func(found):
    *_, heard, W, b, tolerance = found
    for limit in (2**26, 100_000):
        blocks = list(heard.gradients(memory_limit=limit))
        for which, expected in (("W", W), ("b", b)):
            for name, part in expected.items():
                assert relative(torch.cat([getattr(block, which)[name] for block in blocks]), part) < tolerance
    assert len(blocks) > 1 or sum(part[0].numel() for part in W.values()) < 500


def test_cosines_are_those_of_torch_func(found):
    *_, heard, W, b, tolerance = found
    gradients = flat(W, b)
    cosines = heard.cosines()
    expected = torch.cosine_similarity(gradients, gradients.mean(0)[None])
    assert relative(cosines.whole, expected) < 10 * tolerance
    for name, cosine in cosines.layers.items():
        own = flat(*({name: family[name]} for family in (W, b) if name in family))
        cosine = cosine.nan_to_num()  # there is none for an example whose gradient is 0 in this layer
        assert relative(cosine, torch.cosine_similarity(own, own.mean(0)[None])) < 10 * tolerance


def test_a_small_memory_limit_gives_the_same(found):
    *_, heard, W, _, tolerance = found
    limit = 60_000
    some = {"layers": heard.names}
    assert relative(heard.norms(memory_limit=limit, **some).whole, heard.norms(**some).whole) < tolerance
    few, many = heard.moments(memory_limit=limit), heard.moments()
    for name in W:
        assert relative(few.second_moment.W[name], many.second_moment.W[name]) < tolerance
    few, many = heard.kronecker_factors(memory_limit=limit), heard.kronecker_factors()
    for name in many.h:  # of Linears and convolutions
        assert relative(few.h[name], many.h[name]) < tolerance
        assert relative(few.a[name], many.a[name]) < tolerance
    with pytest.raises(InputError, match=r"memory_limit is 10 bytes, but one example at layer '.+' takes \d+"):
        heard.norms(memory_limit=10)


def test_kronecker_factors_and_importance_of_an_mlp_are_those_of_the_network():
    """The same model as a Network of backtalk, whose results have tests of their own."""
    import numpy as np

    from backtalk import Network

    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    X, y = torch.randn(20, 4, dtype=torch.float64), torch.randint(3, (20,))
    with listen(model) as heard:
        nn.functional.cross_entropy(model(X), y).backward()
    linears = [part for part in model if isinstance(part, nn.Linear)]
    network = Network(
        [part.weight.detach().numpy() for part in linears], [part.bias.detach().numpy() for part in linears],
        "tanh", "cross_entropy",
    )  # fmt: skip
    expected, ours = per_example.kronecker_factors(network, X.numpy(), y.numpy()), heard.kronecker_factors()
    importance = per_example.unit_importance(network, X.numpy(), y.numpy())
    for i, name in enumerate(heard.names, start=1):
        np.testing.assert_allclose(ours.h[name], expected.h[i - 1], rtol=1e-10)
        np.testing.assert_allclose(ours.a[name], expected.a[i], rtol=1e-10)
        np.testing.assert_allclose(ours.with_bias(name), expected.with_bias(i - 1), rtol=1e-10)
        np.testing.assert_allclose(heard.unit_importance()[name], importance[i - 1], rtol=1e-10)
    norms = per_example.norms(network, X.numpy(), y.numpy())
    np.testing.assert_allclose(heard.norms().whole, norms.whole, rtol=1e-10)


def test_importance_over_places_is_the_effect_of_the_unit_at_all_of_them():
    torch.manual_seed(0)
    model = Pooled(nn.Linear(4, 6), 1, 6).double()
    X, y = torch.randn(8, 5, 4, dtype=torch.float64, requires_grad=True), torch.randint(3, (8,))
    with listen(model) as heard:
        nn.functional.cross_entropy(model(X), y).backward()
    assert X.grad is not None
    expected = (8 * X.grad * X.detach()).sum(1).abs().mean(0)
    assert relative(heard.unit_importance()["body"], expected) < 1e-10


def test_a_sum_and_a_mean_name_the_same_gradients():
    torch.manual_seed(0)
    model = mlp()
    X, y = torch.randn(9, 6), torch.randint(3, (9,))
    with listen(model, reduction="sum") as of_sum:
        nn.functional.cross_entropy(model(X), y, reduction="sum").backward()
    with listen(model) as of_mean:
        nn.functional.cross_entropy(model(X), y).backward()
    assert relative(of_sum.norms().whole, of_mean.norms().whole) < 1e-5
    assert relative(of_sum.gram(of_mean), of_mean.gram()) < 1e-5
    assert of_sum.noise_scale().value == pytest.approx(of_mean.noise_scale().value, rel=1e-3)


def test_gram_between_two_batches_is_the_corner_of_that_of_both():
    torch.manual_seed(0)
    model = Shared().double()
    X, y = torch.randn(9, 5, dtype=torch.float64), torch.randint(3, (9,))
    heard = []
    for rows in (slice(0, 9), slice(0, 4), slice(4, 9)):
        with listen(model) as each:
            nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
        heard.append(each)
    both, first, last = heard
    assert relative(first.gram(last), both.gram()[:4, 4:]) < 1e-10


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("how", ["before", "in place", "within"])
def test_a_compiled_model_is_heard_like_the_model(backend, how):
    torch.manual_seed(0)
    model, X, y = mlp(), torch.randn(9, 6), torch.randint(3, (9,))
    with listen(model) as plain:
        nn.functional.cross_entropy(model(X), y).backward()
    expected = [part.grad.clone() for part in model.parameters()]
    torch._dynamo.reset()
    compiled = model
    if how == "in place":
        model.compile(backend=backend)
    elif how == "before":
        compiled = torch.compile(model, backend=backend)
    if how != "within":
        nn.functional.cross_entropy(compiled(X), y).backward()
    model.zero_grad()
    with listen(compiled) as heard:
        if how == "within":
            compiled = torch.compile(model, backend=backend)
        with warnings.catch_warnings():
            if how == "within":
                warnings.simplefilter("ignore")  # that PyTorch calls global hooks for a compiled module as well
            nn.functional.cross_entropy(compiled(X), y).backward()
    assert heard.names == plain.names == ("0", "2", "4")
    assert torch.equal(heard.norms().whole, plain.norms().whole)
    assert all(torch.equal(part.grad, grad) for part, grad in zip(model.parameters(), expected, strict=True))
    model.zero_grad()
    nn.functional.cross_entropy(compiled(X), y).backward()  # as compiled code again
    assert torch.compiler.is_compiling() is False
    torch._dynamo.reset()


def test_the_examples_of_the_page_run(capsys):
    from pathlib import Path

    page = (Path(__file__).parent.parent / "docs" / "pytorch.md").read_text()
    names = {}
    for part in page.split("```python\n")[1:]:
        exec(part.split("```")[0], names)
    said = capsys.readouterr().out
    assert "self_attn.out_proj: MultiheadAttention uses its weights without calling it" in said
    assert "[torch.Size([32]), torch.Size([32])]" in said
