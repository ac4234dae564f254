"""Programs of PyTorch without a fault, by their loop of training: nothing above a note."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from .. import data
from ..program import Healthy
from ..training import accuracy, batches, determination, tensors
from .dense_of_classes import Run
from .mistakes_in_losses import Pictures


def accumulated(watch: Any) -> Run:
    """Four mini-batches of 8 for each step."""
    X, y, X_test, y_test = tensors(data.digits())
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            for number, rows in enumerate(batches(len(X), 8), start=1):
                loss = F.cross_entropy(model(X[rows]), y[rows]) / 4
                loss.backward()
                if number % 4 == 0:
                    optimizer.step()
                    optimizer.zero_grad()
                    doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def half_precision(watch: Any) -> Run:
    """Autocast to bfloat16, with the loss in float32."""
    X, y, X_test, y_test = tensors(data.digits())
    model = Pictures()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            for images, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    out = model(images)
                loss = F.cross_entropy(out.float(), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def dropout(watch: Any) -> Run:
    """Dropout of a half, and a rate that falls along a cosine, epoch by epoch."""
    X, y, X_test, y_test = tensors(data.digits())
    model = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            model.train()
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            schedule.step()
            model.eval()
            with torch.no_grad():
                doctor.validate(F.cross_entropy(model(X_test), y_test))
    return doctor, accuracy(model, X_test, y_test)


def five_to_one(watch: Any) -> Run:
    """One class has five times the rows of the other, and nothing is done about it."""
    X, y, X_test, y_test = tensors(data.table(1500, 12, informative=6, class_sep=1.5, weights=[5 / 6], flip_y=0))
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(X[rows]).squeeze(-1), y[rows].float())
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def wrong_labels(watch: Any) -> Run:
    """A tenth of the labels is wrong, and the network is stopped before it learns them."""
    X, y, X_test, y_test = tensors(data.moons(800, noise=0.2))
    wrong = torch.rand(len(y)) < 0.1
    y = torch.where(wrong, 1 - y, y)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def regression(watch: Any) -> Run:
    """Huber's loss, momentum, and the held-out loss after each epoch."""
    X, y, X_test, y_test = tensors(data.friedman())
    model = nn.Sequential(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.smooth_l1_loss(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            with torch.no_grad():
                doctor.validate(F.smooth_l1_loss(model(X_test).squeeze(1), y_test))
    return doctor, determination(model, X_test, y_test)


HEALTHY = (
    Healthy("accumulated gradients", "Four backward passes for each step.", accumulated),
    Healthy("bfloat16 by autocast", "A network of convolutions in mixed precision.", half_precision),
    Healthy("dropout of a half", "Two hidden layers, a cosine, train() and eval() in turn.", dropout),
    Healthy("five rows to one", "Two classes of 83 and 17 %.", five_to_one),
    Healthy("a tenth of wrong labels", "Moons, a small network of tanh.", wrong_labels),
    Healthy("a regression with momentum", "Friedman's function with Huber's loss.", regression),
)
