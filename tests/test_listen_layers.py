"""Every kind of layer that listen hears, against torch.func: what is computed for single examples in float64."""

from __future__ import annotations

import copy
import warnings

import pytest

from backtalk import InputError, listen

torch = pytest.importorskip("torch")
nn = torch.nn
functional = nn.functional
EXAMPLES, TOLERANCE = 6, 1e-10


class Calls(nn.Module):
    """Parts that are called as a function says."""

    def __init__(self, run, **parts):
        super().__init__()
        self.parts, self.run = nn.ModuleDict(parts), run

    def forward(self, x):
        return self.run(self.parts, x)


def frozen(module, *names):
    for name in names:
        getattr(module, name).requires_grad_(False)
    return module


def one_weight(first, *others):
    for other in others:
        other.weight = first.weight
    return first, *others


def twins():
    one, two = one_weight(nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(2, 4, 3, padding=2, dilation=2, stride=2))
    return Calls(lambda p, x: torch.cat([p["one"](x).flatten(1), p["two"](x).flatten(1)], 1), one=one, two=two)


def tables():
    one, two = one_weight(nn.Embedding(7, 3), nn.Embedding(7, 3, padding_idx=2))
    return Calls(lambda p, i: p["one"](i) * p["two"](i.flip(1)), one=one, two=two)


def language():
    run = lambda p, i: p["norm"](p["body"](input=p["word"](i) + p["place"](torch.arange(5).expand(len(i), 5))))  # noqa: E731
    return Calls(run, word=nn.Embedding(9, 4), place=nn.Embedding(5, 4), norm=nn.LayerNorm(4), body=nn.Linear(4, 4))


def small_resnet():
    def run(p, x):
        x = p["norm1"](p["in"](x)).relu()
        x = x + p["norm2"](p["mid"](x)).relu()
        x = x + p["norm2"](p["mid"](x))
        return p["head"](x.mean((2, 3)))

    parts = {"in": nn.Conv2d(2, 4, 3, bias=False), "mid": nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)}
    return Calls(run, **parts, norm1=nn.GroupNorm(2, 4), norm2=nn.InstanceNorm2d(4, affine=True), head=nn.Linear(4, 3))


