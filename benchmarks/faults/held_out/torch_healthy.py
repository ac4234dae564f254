"""PyTorch programs without a fault: usual ones."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, TensorDataset

from ..program import Healthy
from . import data
from .report import report
from .twins import accuracy, r_squared, tensors


def one_cycle(watch: Any) -> Any:
    """The schedule is made for batches, and stepped at every batch."""
    torch.manual_seed(201)
    X, y, X_test, y_test = tensors(data.digits(seed=201))
    X, X_test = X.view(-1, 1, 8, 8), X_test.view(-1, 1, 8, 8)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    loader = DataLoader(TensorDataset(X, y), batch_size=64, shuffle=True, drop_last=True)
    epochs = 8
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=epochs * len(loader))
    with watch(model, optimizer) as doctor:
        for _ in range(epochs):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad(set_to_none=True)
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                scheduler.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(F.cross_entropy(model(X_test), y_test))
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(data.WORDS, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(48, 1)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        lengths = (text > 0).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(text), lengths, batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(packed)
        return self.fc(self.dropout(torch.cat([last[-2], last[-1]], dim=1))).squeeze(1)


def clipped_lstm(watch: Any) -> Any:
    torch.manual_seed(202)
    X, y, X_test, y_test = tensors(data.reviews(1000, seed=202))
    model = Reader()
    optimizer = optim.Adam(model.parameters(), lr=4e-3)
    criterion = nn.BCEWithLogitsLoss()
    loader = DataLoader(TensorDataset(X, y.float()), batch_size=50, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            model.train()
            for text, label in loader:
                optimizer.zero_grad()
                loss = criterion(model(text), label)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class Encoder(nn.Module):
    """A small transformer over words, with places learned."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(data.WORDS, 32, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(14, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.2, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, classes)

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        is_padding = texts == 0
        x = self.encoder(self.words(texts) + self.places, src_key_padding_mask=is_padding)
        x = x.masked_fill(is_padding.unsqueeze(-1), 0.0).sum(1) / (~is_padding).sum(1, keepdim=True)
        return self.head(self.norm(x))


def transformer(watch: Any) -> Any:
    """AdamW with groups, a warm-up by batches, label smoothing."""
    torch.manual_seed(203)
    X, y, X_test, y_test = tensors(data.reviews(1500, classes=3, seed=203))
    model = Encoder(3)
    plain = [p for n, p in model.named_parameters() if p.ndim == 1 or "places" in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 1 or "places" in n)]
    optimizer = optim.AdamW([{"params": others, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=3e-3)
    steps = 6 * 23
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / 15, 1 - 0.9 * step / steps))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    loader = DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            model.train()
            for texts, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(texts), labels)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


def weighed(watch: Any) -> Any:
    """A rare class with pos_weight."""
    torch.manual_seed(204)
    X, y, X_test, y_test = tensors(data.standardized(data.rare(2500, 10, 0.1, 1.5, seed=204)))
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    share = y.float().mean()
    criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - share) / share)
    optimizer = optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for features, target in DataLoader(TensorDataset(X, y.float()), batch_size=64, shuffle=True):
                optimizer.zero_grad()
                loss = criterion(model(features), target)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        logits = model(X_test)
        report(((logits[y_test == 1] > 0).float().mean() + (logits[y_test == 0] < 0).float().mean()).item() / 2)
    return doctor


def noisy_regression(watch: Any) -> Any:
    """What is to be told is known by half at best; the rate falls on a plateau, and training stops in time."""
    torch.manual_seed(205)
    X, y, X_test, y_test = tensors(data.progression(1))
    X_held, y_held = X[:60], y[:60]
    X, y = X[60:], y[60:]
    model = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Dropout(0.1), nn.Linear(24, 1))
    criterion = nn.HuberLoss()
    optimizer = optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=4)
    best, best_state, waited = float("inf"), copy.deepcopy(model.state_dict()), 0
    with watch(model, optimizer) as doctor:
        for _ in range(80):
            model.train()
            for rows in torch.randperm(len(X)).split(16):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]).squeeze(1), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                held_out = criterion(model(X_held).squeeze(1), y_held).item()
            doctor.validate(held_out)
            scheduler.step(held_out)
            if held_out < best:
                best, best_state, waited = held_out, copy.deepcopy(model.state_dict()), 0
            else:
                waited += 1
            if waited == 10:
                break
    model.load_state_dict(best_state)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def accumulated(watch: Any) -> Any:
    """Four small batches make one step."""
    torch.manual_seed(206)
    X, y, X_test, y_test = tensors(data.shapes(700, noise=0.4, seed=206))
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.GELU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.GELU(),
        nn.Flatten(), nn.Linear(16 * 9, 4),
    )  # fmt: skip
    optimizer = optim.AdamW(model.parameters(), lr=4e-3)
    loader = DataLoader(TensorDataset(X, y), batch_size=8, shuffle=True, drop_last=True)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            optimizer.zero_grad()
            for number, (images, labels) in enumerate(loader):
                loss = F.cross_entropy(model(images), labels)
                (loss / 4).backward()
                if number % 4 == 3:
                    optimizer.step()
                    optimizer.zero_grad()
                    doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


def full_batch_logistic(watch: Any) -> Any:
    """One layer, all rows at once, a sum with a rate to go with it, rows in the order of the classes."""
    torch.manual_seed(207)
    X, y, X_test, y_test = tensors(data.cancer(seed=207))
    order = y.argsort()
    X, y = X[order], y[order].float()
    model = nn.Linear(30, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.2 / len(X))
    with watch(model, optimizer) as doctor:
        for _ in range(300):
            loss = F.binary_cross_entropy_with_logits(model(X)[:, 0], y, reduction="sum")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


HEALTHY = (
    Healthy("a convolutional network, one cycle", "Digits, batch normalization, SGD with OneCycleLR.", one_cycle),
    Healthy("an LSTM over packed texts", "A bidirectional LSTM over texts of unequal length, clipped at 1.",
            clipped_lstm),
    Healthy("a transformer", "Two layers of attention, AdamW with groups, warm-up, label smoothing.", transformer),
    Healthy("a rare class with pos_weight", "One row in ten, weighed in BCEWithLogitsLoss.", weighed),
    Healthy("a noisy regression", "Diabetes: R² of 0.5 is what can be had; ReduceLROnPlateau, early stop.",
            noisy_regression),
    Healthy("gradients of four batches", "Batches of 8, a step after each fourth, GroupNorm and GELU.", accumulated),
    Healthy("logistic regression of all rows", "A sum over sorted rows, with a rate to go with it.",
            full_batch_logistic),
)  # fmt: skip
