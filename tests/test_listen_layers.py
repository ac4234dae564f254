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


def tied(*others):
    """The table of words is the weight of the head, and of other parts."""
    one, head, *_ = one_weight(nn.Embedding(9, 4, padding_idx=1), nn.Linear(4, 9), *others)
    parts = {"word": one, "body": nn.Linear(4, 4), "head": head, **{f"other{k}": each for k, each in enumerate(others)}}

    def run(p, i):
        x = p["body"](p["word"](i).tanh()).tanh()
        return p["head"](x) if not others else p["other1"](p["other0"](i.flip(0)) + x) * p["head"](x)

    return Calls(run, **parts)


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
    "language, tied": (tied, (*INDEX, 9), 0),
    "language of one word, tied": (tied, (EXAMPLES, 9), 0),
    "language, (T, B), tied thrice": (lambda: tied(nn.Embedding(9, 4), nn.Linear(4, 9)), (5, EXAMPLES, 9), 1),
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


def test_kronecker_factors_of_a_convolution_are_those_of_its_patches():
    torch.manual_seed(0)
    for groups in (1, 2):
        model = nn.Conv2d(4, 6, (2, 3), stride=2, padding=1, groups=groups).double()
        X, y = torch.randn(EXAMPLES, 4, 5, 6, dtype=torch.float64), torch.arange(EXAMPLES) % 3
        with listen(model) as heard:
            output = model(X)
            output.retain_grad()
            loss_of(output, y).backward()
        patches = functional.unfold(X, (2, 3), padding=1, stride=2).unflatten(1, (groups, -1)).movedim(3, 2)
        a = EXAMPLES * output.grad.flatten(2).unflatten(1, (groups, -1)).movedim(3, 2)
        h = torch.einsum("ngti,ngtj->gij", patches, patches) / (EXAMPLES * patches.shape[2])
        found = heard.kronecker_factors()
        of_a = torch.einsum("ngti,ngtj->gij", a, a) / EXAMPLES
        if groups == 1:
            h, of_a = h[0], of_a[0]
        assert relative(found.h["model"], h) < TOLERANCE
        assert relative(found.a["model"], of_a) < TOLERANCE
        assert found.with_bias("model").shape == (*h.shape[:-2], h.shape[-1] + 1, h.shape[-1] + 1)
        assert relative(found.with_bias("model")[..., -1, :-1], patches.mean((0, 2)).reshape(h.shape[:-1])) < TOLERANCE


