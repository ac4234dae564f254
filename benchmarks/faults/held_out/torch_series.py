"""Faults of any training, in PyTorch programs on series and texts."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from . import data
from .report import report
from .twins import accuracy, r_squared, tensors, twins


class Forecaster(nn.Module):
    """Two GRU layers, and one number from the last step."""

    def __init__(self, *, squashed: bool) -> None:
        super().__init__()
        self.gru = nn.GRU(1, 24, num_layers=2, batch_first=True)
        self.head = nn.Sequential(nn.Linear(24, 1), nn.Sigmoid()) if squashed else nn.Linear(24, 1)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(series)
        return self.head(states[:, -1])


def sigmoid_forecast(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(10)
    X, y, X_test, y_test = tensors(data.waves(600, 16, seed=10))
    dataset = TensorDataset(X, y.unsqueeze(1))
    model = Forecaster(squashed=not repaired)
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    criterion = nn.MSELoss()
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            for series, following in DataLoader(dataset, batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = criterion(model(series), following)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def linear_convolutions(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(11)
    X, y, X_test, y_test = tensors(data.rhythms(1000, 32, 1, seed=11))
    X, X_test = X.transpose(1, 2), X_test.transpose(1, 2)

    def between() -> list[nn.Module]:
        return [nn.ReLU()] if repaired else []

    model = nn.Sequential(
        nn.Conv1d(1, 12, 7), *between(), nn.Conv1d(12, 16, 5), *between(), nn.Conv1d(16, 16, 5), *between(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 3),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(X, y), batch_size=25, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for series, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(series), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class Counter(nn.Module):
    """A recurrent network, started as Keras starts one."""

    def __init__(self, nonlinearity: str) -> None:
        super().__init__()
        self.rnn = nn.RNN(2, 48, nonlinearity=nonlinearity, batch_first=True)
        self.out = nn.Linear(48, 3)
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, last = self.rnn(x)
        return self.out(last.squeeze(0))


def relu_recurrence(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(12)
    X, y, X_test, y_test = tensors(data.rhythms(700, 50, seed=12))
    model = Counter("relu")
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    loss_function = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for series, labels in loader:
                optimizer.zero_grad()
                loss = loss_function(model(series), labels)
                loss.backward()
                if repaired:
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class BagOfWords(nn.Module):
    """The mean of the words' vectors, and two layers."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(data.WORDS, 64, padding_idx=0)
        self.layers = nn.Sequential(
            nn.Linear(64, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        is_word = (texts > 0).unsqueeze(-1)
        mean = (self.words(texts) * is_word).sum(1) / is_word.sum(1).clamp(min=1)
        return self.layers(mean).squeeze(1)


def learned_by_heart(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(13)
    X, y, X_test, y_test = tensors(data.reviews(1200, seed=13))
    X, y = X[:240], y[:240].float()
    model = BagOfWords(dropout=0.5 if repaired else 0.0)
    optimizer = optim.Adam(model.parameters(), lr=0.002, weight_decay=1e-3 if repaired else 0.0)
    criterion = nn.BCEWithLogitsLoss()
    best, waited = float("inf"), 0
    with watch(model, optimizer) as doctor:
        for _ in range(60):
            model.train()
            for rows in torch.randperm(len(X)).split(16):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                held_out = criterion(model(X_test), y_test.float()).item()
            doctor.validate(held_out)
            waited = 0 if held_out < best else waited + 1
            best = min(best, held_out)
            if repaired and waited == 2:
                break
    report(-held_out)
    return doctor


PROGRAMS = (
    twins(sigmoid_forecast, "a sigmoid for values of both signs", "deepmufl 60574843 (also 54811239)",
          "A GRU foretells a wave between −1 and 1 through a sigmoid, which gives 0 to 1.",
          ("wrong_output", "targets_not_scaled"), ("sigmoid", "linear", "identity")),
    twins(linear_convolutions, "three convolutions without activation", "deepmufl 61763616 (also 62957334)",
          "Three Conv1d follow one another without an activation, before the mean over time.",
          ("linear_layers", "underfitting"), ("activation", "relu", "linear")),
    twins(relu_recurrence, "a recurrent network of ReLU", "deepmufl 57516678",
          "A recurrent layer of ReLU units with orthogonal weights over 50 steps: its gradients explode.",
          ("exploding_gradient", "non_finite", "learning_rate_too_high"), ("clip", "tanh", "learning rate", "lr")),
    twins(learned_by_heart, "reviews learned by heart", "DeepFD 50 (MovieReviews_Keras)",
          "240 short texts are learned for 60 epochs without dropout, long after the held-out loss began to rise.",
          ("overfitting",), ("dropout", "weight_decay", "weight decay", "early", "fewer", "more data")),
)  # fmt: skip
