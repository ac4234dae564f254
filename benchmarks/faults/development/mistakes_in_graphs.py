"""Mistakes that only code of PyTorch can make, in the graph of the loss: mistakes 23 to 26 and 31."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import data
from ..program import Program
from ..training import accuracy, batches, determination, tensors
from .dense_of_classes import Run, twins


class Encoder(nn.Module):
    """Words, embedded and attended to, then classified; ``detached``: the classifier gets features without a graph."""

    def __init__(self, detached: bool) -> None:
        super().__init__()
        self.detached = detached
        self.embedding = nn.Embedding(20, 16)
        self.places = nn.Parameter(torch.randn(10, 16) * 0.3)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        features = self.layer(self.embedding(x) + self.places).mean(dim=1)
        if self.detached:
            features = features.detach()
        return self.head(features)


def detached_features(watch: Any, repaired: bool) -> Run:
    """Mistake 23: a transformer that gets no gradient."""
    X, y, X_test, y_test = (each.long() for each in tensors(data.words()))
    model = Encoder(detached=not repaired)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


class Normalized(nn.Module):
    """A regression whose features are divided by their norm, in NumPy or in PyTorch."""

    def __init__(self, in_numpy: bool) -> None:
        super().__init__()
        self.in_numpy = in_numpy
        self.body = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 24), nn.Tanh())
        self.head = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.body(x)
        if self.in_numpy:
            values = features.detach().numpy()
            values = values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-6)
            return self.head(torch.from_numpy(values))
        return self.head(features / (features.norm(dim=1, keepdim=True) + 1e-6))


def through_numpy(watch: Any, repaired: bool) -> Run:
    """Mistake 24."""
    X, y, X_test, y_test = tensors(data.friedman(800))
    model = Normalized(in_numpy=not repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def guessed_classes(watch: Any, repaired: bool) -> Run:
    """Mistake 25: the share of wrong classes as the loss, with requires_grad set by hand against the error."""
    X, y, X_test, y_test = tensors(data.iris())
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(X), 16):
                out = model(X[rows])
                if repaired:
                    loss = F.cross_entropy(out, y[rows])
                else:
                    loss = (out.argmax(dim=1) != y[rows]).float().mean().requires_grad_()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


class Forgotten(nn.Module):
    """A classifier of pictures; ``used``: whether forward sends x through the hidden layers."""

    def __init__(self, used: bool) -> None:
        super().__init__()
        self.used = used
        self.first = nn.Sequential(nn.Linear(2, 32), nn.ReLU())
        self.hidden = nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.shortcut = nn.Linear(2, 32)
        self.last = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(self.first(x)) if self.used else 0
        return self.last(self.shortcut(x) + hidden)


def forgotten_layers(watch: Any, repaired: bool) -> Run:
    """Mistake 26: forward leaves the hidden layers out, so the model is linear."""
    X, y, X_test, y_test = tensors(data.circles(noise=0.1))
    model = Forgotten(used=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def kept_graphs(watch: Any, repaired: bool) -> Run:
    """Mistake 31: the running loss keeps the graph of every step. It learns the same, and memory grows."""
    X, y, X_test, y_test = tensors(data.sequences(400))
    lstm, head = nn.LSTM(3, 24, batch_first=True), nn.Linear(24, 3)
    model = nn.ModuleList([lstm, head])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    running, count = torch.zeros(()), 0
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                out, _ = lstm(X[rows])
                loss = F.cross_entropy(head(out[:, -1]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                running, count = running + (loss.detach() if repaired else loss), count + 1
                doctor.step(loss)
    assert count > 0
    with torch.no_grad():
        return doctor, float((head(lstm(X_test)[0][:, -1]).argmax(dim=1) == y_test).double().mean())


PROGRAMS = (
    Program(
        "detach() before the head", "GitHub, lucidrains/CoCa-pytorch#6",
        "A transformer whose features lose their graph before the last layer.",
        ("unreached_parameters",), ("detach", "no_grad", "graph"), *twins(detached_features), mistake=23,
    ),
    Program(
        "a step in NumPy", "PyTorch's documentation, Tensor.detach and Tensor.numpy",
        "Features that go through NumPy on their way to the last layer.",
        ("unreached_parameters", "nothing_arrives"), ("numpy", "detach", "torch"), *twins(through_numpy), mistake=24,
    ),
    Program(
        "the share of wrong classes as the loss", "GitHub, wonbeomjang/mobile-hair-segmentation-pytorch#3",
        "argmax has no gradient, and requires_grad_() on the loss silences the error that says so.",
        ("unreached_parameters", "nothing_arrives"), ("argmax", "cross_entropy", "graph", "requires_grad"),
        *twins(guessed_classes), mistake=25,
    ),
    Program(
        "layers that forward does not use", "PyTorch's documentation, DistributedDataParallel (find_unused_parameters)",
        "The hidden layers are made, and left out in forward.",
        ("unreached_parameters",), ("forward", "use"), *twins(forgotten_layers), mistake=26,
    ),
    Program(
        "a sum of losses with their graphs",
        "PyTorch's documentation, frequently asked questions; GitHub, microsoft/DeepSpeedExamples#824",
        "running + loss keeps the graph of every step. What is learned is the same.",
        ("graph_grows",), ("item()", "detach"), *twins(kept_graphs), mistake=31,
    ),
)  # fmt: skip
