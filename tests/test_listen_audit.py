"""The audit of a PyTorch program: its loss's graph, its optimizer, its modules; every mistake, and healthy programs."""

from __future__ import annotations

import copy
import re
import warnings
from pathlib import Path

import pytest

from backtalk import listen
from backtalk.analysis.diagnose import NETWORK_RULES, RULES
from backtalk.analysis.diagnose.ranking import rank
from backtalk.analysis.diagnose.words import is_healthy
from backtalk.analysis.torch_hooks.audit import (
    BeforeBackward,
    audit_program,
    find_in_loss,
    find_in_model,
    find_in_optimizer,
    read_graph,
)
from backtalk.errors import InputError, InputTypeError

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

N = 40


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using a target size")
        warnings.filterwarnings("ignore", "Implicit dimension choice")
        yield


def inputs():
    return torch.randn(N, 4)


def labels(classes=3):
    return torch.arange(N) % classes


def yes_or_no():
    return (torch.arange(N) % 2).float()


def numbers():
    return torch.randn(N)


def mlp(outputs=3, *tail, hidden=8):
    return nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, outputs), *tail)


def entropy(model):
    return F.cross_entropy(model(inputs()), labels())


def audited(model, loss_of, optimizer=None, *, after=False):
    """The findings of a program at one moment, before or after backward()."""
    loss = loss_of(model)
    optimizers = None if optimizer is None else optimizer(model)
    if after and loss.requires_grad:
        loss.backward()
    return rank(audit_program(model, loss, optimizers).findings)


def kinds(findings):
    return [found.kind for found in findings if found.severity != "note"]


def sgd(**options):
    return lambda model: torch.optim.SGD(model.parameters(), **{"lr": 0.1, **options})


# every mistake that the graph shows, before and after backward()


def detached(model):
    hidden = model[1](model[0](inputs()))
    return F.cross_entropy(model[2](hidden.detach()), labels())


def through_numpy(model):
    hidden = torch.tensor(model[1](model[0](inputs())).detach().numpy())
    return F.cross_entropy(model[2](hidden), labels())


def argmax_made_a_leaf(model):
    guess = model(inputs()).argmax(1).float()
    return (guess - labels().float()).abs().mean().requires_grad_()


MISTAKES = {
    "softmax before cross_entropy": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        entropy,
        "output_function_twice",
        "CrossEntropyLoss applies it",
    ),
    "log_softmax before cross_entropy": (
        lambda: mlp(3, nn.LogSoftmax(dim=1)),
        entropy,
        "output_function_twice",
        "NLLLoss",
    ),
    "log_softmax twice": (
        lambda: mlp(3, nn.LogSoftmax(dim=1)),
        lambda m: F.nll_loss(m(inputs()).log_softmax(1), labels()),
        "output_function_twice",
        "NLLLoss",
    ),
    "softmax before log_softmax and a loss by hand": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: -(m(inputs()).log_softmax(1) * F.one_hot(labels(), 3)).sum(1).mean(),
        "output_function_twice",
        "softmax",
    ),
    "softmax before cross_entropy of soft labels": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: F.cross_entropy(m(inputs()), F.one_hot(labels(), 3).float()),
        "output_function_twice",
        "softmax",
    ),
    "softmax before label smoothing": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: F.cross_entropy(m(inputs()), labels(), label_smoothing=0.1),
        "output_function_twice",
        "softmax",
    ),
    "softmax before focal loss": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: focal(m(inputs()), labels()),
        "output_function_twice",
        "softmax",
    ),
    "sigmoid before BCEWithLogits": (
        lambda: mlp(1, nn.Sigmoid()),
        lambda m: F.binary_cross_entropy_with_logits(m(inputs())[:, 0], yes_or_no()),
        "output_function_twice",
        "BCELoss",
    ),
    "sigmoid twice": (
        lambda: mlp(1, nn.Sigmoid()),
        lambda m: F.binary_cross_entropy(m(inputs()).sigmoid()[:, 0], yes_or_no()),
        "output_function_twice",
        "sigmoid",
    ),
    "softmax over the batch": (
        lambda: mlp(3, nn.LogSoftmax(dim=0)),
        lambda m: F.nll_loss(m(inputs()), labels()),
        "softmax_over_wrong_dimension",
        "dim=1",
    ),
    "softmax over the batch in squared error": (
        lambda: mlp(3, nn.Softmax(dim=0)),
        lambda m: F.mse_loss(m(inputs()), torch.rand(N, 3)),
        "softmax_over_wrong_dimension",
        "dim=1",
    ),
    "softmax over one unit": (
        lambda: mlp(1, nn.Softmax(dim=1)),
        lambda m: F.binary_cross_entropy(m(inputs())[:, 0], yes_or_no()),
        "softmax_over_wrong_dimension",
        "BCEWithLogitsLoss",
    ),
    "cross_entropy of one unit": (
        lambda: mlp(1),
        lambda m: F.cross_entropy(m(inputs()), torch.zeros(N, dtype=torch.long)),
        "softmax_over_wrong_dimension",
        "BCEWithLogitsLoss",
    ),
    "NLLLoss of raw outputs": (
        lambda: mlp(3),
        lambda m: F.nll_loss(m(inputs()), labels()),
        "loss_without_output_function",
        "CrossEntropyLoss",
    ),
    "NLLLoss of probabilities": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: F.nll_loss(m(inputs()), labels()),
        "loss_without_output_function",
        "log_softmax",
    ),
    "NLLLoss of ReLU": (
        lambda: mlp(3, nn.ReLU()),
        lambda m: F.nll_loss(m(inputs()), labels()),
        "loss_without_output_function",
        "ReLU",
    ),
    "KLDivLoss of probabilities": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: F.kl_div(m(inputs()), torch.rand(N, 3).softmax(1), reduction="batchmean"),
        "loss_without_output_function",
        "log_softmax",
    ),
    "BCELoss of ReLU": (
        lambda: mlp(1, nn.ReLU()),
        lambda m: F.binary_cross_entropy(m(inputs()).clamp(max=1)[:, 0], yes_or_no()),
        "loss_without_output_function",
        "BCEWithLogitsLoss",
    ),
    "ReLU on logits": (lambda: mlp(3, nn.ReLU()), entropy, "activation_on_logits", "ReLU"),
    "sigmoid on logits": (lambda: mlp(3, nn.Sigmoid()), entropy, "activation_on_logits", "sigmoid"),
    "tanh on logits": (
        lambda: mlp(1, nn.Tanh()),
        lambda m: F.binary_cross_entropy_with_logits(m(inputs())[:, 0], yes_or_no()),
        "activation_on_logits",
        "Tanh",
    ),
    "GELU on logits": (lambda: mlp(3, nn.GELU()), entropy, "activation_on_logits", "GELU"),
    "(N, 1) against (N,)": (lambda: mlp(1), lambda m: F.mse_loss(m(inputs()), numbers()), "loss_broadcasts", "squeeze"),
    "(N,) against (N, 1)": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs()).squeeze(1), numbers()[:, None]),
        "loss_broadcasts",
        "unsqueeze",
    ),
    "(N, 1) against (N,) by hand": (
        lambda: mlp(1),
        lambda m: ((numbers() - m(inputs())) ** 2).mean(),
        "loss_broadcasts",
        "squeeze",
    ),
    "(N, 1) against (N,) in |a − b|": (
        lambda: mlp(1),
        lambda m: F.l1_loss(m(inputs()), numbers()),
        "loss_broadcasts",
        "squeeze",
    ),
    "(N, 1) against (N,) in a Huber loss": (
        lambda: mlp(1),
        lambda m: F.smooth_l1_loss(m(inputs()), numbers()),
        "loss_broadcasts",
        "squeeze",
    ),
    "(N, 1) against (N,) as a root": (
        lambda: mlp(1),
        lambda m: torch.sqrt(((m(inputs()) - numbers()) * (m(inputs()) - numbers())).mean()),
        "loss_broadcasts",
        "squeeze",
    ),
    "a minus before the loss": (lambda: mlp(3), lambda m: -entropy(m), "ascent", "minus"),
    "detach in the middle": (lambda: mlp(3), detached, "unreached_parameters", "detach"),
    "NumPy in the middle": (lambda: mlp(3), through_numpy, "unreached_parameters", "NumPy"),
    "argmax made a leaf": (lambda: mlp(3), argmax_made_a_leaf, "unreached_parameters", "requires_grad_()"),
    "round on the way": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs()).round()[:, 0], numbers()),
        "unreached_parameters",
        "round",
    ),
}


