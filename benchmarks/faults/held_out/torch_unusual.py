"""PyTorch programs without a fault that look unusual: parts that are frozen, detached, copied, shared or bounded."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import LBFGS, SGD, Adam, AdamW
from torch.utils.data import DataLoader, TensorDataset

from ..program import Healthy
from . import data
from .report import report
from .twins import accuracy, r_squared, tensors


class Variational(nn.Module):
    """A variational autoencoder of digits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
        self.decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decoder(code), mean, log_variance


def variational(watch: Any) -> Any:
    """Pixels between 0 and 1 by binary cross-entropy, summed over pixels; its best value is far from 0."""
    torch.manual_seed(211)
    X, _, X_test, _ = tensors(data.digits(seed=211))
    model = Variational()
    optimizer = Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in torch.randperm(len(X)).split(64):
                images = X[rows]
                again, mean, log_variance = model(images)
                likelihood = F.binary_cross_entropy(again, images, reduction="sum")
                divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
                loss = (likelihood + divergence) / len(images)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model.decoder(model.encoder(X_test)[:, :8]), X_test))
    return doctor


def truncated(watch: Any) -> Any:
    """Long series are read in pieces; the state goes on, detached."""
    torch.manual_seed(212)
    time = torch.arange(401) * 0.2
    series = torch.stack([torch.sin((1 + k / 20) * time + k) for k in range(24)]).unsqueeze(-1)
    lstm, out = nn.LSTM(1, 24, batch_first=True), nn.Linear(24, 1)
    model = nn.ModuleList([lstm, out])
    optimizer = Adam(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            state = None
            for start in range(0, 400, 20):
                states, state = lstm(series[:, start : start + 20], state)
                state = tuple(part.detach() for part in state)
                loss = F.mse_loss(out(states), series[:, start + 1 : start + 21])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(out(lstm(series[:, 200:-1])[0])[:, 10:], series[:, 211:]))
    return doctor


def fine_tuned(watch: Any) -> Any:
    """A network trained on the digits 0 to 4 is frozen, and a new head learns the digits 5 to 9."""
    torch.manual_seed(213)
    X, y, X_test, y_test = tensors(data.digits(seed=213))
    features = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
    earlier = nn.Sequential(features, nn.Linear(48, 5))
    optimizer = Adam(earlier.parameters(), lr=3e-3)
    first = y < 5
    for _ in range(12):
        for rows in torch.randperm(int(first.sum())).split(32):
            optimizer.zero_grad()
            F.cross_entropy(earlier(X[first][rows]), y[first][rows]).backward()
            optimizer.step()
    for parameter in features.parameters():
        parameter.requires_grad_(False)
    features.eval()
    model = nn.Sequential(features, nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 5))
    head_parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = Adam(head_parameters, lr=5e-3)
    loader = DataLoader(TensorDataset(X[~first], y[~first] - 5), batch_size=32, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        held_out = y_test >= 5
        report(accuracy(model(X_test[held_out]), y_test[held_out] - 5))
    return doctor


def counts_by_softplus(watch: Any) -> Any:
    """Counts, which cannot be negative, from an output that cannot be; L-BFGS on all rows."""
    torch.manual_seed(214)
    X, y, X_test, y_test = tensors(data.counts(1000, seed=214))
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1), nn.Softplus())
    criterion = nn.PoissonNLLLoss(log_input=False)
    optimizer = LBFGS(model.parameters(), lr=0.5, max_iter=5)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(X).squeeze(1), y)
        loss.backward()
        return loss

    with watch(model, optimizer) as doctor:
        for _ in range(40):
            doctor.step(optimizer.step(closure))
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def triplets(watch: Any) -> Any:
    """One encoder, called three times in a step; many triplets are right already, and their loss is 0."""
    torch.manual_seed(215)
    X, y, X_test, y_test = tensors(data.digits(seed=215))
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
    criterion = nn.TripletMarginLoss(margin=0.5)
    optimizer = Adam(encoder.parameters(), lr=2e-3)
    of_class = [torch.nonzero(y == k).flatten() for k in range(10)]

    def one_of(classes: torch.Tensor) -> torch.Tensor:
        return torch.stack([of_class[k][torch.randint(len(of_class[k]), ())] for k in classes.tolist()])

    with watch(encoder, optimizer) as doctor:
        for _ in range(200):
            classes = torch.randint(0, 10, (64,))
            others = (classes + torch.randint(1, 10, (64,))) % 10
            anchors, same, different = (F.normalize(encoder(X[one_of(k)])) for k in (classes, classes, others))
            loss = criterion(anchors, same, different)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            doctor.step(loss)
    with torch.no_grad():
        nearest = torch.cdist(encoder(X_test), encoder(X)).argmin(1)
        report((y[nearest] == y_test).float().mean().item())
    return doctor


