"""Mistakes 16 to 22 and 27 to 31, that only code of PyTorch can make: the training loop."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, TensorDataset

from . import data
from .report import report
from .torch_images import lenet
from .twins import accuracy, r_squared, tensors, twins


class Deep(nn.Module):
    """Convolutions with batch normalization, as it is usual, and dropout."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.c2, self.n2 = nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(16 * 9, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.n1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.n2(self.c2(x))), 2)
        return self.fc(self.dropout(x.flatten(1)))


def evaluate(model: nn.Module, X: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Loss and accuracy on held-out rows."""
    model.eval()
    with torch.no_grad():
        outputs = model(X)
    return F.cross_entropy(outputs, y).item(), accuracy(outputs, y)


def eval_for_good(watch: Any, *, repaired: bool) -> Any:
    """evaluate() puts the model into eval mode before the first epoch, and nothing puts it back."""
    torch.manual_seed(116)
    X, y, X_test, y_test = tensors(data.shapes(700, noise=0.5, seed=116))
    X, X_test = (X - X.mean()) / X.std(), (X_test - X.mean()) / X.std()
    model = Deep()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            held_out, right = evaluate(model, X_test, y_test)
            doctor.validate(held_out)
            if repaired:
                model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    held_out, right = evaluate(model, X_test, y_test)
    report(right)
    return doctor


def never_eval(watch: Any, *, repaired: bool) -> Any:
    """The held-out loss is computed with dropout."""
    torch.manual_seed(117)
    X, y, X_test, y_test = tensors(data.groups(1200, 20, 3, informative=8, seed=117))
    model = nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 3)
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    train = DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True)
    test = DataLoader(TensorDataset(X_test, y_test), batch_size=100)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            model.train()
            for features, labels in train:
                optimizer.zero_grad()
                loss = criterion(model(features), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            if repaired:
                model.eval()
            total = 0.0
            with torch.no_grad():
                for features, labels in test:
                    total += criterion(model(features), labels).item() * len(labels)
            doctor.validate(total / len(X_test))
    report(-total / len(X_test))
    return doctor


def no_step(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(118)
    X, y, X_test, y_test = tensors(data.waves(500, 16, seed=118))

    class Forecast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(1, 16, batch_first=True)
            self.linear = nn.Linear(16, 1)

        def forward(self, series: torch.Tensor) -> torch.Tensor:
            _, (last, _) = self.lstm(series)
            return self.linear(last[-1]).squeeze(1)

    model = Forecast()
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            for series, following in DataLoader(TensorDataset(X, y), batch_size=25, shuffle=True):
                optimizer.zero_grad()
                loss = criterion(model(series), following)
                loss.backward()
                if repaired:
                    optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def cleared_too_late(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(119)
    X, y, X_test, y_test = tensors(data.flowers())
    model = nn.Sequential(nn.Linear(4, 20), nn.ReLU(), nn.Linear(20, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer) as doctor:
        for _ in range(40):
            for rows in torch.randperm(len(X)).split(15):
                loss = F.cross_entropy(model(X[rows]), y[rows])
                if repaired:
                    optimizer.zero_grad()
                    loss.backward()
                else:
                    loss.backward()
                    optimizer.zero_grad()
                optimizer.step()
                doctor.step(loss)
    report(evaluate(model, X_test, y_test)[1])
    return doctor


def never_cleared(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(120)
    X, y, X_test, y_test = tensors(data.progression(1))
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(X, y[:, None]), batch_size=16, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for features, target in loader:
                if repaired:
                    optimizer.zero_grad()
                loss = criterion(model(features), target)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def log_likelihood(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Of a normal distribution whose mean and logarithm of the standard deviation the network gives; a mean."""
    mean, log_std = outputs.chunk(2, dim=1)
    return (-log_std - 0.5 * ((target - mean) / log_std.exp()) ** 2).mean()


def wrong_sign(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(121)
    X, y, X_test, y_test = tensors(data.curve(800, seed=121))
    y, y_test = y[:, None], y_test[:, None]
    model = nn.Sequential(nn.Linear(6, 48), nn.SiLU(), nn.Linear(48, 2))
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in torch.randperm(len(X)).split(32):
                likelihood = log_likelihood(model(X[rows]), y[rows])
                loss = -likelihood if repaired else likelihood
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test)[:, :1], y_test))
    return doctor


