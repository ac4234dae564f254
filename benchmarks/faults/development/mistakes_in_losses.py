"""Mistakes that only code of PyTorch can make, in the loss: mistakes 1 to 10."""

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

RAW = ("raw", "logit", "leave out", "leave it out", "out of forward", "remove", "drop")


class Pictures(nn.Module):
    """Two convolutions and a dense layer, for digits; ``last``: what is done to the ten outputs."""

    def __init__(self, last: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.body(x.view(-1, 1, 8, 8)).flatten(1))
        return x if self.last is None else self.last(x)


class Waves(nn.Module):
    """An LSTM that classifies sequences by its last state."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 24, batch_first=True)
        self.head = nn.Linear(24, 3)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        _, (state, _) = self.lstm(x)
        return self.last(self.head(state[-1]))


def softmax_of_logits(watch: Any, repaired: bool) -> Run:
    """Mistake 1, in a network of convolutions."""
    X, y, X_test, y_test = tensors(data.digits(rows=1000))
    model = Pictures(None if repaired else nn.Softmax(dim=1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def log_softmax_twice(watch: Any, repaired: bool) -> Run:
    """Mistake 2, in an LSTM. It does no harm, as log_softmax of log_softmax is the same; it is still not meant."""
    X, y, X_test, y_test = tensors(data.sequences(400))
    model = Waves(nn.Identity() if repaired else nn.LogSoftmax(dim=-1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def sigmoid_twice(watch: Any, repaired: bool) -> Run:
    """Mistake 3: probabilities for a loss that takes logits."""
    X, y, X_test, y_test = tensors(data.table(800, 16, informative=8, class_sep=0.8))
    model = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    criterion = nn.BCEWithLogitsLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                out = model(X[rows])
                if not repaired:
                    out = torch.sigmoid(out)
                loss = criterion(out, y[rows].float().unsqueeze(1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        out = model.eval()(X_test)
        return doctor, -float(criterion(out if repaired else torch.sigmoid(out), y_test.float().unsqueeze(1)))


def softmax_of_the_batch(watch: Any, repaired: bool) -> Run:
    """Mistake 4: dim=0 is the batch."""
    X, y, X_test, y_test = tensors(data.wine())
    model = nn.Sequential(nn.Linear(13, 24), nn.Tanh(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X), 16):
                log_p = F.log_softmax(model(X[rows]), dim=1 if repaired else 0)
                loss = F.nll_loss(log_p, y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        log_p = F.log_softmax(model(X_test), dim=1 if repaired else 0)
        return doctor, -float(F.nll_loss(log_p, y_test))


def softmax_of_one_unit(watch: Any, repaired: bool) -> Run:
    """Mistake 5: a probability of 1, whatever the input."""
    X, y, X_test, y_test = tensors(data.moons())
    last = nn.Sigmoid() if repaired else nn.Softmax(dim=1)
    model = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1), last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    criterion = nn.BCELoss()
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]).squeeze(1), y[rows].float())
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, float(((model(X_test)[:, 0] > 0.5) == y_test).double().mean())


def column_against_row(watch: Any, repaired: bool) -> Run:
    """Mistake 6: (32, 1) minus (32,) is (32, 32), and the best prediction is the mean."""
    X, y, X_test, y_test = tensors(data.friedman(700))
    model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.MSELoss()
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X)):
                predicted = model(X[rows])
                loss = criterion(predicted.squeeze(1) if repaired else predicted, y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def relu_of_logits(watch: Any, repaired: bool) -> Run:
    """Mistake 7: classes whose logits are all 0 cannot be told apart, and get no gradient."""
    X, y, X_test, y_test = tensors(data.digits())
    layers = [nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 10)]
    model = nn.Sequential(*layers) if repaired else nn.Sequential(*layers, nn.ReLU())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        return doctor, -float(F.cross_entropy(model.eval()(X_test), y_test))


def likelihood_of_logits(watch: Any, repaired: bool) -> Run:
    """Mistake 8: the loss is minus the right output, which can be made as large as one likes."""
    X, y, X_test, y_test = tensors(data.wine())
    model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
    if repaired:
        model.append(nn.LogSoftmax(dim=1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = nn.NLLLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(X), 16):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def summed_loss(watch: Any, repaired: bool) -> Run:
    """Mistake 9: an autoencoder whose loss is the sum over 64 rows and 64 pixels."""
    X, _, X_test, _ = tensors(data.digits())
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 12), nn.ReLU(), nn.Linear(12, 32), nn.ReLU())
    model.append(nn.Linear(32, 64))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    criterion = nn.MSELoss(reduction="mean" if repaired else "sum")
    with watch(model, optimizer) as doctor:
        for _ in range(60):
            for rows in batches(len(X), 64):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), X[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, X_test)


def labels_of_minus_one(watch: Any, repaired: bool) -> Run:
    """Mistake 10: the loss falls without end, as its targets are −1 and 1 instead of 0 and 1."""
    X, y, X_test, y_test = tensors(data.breast_cancer())
    target = y.float() if repaired else 2 * y.float() - 1
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(X[rows]).squeeze(1), target[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        return doctor, -float(F.binary_cross_entropy_with_logits(model(X_test).squeeze(1), y_test.float()))


PROGRAMS = (
    Program(
        "softmax before CrossEntropyLoss",
        "TheDeepChecker, redundant softmax (baseCNN_red_soft); GitHub, bkitano/llama-from-scratch#5",
        "A network of convolutions that ends with softmax, and CrossEntropyLoss, which takes it again.",
        ("output_function_twice",), RAW, *twins(softmax_of_logits), mistake=1,
    ),
    Program(
        "log_softmax before CrossEntropyLoss",
        "GitHub, speedinghzl/Pytorch-Deeplab#2 and DSKSD/DeepNLP-models-Pytorch#2",
        "An LSTM that ends with LogSoftmax, and CrossEntropyLoss instead of NLLLoss. It learns the same.",
        ("output_function_twice",), (*RAW, "nll"), *twins(log_softmax_twice), mistake=2,
    ),
    Program(
        "sigmoid before BCEWithLogitsLoss", "TheDeepChecker, redundant output function",
        "Probabilities for a loss that takes logits: no output goes below ½. (The score is minus that loss.)",
        ("output_function_twice",), (*RAW, "BCELoss"), *twins(sigmoid_twice), mistake=3,
    ),
    Program(
        "log_softmax over the batch", "TheDeepChecker, wrong softmax implementation (baseCNN_wrong_soft)",
        "log_softmax with dim=0, so that the rows of a batch compete. (The score is minus the held-out loss.)",
        ("softmax_over_wrong_dimension",), ("dim=1", "dim=-1", "dim"), *twins(softmax_of_the_batch), mistake=4,
    ),
    Program(
        "softmax over one unit", "DeepFD 42800203; deepmufl 66407123",
        "A single output with softmax, and BCELoss.",
        ("softmax_over_wrong_dimension", "nothing_arrives"), ("sigmoid", "two outputs", "2 outputs"),
        *twins(softmax_of_one_unit), mistake=5,
    ),
    Program(
        "(N, 1) against (N,)", "GitHub, pytorch/pytorch#16045 and #19699",
        "Outputs of shape (32, 1) and targets of shape (32,): each is compared with all.",
        ("loss_broadcasts",), ("squeeze", "unsqueeze", "shape", "view"), *twins(column_against_row), mistake=6,
    ),
    Program(
        "ReLU on the logits", "DeepFD 47352366; deepmufl 51901386",
        "A last ReLU before cross_entropy. (The score is minus the held-out loss.)",
        ("activation_on_logits",), (*RAW, "without"), *twins(relu_of_logits), mistake=7,
    ),
    Program(
        "NLLLoss of raw outputs", "TheDeepChecker, missing softmax (baseCNN_miss_soft)",
        "NLLLoss without log_softmax: the loss falls below 0, and on.",
        ("loss_without_output_function",), ("log_softmax", "LogSoftmax", "cross_entropy", "CrossEntropyLoss"),
        *twins(likelihood_of_logits), mistake=8,
    ),
    Program(
        "a summed loss", "TheDeepChecker, high learning rate (regrNN_high_lr)",
        "An autoencoder with the sum of the squared errors, and a rate made for their mean.",
        ("loss_is_summed", "learning_rate_too_high"), ("mean", "a tenth", "smaller", "lower", "divide"),
        *twins(summed_loss), mistake=9,
    ),
    Program(
        "labels −1 and 1", "deepmufl 56317174 and 46869312",
        "Labels scaled to −1 and 1, and a binary cross-entropy of logits. (The score is minus the held-out loss.)",
        ("labels_outside_classes",), ("0 and 1", "0 or 1", "0 to 1"), *twins(labels_of_minus_one), mistake=10,
    ),
)  # fmt: skip
