"""Mistakes 11 to 15 and 23 to 26, that only code of PyTorch can make: parameters that are not trained."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.utils.data import DataLoader, TensorDataset

from . import data
from .report import report
from .twins import accuracy, r_squared, tensors, twins


class EncoderAndHead(nn.Module):
    """A convolutional encoder, and a head on top."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(8 * 3 * 3, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(images))


def head_only(watch: Any, *, repaired: bool) -> Any:
    """A head is given its own rate, and the encoder's group is forgotten."""
    torch.manual_seed(111)
    X, y, X_test, y_test = tensors(data.shapes(800, noise=0.3, seed=111))
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    model = EncoderAndHead(4)
    groups = [{"params": model.head.parameters(), "lr": 3e-3, "weight_decay": 1e-4}]
    if repaired:
        groups.append({"params": model.encoder.parameters(), "lr": 3e-3})
    optimizer = AdamW(groups, lr=1e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


def copied_model(watch: Any, *, repaired: bool) -> Any:
    """A model is built, the optimizer made, and then a copy of the model is trained."""
    torch.manual_seed(112)
    X, y, X_test, y_test = tensors(data.curve(700, seed=112))
    template = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    optimizer = Adam(template.parameters(), lr=5e-3)
    model = template if repaired else copy.deepcopy(template)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in torch.randperm(len(X)).split(25):
                optimizer.zero_grad()
                prediction = model(X[rows]).squeeze(-1)
                loss = F.mse_loss(prediction, y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def replaced_head(watch: Any, *, repaired: bool) -> Any:
    """A network with ten outputs gets a head of three for the task at hand."""
    torch.manual_seed(113)
    X, y, X_test, y_test = tensors(data.groups(1000, 16, 3, informative=8, seed=113))

    class Backbone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(16, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
            self.fc = nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.body(x))

    model = Backbone()
    if repaired:
        model.fc = nn.Linear(64, 3)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    if not repaired:
        model.fc = nn.Linear(64, 3)
    criterion = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(4):
            for features, labels in DataLoader(TensorDataset(X, y), batch_size=16, shuffle=True):
                optimizer.zero_grad(set_to_none=True)
                loss = criterion(model(features), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(-criterion(model(X_test), y_test).item())
    return doctor


class Mixture(nn.Module):
    """Several experts, whose outputs a gate weighs."""

    def __init__(self, experts: int, *, registered: bool) -> None:
        super().__init__()
        self.gate = nn.Linear(6, experts)
        layers = [nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1)) for _ in range(experts)]
        self.experts = nn.ModuleList(layers) if registered else layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(self.gate(x), dim=1)
        answers = torch.cat([expert(x) for expert in self.experts], dim=1)
        return (weights * answers).sum(dim=1)


def python_list(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(114)
    X, y, X_test, y_test = tensors(data.curve(800, seed=114))
    model = Mixture(4, registered=repaired)
    optimizer = Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in torch.randperm(len(X)).split(32):
                loss = nn.functional.mse_loss(model(X[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


class Attention(nn.Module):
    """Words, one layer of attention, and the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(data.WORDS, 32, padding_idx=0)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.norm = nn.LayerNorm(32)
        self.classifier = nn.Linear(32, 3)

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        x = self.embedding(texts)
        mixed, _ = self.attention(x, x, x, key_padding_mask=texts == 0, need_weights=False)
        x = self.norm(x + mixed) * (texts > 0).unsqueeze(-1)
        return self.classifier(x.sum(dim=1) / (texts > 0).sum(dim=1, keepdim=True))


def still_frozen(watch: Any, *, repaired: bool) -> Any:
    """From a trial with vectors from elsewhere, a loop is left that freezes all but the classifier."""
    torch.manual_seed(115)
    X, y, X_test, y_test = tensors(data.reviews(1500, classes=3, seed=115))
    model = Attention()
    if not repaired:
        for name, parameter in model.named_parameters():
            if not name.startswith("classifier"):
                parameter.requires_grad = False
    optimizer = Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            for texts, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(texts), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class TwoStages(nn.Module):
    """A recurrent layer gives features, from which a second part tells the class."""

    def __init__(self, *, detaches: bool) -> None:
        super().__init__()
        self.features = nn.LSTM(2, 24, batch_first=True)
        self.classify = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 3))
        self.detaches = detaches

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        states, _ = self.features(series)
        summary = states[:, -1]
        if self.detaches:
            summary = summary.detach()
        return self.classify(summary)


def detached(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(123)
    X, y, X_test, y_test = tensors(data.rhythms(600, 20, seed=123))
    model = TwoStages(detaches=not repaired)
    optimizer = Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in torch.randperm(len(X)).split(30):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


class WithSorting(nn.Module):
    """The features of a row are sorted before the last layer; NumPy can do that."""

    def __init__(self, *, by_numpy: bool) -> None:
        super().__init__()
        self.first = nn.Linear(12, 64)
        self.second = nn.Linear(64, 64)
        self.last = nn.Linear(64, 3)
        self.by_numpy = by_numpy

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.elu(self.second(F.elu(self.first(x))))
        if self.by_numpy:
            values = x.detach().numpy()
            values.sort(axis=1)
            x = torch.from_numpy(values)
        else:
            x = x.sort(dim=1).values
        return self.last(x)


def through_numpy(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(124)
    X, y, X_test, y_test = tensors(data.groups(900, 12, 3, informative=6, seed=124))
    net = WithSorting(by_numpy=not repaired)
    optimizer = RMSprop(net.parameters(), lr=1e-3)
    with watch(net, optimizer) as doctor:
        for _ in range(25):
            for inputs, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(net(inputs), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(net(X_test), y_test))
    return doctor


class Quantized(nn.Module):
    """An encoder whose code is rounded to whole numbers, and a decoder."""

    def __init__(self, *, straight_through: bool) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
        self.decode = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64))
        self.straight_through = straight_through

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        code = 3 * torch.tanh(self.encode(x))
        rounded = torch.round(code)
        if self.straight_through:
            rounded = code + (rounded - code).detach()
        return self.decode(rounded)


def rounded(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(125)
    X, _, X_test, _ = tensors(data.digits(seed=125))
    model = Quantized(straight_through=repaired)
    optimizer = Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in torch.randperm(len(X)).split(64):
                images = X[rows]
                loss = F.mse_loss(model(images), images)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), X_test))
    return doctor


class Residual(nn.Module):
    """Blocks with a shortcut, where forward is to go through all of them."""

    def __init__(self, *, complete: bool) -> None:
        super().__init__()
        self.stem = nn.Linear(6, 48)
        self.block1 = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48))
        self.block2 = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48))
        self.out = nn.Linear(48, 1)
        self.complete = complete

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        if self.complete:
            x = x + self.block1(x)
            x = x + self.block2(x)
        return self.out(x).squeeze(1)


def unused(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(126)
    X, y, X_test, y_test = tensors(data.curve(800, seed=126))
    model = Residual(complete=repaired)
    optimizer = AdamW(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in torch.randperm(len(X)).split(32):
                optimizer.zero_grad()
                loss = F.smooth_l1_loss(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


PROGRAMS = (
    twins(head_only, "an optimizer of the head alone", "PyTorch forum: parameter groups",
          "AdamW gets a group for the head with its own rate; the group of the convolutional encoder is forgotten.",
          ("parameters_not_in_optimizer",), ("optimizer", "parameters"), mistake=11),
    twins(copied_model, "a copy is trained, the template is stepped", "PyTorch forum: deepcopy and optimizers",
          "The optimizer holds the template's parameters, and the loss is that of a deep copy.",
          ("parameters_of_another_model",), ("optimizer",), mistake=12),
    twins(replaced_head, "a head replaced after the optimizer was made", "PyTorch forum: fine-tuning",
          "model.fc becomes a layer of three classes after SGD was given the parameters.",
          ("parameters_not_in_optimizer", "parameters_of_another_model"), ("optimizer",), mistake=13),
    twins(python_list, "experts in a Python list", "PyTorch forum: ModuleList",
          "Four experts stand in a list, so that the optimizer gets the gate's parameters alone.",
          ("unregistered_parameters",), ("modulelist", "register"), mistake=14),
    twins(still_frozen, "attention that is still frozen", "PyTorch forum: requires_grad",
          "A loop from an earlier trial freezes all but the classifier of a network that was never trained.",
          ("frozen_parameters",), ("requires_grad",), mistake=15),
    twins(detached, "an LSTM behind detach()", "PyTorch forum: detach",
          "The last state of an LSTM is detached before the classifier.",
          ("unreached_parameters",), ("detach",), mistake=23),
    twins(through_numpy, "sorting by NumPy", "PyTorch forum: numpy() in forward",
          "forward sorts the features of each row by NumPy, and makes a tensor of them again.",
          ("unreached_parameters", "nothing_arrives"), ("numpy", "detach", "graph"), mistake=24),
    twins(rounded, "a code that is rounded", "PyTorch forum: torch.round has no gradient",
          "An autoencoder rounds its code, and the gradient of rounding is 0.",
          ("unreached_parameters", "nothing_arrives"), ("round", "straight", "argmax", "differentiable"), mistake=25),
    twins(unused, "blocks that forward leaves out", "PyTorch forum: unused parameters (DDP find_unused_parameters)",
          "Two residual blocks are made, and forward goes from the stem to the output.",
          ("unreached_parameters",), ("forward", "unused", "used"), mistake=26),
)  # fmt: skip