def mean_teacher(watch: Any) -> Any:
    """Few labels; for the other rows, a slow copy of the model, which is not trained, says what it sees."""
    torch.manual_seed(216)
    X, y, X_test, y_test = tensors(data.digits(seed=216))
    labelled = 150
    student = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
    teacher = copy.deepcopy(student).requires_grad_(False).eval()
    optimizer = SGD(student.parameters(), lr=0.1, momentum=0.9)
    with watch(student, optimizer) as doctor:
        for _ in range(300):
            rows, free = torch.randint(0, labelled, (32,)), torch.randint(labelled, len(X), (64,))
            with torch.no_grad():
                seen = teacher(X[free])
            agreement = F.mse_loss(student(X[free]).softmax(1), seen.softmax(1))
            loss = F.cross_entropy(student(X[rows]), y[rows]) + 5 * agreement
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for slow, fast in zip(teacher.parameters(), student.parameters(), strict=True):
                    slow.lerp_(fast, 0.05)
            doctor.step(loss)
    with torch.no_grad():
        report(accuracy(teacher(X_test), y_test))
    return doctor


class Tied(nn.Module):
    """The weights of the embedding are those of the output as well; dropout of one half."""

    def __init__(self, symbols: int, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size)
        self.gru = nn.GRU(size, size, num_layers=2, dropout=0.2, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.decoder = nn.Linear(size, symbols)
        self.decoder.weight = self.embedding.weight

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(self.embedding(symbols))
        return self.decoder(self.dropout(states))


def tied(watch: Any) -> Any:
    torch.manual_seed(217)
    X, y, X_test, y_test = tensors(data.bigrams(700, 10, seed=217))
    y[:, 0] = -100  # the second symbol is drawn at random: it is left out of the loss
    model = Tied(8, 32)
    optimizer = AdamW(model.parameters(), lr=1e-2, weight_decay=1e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            model.train()
            for rows in torch.randperm(len(X)).split(35):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]).flatten(0, 1), y[rows].flatten())
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(criterion(model(X_test).flatten(0, 1), y_test.flatten()))
    with torch.no_grad():
        report(accuracy(model(X_test).flatten(0, 1), y_test.flatten()))
    return doctor


HEALTHY = (
    Healthy("a variational autoencoder", "A loss summed over pixels that cannot come near 0.", variational),
    Healthy("pieces of long series", "An LSTM whose state goes on from piece to piece, detached.", truncated),
    Healthy("a frozen network and a new head", "The optimizer holds the head alone, as it is meant.", fine_tuned),
    Healthy("counts by L-BFGS", "PoissonNLLLoss of a softplus output, with a closure.", counts_by_softplus),
    Healthy("triplets", "One encoder called three times, TripletMarginLoss.", triplets),
    Healthy("a mean teacher", "A slow copy without gradients tells the student of rows without labels.", mean_teacher),
    Healthy("tied weights", "Embedding and output share their weights; the first targets are ignored.", tied),
)  # fmt: skip
