"""Private steps of PyTorch models: clipped sums beside torch.func and Opacus, noise, samples, and what is refused."""

from __future__ import annotations

import copy
import math
import warnings

import pytest

from backtalk import Privacy, PrivateSteps, listen
from backtalk.errors import InputError, InputTypeError

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional
N = 12


def mlp(bias: bool = True, dtype=torch.float64):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4, bias=bias), nn.Tanh(), nn.Linear(4, 3, bias=bias)).to(dtype)


def convolutional():
    torch.manual_seed(0)
    shape = nn.Unflatten(1, (1, 5))
    return nn.Sequential(shape, nn.Conv1d(1, 2, 2), nn.GroupNorm(1, 2), nn.Flatten(), nn.Linear(8, 3)).double()


def steps_of(examples=N, batch_size=N, **privacy):
    """By default without noise to speak of, and with all rows in each step."""
    noise = {} if "target_epsilon" in privacy else {"noise_multiplier": 1e-12}
    steps = privacy.pop("steps", None)
    asked = Privacy(**({"delta": 1e-5} | noise | privacy))
    return PrivateSteps(asked, examples=examples, batch_size=batch_size, steps=steps)


def data():
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(N, 5, generator=generator, dtype=torch.float64) * 3
    return X, torch.randint(3, (N,), generator=generator)


def step(model, X, y, private, optimizer=None, reduction="mean"):
    """One step on the next batch; the gradient by which SGD moved the parameters."""
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=1.0)
    before = [p.detach().clone() for p in model.parameters()]
    rows = private.sample()
    with listen(model, reduction=reduction) as heard:
        if len(rows):
            functional.cross_entropy(model(X[rows]), y[rows], reduction=reduction).backward()
    heard.private_step(optimizer, private)
    return [old - p.detach() for old, p in zip(before, model.parameters(), strict=True)]


def example_gradients(model, X, y):
    """By torch.func: of each parameter (N, …)."""
    parameters = dict(model.named_parameters())

    def loss(parameters, x, label):
        return functional.cross_entropy(torch.func.functional_call(model, parameters, x[None]), label[None])

    found = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))(parameters, X, y)
    return [found[name].detach() for name in parameters]


def clipped(gradients, clipping, C, layers):
    """By the formula; ``layers``: which parameters belong together."""
    if clipping == "per_layer":
        factors = {}
        for group in layers:
            norm = torch.cat([gradients[k].flatten(1) for k in group], 1).norm(dim=1)
            factors |= dict.fromkeys(group, (C / math.sqrt(len(layers)) / norm).clamp(max=1))
    else:
        norm = torch.cat([g.flatten(1) for g in gradients], 1).norm(dim=1)
        c = (C / norm).clamp(max=1) if clipping == "flat" else C / (norm + 0.01)
        factors = dict.fromkeys(range(len(gradients)), c)
    return [torch.einsum("n,n...->...", factors[k], g) for k, g in enumerate(gradients)]


