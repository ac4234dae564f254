"""Programs of PyTorch without a fault, by their model: nothing above a note."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from .. import data
from ..program import Healthy
from ..training import accuracy, batches, determination, tensors
from .dense_of_classes import Run
from .mistakes_in_graphs import Encoder
from .mistakes_in_losses import Pictures, Waves


def pictures(watch: Any) -> Run:
    """Convolutions, AdamW with its small weight decay, the held-out loss in evaluation mode."""
    X, y, X_test, y_test = tensors(data.digits())
    model = Pictures()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            for images, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(F.cross_entropy(model(X_test), y_test))
            model.train()
    return doctor, accuracy(model, X_test, y_test)


def normalized(watch: Any) -> Run:
    """Batch normalization after each convolution, whose biases it makes useless, and label smoothing."""
    X, y, X_test, y_test = tensors(data.digits())
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def waves(watch: Any) -> Run:
    """An LSTM with gradients clipped at 1."""
    X, y, X_test, y_test = tensors(data.sequences())
    model = Waves(nn.Identity())
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in batches(len(X)):
                optimizer.zero_grad(set_to_none=False)
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def words(watch: Any) -> Run:
    """A transformer with a schedule that warms up, stepped at every batch as it is meant to be."""
    X, y, X_test, y_test = (each.long() for each in tensors(data.words()))
    model = Encoder(detached=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    steps = 12 * -(-len(X) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                schedule.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def generator(watch: Any) -> Run:
    """A generative adversarial network of points on a circle; the doctor watches the generator."""
    angle = torch.rand(512) * 2 * torch.pi
    real = torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(512, 2)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))
    judge_optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(real), 64):
                ones, zeros = torch.ones(len(rows), 1), torch.zeros(len(rows), 1)
                fake = model(torch.randn(len(rows), 4))
                judge_optimizer.zero_grad()
                (criterion(judge(real[rows]), ones) + criterion(judge(fake.detach()), zeros)).backward()
                judge_optimizer.step()
                optimizer.zero_grad()
                loss = criterion(judge(model(torch.randn(len(rows), 4))), ones)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        return doctor, -float((model(torch.randn(512, 4)).norm(dim=1) - 1).abs().mean())


def fine_tuned(watch: Any) -> Run:
    """A body that was trained on five digits is frozen, and a new head learns the other five."""
    X, y, X_test, y_test = tensors(data.digits())
    model = Pictures()
    first = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(6):
        low = torch.nonzero(y < 5)[:, 0]
        for rows in batches(len(low)):
            first.zero_grad()
            F.cross_entropy(model(X[low[rows]]), y[low[rows]]).backward()
            first.step()
    for parameter in model.body.parameters():
        parameter.requires_grad = False
    model.head = nn.Linear(64, 5)
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.01)
    high, high_test = y >= 5, y_test >= 5
    X, y, X_test, y_test = X[high], y[high] - 5, X_test[high_test], y_test[high_test] - 5
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


class TwoTasks(nn.Module):
    """One body, a head for a number and one for a class."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
        self.number, self.large = nn.Linear(24, 1), nn.Linear(24, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(x)
        return self.number(x).squeeze(1), self.large(x).squeeze(1)


def two_tasks(watch: Any) -> Run:
    """A number, and whether it is above 0, with the sum of two losses."""
    X, y, X_test, y_test = tensors(data.friedman())
    model = TwoTasks()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                number, large = model(X[rows])
                loss = F.mse_loss(number, y[rows])
                loss = loss + 0.5 * F.binary_cross_entropy_with_logits(large, (y[rows] > 0).float())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        number = model(X_test)[0]
        return doctor, float(1 - (number - y_test).square().sum() / (y_test - y_test.mean()).square().sum())


class Variational(nn.Module):
    """A variational autoencoder of digits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(48, 8), nn.Linear(48, 8)
        self.decoder = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp() if self.training else mean
        return self.decoder(z), mean, log_variance


def variational(watch: Any) -> Run:
    """Binary cross-entropy of grey pixels, which is right here, summed over pixels and averaged over rows."""
    X, _, X_test, _ = tensors(data.digits())
    model = Variational()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                out, mean, log_variance = model(X[rows])
                apart = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
                loss = (F.binary_cross_entropy(out, X[rows], reduction="sum") + apart) / len(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    first = nn.Sequential(model.encoder, model.mean, model.decoder)
    return doctor, determination(first, X_test, X_test)


HEALTHY = (
    Healthy("convolutions", "Digits, AdamW, and the held-out loss in evaluation mode.", pictures),
    Healthy("batch normalization", "Convolutions with batch normalization and label smoothing.", normalized),
    Healthy("an LSTM, clipped at 1", "Sequences of three frequencies.", waves),
    Healthy("a transformer with a warm-up", "Which of two words comes first, with OneCycleLR.", words),
    Healthy("a generative adversarial network", "Points on a circle; the generator is watched.", generator),
    Healthy("fine-tuning with a frozen body", "A new head on a body that was trained before.", fine_tuned),
    Healthy("two tasks", "A number and a class from one body.", two_tasks),
    Healthy(
        "a variational autoencoder", "Digits, with noise in the middle and a summed loss over pixels.", variational
    ),
)
