"""Mistakes that only code of PyTorch can make, in the loop of training: mistakes 17 to 21 and 27 to 30."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from .. import data
from ..program import Program
from ..training import accuracy, batches, determination, tensors
from .dense_of_classes import Run, twins
from .mistakes_in_losses import Pictures, Waves
from .mistakes_in_optimizers import Autoencoder


def noisy_evaluation(watch: Any, repaired: bool) -> Run:
    """Mistake 17: the held-out loss with dropout on. The score is minus that loss."""
    X, y, X_test, y_test = tensors(data.digits())
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    held_out = torch.zeros(())
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            if repaired:
                model.eval()
            with torch.no_grad():
                held_out = F.cross_entropy(model(X_test), y_test)
            doctor.validate(held_out)
            model.train()
    return doctor, -float(held_out)


def no_step(watch: Any, repaired: bool) -> Run:
    """Mistake 18: an autoencoder that is never changed."""
    X, _, X_test, _ = tensors(data.digits())
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]), X[rows])
                loss.backward()
                if repaired:
                    optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, X_test)


def cleared_before_the_step(watch: Any, repaired: bool) -> Run:
    """Mistake 19: the gradients are gone when the step is made."""
    X, y, X_test, y_test = tensors(data.sequences(400))
    model = Waves(nn.Identity())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                if repaired:
                    optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                if not repaired:
                    optimizer.zero_grad()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def never_cleared(watch: Any, repaired: bool) -> Run:
    """Mistake 20: every step takes the sum of all gradients so far."""
    X, y, X_test, y_test = tensors(data.friedman(700))
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X)):
                if repaired:
                    optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def wrong_sign(watch: Any, repaired: bool) -> Run:
    """Mistake 21: nll_loss has the minus already."""
    X, y, X_test, y_test = tensors(data.wine())
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3), nn.LogSoftmax(dim=1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X), 16):
                optimizer.zero_grad()
                loss = F.nll_loss(model(X[rows]), y[rows])
                if not repaired:
                    loss = -loss
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def schedule_of_batches(watch: Any, repaired: bool) -> Run:
    """Mistake 27: StepLR for epochs, stepped after every batch."""
    X, y, X_test, y_test = tensors(data.digits())
    model = Pictures()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            for images, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                if not repaired:
                    schedule.step()
                doctor.step(loss)
            if repaired:
                schedule.step()
    return doctor, accuracy(model, X_test, y_test)


def clipped_away(watch: Any, repaired: bool) -> Run:
    """Mistake 28: gradients of norm 1 are cut to 0.001."""
    X, y, X_test, y_test = tensors(data.sequences(500))
    model = Waves(nn.Identity())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0 if repaired else 0.001)
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def sorted_rows(watch: Any, repaired: bool) -> Run:
    """Mistake 29: the rows stand in the order of the classes, and the loader does not shuffle."""
    X, y, X_test, y_test = tensors(data.digits())
    order = torch.argsort(y, stable=True)
    loader = DataLoader(TensorDataset(X[order], y[order]), batch_size=32, shuffle=repaired)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    criterion = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


class Dropped(nn.Module):
    """Two dense layers with dropout, whose rate is what is dropped, and not what is kept."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(64, 64), nn.Linear(64, 32), nn.Linear(32, 10)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            x = F.dropout(F.relu(layer(x)), self.rate, self.training)
        return self.last(x)


def little_is_left(watch: Any, repaired: bool) -> Run:
    """Mistake 30: a rate of 0.95, meant as the share that is kept. The score is minus the held-out loss."""
    X, y, X_test, y_test = tensors(data.digits())
    model = Dropped(0.1 if repaired else 0.95)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        return doctor, -float(F.cross_entropy(model(X_test), y_test))


PROGRAMS = (
    Program(
        "the held-out loss with dropout on", "GitHub, wolny/pytorch-3dunet#53 and udacity/deep-learning-v2-pytorch#3",
        "No eval() before the held-out loss, which is then that of a network with half of its units.",
        ("train_mode_while_evaluating",), ("eval()",), *twins(noisy_evaluation), mistake=17,
    ),
    Program(
        "no optimizer.step()", "TheDeepChecker, untrained parameters; UMLAUT, loss that stands still",
        "backward() at every batch, and no step.",
        ("weights_do_not_change",), ("step()",), *twins(no_step), mistake=18,
    ),
    Program(
        "zero_grad() after backward()", "GitHub, lucidrains/byol-pytorch#93",
        "An LSTM whose gradients are cleared between backward() and step().",
        ("weights_do_not_change",), ("zero_grad",), *twins(cleared_before_the_step), mistake=19,
    ),
    Program(
        "no zero_grad()", "GitHub, wenet-e2e/wekws#73 and pytorch/pytorch#47175",
        "The gradients of all steps are added up.",
        ("gradients_not_cleared",), ("zero_grad",), *twins(never_cleared), mistake=20,
    ),
    Program(
        "minus the negative log-likelihood", "TheDeepChecker, flipped sign (baseCNN_flip_sign)",
        "A minus before nll_loss, which has one already: the loss falls without end.",
        ("ascent",), ("sign", "minus", "maximize"), *twins(wrong_sign), mistake=21,
    ),
    Program(
        "StepLR after every batch", "GitHub, ivadomed/ivadomed#55 and nodefluxio/vortex#58",
        "A schedule for epochs that is stepped 40 times an epoch: the rate is gone before the end of the first.",
        ("learning_rate_too_low",), ("schedule", "scheduler", "epoch"), *twins(schedule_of_batches), mistake=27,
    ),
    Program(
        "clipped to 0.001", "deepmufl and DeepFD 31556268 (clipnorm)",
        "An LSTM whose gradients are cut to a thousandth of their norm.",
        ("gradients_clipped_away",), ("clip", "max_norm"), *twins(clipped_away), mistake=28,
    ),
    Program(
        "rows in the order of the classes", "UMLAUT, shuffled data; deepmufl 52566823 (shuffle=False)",
        "Ten classes one after the other, and a DataLoader without shuffle.",
        ("sorted_batches",), ("shuffle",), *twins(sorted_rows), mistake=29,
    ),
    Program(
        "dropout of 0.95", "UMLAUT, high dropout",
        "The rate that was meant as the share of units to keep.",
        ("dropout_too_strong",), ("dropout", "lower", "smaller", "0.5"), *twins(little_is_left), mistake=30,
    ),
)  # fmt: skip