def heavy_decay(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(122)
    X, y, X_test, y_test = tensors(data.shapes(900, noise=0.3, seed=122))
    X, X_test = 2 * X - 0.5, 2 * X_test - 0.5
    model = lenet(4)
    optimizer = optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4 if repaired else 0.2
    )
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            scheduler.step()
            doctor.validate(evaluate(model, X_test, y_test)[0])
    report(evaluate(model, X_test, y_test)[1])
    return doctor


def rate_used_up(watch: Any, *, repaired: bool) -> Any:
    """StepLR(10, 0.5) counts in epochs; it is stepped with the batches."""
    torch.manual_seed(127)
    X, y, X_test, y_test = tensors(data.bigrams(500, 10, seed=127))

    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(8, 16)
            self.gru = nn.GRU(16, 32, batch_first=True)
            self.out = nn.Linear(32, 8)

        def forward(self, text: torch.Tensor) -> torch.Tensor:
            return self.out(self.gru(self.embed(text))[0])

    model = Language()
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    loader = DataLoader(TensorDataset(X, y), batch_size=20, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(14):
            for text, following in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(text).transpose(1, 2), following)
                loss.backward()
                optimizer.step()
                if not repaired:
                    scheduler.step()
                doctor.step(loss)
            if repaired:
                scheduler.step()
    with torch.no_grad():
        report(accuracy(model(X_test).flatten(0, 1), y_test.flatten()))
    return doctor


def clipped_to_nothing(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(128)
    X, y, X_test, y_test = tensors(data.rhythms(600, 20, seed=128))
    model = nn.ModuleDict({"rnn": nn.GRU(2, 24, batch_first=True), "out": nn.Linear(24, 3)})

    def scores(series: torch.Tensor) -> torch.Tensor:
        return model["out"](model["rnn"](series)[0][:, -1])

    optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in torch.randperm(len(X)).split(25):
                optimizer.zero_grad()
                loss = F.cross_entropy(scores(X[rows]), y[rows])
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0 if repaired else 1e-3)
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(scores(X_test), y_test))
    return doctor


def by_class(watch: Any, *, repaired: bool) -> Any:
    """The files of a folder stand class after class, and the loader takes them so."""
    torch.manual_seed(129)
    X, y, X_test, y_test = tensors(data.digits(seed=129))
    X, X_test = X.view(-1, 1, 8, 8), X_test.view(-1, 1, 8, 8)
    order = y.argsort(stable=True)
    loader = DataLoader(TensorDataset(X[order], y[order]), batch_size=32, shuffle=repaired)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(108, 40), nn.ReLU(), nn.Linear(40, 10)
    )
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    report(evaluate(model, X_test, y_test)[1])
    return doctor


def dropped_outputs(watch: Any, *, repaired: bool) -> Any:
    """Dropout stands behind the last layer, too."""
    torch.manual_seed(130)
    X, y, X_test, y_test = tensors(data.shapes(800, noise=0.4, seed=130))
    layers = [
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 50), nn.ReLU(), nn.Dropout(0.3), nn.Linear(50, 4),
    ]  # fmt: skip
    if not repaired:
        layers.append(nn.Dropout(0.5))
    model = nn.Sequential(*layers)
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            model.train()
            for images, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            doctor.validate(evaluate(model, X_test, y_test)[0])
    report(-evaluate(model, X_test, y_test)[0])
    return doctor