INDEX = (EXAMPLES, 5)
CASES = {  # a model, the shape of an input (of indices: their number too), which of its dimensions counts the examples
    "Conv1d": (lambda: nn.Conv1d(3, 4, 3), (EXAMPLES, 3, 9), 0),
    "Conv1d, all options": (
        lambda: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, padding_mode="circular"),
        (EXAMPLES, 4, 9),
        0,
    ),
    "Conv2d": (lambda: nn.Conv2d(3, 4, (2, 3)), (EXAMPLES, 3, 5, 6), 0),
    "Conv2d of one place": (lambda: nn.Conv2d(3, 4, (5, 6)), (EXAMPLES, 3, 5, 6), 0),
    "Conv2d of few places, many channels": (lambda: nn.Conv2d(12, 14, 3), (EXAMPLES, 12, 4, 4), 0),
    "Conv2d, strides": (lambda: nn.Conv2d(3, 4, 3, stride=(2, 1), padding=(1, 2)), (EXAMPLES, 3, 6, 5), 0),
    "Conv2d, reflect": (lambda: nn.Conv2d(2, 4, 3, padding=(2, 1), padding_mode="reflect"), (EXAMPLES, 2, 5, 4), 0),
    "Conv2d, replicate": (lambda: nn.Conv2d(2, 4, 2, padding=1, padding_mode="replicate"), (EXAMPLES, 2, 4, 4), 0),
    "Conv2d, same": (lambda: nn.Conv2d(2, 4, (2, 3), padding="same", dilation=(1, 2)), (EXAMPLES, 2, 5, 5), 0),
    "Conv2d, valid": (lambda: nn.Conv2d(2, 4, 2, padding="valid", bias=False), (EXAMPLES, 2, 4, 4), 0),
    "Conv2d, groups": (lambda: nn.Conv2d(6, 9, 2, groups=3), (EXAMPLES, 6, 4, 4), 0),
    "Conv2d, groups, one place": (lambda: nn.Conv2d(6, 9, 4, groups=3), (EXAMPLES, 6, 4, 4), 0),
    "Conv2d, depthwise": (lambda: nn.Conv2d(5, 10, 3, groups=5, dilation=2), (EXAMPLES, 5, 7, 6), 0),
    "Conv2d, 1 × 1": (lambda: nn.Conv2d(5, 4, 1), (EXAMPLES, 5, 2, 3), 0),
    "Conv3d": (
        lambda: nn.Conv3d(2, 4, (2, 1, 3), stride=(1, 2, 1), padding=(1, 0, 1), groups=2),
        (EXAMPLES, 2, 3, 4, 4),
        0,
    ),
    "Conv2d, weight frozen": (lambda: frozen(nn.Conv2d(3, 4, 2), "weight"), (EXAMPLES, 3, 4, 4), 0),
    "Conv2d, bias frozen": (lambda: frozen(nn.Conv2d(3, 4, 2, groups=1), "bias"), (EXAMPLES, 3, 4, 4), 0),
    "Conv2d with one weight": (twins, (EXAMPLES, 2, 5, 5), 0),
    "Embedding": (lambda: nn.Embedding(7, 4), (*INDEX, 7), 0),
    "Embedding of one index": (lambda: nn.Embedding(7, 4), (EXAMPLES, 7), 0),
    "Embedding, padding": (lambda: nn.Embedding(7, 4, padding_idx=3), (*INDEX, 7), 0),
    "Embedding, sparse": (lambda: nn.Embedding(40, 4, sparse=True), (*INDEX, 40), 0),
    "Embedding, (T, B)": (lambda: nn.Embedding(7, 4), (5, EXAMPLES, 7), 1),
    "Embedding, (B, T, S)": (lambda: nn.Embedding(7, 4), (EXAMPLES, 3, 2, 7), 0),
    "Embedding with one weight": (tables, (*INDEX, 7), 0),
    "LayerNorm": (lambda: nn.LayerNorm(5), (EXAMPLES, 5), 0),
    "LayerNorm, (T, B, n)": (lambda: nn.LayerNorm(5, eps=0.1), (4, EXAMPLES, 5), 1),
    "LayerNorm of images": (lambda: nn.LayerNorm((3, 4)), (EXAMPLES, 2, 3, 4), 0),
    "LayerNorm without bias": (lambda: nn.LayerNorm(5, bias=False), (EXAMPLES, 3, 5), 0),
    "LayerNorm, weight frozen": (lambda: frozen(nn.LayerNorm(5), "weight"), (EXAMPLES, 3, 5), 0),
    "RMSNorm": (lambda: nn.RMSNorm((3, 4)), (EXAMPLES, 2, 3, 4), 0),
    "GroupNorm": (lambda: nn.GroupNorm(3, 6), (EXAMPLES, 6, 3, 4), 0),
    "GroupNorm, (B, C)": (lambda: nn.GroupNorm(2, 6, eps=0.01), (EXAMPLES, 6), 0),
    "InstanceNorm": (lambda: nn.InstanceNorm1d(4, affine=True), (EXAMPLES, 4, 5), 0),
    "language": (language, (*INDEX, 9), 0),
    "resnet": (small_resnet, (EXAMPLES, 2, 5, 5), 0),
}  # fmt: skip


def loss_of(output, y):
    """Of each example's output, whatever its shape; the mean over examples."""
    flat = output.flatten(1)
    places = torch.arange(1.0, flat.shape[1] + 1, dtype=flat.dtype)
    logits = torch.stack(
        [(flat * places.cos()).mean(1), flat.tanh().square().mean(1), (flat + places).sin().mean(1)], 1
    )
    return functional.cross_entropy(3 * logits, y)


