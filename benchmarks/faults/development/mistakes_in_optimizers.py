"""Mistakes that only code of PyTorch can make, in what the optimizer holds: mistakes 11 to 16 and 22."""

from __future__ import annotations

import copy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from .. import data
from ..program import Program
from ..training import accuracy, batches, determination, tensors
from .dense_of_classes import Run, twins
from .mistakes_in_losses import Pictures


class Autoencoder(nn.Module):
    """64 pixels through 10 units and back."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        self.decoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 64))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def decoder_alone(watch: Any, repaired: bool) -> Run:
    """Mistake 11: only the decoder is trained."""
    X, _, X_test, _ = tensors(data.digits())
    model = Autoencoder()
    held = chain(model.encoder.parameters(), model.decoder.parameters()) if repaired else model.decoder.parameters()
    optimizer = torch.optim.Adam(held, lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]), X[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, X_test)


def copied_model(watch: Any, repaired: bool) -> Run:
    """Mistake 12: the model is a copy that was made after the optimizer."""
    X, y, X_test, y_test = tensors(data.table(800, 16, classes=3, informative=8, class_sep=1.5))
    initial = nn.Sequential(nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(initial.parameters(), lr=3e-3)
    model = copy.deepcopy(initial)  # keeps the initial weights for later
    if repaired:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def new_head(watch: Any, repaired: bool) -> Run:
    """Mistake 13: the head for ten classes comes after the optimizer, which holds the old one."""
    X, y, X_test, y_test = tensors(data.digits())
    model = Pictures()
    model.head = nn.Linear(64, 1000)  # as it was trained before
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model.head = nn.Linear(64, 10)
    if repaired:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            for images, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


class Blocks(nn.Module):
    """Residual blocks, in a list of Python or in one of PyTorch."""

    def __init__(self, registered: bool) -> None:
        super().__init__()
        self.first = nn.Linear(2, 24)
        blocks = [nn.Sequential(nn.Linear(24, 24), nn.Tanh()) for _ in range(3)]
        self.blocks = nn.ModuleList(blocks) if registered else blocks
        self.last = nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def python_list(watch: Any, repaired: bool) -> Run:
    """Mistake 14: parameters() does not find what is in a Python list, so the blocks stay as they began."""
    X, y, X_test, y_test = tensors(data.spirals(800))
    model = Blocks(registered=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def leftover_freeze(watch: Any, repaired: bool) -> Run:
    """Mistake 15: the body was frozen for a pretrained network, but here it begins at random."""
    X, y, X_test, y_test = tensors(data.spirals(800))
    body = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh())
    model = nn.Sequential(body, nn.Linear(16, 1))
    if not repaired:
        for parameter in body.parameters():
            parameter.requires_grad = False
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(40):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(X[rows]).squeeze(1), y[rows].float())
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def never_train_again(watch: Any, repaired: bool) -> Run:
    """Mistake 16: eval() for the held-out loss after the first epoch, and no train() after it."""
    X, y, X_test, y_test = tensors(data.table(260, 40, informative=5, flip_y=0.1, class_sep=1.2))
    model = nn.Sequential(
        nn.Linear(40, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(64, 2),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            if repaired:
                model.train()
            for rows in batches(len(X), 16):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(F.cross_entropy(model(X_test), y_test))
    with torch.no_grad():
        return doctor, -float(F.cross_entropy(model(X_test), y_test))


def heavy_decay(watch: Any, repaired: bool) -> Run:
    """Mistake 22: a weight decay that pulls harder than the data."""
    X, y, X_test, y_test = tensors(data.digits())
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4 if repaired else 0.3)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


PROGRAMS = (
    Program(
        "only the decoder is trained", "TheDeepChecker, untrained parameters",
        "An autoencoder whose optimizer was given the decoder's parameters alone.",
        ("parameters_not_in_optimizer",), ("parameters()", "add_param_group"), *twins(decoder_alone), mistake=11,
    ),
    Program(
        "a copy of the model is trained", "GitHub, skorch-dev/skorch#317 and pytorch/pytorch#29015",
        "deepcopy(model) after the optimizer was made: the steps change the original.",
        ("parameters_of_another_model", "weights_do_not_change"), ("parameters()", "after", "anew", "again"),
        *twins(copied_model), mistake=12,
    ),
    Program(
        "a head replaced after the optimizer was made", "GitHub, pytorch/pytorch#14467",
        "The last layer for ten classes takes the place of one that the optimizer holds.",
        ("parameters_not_in_optimizer", "parameters_of_another_model"), ("parameters()", "after", "anew", "again"),
        *twins(new_head), mistake=13,
    ),
    Program(
        "blocks in a Python list", "GitHub, pytorch/pytorch#715 and asyml/texar-pytorch#72",
        "Residual blocks that parameters() does not find.",
        ("unregistered_parameters",), ("ModuleList", "register"), *twins(python_list), mistake=14,
    ),
    Program(
        "a frozen body of random weights", "GitHub, mahmoodlab/TRIDENT#122 and nttcslab/byol-a#7",
        "Three layers are frozen as if they were pretrained.",
        ("frozen_parameters",), ("requires_grad",), *twins(leftover_freeze), mistake=15,
    ),
    Program(
        "train() is never called again", "GitHub, tk-rusch/coRNN#1 and facebookresearch/clevr-iep#22",
        "After the first held-out loss dropout is off for good. (The score is minus the held-out loss.)",
        ("eval_mode_while_training",), ("model.train()", "train()"), *twins(never_train_again), mistake=16,
    ),
    Program(
        "weight_decay of 0.3", "TheDeepChecker, over-regularization (deepCNN_over_reg)",
        "SGD with a weight decay that keeps every weight near 0.",
        ("penalty_too_strong",), ("weight_decay", "weight decay"), *twins(heavy_decay), mistake=22,
    ),
)  # fmt: skip