def focal(logits, target):
    log = F.log_softmax(logits, dim=1).gather(1, target[:, None])[:, 0]
    return -((1 - log.exp()) ** 2 * log).mean()


def in_list(count=1):
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(4, 4) for _ in range(count)]
            self.last = nn.Linear(4, 3)

        def forward(self, x):
            for layer in self.layers:
                x = torch.relu(layer(x))
            return self.last(x)

    return Listed()


class Kept(nn.Module):
    """A tensor as an attribute, that is no Parameter."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 3)
        self.scale = torch.ones(3, requires_grad=True)

    def forward(self, x):
        return self.last(x) * self.scale


class Anew(nn.Module):
    """A layer that forward makes each time."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(torch.relu(nn.Linear(4, 8)(x)))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


MISTAKES |= {
    "layers in a Python list": (in_list, entropy, "unregistered_parameters", "ModuleList"),
    "a tensor as an attribute": (Kept, entropy, "unregistered_parameters", "nn.Parameter"),
    "a layer made in forward": (Anew, entropy, "unregistered_parameters", "__init__"),
    "a layer that forward does not use": (Unused, entropy, "unreached_parameters", "forward"),
    "dropout of .9": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.9), nn.Linear(8, 3)),
        entropy,
        "dropout_too_strong",
        "0.1 to 0.5",
    ),
    "dropout of the outputs": (lambda: mlp(3, nn.Dropout(0.3)), entropy, "dropout_too_strong", "before the last layer"),
}


def without_minus(model):
    return model(inputs()).log_softmax(1).gather(1, labels()[:, None]).mean()


def without_minus_in_bce(model):
    p, t = model(inputs())[:, 0], yes_or_no()
    return (t * torch.log(p + 1e-9) + (1 - t) * torch.log(1 - p + 1e-9)).mean()


def rows_of_logarithms(model):
    p, t = model(inputs()), yes_or_no()
    return -(t * torch.log(p + 1e-9) + (1 - t) * torch.log(1 - p + 1e-9)).mean()