@pytest.mark.parametrize("arguments", [{}, {"groups": 2}, {"padding": 1, "padding_mode": "reflect"}], ids=str)
def test_importance_of_a_channel_is_its_effect_at_all_pixels(arguments):
    torch.manual_seed(0)
    model = nn.Conv2d(4, 6, 3, **arguments).double()
    X = torch.randn(EXAMPLES, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    heard = heard_of(model, X, torch.arange(EXAMPLES) % 3)
    expected = (EXAMPLES * X.grad * X.detach()).sum((2, 3)).abs().mean(0)
    assert relative(heard.unit_importance()["model"], expected) < TOLERANCE


def test_what_a_kind_does_not_have_is_refused_if_it_is_asked_for_and_else_left_out():
    torch.manual_seed(0)
    model = language().double()
    heard = heard_of(model, torch.randint(9, (EXAMPLES, 5)), torch.arange(EXAMPLES) % 3)
    assert heard.names == ("parts.word", "parts.place", "parts.body", "parts.norm")
    assert list(heard.kronecker_factors().h) == list(heard.unit_importance()) == ["parts.body"]
    for read in (heard.kronecker_factors, heard.unit_importance):
        with pytest.raises(
            InputError, match=r"is of layers such as nn\.Linear and nn\.Conv2d, and there is none of Emb"
        ):
            read(layers=["parts.body", "parts.word"])
    heard = heard_of(nn.LayerNorm(4), torch.randn(EXAMPLES, 4), torch.arange(EXAMPLES) % 3)
    with pytest.raises(InputError, match=r"^kronecker_factors is of layers such as .* none of LayerNorm 'model'\.$"):
        heard.kronecker_factors()


def images():
    return torch.randn(EXAMPLES, 2, 5, 5), torch.arange(EXAMPLES) % 3


def normalized(norm):
    return nn.Sequential(nn.Conv2d(2, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(4),
        nn.BatchNorm2d(4, affine=False),
        nn.BatchNorm2d(4, track_running_stats=False).eval(),
        nn.InstanceNorm2d(4, track_running_stats=True),
        nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
    ],
    ids=str,
)
def test_where_a_module_mixes_examples_nothing_is_given_that_privacy_could_rest_on(norm):
    heard = heard_of(normalized(norm), *images())
    norms = heard.norms()
    assert set(norms.layers) == {"0", "4"}
    name = type(norm).__name__
    for read in (
        lambda: norms.whole,
        lambda: norms.whole_without_biases,
        lambda: heard.clipped_sum(1.0),
        lambda: heard.clipped_sum(1.0, layers=["4"]),
    ):
        with pytest.raises(InputError, match=rf"^module '1' \({name}\) .* use GroupNorm, LayerNorm or .* or call eval"):
            read()
    assert heard.norms(layers=heard.names).whole.shape == (EXAMPLES,)
    heard.diagnose()
    heard.cosines()


def test_a_normalization_in_eval_mode_does_not_mix_examples():
    norm = frozen(nn.BatchNorm2d(4), "weight", "bias").eval()
    assert heard_of(normalized(norm), *images()).clipped_sum(1.0).norms.shape == (EXAMPLES,)
    heard = heard_of(normalized(nn.BatchNorm2d(4).eval()), *images())
    with pytest.raises(InputError, match=r"^the trained parameters of '1' would be left out: BatchNorm2d, a kind that"):
        heard.clipped_sum(1.0)


def test_a_sum_that_would_leave_out_trained_parameters_is_refused():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.randn(4))
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.head, self.spare, self.used_by_hand = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.unused = nn.GRU(4, 4)

        def forward(self, x):
            x = x + self.token
            x = self.attention(x, x, x)[0]
            return functional.linear(self.head(x), self.used_by_hand.weight)

    model, X, y = Model(), torch.randn(EXAMPLES, 3, 4), torch.arange(EXAMPLES) % 3

    def refusal():
        model.zero_grad()
        heard = heard_of(model, X, y)
        assert heard.names == ("head",)
        with pytest.raises(InputError) as error:
            heard.clipped_sum(1.0)
        with pytest.raises(InputError) as other:
            _ = heard.norms().whole
        assert str(error.value) == str(other.value)
        assert heard.clipped_sum(1.0, layers=["head"]).norms.shape == (EXAMPLES,)
        return str(error.value)

    assert "the trained parameters of 'attention.out_proj' (and of 3 others) would be left out" in refusal()
    model.attention.requires_grad_(False)
    assert "of 'used_by_hand' (and of 1 others) would be left out: it was not called within the block." in refusal()
    model.used_by_hand.requires_grad_(False)
    assert "of 'model' would be left out: Model, a kind that is not heard: token. Freeze them" in refusal()
    model.token.requires_grad_(False)
    heard = heard_of(model, X, y)
    assert heard.clipped_sum(1.0).norms.shape == heard.norms().whole.shape == (EXAMPLES,)


def test_batches_of_several_sizes_in_one_backward_pass_are_read_one_by_one():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv1d(2, 3, 3), nn.Flatten(), nn.Linear(9, 1))
    maker = nn.Sequential(nn.Linear(3, 10), nn.Unflatten(1, (2, 5)))
    model, real, noise = nn.ModuleList([critic, maker]), torch.randn(6, 2, 5), torch.randn(4, 3)
    score = lambda x, sign: functional.softplus(sign * critic(x)).mean()  # noqa: E731
    with listen(model) as heard:
        (score(real, -1) + score(maker(noise), 1)).backward()
    with pytest.raises(InputError, match=r"^batches of 6 and 4 examples were heard in one backward pass: read each of"):
        heard.norms()
    assert repr(heard).startswith("Heard 3 layers in 1 backward pass: ")
    one, other = heard.batches
    assert (one.count, one.names) == (6, ("0.0", "0.2"))
    assert (other.count, other.names) == (4, ("0.0", "0.2", "1.0"))
    with listen(model) as alone:
        score(real, -1).backward()
        score(maker(noise), 1).backward()
    for found, expected in zip(heard.batches, alone.batches, strict=True):
        torch.testing.assert_close(found.norms().whole, expected.norms().whole)
        torch.testing.assert_close(found.clipped_sum(0.1).W["0.0"], expected.clipped_sum(0.1).W["0.0"])
    with listen(critic) as heard:
        hidden = critic[0](real)
        (critic[2](hidden.flatten(1)).mean() + critic[2](hidden.flatten(1)[:4]).mean()).backward()
    with pytest.raises(InputError, match=r"^layer '0' heard 6 examples, but layer '2' 4 "):  # some are in both
        heard.norms()


