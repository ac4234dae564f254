"""Faults of any training, in PyTorch programs on tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from . import data
from .report import report
from .twins import accuracy, r_squared, tensors, twins


def mlp(inputs: int, hidden: list[int], outputs: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(inputs, size), activation()]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def train(model: nn.Module, optimizer: Any, criterion: Any, loader: DataLoader[Any], doctor: Any, epochs: int) -> None:
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            doctor.step(loss)


def dollars(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(20)
    X, y, X_test, y_test = data.standardized(data.houses(2000, seed=20))
    if repaired:
        mean, std = y.mean(), y.std()
        y, y_test = (y - mean) / std, (y_test - mean) / std
    X, y, X_test, y_test = tensors((X, y[:, None], X_test, y_test[:, None]))
    model = mlp(5, [64, 64], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch(model, optimizer) as doctor:
        train(model, optimizer, nn.MSELoss(), DataLoader(TensorDataset(X, y), 64, shuffle=True), doctor, 20)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def missing_values(watch: Any, *, repaired: bool) -> Any:
    """Passengers of whom some ages are not known."""
    torch.manual_seed(21)
    X, y, X_test, y_test = data.groups(1000, 8, 2, informative=5, seed=21)
    rng = np.random.default_rng(21)
    for part in (X, X_test):
        part[rng.random(len(part)) < 0.06, 2] = np.nan
    if repaired:
        middle = np.nanmedian(X[:, 2])
        X, X_test = np.where(np.isnan(X), middle, X), np.where(np.isnan(X_test), middle, X_test)
    X, y, X_test, y_test = tensors((X, y, X_test, y_test))
    model = mlp(8, [32, 16], 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watch(model, optimizer) as doctor:
        train(model, optimizer, nn.CrossEntropyLoss(), DataLoader(TensorDataset(X, y), 20, shuffle=True), doctor, 15)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class Autoencoder(nn.Module):
    """The columns through a narrow layer and back."""

    def __init__(self, columns: int, *, ends_in_relu: bool) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(columns, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, columns))
        if ends_in_relu:
            self.decoder.append(nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def relu_autoencoder(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(22)
    rng = np.random.default_rng(22)
    X = rng.normal(size=(1200, 6)) @ rng.normal(size=(6, 20)) + 0.1 * rng.normal(size=(1200, 20))
    X, _, X_test, _ = tensors(data.standardized(data.split(X, np.zeros(1200))))
    model = Autoencoder(20, ends_in_relu=not repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in torch.randperm(len(X)).split(32):
                batch = X[rows]
                loss = F.mse_loss(model(batch), batch)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), X_test))
    return doctor


def cross_entropy_by_hand(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """−t log p − (1 − t) log (1 − p), as the formula is written."""
    p = torch.sigmoid(logits)
    return -(targets * torch.log(p) + (1 - targets) * torch.log(1 - p)).mean()


def logarithm_of_zero(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(23)
    X, y, X_test, y_test = tensors(data.cancer(seed=23))
    model = mlp(30, [32, 32], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.BCEWithLogitsLoss() if repaired else cross_entropy_by_hand
    loader = DataLoader(TensorDataset(X, y.float().unsqueeze(1)), batch_size=16, shuffle=True)
    with watch(model, optimizer) as doctor:
        train(model, optimizer, criterion, loader, doctor, 25)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


def deep_sigmoid(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(24)
    X, y, X_test, y_test = tensors(data.rings(800, seed=24))
    model = mlp(2, [32] * 6, 1, nn.ReLU if repaired else nn.Sigmoid)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    targets = y.float().unsqueeze(1)
    with watch(model, optimizer) as doctor:
        loader = DataLoader(TensorDataset(X, targets), 32, shuffle=True)
        train(model, optimizer, nn.BCEWithLogitsLoss(), loader, doctor, 20)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


PROGRAMS = (
    twins(dollars, "prices in dollars", "TheDeepChecker over_scaled_outputs (regrNN)",
          "The columns are standardized, but the prices to be told are hundreds of thousands.",
          ("targets_not_scaled",), ("scale", "standard", "target", "normaliz")),
    twins(missing_values, "ages that are missing", "UMLAUT, NaNInInputError; defect4ML 006",
          "Six rows in a hundred hold NaN in one column, and from their first batch on all weights are NaN.",
          ("non_finite_data",), ("nan", "missing", "finite", "impute")),
    twins(relu_autoencoder, "an autoencoder that ends in ReLU", "deepmufl 60801900 (also DeepFD 40)",
          "Standardized columns, of which half are negative, are to come out of a ReLU.",
          ("wrong_output",), ("relu", "linear", "identity")),
    twins(logarithm_of_zero, "cross-entropy by hand", "defect4ML 003 (also 001), TheDeepChecker DLT_726b371",
          "The loss is written as its formula, and takes the logarithm of 1 − p where p is rounded to 1.",
          ("non_finite",), ("logits", "bcewithlogits", "cross_entropy", "clamp", "epsilon", "logsigmoid")),
    twins(deep_sigmoid, "six sigmoid layers", "AutoTrainer, gradient vanish on circles",
          "Six layers of 32 sigmoid units for a class within the ring of the other.",
          ("vanishing_gradient",), ("relu", "activation", "initial", "norm")),
)  # fmt: skip