class Dropped(nn.Module):
    """Dropout as a function."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.last(F.dropout(torch.relu(self.first(x)), 0.95, self.training))


MISTAKES |= {
    "a minus before the squared error by hand": (
        lambda: mlp(1),
        lambda m: -(m(inputs())[:, 0] - numbers()).square().mean(),
        "ascent",
        "minus",
    ),
    "no minus before the logarithm": (mlp, without_minus, "ascent", "minus"),
    "(N, 1) against (N,) in logarithms by hand": (
        lambda: mlp(1, nn.Sigmoid()),
        rows_of_logarithms,
        "loss_broadcasts",
        "squeeze",
    ),
    "sigmoid before the multilabel soft margin": (
        lambda: mlp(3, nn.Sigmoid()),
        lambda m: F.multilabel_soft_margin_loss(m(inputs()), (torch.rand(N, 3) > 0.5).float()),
        "output_function_twice",
        "sigmoid",
    ),
}


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        return self.head(self.body(x))


def on_sequences(function):
    """A model of (B, T, n) whose outputs are judged as (B T, n)."""
    return lambda model: F.nll_loss(function(model(torch.randn(4, 10, 4))).reshape(-1, 3), labels())


def of_a_distribution(sign):
    def loss(model):
        likelihood = torch.distributions.Categorical(logits=model(inputs())).log_prob(labels()).mean()
        return likelihood if sign > 0 else -likelihood

    return loss


MISTAKES |= {
    "softmax over the batch before cross_entropy": (
        lambda: mlp(3, nn.Softmax(dim=0)),
        entropy,
        "softmax_over_wrong_dimension",
        "dim=1",
    ),
    "log_softmax over time": (
        mlp,
        on_sequences(lambda a: a.log_softmax(1)),
        "softmax_over_wrong_dimension",
        "dim=2",
    ),
    "softmax over the pixels of a row": (
        Convolutional,
        lambda m: F.nll_loss(m(torch.randn(2, 3, 8, 8)).log_softmax(-1), torch.zeros(2, 4, 4, dtype=torch.long)),
        "softmax_over_wrong_dimension",
        "dim=1",
    ),
    "softmax over a column of outputs": (
        lambda: mlp(1),
        lambda m: F.binary_cross_entropy(m(inputs()).squeeze(1).softmax(0), yes_or_no()),
        "softmax_over_wrong_dimension",
        "BCEWithLogitsLoss",
    ),
    "probabilities as the logits of a distribution": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        of_a_distribution(-1),
        "output_function_twice",
        "softmax",
    ),
    "ReLU before a sigmoid": (
        lambda: mlp(1, nn.ReLU(), nn.Sigmoid()),
        lambda m: F.binary_cross_entropy(m(inputs())[:, 0], yes_or_no()),
        "activation_on_logits",
        "ReLU",
    ),
    "0 minus the loss": (mlp, lambda m: 0 - entropy(m), "ascent", "minus"),
    "no minus before log_prob": (mlp, of_a_distribution(1), "ascent", "minus"),
}


@pytest.mark.parametrize("after", [False, True], ids=["before backward", "after backward"])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_graph_is_named(name, after):
    make, loss_of, kind, fix = MISTAKES[name]
    model = make()
    found = audited(model, loss_of, sgd() if kind == "ascent" else None, after=after)
    assert kinds(found)[:1] == [kind]
    assert fix in found[0].advice


# targets, which are known before backward()

TARGETS = {
    "labels −1 and 1": (
        lambda: mlp(1),
        lambda m: F.binary_cross_entropy_with_logits(m(inputs())[:, 0], 2 * yes_or_no() - 1),
        "labels_outside_classes",
        "(y + 1)/2",
    ),
    "classes in binary cross-entropy": (
        lambda: mlp(1),
        lambda m: F.binary_cross_entropy_with_logits(m(inputs())[:, 0], labels().float()),
        "labels_outside_classes",
        "CrossEntropyLoss",
    ),
    "pixels to 255 in binary cross-entropy": (
        lambda: mlp(1),
        lambda m: F.binary_cross_entropy_with_logits(m(inputs())[:, 0], 255 * yes_or_no()),
        "labels_outside_classes",
        "255",
    ),
    "0 and 1 in soft margin loss": (
        lambda: mlp(1),
        lambda m: F.soft_margin_loss(m(inputs())[:, 0], yes_or_no()),
        "labels_outside_classes",
        "2*y",
    ),
    "every label ignored": (
        lambda: mlp(3),
        lambda m: F.cross_entropy(m(inputs()), torch.full((N,), -100)),
        "labels_outside_classes",
        "ignore_index",
    ),
    "one class": (
        lambda: mlp(3),
        lambda m: F.cross_entropy(m(inputs()), torch.ones(N, dtype=torch.long)),
        "one_target",
        "shuffle",
    ),
    "squared error of labels": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs())[:, 0], labels().float()),
        "wrong_loss",
        "CrossEntropyLoss",
    ),
    "squared error of yes or no": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs())[:, 0], yes_or_no()),
        "wrong_loss",
        "BCEWithLogitsLoss",
    ),
    "squared error of one-hot rows": (
        lambda: mlp(3),
        lambda m: F.mse_loss(m(inputs()), F.one_hot(labels(), 3).float()),
        "wrong_loss",
        "CrossEntropyLoss",
    ),
    "binary cross-entropy of one-hot rows": (
        lambda: mlp(3),
        lambda m: F.binary_cross_entropy_with_logits(m(inputs()), F.one_hot(labels(), 3).float()),
        "wrong_loss",
        "CrossEntropyLoss",
    ),
    "targets beyond a sigmoid": (
        lambda: mlp(1, nn.Sigmoid()),
        lambda m: F.mse_loss(m(inputs())[:, 0], 3 * numbers()),
        "wrong_output",
        "sigmoid",
    ),
    "targets below a ReLU": (
        lambda: mlp(1, nn.ReLU()),
        lambda m: F.mse_loss(m(inputs())[:, 0], numbers()),
        "wrong_output",
        "ReLU",
    ),
    "several labels for a softmax": (
        lambda: mlp(3, nn.Softmax(dim=1)),
        lambda m: F.binary_cross_entropy(m(inputs()), (torch.rand(N, 3) > 0.3).float()),
        "wrong_output",
        "BCEWithLogitsLoss",
    ),
    "targets in thousands": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs())[:, 0], 5000 + 1000 * numbers()),
        "targets_not_scaled",
        "standard deviation",
    ),
    "tiny targets": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs())[:, 0], 1e-3 * numbers()),
        "targets_too_small",
        "standard deviation",
    ),
    "a rare class": (
        lambda: mlp(2),
        lambda m: F.cross_entropy(m(inputs()), (torch.arange(N) == 7).long() * 0 + (torch.arange(N) == 7)),
        "class_imbalance",
        "weight",
    ),
    "NaN among the targets": (
        lambda: mlp(1),
        lambda m: F.mse_loss(m(inputs())[:, 0], numbers() / torch.arange(N).sign() / 0 * 0),
        "non_finite_data",
        "fill",
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_mistake_in_the_targets_is_named(name):
    make, loss_of, kind, fix = TARGETS[name]
    found = audited(make(), loss_of)
    assert kinds(found)[:1] == [kind]
    assert any(fix in each.advice for each in found)


@pytest.mark.parametrize("name", ["labels −1 and 1", "squared error of labels", "targets in thousands"])
def test_targets_are_remembered_by_listen_after_backward(name):
    make, loss_of, kind, _ = TARGETS[name]
    model = make()
    with listen(model) as heard:
        loss = loss_of(model)
        loss.backward()
    assert kind in kinds(heard.diagnose(loss=loss).findings)
    assert heard.diagnose(loss=loss).unseen == ()


def test_without_the_block_freed_targets_are_said_to_be_unseen():
    model = mlp(1)
    with listen(model) as heard:
        model(inputs()).mean().backward()
    loss = F.mse_loss(model(inputs())[:, 0], labels().float())
    loss.backward()
    diagnosis = heard.diagnose(loss=loss)
    assert "wrong_loss" not in diagnosis.judged
    assert "before backward()" in str(diagnosis)


def test_what_only_saved_tensors_tell_is_seen_before_backward():
    found = audited(mlp(1, nn.Sigmoid()), without_minus_in_bce, sgd())
    assert kinds(found) == ["ascent"]
    found = audited(Dropped(), entropy)
    assert kinds(found) == ["dropout_too_strong"]
    assert found[0].numbers["rate"] == pytest.approx(0.95)
    assert kinds(audited(Dropped().eval(), entropy)) == []


@pytest.mark.parametrize(
    "loss_of",
    [
        lambda m: F.mse_loss(m(inputs())[:, 0], numbers(), reduction="sum"),
        lambda m: F.cross_entropy(m(inputs()), labels(), reduction="none").sum(),
        lambda m: (m(inputs())[:, 0] - numbers()).abs().sum(),
        lambda m: -m(inputs()).log_softmax(1).gather(1, labels()[:, None]).sum(),
    ],
)
def test_a_sum_is_a_note(loss_of):
    [found] = audited(mlp(), loss_of)
    assert (found.kind, found.severity, found.numbers["examples"]) == ("loss_is_summed", "note", N)


# the optimizer


def replaced(model):
    optimizer = torch.optim.Adam(model.parameters())
    model[2] = nn.Linear(8, 3)
    return optimizer


def doubled(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.optim.SGD([*model.parameters(), model[2].weight], lr=0.1)


def frozen(model):
    model[0].requires_grad_(False)
    return torch.optim.Adam(model.parameters())


OPTIMIZERS = {
    "a part of the parameters": (
        lambda m: torch.optim.SGD(m[2].parameters(), lr=0.1),
        ["parameters_not_in_optimizer"],
        "model.parameters()",
    ),
    "another model's": (
        lambda m: torch.optim.SGD(copy.deepcopy(m).parameters(), lr=0.1),
        ["parameters_not_in_optimizer", "parameters_of_another_model"],
        "model.parameters()",
    ),
    "a replaced layer": (replaced, ["parameters_not_in_optimizer", "parameters_of_another_model"], "replaced"),
    "twice": (doubled, ["parameters_twice"], "one group"),
    "maximize": (sgd(maximize=True), ["ascent"], "maximize=True"),
    "a rate of 0": (sgd(lr=0.0), ["weights_do_not_change"], "learning rate"),
}


@pytest.mark.parametrize("after", [False, True], ids=["before backward", "after backward"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_mistake_in_the_optimizer_is_named(name, after):
    optimizer, expected, fix = OPTIMIZERS[name]
    model = mlp()
    opt = optimizer(model)
    found = audited(model, entropy, lambda _: opt, after=after)
    assert sorted(kinds(found)) == sorted(expected)
    assert any(fix in each.advice for each in found)


def test_a_penalty_beside_the_data_is_seen_after_backward():
    found = audited(mlp(), entropy, sgd(weight_decay=1.0), after=True)
    assert kinds(found) == ["penalty_too_strong"]
    assert kinds(audited(mlp(), entropy, sgd(weight_decay=1e-4), after=True)) == []


def test_the_decay_of_adamw_is_compared_with_its_steps():
    adamw = lambda decay: lambda model: torch.optim.AdamW(model.parameters(), weight_decay=decay)  # noqa: E731
    assert kinds(audited(mlp(), entropy, adamw(0.01), after=True)) == []
    assert kinds(audited(mlp(), entropy, adamw(20.0), after=True)) == ["penalty_too_strong"]


def test_a_layer_frozen_as_it_was_drawn_is_a_warning_if_the_optimizer_holds_it():
    model = mlp(hidden=32)
    optimizer = frozen(model)
    assert kinds(find_in_optimizer(model, [optimizer])) == ["frozen_parameters"]


@pytest.mark.parametrize(
    "name",
    ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop", "LBFGS"],
)
def test_every_kind_of_optimizer_is_read(name):
    model = mlp()
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.01)
    loss = entropy(model)
    loss.backward()
    assert kinds(audit_program(model, loss, optimizer).findings) == []


# modes


def test_evaluation_mode_is_a_finding_only_in_training():
    model = mlp(3, nn.BatchNorm1d(3))
    assert kinds(audited(model.eval(), entropy, sgd())) == ["eval_mode_while_training"]
    assert kinds(audited(model.eval(), entropy)) == []
    assert kinds(find_in_model(mlp().eval())) == []
    model.train()[3].eval()
    assert kinds(audited(model, entropy, sgd())) == []


# healthy programs: nothing above a note, before or after backward()


def squeeze_net():
    """Its class maps end in a ReLU, and are averaged: as it was published."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 16)
        self.query, self.key, self.value = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.head = nn.Linear(16, 7)

    def forward(self, tokens):
        x = self.embedding(tokens)
        weights = (self.query(x) @ self.key(x).transpose(1, 2) / 4).softmax(-1)
        return self.head(weights @ self.value(x))