def own_gradients(model, X, y, dimension):
    """By name of the parameter, ∇ℓ_n of each example, by torch.func."""
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.sparse = False
    parameters = {name: part.detach() for name, part in model.named_parameters() if part.requires_grad}

    def own_loss(parameters, x, label):
        output = torch.func.functional_call(model, parameters, (x.unsqueeze(dimension),))
        return loss_of(output.movedim(dimension, 0), label[None])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that vmap has no fast rule for some
        return torch.func.vmap(torch.func.grad(own_loss), in_dims=(None, dimension, 0))(parameters, X, y)


def relative(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def flat(*families):
    return torch.cat([part.flatten(1) for family in families for part in family.values()], 1)


def heard_of(model, X, y, **arguments):
    with listen(model, **arguments) as heard:
        loss_of(model(X).movedim(arguments.get("batch_dimension", 0), 0), y).backward()
    return heard


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", CASES)
def test_all_that_is_read_is_that_of_torch_func(name):
    torch.manual_seed(0)
    create, shape, dimension = CASES[name]
    model = create().double()
    for part in model.parameters():
        part.data = torch.randn_like(part)
    indices = any(isinstance(part, nn.Embedding) for part in model.modules())
    X = torch.randint(shape[-1], shape[:-1]) if indices else torch.randn(shape, dtype=torch.float64)
    y = torch.arange(EXAMPLES) % 3
    heard = heard_of(model, X, y, batch_dimension=dimension)
    assert not heard.unheard
    grads = own_gradients(model, X, y, dimension)
    paths = {id(part): path for path, part in model.named_parameters()}
    modules = {path or "model": module for path, module in model.named_modules()}
    norms = heard.norms()
    W = {each: grads[paths[id(modules[each].weight)]] for each in norms.W}
    b = {each: grads[paths[id(modules[each].bias)]] for each in norms.b}
    assert len(W) + len(b) == len(grads)
    every = flat(W, b)
    families = (("W", W), ("b", b))

    for which, expected in families:
        for each, part in expected.items():
            assert relative(getattr(norms, which)[each], part.flatten(1).norm(dim=1)) < TOLERANCE
    assert relative(norms.whole, every.norm(dim=1)) < TOLERANCE

    limit = float(norms.whole.median())
    clipped, c = heard.clipped_sum(limit), (limit / every.norm(dim=1)).clamp(max=1)
    moments = heard.moments()
    for which, expected in families:
        for each, part in expected.items():
            total, mean, second = (getattr(x, which)[each] for x in (clipped, moments.mean, moments.second_moment))
            assert total.shape == mean.shape == second.shape == part.shape[1:]
            assert relative(total, torch.einsum("n,n...->...", c, part)) < TOLERANCE
            assert relative(mean, part.mean(0)) < TOLERANCE
            assert relative(second, part.square().mean(0)) < TOLERANCE

    assert heard.noise_scale().trace == pytest.approx(float(every.var(0).sum()), rel=10 * TOLERANCE)
    cosines = heard.cosines()
    assert relative(cosines.whole, torch.cosine_similarity(every, every.mean(0)[None])) < TOLERANCE
    for memory_limit in (2**26, 50_000):
        assert relative(heard.gram(memory_limit=memory_limit), every @ every.T) < TOLERANCE
        assert relative(heard.norms(memory_limit=memory_limit).whole, every.norm(dim=1)) < TOLERANCE
        blocks = list(heard.gradients(memory_limit=memory_limit))
        for which, expected in families:
            for each, part in expected.items():
                assert relative(torch.cat([getattr(block, which)[each] for block in blocks]), part) < TOLERANCE
    total = {each: sum(block.W[each].sum(0) for block in heard.gradients(scale="share")) for each in W}
    for each, part in total.items():
        assert relative(part, modules[each].weight.grad.to_dense()) < TOLERANCE