@pytest.mark.parametrize("clipping", ["flat", "per_layer", "automatic"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_without_noise_a_step_is_the_clipped_sum_of_single_gradients(clipping, reduction):
    X, y = data()
    for model in (mlp(), convolutional()):
        count = len(list(model.parameters()))
        expected = clipped(example_gradients(model, X, y), clipping, 0.7, [(k, k + 1) for k in range(0, count, 2)])
        private = steps_of(max_norm=0.7, clipping=clipping)  # each step takes all rows
        for got, total in zip(step(model, X, y, private, reduction=reduction), expected, strict=True):
            torch.testing.assert_close(got, total / N, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("clipping", ["flat", "per_layer"])
def test_without_noise_a_step_is_that_of_opacus(clipping):
    X, y = data()
    model = mlp(bias=False)  # by whose two parameters Opacus clips, and backtalk by its two layers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opacus = pytest.importorskip("opacus")
        other = opacus.GradSampleModule(copy.deepcopy(model))
        kind = opacus.optimizers.DPOptimizer if clipping == "flat" else opacus.optimizers.DPPerLayerOptimizer
        C = 0.7 if clipping == "flat" else [0.7 / math.sqrt(2)] * 2
        optimizer = kind(
            torch.optim.SGD(other.parameters(), lr=1.0), noise_multiplier=0.0, max_grad_norm=C, expected_batch_size=N
        )
        functional.cross_entropy(other(X), y).backward()
        before = [p.detach().clone() for p in other.parameters()]
        optimizer.step()
    moved = step(model, X, y, steps_of(max_norm=0.7, clipping=clipping))
    for got, old, p in zip(moved, before, other.parameters(), strict=True):
        torch.testing.assert_close(got, old - p.detach(), rtol=1e-4, atol=1e-7)  # Opacus adds 1e-6 to each norm


def test_the_noise_has_its_deviation_over_the_expected_batch_size():
    model = nn.Linear(300, 100)
    private = steps_of(1000, 8, noise_multiplier=2.0, max_norm=0.5, seed=3)
    X, y = torch.zeros(1000, 300), torch.zeros(1000, dtype=torch.long)
    moved = step(model, X, y, private)[0]  # no weight has a gradient where the input is 0
    assert float(moved.std()) == pytest.approx(2.0 * 0.5 / 8, rel=0.02)
    assert abs(float(moved.mean())) < 0.003


def test_an_empty_batch_is_a_step_of_noise_alone_that_counts():
    X, y = data()
    model, private = mlp(), steps_of(N, 1e-6, noise_multiplier=1.0, max_norm=1e-6, seed=0)
    moved = step(model, X, y, private)
    assert private.steps == 1
    assert all(float(each.abs().min()) > 0 for each in moved)


def test_any_optimizer_takes_the_step_and_gradients_are_cleared():
    X, y = data()
    model, private = mlp(dtype=torch.float32), steps_of(N, 4, noise_multiplier=1.0, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(5):
        step(model, X.float(), y, private, optimizer)
    assert optimizer.state[next(model.parameters())]["step"] == 5
    assert all(p.grad is None for p in model.parameters())
    assert private.steps == 5


def test_a_seeded_run_goes_on_from_its_state():
    X, y = data()
    whole = steps_of(N, 4, noise_multiplier=1.0, seed=5)
    model = mlp()
    for _ in range(2):
        step(model, X, y, whole)
    state, other = whole.state(), copy.deepcopy(model)
    step(model, X, y, whole)
    later = steps_of(N, 4, noise_multiplier=1.0)
    later.restore(state)
    step(other, X, y, later)
    assert all(map(torch.equal, model.parameters(), other.parameters()))
    assert later.spent == whole.spent


def test_a_data_loader_takes_the_batches():
    X, y = data()
    model, private = mlp(), steps_of(N, 2, noise_multiplier=1.0, seed=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    collate = torch.utils.data.default_collate
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(X, y),
        batch_sampler=private.batches(8),
        collate_fn=lambda rows: collate(rows) if rows else None,
    )
    sizes = []
    for batch in loader:
        with listen(model) as heard:
            if batch is not None:
                functional.cross_entropy(model(batch[0]), batch[1]).backward()
        heard.private_step(optimizer, private)
        sizes.append(0 if batch is None else len(batch[0]))
    assert len(loader) == private.steps == 8
    assert 0 in sizes


def test_a_target_sets_the_noise_and_ends_the_run():
    private = steps_of(N, 3, target_epsilon=2.0, delta=1e-3, steps=2, accountant="rdp")
    model = mlp()
    for _ in range(2):
        step(model, *data(), private)
    assert 1.9 < private.spent.epsilon <= 2.0
    with pytest.raises(InputError, match="all 2 steps are taken"):
        step(model, *data(), private)


def refused(model, loss_of, match, *, optimizer=None, reduction="mean", private=None):
    """A step that is refused, and changes nothing."""
    X, y = data()
    private = private or steps_of(noise_multiplier=1.0)
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=1.0)
    private.sample()
    before = [p.detach().clone() for p in model.parameters()]
    with listen(model, reduction=reduction) as heard:
        loss_of(model, X, y).backward()
    with pytest.raises((InputError, InputTypeError), match=match):
        heard.private_step(optimizer, private)
    assert private.steps == 0
    assert all(map(torch.equal, before, model.parameters()))


def entropy(model, X, y, **options):
    return functional.cross_entropy(model(X), y, **options)


def test_what_mixes_examples_is_refused_by_name():
    model = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3, affine=False)).double()
    refused(model, entropy, r"module '1' \(BatchNorm1d\) .* use GroupNorm")
    model.zero_grad()
    step(model.eval(), *data(), steps_of(noise_multiplier=1.0))


def test_a_layer_of_a_kind_that_is_not_heard_is_refused_by_name():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.linear = nn.Parameter(torch.ones(3)), nn.Linear(5, 3)

        def forward(self, x):
            return self.linear(x) * self.scale

    refused(Scaled().double(), entropy, r"trained parameters of 'model'.*Freeze them")


def test_a_weight_that_is_used_without_its_layer_is_refused_by_name():
    def loss(model, X, y):
        hidden = functional.linear(X, model[0].weight)
        return functional.cross_entropy(model(X) + hidden[:, :3], y)

    refused(mlp(), loss, r"the gradient of '0.weight' is not the sum")


def test_a_penalty_and_gradients_of_before_are_refused():
    refused(
        mlp(), lambda model, X, y: entropy(model, X, y) + model[2].weight.square().sum(), r"'2\.weight'.*weight_decay"
    )
    model = mlp()
    entropy(model, *data()).backward()
    refused(model, entropy, r"'0\.weight'.*zero_grad")


def test_losses_that_are_divided_by_what_the_batch_holds_are_refused():
    weight = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    refused(mlp(), lambda *given: entropy(*given, weight=weight), "divided by the weights")
    refused(mlp(), lambda *given: entropy(*given, ignore_index=int(data()[1][0])), "divided by how many")
    private = steps_of(noise_multiplier=1.0)
    model, rows = mlp(), private.sample()
    X, y = data()
    with listen(model, reduction="sum") as heard:
        entropy(model, X[rows], y[rows], weight=weight, reduction="sum").backward()
    heard.private_step(torch.optim.SGD(model.parameters(), lr=1.0), private)


def test_a_batch_that_was_not_drawn_is_refused():
    private = steps_of(1000, 200, noise_multiplier=1.0, seed=0)
    refused(mlp(), entropy, "12 examples, but the next batch that was drawn has", private=private)
    model, private = mlp(), steps_of(noise_multiplier=1.0)
    with listen(model) as heard:
        entropy(model, *data()).backward()
    with pytest.raises(InputError, match="no batch was drawn"):
        heard.private_step(torch.optim.SGD(model.parameters(), lr=1.0), private)


def test_an_optimizer_that_holds_more_or_less_than_the_model_is_refused():
    model = mlp()
    refused(model, entropy, r"'2.bias' is trained, but", optimizer=torch.optim.SGD([*model.parameters()][:3], lr=1.0))
    more = torch.optim.SGD([*model.parameters(), nn.Parameter(torch.ones(7))], lr=1.0)
    refused(model, entropy, r"shape \(7,\) that is none of the model's", optimizer=more)
    refused(model, entropy, "LBFGS", optimizer=torch.optim.LBFGS(model.parameters()))
    refused(model, entropy, "optimizer is a list", optimizer=[1])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"examples": 0}, "examples is 0"),
        ({"examples": 2.5}, "examples is 2.5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 200}, "batch_size is 200"),
        ({"steps": -1}, "steps is -1"),
        ({"privacy": Privacy(delta=0.02, noise_multiplier=1.0)}, "less than 1/100"),
        ({"privacy": Privacy(delta=1e-3, target_epsilon=1.0)}, "steps is None, but target_epsilon"),
        ({"privacy": 1.0}, "privacy is a float"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(changed, named):
    settings = {"privacy": Privacy(delta=1e-3, noise_multiplier=1.0), "examples": 100, "batch_size": 10}
    with pytest.raises((InputError, InputTypeError), match=named):
        PrivateSteps(**(settings | changed))