class AttentionPooling(nn.Module):
    """The softmax over the instances of one bag, dim=0, gives weights and no probabilities of classes."""

    def __init__(self):
        super().__init__()
        self.body, self.score, self.classes = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 3)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return (self.score(h).softmax(dim=0) * self.classes(h)).sum(0, keepdim=True)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(4, 8, 2, batch_first=True, dropout=0.2), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(4, 6), nn.Linear(3, 4)

    def forward(self, x):
        mean, log_variance = torch.tanh(self.encoder(x)).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(z), mean, log_variance


def evidence(model):
    x = inputs()
    output, mean, log = model(x)
    return F.mse_loss(output, x, reduction="sum") - 0.5 * torch.sum(1 + log - mean.pow(2) - log.exp())


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.classes, self.number = nn.Linear(4, 8), nn.Linear(8, 3), nn.Linear(8, 1)
        self.uncertainty = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = torch.relu(self.body(x))
        return self.classes(h), self.number(h)


def tasks(model):
    classes, number = model(inputs())
    losses = torch.stack([F.cross_entropy(classes, labels()), F.mse_loss(number.squeeze(-1), numbers())])
    return (losses * torch.exp(-model.uncertainty) + model.uncertainty).sum()


def policy_gradient(model):
    distribution = torch.distributions.Categorical(logits=model(inputs()))
    action = distribution.sample()
    return -(distribution.log_prob(action) * torch.randn(N)).mean() - 0.01 * distribution.entropy().mean()


