"""Dense networks of PyTorch that predict numbers: faulty, and repaired."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .. import data
from ..program import Program
from ..training import batches, determination, put, tensors
from .dense_of_classes import Run, twins


def prices(watch: Any, repaired: bool) -> Run:
    """Houses as people note them, SGD with the default rate of many examples."""
    houses = data.houses()
    X, y, X_test, y_test = tensors(data.scaled_targets(data.standardized(houses)) if repaired else houses)
    model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def euros(watch: Any, repaired: bool) -> Run:
    """Scaled inputs, prices in euros, and Adam, whose steps are too short for them."""
    houses = data.standardized(data.houses())
    X, y, X_test, y_test = tensors(data.scaled_targets(houses) if repaired else houses)
    model = nn.Sequential(nn.Linear(5, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def large_rate(watch: Any, repaired: bool) -> Run:
    """The lower half of a digit from the upper half, with Adam at a rate of 0.1."""
    X, _, X_test, _ = tensors(data.digits())
    model = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 32))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 if repaired else 0.1)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows, :32]), X[rows, 32:])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test[:, :32], X_test[:, 32:])


def small_sigmoids(watch: Any, repaired: bool) -> Run:
    """sin(x) from three layers of sigmoids whose weights begin between −0.05 and 0.05."""
    X, y, X_test, y_test = tensors(data.curve(600))
    activation = nn.Tanh if repaired else nn.Sigmoid
    model = nn.Sequential(
        nn.Linear(1, 20), activation(), nn.Linear(20, 20), activation(), nn.Linear(20, 20), activation(),
        nn.Linear(20, 1),
    )  # fmt: skip
    if not repaired:
        put(model, weight=lambda tensor: nn.init.uniform_(tensor, -0.05, 0.05), bias=nn.init.zeros_)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watch(model, optimizer) as doctor:
        for _ in range(40):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def sigmoid_output(watch: Any, repaired: bool) -> Run:
    """Targets from −2 to 2, and a sigmoid as the last layer."""
    X, y, X_test, y_test = tensors(data.plane(800, 30))
    last = nn.Identity() if repaired else nn.Sigmoid()
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1), last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    criterion = nn.MSELoss()
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X)):
                loss = criterion(model(X[rows]), y[rows].unsqueeze(1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def softmax_output(watch: Any, repaired: bool) -> Run:
    """Three numbers to predict, and a softmax over them."""
    X, y, X_test, y_test = tensors(data.plane(800, 12, targets=3))
    layers = [nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3)]
    model = nn.Sequential(*layers) if repaired else nn.Sequential(*layers, nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def straight_lines(watch: Any, repaired: bool) -> Run:
    """A curve from layers of 1, 5 and 1 units without an activation."""
    X, y, X_test, y_test = tensors(data.curve(500, low=-5.0, high=5.0))
    if repaired:
        model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1))
    else:
        model = nn.Sequential(nn.Linear(1, 32), nn.Linear(32, 16), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(40):
            for rows in batches(len(X), 20):
                optimizer.zero_grad()
                loss = F.l1_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def missing_values(watch: Any, repaired: bool) -> Run:
    """Diabetes with cells that were not noted, read as NaN."""
    X, y, X_test, y_test = tensors(data.diabetes())
    X[torch.rand_like(X) < 0.01] = float("nan")
    if repaired:
        X = torch.nan_to_num(X)  # the mean, of columns that are standardized
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


def single_rows(watch: Any, repaired: bool) -> Run:
    """One row a step, of noisy targets."""
    X, y, X_test, y_test = tensors(data.plane(500, 12, noise=1.0))
    model = nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001 if repaired else 0.02)
    with watch(model, optimizer) as doctor:
        for _ in range(20 if repaired else 6):
            order = torch.randperm(len(X))
            for rows in order.split(32 if repaired else 1):
                optimizer.zero_grad()
                loss = F.mse_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, determination(model, X_test, y_test)


PROGRAMS = (
    Program(
        "prices of houses, all unscaled", "DeepFD 46642627; DeepFD and DeepLocalize, kaggle-melbourne_properties",
        "Inputs to 2020, targets to a million, and SGD with a rate of 0.01: NaN after a few steps.",
        ("inputs_not_scaled", "targets_not_scaled"), ("scale", "standard", "normaliz"), *twins(prices),
    ),
    Program(
        "prices in euros", "DeepFD and DeepLocalize, kaggle-melbourne_properties; DeepFD 47932589",
        "Scaled inputs, but targets of some 300 000, which Adam would need thousands of epochs to reach.",
        ("targets_not_scaled",), ("scale", "standard", "normaliz"), *twins(euros),
    ),
    Program(
        "Adam at a rate of 0.1", "DeepFD and DeepLocalize, FacialKeypointsDetection",
        "Half a picture from the other half, three layers, Adam with a rate of 0.1.",
        ("learning_rate_too_high",), ("a tenth", "smaller", "lower"), *twins(large_rate),
    ),
    Program(
        "sin(x) from small sigmoids", "deepmufl 49583466",
        "Three sigmoid layers that begin with weights below 0.05, and SGD.",
        ("vanishing_gradient", "layer_not_learning"), ("tanh", "relu", "initial"), *twins(small_sigmoids),
    ),
    Program(
        "sigmoid for numbers below 0", "deepmufl 62313327 and 52566823",
        "Targets from −2 to 2, and a sigmoid as the last layer of a regression.",
        ("wrong_output",), ("sigmoid", "linear", "leave out", "without"), *twins(sigmoid_output),
    ),
    Program(
        "softmax for three numbers", "deepmufl 53749895 and 60766775",
        "A regression with three targets of any size whose outputs are made to add up to 1.",
        ("wrong_output",), ("softmax", "linear", "leave out", "without"), *twins(softmax_output),
    ),
    Program(
        "a curve from linear layers", "deepmufl 48486598",
        "Three linear layers in a row, without an activation, for a curve.",
        ("linear_layers",), ("relu", "tanh", "activation"), *twins(straight_lines),
    ),
    Program(
        "cells that were not noted", "UMLAUT, NaN in the inputs; TheDeepChecker, invalid data",
        "One cell in a hundred is NaN, and so is the loss from the first step on.",
        ("non_finite_data",), ("row", "nan", "fill", "clean", "remove", "correct"), *twins(missing_values),
    ),
    Program(
        "one row a step", "DeepFD 41600519",
        "RMSprop with a rate of 0.02, one noisy row a step.",
        ("batch_too_small", "learning_rate_too_high"), ("larger", "batch_size", "a tenth", "lower"),
        *twins(single_rows),
    ),
)  # fmt: skip
