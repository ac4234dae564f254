"""Mistakes 1 to 10, that only code of PyTorch can make: what goes into the loss, and how it sums."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from . import data
from .report import report
from .twins import accuracy, r_squared, tensors, twins


class Net(nn.Module):
    """Digits as images, as in many first programs."""

    def __init__(self, *, ends_in_softmax: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3)
        self.fc1 = nn.Linear(64, 50)
        self.fc2 = nn.Linear(50, 10)
        self.ends_in_softmax = ends_in_softmax

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(-1, 64)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return F.softmax(x, dim=1) if self.ends_in_softmax else x


def softmax_first(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(101)
    X, y, X_test, y_test = tensors(data.digits())
    X, X_test = X.view(-1, 1, 8, 8), X_test.view(-1, 1, 8, 8)
    train_loader = DataLoader(TensorDataset(X, y), batch_size=64, shuffle=True)
    net = Net(ends_in_softmax=not repaired)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    with watch(net, optimizer) as doctor:
        for _epoch in range(10):
            for inputs, labels in train_loader:
                optimizer.zero_grad()
                outputs = net(inputs)
                loss = criterion(outputs, labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(net(X_test), y_test))
    return doctor


class Tagger(nn.Module):
    """Foretells each next symbol of a sequence."""

    def __init__(self, symbols: int, *, logarithms: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, 16)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.decoder = nn.Linear(32, symbols)
        self.logarithms = logarithms

    def forward(self, sequences: torch.Tensor) -> torch.Tensor:
        states, _ = self.lstm(self.embedding(sequences))
        scores = self.decoder(states)
        return F.log_softmax(scores, dim=-1) if self.logarithms else scores


def log_softmax_first(watch: Any, *, repaired: bool) -> Any:
    """The second log_softmax changes nothing, as the exponentials already sum to 1: it costs time alone."""
    torch.manual_seed(102)
    X, y, X_test, y_test = tensors(data.bigrams(500, 12))
    model = Tagger(8, logarithms=not repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in torch.randperm(len(X)).split(50):
                scores = model(X[rows])
                loss = F.cross_entropy(scores.flatten(0, 1), y[rows].flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(-F.cross_entropy(model(X_test).flatten(0, 1), y_test.flatten()).item())
    return doctor


def sigmoid_first(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(103)
    X, y, X_test, y_test = tensors(data.cancer())
    loader = DataLoader(TensorDataset(X, y.float()), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(30, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
    if not repaired:
        model.append(nn.Sigmoid())
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            model.train()
            for features, target in loader:
                optimizer.zero_grad()
                prediction = model(features)
                loss = criterion(prediction, target.unsqueeze(1))
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                held_out = criterion(model(X_test), y_test.float().unsqueeze(1))
            doctor.validate(held_out)
    report(-held_out.item())
    return doctor


class Classifier(nn.Module):
    """A perceptron whose probabilities are asked for over a dimension."""

    def __init__(self, over: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3))
        self.log_softmax = nn.LogSoftmax(dim=over)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.log_softmax(self.layers(x))


def softmax_over_batch(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(104)
    X, y, X_test, y_test = tensors(data.wines())
    model = Classifier(over=1 if repaired else 0)
    loss_function = nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watch(model, optimizer) as doctor:
        for _ in range(40):
            for rows in torch.randperm(len(X)).split(16):
                model.zero_grad()
                loss = loss_function(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        log_probabilities = model(X_test)
        report(-loss_function(log_probabilities, y_test).item())
    return doctor


class Sentiment(nn.Module):
    """Reads a text with a GRU and says whether it is kind."""

    def __init__(self, output: nn.Module) -> None:
        super().__init__()
        self.embed = nn.Embedding(data.WORDS, 24, padding_idx=0)
        self.gru = nn.GRU(24, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, 1)
        self.output = output

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(self.embed(text))
        return self.output(self.fc(states.max(dim=1).values)).squeeze(1)


def softmax_of_one(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(105)
    X, y, X_test, y_test = tensors(data.reviews(700))
    model = Sentiment(nn.Sigmoid() if repaired else nn.Softmax(dim=1))
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    loader = DataLoader(TensorDataset(X, y.float()), batch_size=35, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(8):
            for text, label in loader:
                optimizer.zero_grad()
                loss = criterion(model(text), label)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test) - 0.5, y_test))
    return doctor


class HousePrices(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Linear(6, 64)
        self.l2 = nn.Linear(64, 64)
        self.l3 = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.l3(torch.relu(self.l2(torch.relu(self.l1(x)))))


def column_against_row(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(106)
    X, y, X_test, y_test = tensors(data.curve(800))
    if repaired:
        y = y.view(-1, 1)
    model = HousePrices()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in torch.randperm(len(X)).split(40):
                difference = model(X[rows]) - y[rows]
                loss = (difference**2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def relu_at_the_end(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(107)
    X, y, X_test, y_test = tensors(data.rhythms(800, 32, classes=3))
    X, X_test = X.transpose(1, 2).contiguous(), X_test.transpose(1, 2).contiguous()
    layers = [nn.Conv1d(2, 16, 8), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(16 * 12, 3)]
    if not repaired:
        layers.append(nn.ReLU())
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for series, label in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True):
                loss = criterion(model(series), label)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(-criterion(model(X_test), y_test).item())
    return doctor


def nll_of_scores(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(108)
    X, y, X_test, y_test = tensors(data.groups(1000, 12, 4, informative=6))
    model = nn.Sequential()
    model.add_module("hidden", nn.Linear(12, 48))
    model.add_module("relu", nn.ReLU())
    model.add_module("scores", nn.Linear(48, 4))
    if repaired:
        model.add_module("log_softmax", nn.LogSoftmax(dim=1))
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    train = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for inputs, classes in train:
                optimizer.zero_grad()
                loss = criterion(model(inputs), classes)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


def summed(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(109)
    X, _, X_test, _ = tensors(data.digits())
    model = nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 12), nn.ReLU(), nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 64)
    )
    criterion = nn.MSELoss(reduction="mean" if repaired else "sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    loader = DataLoader(TensorDataset(X), batch_size=64, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for (images,) in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), images)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(r_squared(model(X_test), X_test))
    return doctor


def plus_and_minus(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(110)
    X, y, X_test, y_test = tensors(data.moons(800))
    target = y.float() if repaired else 2 * y.float() - 1
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    with watch(model, optimizer) as doctor:
        for _ in range(25):
            for rows in torch.randperm(len(X)).split(32):
                optimizer.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(X[rows]).squeeze(1), target[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        logits = model(X_test).squeeze(1)
        report(-F.binary_cross_entropy_with_logits(logits, y_test.float()).item())
    return doctor


PROGRAMS = (
    twins(softmax_first, "softmax before CrossEntropyLoss, digits", "TheDeepChecker redundant_softmax (baseCNN)",
          "A convolutional network whose forward ends in softmax is trained with nn.CrossEntropyLoss.",
          ("output_function_twice",), ("softmax",), mistake=1),
    twins(log_softmax_first, "log_softmax before cross_entropy, an LSTM", "TheDeepChecker redundant_softmax",
          "An LSTM gives log-probabilities, which go through log_softmax again in F.cross_entropy.",
          ("output_function_twice",), ("log_softmax", "nll", "softmax"), mistake=2),
    twins(sigmoid_first, "sigmoid before BCEWithLogitsLoss", "defect4ML 004; PyTorch forum",
          "A network with batch normalization ends in nn.Sigmoid, and the loss applies the sigmoid again.",
          ("output_function_twice",), ("sigmoid", "bceloss"), mistake=3),
    twins(softmax_over_batch, "log-softmax over the batch", "TheDeepChecker wrong_softmax_impl",
          "nn.LogSoftmax(dim=0) compares the rows of a batch with each other instead of the classes.",
          ("softmax_over_wrong_dimension",), ("dim",), mistake=4),
    twins(softmax_of_one, "softmax of one unit, a GRU", "deepmufl 65669308 (also 47241622, 52983831)",
          "A GRU over words ends in one unit with nn.Softmax(dim=1), which is 1 for every text.",
          ("softmax_over_wrong_dimension", "nothing_arrives"), ("sigmoid",), mistake=5),
    twins(column_against_row, "(N, 1) against (N,), squared by hand", "PyTorch forum: target size differs",
          "The outputs are a column and the targets a row, so their difference is a square matrix.",
          ("loss_broadcasts",), ("squeeze", "unsqueeze", "view", "reshape", "shape"), mistake=6),
    twins(relu_at_the_end, "ReLU on the logits, a Conv1d", "deepmufl 53700537 (also 51901386, 47352366)",
          "The last layer of three units is followed by ReLU before nn.CrossEntropyLoss.",
          ("activation_on_logits",), ("relu",), mistake=7),
    twins(nll_of_scores, "NLLLoss of raw scores", "TheDeepChecker missing_softmax",
          "nn.NLLLoss is given the scores of nn.Linear, and falls without bound.",
          ("loss_without_output_function",), ("log_softmax", "logsoftmax", "crossentropy", "cross_entropy"), mistake=8),
    twins(summed, "a sum where the rate was for a mean", "TheDeepChecker wrong_loss_function (reduce_sum)",
          "An autoencoder's squared error is summed over the batch and pixels, at a rate made for the mean.",
          ("loss_is_summed", "learning_rate_too_high"), ("mean", "reduction", "lr", "learning rate"), mistake=9),
    twins(plus_and_minus, "labels of −1 and 1", "DeepFD 37 (also deepmufl 62068109)",
          "binary_cross_entropy_with_logits is given labels of −1 and 1.",
          ("labels_outside_classes",), ("0 and 1", "0 to 1", "label", "target"), mistake=10),
)  # fmt: skip