def clipped_policy(model):
    distribution = torch.distributions.Categorical(logits=model(inputs()))
    action, advantage = distribution.sample(), torch.randn(N)
    ratio = (distribution.log_prob(action) - distribution.log_prob(action).detach()).exp()
    return -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()


def q_learning(model):
    q = model(inputs()).gather(1, labels()[:, None])[:, 0]
    with torch.no_grad():
        target = torch.ones(N) + 0.9 * model(inputs()).max(1)[0]
    return F.smooth_l1_loss(q, target)


def contrastive(model):
    first, second = (F.normalize(model(inputs() + shift), dim=1) for shift in (0, 0.1))
    similarity = first @ second.T / 0.1
    own = torch.arange(N)
    return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2


def contrastive_by_hand(model):
    first, second = (F.normalize(model(inputs() + shift), dim=1) for shift in (0, 0.1))
    return -(first @ second.T / 0.1).log_softmax(dim=0).diag().mean()


def distillation(model):
    teacher = mlp(3)
    x = inputs()
    with torch.no_grad():
        soft = (teacher(x) / 2).softmax(1)
    student = model(x)
    return 4 * F.kl_div((student / 2).log_softmax(1), soft, reduction="batchmean") + F.cross_entropy(student, labels())


def symmetric_divergence(model):
    p, q = model(inputs()), model(inputs() + 0.01)
    return F.kl_div(p.log_softmax(1), q.softmax(1), reduction="batchmean") + F.cross_entropy(p, labels())


def dice(model):
    p, t = model(inputs()).softmax(1), F.one_hot(labels(), 3).float()
    return 1 - (2 * (p * t).sum(0) / (p + t).sum(0)).mean()


def segmentation(model):
    logits = model(torch.randn(2, 3, 8, 8))
    t = torch.arange(32).reshape(2, 4, 4) % 3
    p = logits.softmax(dim=1)
    return F.cross_entropy(logits, t, ignore_index=2) + 1 - (p[:, 0] * (t == 0)).mean()


def pixels_as_rows(model):
    logits = model(torch.randn(2, 3, 8, 8)).permute(0, 2, 3, 1).reshape(-1, 3)
    return F.nll_loss(logits.log_softmax(dim=1), torch.arange(32) % 3)


def characters(model):
    tokens = torch.arange(40).reshape(4, 10) % 7
    return F.cross_entropy(model(tokens[:, :-1]).reshape(-1, 7), tokens[:, 1:].reshape(-1))


def translation(model):
    log = model(torch.randn(5, 8, 4)).log_softmax(dim=2)
    return F.nll_loss(log.view(-1, 3), labels(), ignore_index=0)


def connectionist(model):
    log = model(torch.randn(6, 8, 4)).log_softmax(2)
    lengths = torch.full((6,), 8), torch.full((6,), 2)
    return F.ctc_loss(log.transpose(0, 1), torch.ones(6, 2, dtype=torch.long), *lengths)


def soft_capped(model):
    """Logits that are bounded far out, as in published language models."""
    return F.cross_entropy(30 * torch.tanh(model(inputs()) / 30), labels())


def quantiles(model):
    error = numbers()[:, None] - model(inputs())
    levels = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(levels * error, (levels - 1) * error).mean()


def physics(model):
    x = inputs().requires_grad_()
    slope = torch.autograd.grad(model(x).sum(), x, create_graph=True)[0][:, 0]
    return F.mse_loss(slope, torch.zeros(N)) + F.mse_loss(model(inputs())[:, 0], numbers())


def mixed_up(model):
    logits, share = model(inputs()), 0.3
    return share * F.cross_entropy(logits, labels()) + (1 - share) * F.cross_entropy(logits, labels().flip(0))


def penalized(model):
    return entropy(model) + 1e-3 * sum(p.square().sum() for p in model.parameters())


def bernoulli_by_hand(model):
    p, t = model(inputs())[:, 0], yes_or_no()
    return -(t * torch.log(p + 1e-9) + (1 - t) * torch.log(1 - p + 1e-9)).mean()