@pytest.mark.parametrize("places", [5, EXAMPLES])
def test_positions_that_stand_for_all_examples_are_not_taken_for_examples(places):
    word, place, head = nn.Embedding(9, 4), nn.Embedding(places, 4), nn.Linear(4, 4)
    model = Calls(
        lambda p, i: p["head"](p["word"](i) + p["place"](torch.arange(places))), word=word, place=place, head=head
    )
    heard = heard_of(model, torch.randint(9, (EXAMPLES, places)), torch.arange(EXAMPLES) % 3)
    assert heard.names == ("parts.word", "parts.head")
    assert "stand for all examples" in heard.unheard["parts.place"]
    with pytest.raises(
        InputError, match=r"'parts\.place' would be left out: its indices of .* positions\.expand\(B, T\)"
    ):
        heard.clipped_sum(1.0)
    users = Calls(lambda p, i: p["word"](i) * p["place"](i % 5), word=word, place=place)
    assert len(heard_of(users, torch.arange(EXAMPLES), torch.arange(EXAMPLES) % 3).norms().layers) == 2


def test_embeddings_whose_gradient_is_not_a_sum_over_examples_are_not_heard():
    for arguments, why in (
        ({"scale_grad_by_freq": True}, "mixes examples"),
        ({"max_norm": 1.0}, "changes the weights"),
    ):
        model = nn.Sequential(nn.Embedding(9, 4, **arguments), nn.Linear(4, 4))
        heard = heard_of(model, torch.randint(9, (EXAMPLES, 5)), torch.arange(EXAMPLES) % 3)
        assert why in heard.unheard["0"]
        with pytest.raises(InputError, match=r"^the trained parameters of '0' would be left out: "):
            heard.clipped_sum(1.0)


def test_inputs_without_examples_are_refused():
    for model, X in ((nn.Conv1d(3, 2, 2), torch.randn(3, 5)), (nn.Embedding(3, 2), torch.tensor(1))):
        with listen(model) as heard:
            model(X).sum().backward()
        with pytest.raises(InputError, match=r"^layer 'model' was given an input of shape \(.*\), expected \(B"):
            heard.norms()


def test_layers_that_were_changed_after_they_were_made_are_heard_as_they_computed():
    torch.manual_seed(0)
    model = nn.Conv2d(2, 3, 3).double()
    model.stride, model.padding, model.dilation = (2, 2), (2, 2), (2, 2)
    lazy = nn.LazyConv2d(3, 3).double()
    X, y = torch.randn(EXAMPLES, 2, 7, 7, dtype=torch.float64), torch.arange(EXAMPLES) % 3
    for each in (model, lazy):
        heard = heard_of(each, X, y)
        total = sum(block.W["model"].sum(0) for block in heard.gradients(scale="share"))
        assert relative(total, each.weight.grad) < TOLERANCE


def test_low_precision_of_every_kind_is_widened_to_float32():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.LayerNorm(12), nn.Linear(12, 3))
    X, y = torch.randn(EXAMPLES, 2, 5), torch.arange(EXAMPLES) % 3
    expected = heard_of(model, X, y).norms()
    with listen(model) as heard, torch.autocast("cpu", dtype=torch.bfloat16):
        loss_of(model(X).float(), y).backward()
        within = heard.norms().whole, heard.gram(), next(heard.gradients()).W["0"]
    assert all(map(torch.equal, within, (heard.norms().whole, heard.gram(), next(heard.gradients()).W["0"])))
    low = heard_of(model.bfloat16(), X.bfloat16(), y).norms()
    for norms in (heard.norms(), low):
        assert norms.whole.dtype == torch.float32
        torch.testing.assert_close(norms.whole, expected.whole, rtol=0.1, atol=0.05)


def test_a_diagnosis_leaves_out_convolutions_that_do_not_fit_into_memory():
    X, y = torch.randn(EXAMPLES, 2, 30, 30), torch.arange(EXAMPLES) % 3
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    heard = heard_of(model, X, y)
    with pytest.raises(InputError, match=r"^memory_limit is 50000 bytes, but one example at layer '0' takes \d+"):
        heard.norms(memory_limit=50_000)
    assert heard.diagnose(memory_limit=50_000).noise_scale != heard.diagnose().noise_scale


def test_convolutions_of_frames_that_are_folded_into_the_batch_leave_the_linears_heard():
    run = lambda p, x: p["head"](p["frame"](x.flatten(0, 1)).mean((2, 3)).unflatten(0, x.shape[:2]))  # noqa: E731
    model = Calls(run, frame=nn.Conv2d(2, 4, 3), head=nn.Linear(4, 3))
    heard = heard_of(model, torch.randn(EXAMPLES, 4, 2, 5, 5), torch.arange(EXAMPLES) % 3)
    assert heard.names == ("parts.head",)
    why = "its input of shape (24, 2, 5, 5) does not have as many rows as the Linears hear examples"
    assert heard.unheard["parts.frame"] == why
    with pytest.raises(InputError, match=r"^the trained parameters of 'parts\.frame' would be left out: its input of"):
        heard.clipped_sum(1.0)