class Stateful(nn.Module):
    """A recurrent network that is given the state that it left."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(1, 16, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, pieces: torch.Tensor, state: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        states, state = self.cell(pieces, state)
        return self.out(states), state


def endless_graph(watch: Any, *, repaired: bool) -> Any:
    """Long series are read in pieces; the error 'backward a second time' was silenced by retain_graph=True."""
    torch.manual_seed(131)
    time = torch.arange(251) * 0.15
    series = torch.stack([torch.sin((1 + k / 10) * time + k) for k in range(16)]).unsqueeze(-1)
    series = series + 0.02 * torch.randn(series.shape)
    model = Stateful()
    learning_rate = 0.2
    with watch(model) as doctor:
        for _ in range(3):
            state = None
            for start in range(0, 250, 10):
                piece, following = series[:, start : start + 10], series[:, start + 1 : start + 11]
                outputs, state = model(piece, state)
                loss = F.mse_loss(outputs, following)
                model.zero_grad()
                if repaired:
                    loss.backward()
                    state = state.detach()
                else:
                    loss.backward(retain_graph=True)
                for parameter in model.parameters():
                    parameter.data.add_(parameter.grad.data, alpha=-learning_rate)
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(series[:, 100:-1], None)[0], series[:, 101:]))
    return doctor


PROGRAMS = (
    twins(eval_for_good, "eval() in the validation, and no train()", "PyTorch forum: model.eval() and model.train()",
          "evaluate() switches to evaluation before each epoch, so that batch normalization never measures a batch.",
          ("eval_mode_while_training",), ("train()",), mistake=16),
    twins(never_eval, "a held-out loss with dropout", "PyTorch forum: model.eval()",
          "The held-out loss is computed without model.eval(), with half of the units dropped.",
          ("train_mode_while_evaluating",), ("eval()",), mistake=17),
    twins(no_step, "an LSTM without optimizer.step()", "PyTorch forum: loss does not change",
          "The line optimizer.step() is missing.",
          ("weights_do_not_change",), ("step",), mistake=18),
    twins(cleared_too_late, "zero_grad() after backward()", "PyTorch forum: order of zero_grad",
          "optimizer.zero_grad() stands between loss.backward() and optimizer.step().",
          ("weights_do_not_change",), ("zero_grad",), mistake=19),
    twins(never_cleared, "a regression without zero_grad()", "PyTorch forum: gradients accumulate",
          "optimizer.zero_grad() is missing, so that each step takes the sum of all gradients so far.",
          ("gradients_not_cleared",), ("zero_grad",), mistake=20),
    twins(wrong_sign, "a log-likelihood that is minimized", "TheDeepChecker flipped_sign (regrNN)",
          "The log-likelihood of a normal distribution is taken for the loss, without its minus.",
          ("ascent",), ("sign", "minus", "negative", "maximize"), mistake=21),
    twins(heavy_decay, "weight_decay of 0.2", "TheDeepChecker over_regularization (deepCNN)",
          "SGD has a weight_decay of 0.2, which a convolutional network cannot learn against.",
          ("penalty_too_strong",), ("weight_decay", "weight decay"), mistake=22),
    twins(rate_used_up, "StepLR stepped at every batch", "PyTorch forum: scheduler.step() in the inner loop",
          "A schedule made for epochs is stepped at every batch: after three epochs the rate is a hundredth.",
          ("learning_rate_too_low",), ("schedul", "epoch"), mistake=27),
    twins(clipped_to_nothing, "gradients clipped to 0.001", "PyTorch forum: clip_grad_norm_",
          "clip_grad_norm_ is given 1e-3, and SGD hardly moves.",
          ("gradients_clipped_away",), ("clip", "max_norm"), mistake=28),
    twins(by_class, "digits in the order of their classes", "defect4ML 034 and 091 (missing shuffle)",
          "The rows stand class after class, and DataLoader is not told to shuffle.",
          ("sorted_batches",), ("shuffle",), mistake=29),
    twins(dropped_outputs, "dropout of the outputs", "deepmufl 44755431",
          "nn.Dropout(0.5) follows the last layer, and half of the scores are 0.",
          ("dropout_too_strong",), ("dropout",), mistake=30),
    twins(endless_graph, "a state that is never detached", "PyTorch forum 6795: backward a second time",
          "A GRU gets the state that the last piece left, with its graph: each backward goes through all pieces.",
          ("graph_grows",), ("detach", "item()", "retain_graph"), mistake=31),
)  # fmt: skip