def pairwise_distances(model):
    """All outputs against fixed points, on purpose."""
    return (model(inputs()).unsqueeze(2) - torch.linspace(-1, 1, N)).square().mean()


def hinge(model):
    return F.relu(1 - (2 * yes_or_no() - 1) * model(inputs())[:, 0]).mean()


def scaled_by_grad_scaler(model):
    return torch.tensor(65536.0) * entropy(model)


def autocast(model):
    with torch.autocast("cpu", torch.bfloat16):
        return entropy(model)


def checkpointed(model):
    from torch.utils.checkpoint import checkpoint

    h = checkpoint(lambda x: model[1](model[0](x)), inputs(), use_reentrant=False)
    return F.cross_entropy(model[2](h), labels())


class OwnSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, *grads):
        return 2 * ctx.saved_tensors[0] * grads[0]


def straight_through(model):
    p = model(inputs())
    return F.mse_loss((p + (p.round() - p).detach())[:, 0], numbers())


HEALTHY = {
    "cross-entropy": (mlp, entropy),
    "a distribution": (mlp, of_a_distribution(-1)),
    "−1 times the likelihood": (mlp, lambda m: -1 * m(inputs()).log_softmax(1).gather(1, labels()[:, None]).mean()),
    "log_softmax of sequences": (mlp, on_sequences(lambda a: a.log_softmax(-1))),
    "ranking of lists": (
        lambda: mlp(1),
        lambda m: -(torch.rand(N).softmax(0) * m(inputs()).squeeze(1).log_softmax(0)).sum(),
    ),
    "a learned variance": (
        lambda: mlp(2),
        lambda m: (lambda a: (a[:, 1] + (a[:, 0] - numbers()) ** 2 / a[:, 1].exp()).mean())(m(inputs())),
    ),
    "entropy beside the loss": (
        mlp,
        lambda m: entropy(m) + 0.1 * (m(inputs()).softmax(1) * m(inputs()).log_softmax(1)).sum(1).mean(),
    ),
    "cost of chosen actions": (
        mlp,
        lambda m: (m(inputs()).log_softmax(1).gather(1, labels()[:, None])[:, 0] * torch.rand(N)).mean(),
    ),
    "log_softmax and NLLLoss": (lambda: mlp(3, nn.LogSoftmax(dim=1)), lambda m: F.nll_loss(m(inputs()), labels())),
    "log of softmax": (lambda: mlp(3, nn.Softmax(dim=1)), lambda m: F.nll_loss((m(inputs()) + 1e-9).log(), labels())),
    "log_softmax by hand": (mlp, lambda m: F.nll_loss(m(inputs()) - m(inputs()).logsumexp(1, keepdim=True), labels())),
    "sum over N": (mlp, lambda m: F.cross_entropy(m(inputs()), labels(), reduction="sum") / N),
    "sum": (mlp, lambda m: F.cross_entropy(m(inputs()), labels(), reduction="sum")),
    "label smoothing, weights": (
        mlp,
        lambda m: F.cross_entropy(m(inputs()), labels(), torch.ones(3), label_smoothing=0.1),
    ),
    "ignore_index": (mlp, lambda m: F.cross_entropy(m(inputs()), labels().masked_fill(labels() == 2, -100))),
    "soft labels": (mlp, lambda m: F.cross_entropy(m(inputs()), torch.rand(N, 3).softmax(1))),
    "one-hot by hand": (mlp, lambda m: -(m(inputs()).log_softmax(1) * F.one_hot(labels(), 3)).sum(1).mean()),
    "focal loss": (mlp, lambda m: focal(m(inputs()), labels())),
    "weights of examples": (
        mlp,
        lambda m: (F.cross_entropy(m(inputs()), labels(), reduction="none") * torch.rand(N)).mean(),
    ),
    "BCEWithLogits": (lambda: mlp(1), lambda m: F.binary_cross_entropy_with_logits(m(inputs())[:, 0], yes_or_no())),
    "several labels": (
        mlp,
        lambda m: F.binary_cross_entropy_with_logits(
            m(inputs()), (torch.rand(N, 3) > 0.5).float(), pos_weight=torch.ones(3)
        ),
    ),
    "sigmoid and BCE": (lambda: mlp(1, nn.Sigmoid()), lambda m: F.binary_cross_entropy(m(inputs())[:, 0], yes_or_no())),
    "sigmoid, BCE by hand": (lambda: mlp(1, nn.Sigmoid()), bernoulli_by_hand),
    "multilabel soft margin": (
        mlp,
        lambda m: F.multilabel_soft_margin_loss(m(inputs()), (torch.rand(N, 3) > 0.5).float()),
    ),
    "hinge": (lambda: mlp(1), hinge),
    "multi margin": (mlp, lambda m: F.multi_margin_loss(m(inputs()), labels())),
    "regression": (lambda: mlp(1), lambda m: F.mse_loss(m(inputs()), numbers()[:, None])),
    "regression by hand": (lambda: mlp(1), lambda m: (m(inputs()).squeeze(-1) - numbers()).square().mean()),
    "regression in [0, 1] by a sigmoid": (
        lambda: mlp(1, nn.Sigmoid()),
        lambda m: F.mse_loss(m(inputs())[:, 0], torch.rand(N)),
    ),
    "regression by tanh": (lambda: mlp(1, nn.Tanh()), lambda m: F.smooth_l1_loss(m(inputs())[:, 0], numbers().tanh())),
    "several outputs": (mlp, lambda m: F.huber_loss(m(inputs()), torch.randn(N, 3))),
    "normal density": (mlp, lambda m: F.gaussian_nll_loss(m(inputs())[:, 0], numbers(), m(inputs())[:, 1].exp())),
    "counts": (lambda: mlp(1), lambda m: F.poisson_nll_loss(m(inputs())[:, 0], labels().float())),
    "quantiles": (mlp, quantiles),
    "autoencoder": (lambda: mlp(4), lambda m: F.mse_loss(m(inputs()), inputs())),
    "variational autoencoder": (AutoEncoder, evidence),
    "several tasks": (Heads, tasks),
    "policy gradient": (mlp, policy_gradient),
    "clipped policy": (mlp, clipped_policy),
    "q-learning": (mlp, q_learning),
    "contrastive": (lambda: mlp(8), contrastive),
    "contrastive by hand": (lambda: mlp(8), contrastive_by_hand),
    "triplets": (lambda: mlp(8), lambda m: F.triplet_margin_loss(m(inputs()), m(inputs() + 0.1), m(inputs() - 1))),
    "cosines": (lambda: mlp(8), lambda m: F.cosine_embedding_loss(m(inputs()), m(inputs()), 2 * yes_or_no() - 1)),
    "distillation": (mlp, distillation),
    "divergence of both": (mlp, symmetric_divergence),
    "dice": (mlp, dice),
    "convolutions": (Convolutional, segmentation),
    "pixels as rows": (Convolutional, pixels_as_rows),
    "ReLU before the mean of class maps": (
        squeeze_net,
        lambda m: F.cross_entropy(m(torch.randn(N, 3, 8, 8)), labels()),
    ),
    "attention": (Attention, characters),
    "attention over instances": (AttentionPooling, lambda m: F.cross_entropy(m(inputs()), torch.tensor([1]))),
    "LSTM": (Recurrent, translation),
    "connectionist": (Recurrent, connectionist),
    "transformer": (
        lambda: nn.TransformerEncoderLayer(4, 2, 16, batch_first=True),
        lambda m: F.mse_loss(m(torch.randn(3, 5, 4)), torch.randn(3, 5, 4)),
    ),
    "logits bounded far out": (mlp, soft_capped),
    "a differential equation": (lambda: nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)), physics),
    "mixup": (mlp, mixed_up),
    "penalty by hand": (mlp, penalized),
    "distances to fixed points": (lambda: mlp(1), pairwise_distances),
    "GradScaler": (mlp, scaled_by_grad_scaler),
    "autocast": (mlp, autocast),
    "checkpoint": (mlp, checkpointed),
    "own function": (lambda: mlp(1), lambda m: OwnSquare.apply(m(inputs())[:, 0] - numbers()).mean()),
    "straight through": (lambda: mlp(1), straight_through),
    "one example": (mlp, lambda m: F.cross_entropy(m(torch.randn(1, 4)), torch.tensor([2]))),
    "one example without a batch": (mlp, lambda m: F.cross_entropy(m(torch.randn(4)), torch.tensor(2))),
    "mean of the outputs": (mlp, lambda m: m(inputs()).mean()),
    "tied weights": (lambda: tied(), entropy),
}


