"""Faults of any training, in PyTorch programs on images."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from . import data
from .report import report
from .twins import accuracy, r_squared, tensors, twins


class Keypoints(nn.Module):
    """Convolutions, and four numbers: where two spots are."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 3 * 3, 64)
        self.fc2 = nn.Linear(64, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def keypoints(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(0)
    X, y, X_test, y_test = tensors(data.spots(900))
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    model = Keypoints()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002 if repaired else 0.1)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            model.train()
            for images, places in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), places)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(criterion(model(X_test), y_test))
    with torch.no_grad():
        report(r_squared(model(X_test), y_test))
    return doctor


def lenet(classes: int) -> nn.Sequential:
    """For images of 12 × 12."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 2 * 2, 64), nn.ReLU(), nn.Linear(64, classes),
    )  # fmt: skip


def pixels(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(1)
    X, y, X_test, y_test = tensors(data.shapes(1200, seed=1))
    X, X_test = (X * 255).round(), (X_test * 255).round()  # as they are read from files
    if repaired:
        mean, std = X.mean(), X.std()
        X, X_test = (X - mean) / std, (X_test - mean) / std
    model = lenet(4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(10):
            for rows in torch.randperm(len(X)).split(32):
                loss = F.cross_entropy(model(X[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


def rare_shape(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(2)
    X, y, X_test, y_test = tensors(data.shapes(3000, noise=0.5, classes=2, seed=2))
    kept = (y == 0) | (torch.rand(len(y)) < 0.04)
    X, y = X[kept], y[kept]
    loader = DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True)
    model = lenet(2)
    weight = len(y) / (2 * torch.bincount(y).float()) if repaired else None
    loss_function = nn.CrossEntropyLoss(weight=weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            for images, labels in loader:
                optimizer.zero_grad()
                outputs = model(images)
                loss = loss_function(outputs, labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        outputs = model(X_test)
        report(sum(accuracy(outputs[y_test == k], y_test[y_test == k]) for k in (0, 1)) / 2)
    return doctor


def upscaling(watch: Any, *, repaired: bool) -> Any:
    """Digits of 4 × 4 become digits of 8 × 8."""
    torch.manual_seed(3)
    X, _, X_test, _ = tensors(data.digits())
    large, large_test = X.reshape(-1, 1, 8, 8), X_test.reshape(-1, 1, 8, 8)
    small, small_test = F.avg_pool2d(large, 2), F.avg_pool2d(large_test, 2)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(16, 16, 2, stride=2), nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(small, large), batch_size=64, shuffle=True)
    with watch(net, optimizer) as doctor:
        for _ in range(20 if repaired else 2):
            for low, high in loader:
                loss = F.mse_loss(net(low), high)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            with torch.no_grad():
                doctor.validate(F.mse_loss(net(small_test), large_test))
    with torch.no_grad():
        report(r_squared(net(small_test), large_test))
    return doctor


def constant(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(4)
    X, y, X_test, y_test = tensors(data.shapes(1000, seed=4))
    train = DataLoader(TensorDataset(X - 0.5, y), batch_size=64, shuffle=True)
    model = lenet(4)

    def start(module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d | nn.Linear):
            if repaired:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            else:
                nn.init.constant_(module.weight, 0.05)
            nn.init.zeros_(module.bias)

    model.apply(start)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for images, labels in train:
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    with torch.no_grad():
        report(accuracy(model(X_test - 0.5), y_test))
    return doctor


class SmallConvNet(nn.Module):
    """Two convolutions and two linear layers, which people end as they end it in Keras."""

    def __init__(self, classes: int, *, ends_in_sigmoid: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Dropout2d(0.1), nn.MaxPool2d(2))
        self.hidden = nn.Linear(16 * 5 * 5, 64)
        self.out = nn.Linear(64, classes)
        self.ends_in_sigmoid = ends_in_sigmoid

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x).flatten(1)
        x = self.out(F.relu(self.hidden(x)))
        return torch.sigmoid(x) if self.ends_in_sigmoid else x


def sigmoid_before_cross_entropy(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(5)
    X, y, X_test, y_test = tensors(data.shapes(900, classes=3, noise=0.4, seed=5))
    loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
    model = SmallConvNet(3, ends_in_sigmoid=not repaired)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer) as doctor:
        for _ in range(5):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    model.eval()
    with torch.no_grad():
        report(-criterion(model(X_test), y_test).item())
    return doctor


def tiny_rate(watch: Any, *, repaired: bool) -> Any:
    torch.manual_seed(6)
    X, y, X_test, y_test = tensors(data.shapes(700, classes=2, seed=6))
    train = DataLoader(TensorDataset(X, y.float()), batch_size=10, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(16 * 4 * 4, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 1),
    )  # fmt: skip
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4 if repaired else 3e-6, betas=(0.9, 0.999))
    with watch(model, optimizer) as doctor:
        for _ in range(6):
            model.train()
            for images, labels in train:
                optimizer.zero_grad()
                loss = criterion(model(images).squeeze(1), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(criterion(model(X_test).squeeze(1), y_test.float()))
    with torch.no_grad():
        report(accuracy(model(X_test), y_test))
    return doctor


PROGRAMS = (
    twins(keypoints, "keypoints by Adam with a rate of 0.1", "DeepFD 49 (FacialKeypointsDetection), defect4ML 024",
          "A small convolutional network finds two spots; Adam has a rate of 0.1.",
          ("learning_rate_too_high",), ("learning rate", "lr")),
    twins(pixels, "pixels up to 255 in a convolutional network", "TheDeepChecker missing_normalization (baseCNN)",
          "Images of four shapes go in with pixels from 0 to 255.",
          ("inputs_not_scaled",), ("scale", "255", "normaliz", "standard")),
    twins(rare_shape, "four images in a hundred", "TheDeepChecker unbalanced_data (baseCNN)",
          "Noisy images of two shapes, one of which 4 % of the training images show.",
          ("class_imbalance",), ("weight", "sampler", "balanc", "resampl")),
    twins(upscaling, "two epochs of upscaling", "DeepFD 53 (keras-super-resolution), defect4ML 023",
          "Training ends after two epochs, while the loss still falls.",
          ("training_too_short", "learning_rate_too_low"), ("epoch", "longer", "steps", "lr", "learning rate")),
    twins(constant, "constant weights in a convolutional network", "TheDeepChecker wrong_init (baseCNN_constant)",
          "All weights start at 0.05, so that all channels stay alike.",
          ("symmetry",), ("initial", "random", "kaiming", "xavier")),
    twins(sigmoid_before_cross_entropy, "sigmoid before cross-entropy", "deepmufl 61886777 (also 50914860, 41823068)",
          "The last layer's sigmoid goes into nn.CrossEntropyLoss, which takes raw outputs.",
          ("activation_on_logits", "output_function_twice"), ("sigmoid", "logits", "raw")),
    twins(tiny_rate, "Adam with a rate of 3e-6", "deepmufl 60508218 (also 58392266, 70148149)",
          "A convolutional network for two classes hardly moves in the epochs it is given.",
          ("learning_rate_too_low", "training_too_short"), ("learning rate", "lr", "epoch")),
)  # fmt: skip