def tied():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 3))
    model[2].weight = model[0].weight
    return model


@pytest.mark.parametrize("after", [False, True], ids=["before backward", "after backward"])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_program_is_silent(name, after):
    make, loss_of = HEALTHY[name]
    found = audited(make(), loss_of, lambda m: torch.optim.AdamW(m.parameters()), after=after)
    assert is_healthy(found), found


def test_a_generator_may_lower_the_logarithm():
    generator, discriminator = mlp(4), mlp(1, nn.Sigmoid())
    loss = torch.log(1 - discriminator(generator(inputs()))).mean()
    assert kinds(audit_program(generator, loss, torch.optim.Adam(generator.parameters())).findings) == []


def test_an_adversary_may_raise_the_loss():
    """A generator's −loss goes through the discriminator's parameters, which its optimizer does not hold."""
    generator, discriminator = mlp(4), mlp(1)
    made = discriminator(generator(inputs()))[:, 0]
    loss = -F.binary_cross_entropy_with_logits(made, torch.zeros(N))
    assert kinds(audit_program(generator, loss, torch.optim.Adam(generator.parameters())).findings) == []
    x = inputs().requires_grad_()
    model = mlp()
    assert kinds(audit_program(model, -F.cross_entropy(model(x), labels())).findings) == []


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_the_halves_of_an_adversarial_loss_are_silent(target):
    generator, discriminator = mlp(4), mlp(1, nn.Sigmoid())
    made = discriminator(generator(inputs()).detach())
    for loss in (
        F.binary_cross_entropy(made, torch.full((N, 1), target)),
        F.mse_loss(made, torch.full((N, 1), target)),
    ):
        assert kinds(audit_program(discriminator, loss, torch.optim.Adam(discriminator.parameters())).findings) == []
    both = [F.mse_loss(made, torch.full((N, 1), value)) for value in (0.0, 1.0)]
    assert kinds(audit_program(discriminator, both[0] + both[1]).findings) == []


def test_several_models_in_one_program_are_silent():
    """An encoder beside the model, in the loss and in the optimizer; a teacher; a learnable loss."""
    encoder, model, margin = mlp(4), mlp(3), nn.Parameter(torch.ones(3))
    loss = F.cross_entropy(model(encoder(inputs())) * margin, labels())
    optimizer = torch.optim.Adam([*encoder.parameters(), *model.parameters(), margin])
    assert kinds(audit_program(model, loss, optimizer).findings) == []
    apart = [torch.optim.Adam(model.parameters()), torch.optim.Adam([*encoder.parameters(), margin])]
    assert kinds(audit_program(model, loss, apart).findings) == []
    assert kinds(audit_program(model, loss).findings) == []
    assert kinds(find_in_optimizer(model, apart)) == []


def test_a_target_network_and_a_frozen_backbone_are_notes():
    class Target(nn.Module):
        def __init__(self):
            super().__init__()
            self.online = mlp(3, hidden=32)
            self.target = copy.deepcopy(self.online).requires_grad_(False)

        def forward(self, x):
            return self.online(x)

    model = Target()
    assert kinds(audited(model, entropy, sgd())) == []
    model = mlp(3, hidden=32)
    model[0].requires_grad_(False)
    assert kinds(audited(model, entropy, lambda m: torch.optim.Adam(m[2].parameters()))) == []


def test_a_schedule_may_begin_with_a_rate_of_zero():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 10)
    assert optimizer.param_groups[0]["lr"] == 0
    assert kinds(find_in_optimizer(model, [optimizer])) == []


def test_a_loss_of_one_head_is_not_the_whole_step():
    """Gradients of several losses reach together what they reach."""
    model = Heads()
    classes, number = model(inputs())
    losses = [F.cross_entropy(classes, labels()), F.mse_loss(number[:, 0], numbers())]
    found = find_in_loss([*losses, model.uncertainty.sum()], model)
    assert kinds(found) == []
    assert kinds(find_in_loss(losses[0], model)) == ["unreached_parameters"]


def test_targets_of_several_steps_are_read_together():
    model = mlp(1)
    graphs = [read_graph(F.mse_loss(model(inputs()[:8])[:, 0], yes_or_no()[:8])) for _ in range(5)]
    assert kinds(find_in_loss(graphs[:1], model)) == []
    assert kinds(find_in_loss(graphs, model)) == ["wrong_loss"]


def test_compiled_parts_are_said_to_be_unseen():
    model = torch.compile(mlp(3, nn.Softmax(dim=1)), backend="aot_eager")
    loss = entropy(model)
    audit = audit_program(model, loss, torch.optim.Adam(model.parameters()))
    assert kinds(audit.findings) == []
    assert "compiled" in audit.unseen[0]


def test_a_reentrant_checkpoint_hides_its_parameters():
    from torch.utils.checkpoint import checkpoint

    model = mlp()
    h = checkpoint(model[0], inputs().requires_grad_(), use_reentrant=True)
    audit = audit_program(model, F.cross_entropy(model[2](h), labels()))
    assert kinds(audit.findings) == []
    assert "use_reentrant" in audit.unseen[0]


# heard.diagnose and the moment before backward()


def test_diagnose_takes_the_loss_before_and_after_backward():
    model = mlp(3, nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with listen(model) as heard:
        loss = entropy(model)
        before = heard.diagnose(loss=loss, optimizer=optimizer)
        loss.backward()
    after = heard.diagnose(loss=loss, optimizer=[optimizer])
    assert before.findings[0].kind == after.findings[0].kind == "output_function_twice"
    assert before.examples == 0
    assert after.examples == N
    assert {"output_function_twice", "parameters_twice"} <= set(after.judged)
    assert "output_function_twice" not in heard.diagnose().judged


def test_a_loss_without_a_graph_is_diagnosed():
    model = mlp()
    with listen(model) as heard:
        loss = argmax_made_a_leaf(model)
        loss.backward()
    found = heard.diagnose(loss=loss).findings
    assert [each.kind for each in found] == ["unreached_parameters", "nothing_arrives"]
    with torch.no_grad():
        loss = entropy(model)
    assert "no_grad" in heard.diagnose(loss=loss).findings[0].said


def test_a_loss_or_an_optimizer_of_another_kind_is_refused():
    model = mlp()
    for loss, kind, words in ((0.3, InputTypeError, "a float"), (model(inputs()), InputError, "shape (40, 3)")):
        with pytest.raises(kind, match="loss") as error:
            audit_program(model, loss)
        assert words in str(error.value)
    with pytest.raises(InputTypeError, match="the class SGD"):
        audit_program(model, optimizer=torch.optim.SGD)


def test_the_moment_before_backward_changes_nothing():
    gradients, states = [], []
    for look in (False, True):
        torch.manual_seed(1)
        model = mlp(3, nn.Dropout(0.5))
        original, seen = torch.autograd.backward, []
        before = BeforeBackward(seen.append)
        if look:
            before.open()
        entropy(model).backward()
        before.close()
        assert torch.autograd.backward is original
        gradients.append([p.grad for p in model.parameters()])
        states.append(torch.random.get_rng_state())
        assert len(seen) == look
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
    assert torch.equal(*states)


def test_blocks_that_close_in_another_order_leave_backward_working():
    model, seen = mlp(), []
    original = torch.autograd.backward
    first, second = BeforeBackward(lambda _: seen.append(1)), BeforeBackward(lambda _: seen.append(2))
    first.open()
    second.open()
    entropy(model).backward()
    first.close()
    entropy(model).backward()
    second.close()
    assert seen == [2, 1, 2]
    entropy(model).backward()
    assert seen == [2, 1, 2]
    torch.autograd.backward = original


def test_what_saved_tensors_hooks_hide_is_left_alone():
    model, unpacked = mlp(1), []

    def unpack(tensor):
        unpacked.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
        loss = F.mse_loss(model(inputs())[:, 0], numbers())
    assert read_graph(loss).criteria[0].target is None
    assert unpacked == []


def test_the_page_for_users_has_every_finding_that_only_programs_have():
    text = (Path(__file__).parents[1] / "docs" / "pytorch.md").read_text(encoding="utf-8")
    means = {kind: words.strip() for kind, words in re.findall(r"^\| `(\w+)` \|(.*?)\|", text, re.MULTILINE)}
    lines = []
    for kind in [kind for kind in RULES if kind not in NETWORK_RULES]:
        rule = RULES[kind]
        numbers = ("" if value is None else f"{value:g}" for value in (rule.note, rule.warning, rule.severe))
        lines.append(" | ".join([f"| `{kind}`", means.get(kind, "(say here what it means)"), rule.compared, *numbers]))
    table = "\n".join(f"{line} |" for line in lines)
    assert f"|---|---|---|---|---|---|\n{table}\n" in text, f"docs/pytorch.md should have\n{table}"
