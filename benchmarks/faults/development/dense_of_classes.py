"""Dense networks of PyTorch that classify: faulty, and repaired."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from .. import data
from ..program import Program
from ..training import accuracy, batches, put, tensors

Run = tuple[Any, float]


def raw_pixels(watch: Any, repaired: bool) -> Run:
    """Digits from 0 to 255, SGD with momentum."""
    X, y, X_test, y_test = tensors(data.digits(high=1.0 if repaired else 255.0))
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def small_steps(watch: Any, repaired: bool) -> Run:
    """Exclusive or, two small layers of tanh, SGD with a rate of 0.0001, and 20 epochs."""
    X, y, X_test, y_test = tensors(data.corners())
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1 if repaired else 0.0001, momentum=0.9, nesterov=True)
    criterion = nn.BCEWithLogitsLoss()
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                loss = criterion(model(X[rows]).squeeze(1), y[rows].float())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def one_epoch(watch: Any, repaired: bool) -> Run:
    """Iris, a pyramid of tanh, and one epoch."""
    X, y, X_test, y_test = tensors(data.iris())
    sizes = (4, 128, 64, 32, 16, 9)
    layers = [part for low, high in pairwise(sizes) for part in (nn.Linear(low, high), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(9, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.0)
    loader = DataLoader(TensorDataset(X, y), batch_size=16, shuffle=True)
    with watch(model, optimizer) as doctor:
        for _ in range(25 if repaired else 1):
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def constant_weights(watch: Any, repaired: bool) -> Run:
    """Digits, and hidden layers whose weights are all 0.05."""
    X, y, X_test, y_test = tensors(data.digits())
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    if not repaired:
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.constant_(layer.weight, 0.05)
                nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def wide_weights(watch: Any, repaired: bool) -> Run:
    """Eight ReLU layers with weights from N(0, 1)."""
    X, y, X_test, y_test = tensors(data.table(800, 20, informative=8, class_sep=1.5))
    layers = [part for _ in range(7) for part in (nn.Linear(64, 64), nn.ReLU())]
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), *layers, nn.Linear(64, 2))
    put(model, weight=nn.init.kaiming_normal_ if repaired else nn.init.normal_, bias=nn.init.zeros_)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    with watch(model, optimizer) as doctor:
        for _ in range(12):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def deep_sigmoids(watch: Any, repaired: bool) -> Run:
    """A circle within a circle, and ten layers of sigmoids; tanh and fewer layers in the repaired one."""
    X, y, X_test, y_test = tensors(data.circles())
    activation, depth = (nn.Tanh, 2) if repaired else (nn.Sigmoid, 9)
    layers = [part for _ in range(depth) for part in (nn.Linear(16, 16), activation())]
    model = nn.Sequential(nn.Linear(2, 16), activation(), *layers, nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with watch(model, optimizer) as doctor:
        for _ in range(30):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(X[rows]).squeeze(-1), y[rows].float())
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def silent_units(watch: Any, repaired: bool) -> Run:
    """ReLU units with biases of −8: next to none is ever active."""
    X, y, X_test, y_test = tensors(data.table(800, 16, classes=3, informative=8, class_sep=1.5))
    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 3))
    if not repaired:
        for name in ("0", "2"):
            nn.init.constant_(model.get_submodule(name).bias, -8.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def other_rows(watch: Any, repaired: bool) -> Run:
    """Labels that were shuffled apart from the rows."""
    X, y, X_test, y_test = tensors(data.table(1200, 12, classes=4, informative=8, class_sep=1.5))
    if not repaired:
        y = y[torch.randperm(len(y))]
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(15):
            for rows in batches(len(X)):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            with torch.no_grad():
                doctor.validate(F.cross_entropy(model(X_test), y_test))
    return doctor, accuracy(model, X_test, y_test)


def own_logarithm(watch: Any, repaired: bool) -> Run:
    """A binary cross-entropy written by hand, with log of a probability that becomes 0."""
    X, y, X_test, y_test = tensors(data.blobs(600, 2, spread=1.0))
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    with watch(model, optimizer) as doctor:
        for _ in range(40):
            for rows in batches(len(X), 20):
                p, target = torch.sigmoid(model(X[rows]).squeeze(1)), y[rows].float()
                if repaired:
                    loss = F.binary_cross_entropy(p, target)
                else:
                    loss = -(target * torch.log(p) + (1 - target) * torch.log(1 - p)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    return doctor, accuracy(model, X_test, y_test)


def rare_class(watch: Any, repaired: bool) -> Run:
    """One row in fifty is of the second class; the repaired one draws it as often as the first."""
    X, y, X_test, y_test = tensors(data.table(3000, 12, informative=4, class_sep=1.0, weights=[0.98], flip_y=0))
    weights = torch.where(y == 1, 1 / (y == 1).float().mean(), 1 / (y == 0).float().mean())
    sampler = WeightedRandomSampler(weights.tolist(), len(y)) if repaired else None
    loader = DataLoader(TensorDataset(X, y), batch_size=64, shuffle=not repaired, sampler=sampler)
    model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch(model, optimizer) as doctor:
        for _ in range(20):
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs), labels)
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    each = [accuracy(model, X_test[y_test == label], y_test[y_test == label]) for label in (0, 1)]
    return doctor, float(np.mean(each))


def by_heart(watch: Any, repaired: bool) -> Run:
    """A network of 300 units a layer for 150 rows; the repaired one is small, has dropout and stops early."""
    X, y, X_test, y_test = tensors(data.table(220, 40, informative=6, flip_y=0.1))
    wide = 16 if repaired else 300
    model = nn.Sequential(
        nn.Linear(40, wide), nn.ReLU(), nn.Dropout(0.4 if repaired else 0.0), nn.Linear(wide, wide), nn.ReLU(),
        nn.Linear(wide, 2),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05 if repaired else 0.0)
    with watch(model, optimizer) as doctor:
        for _ in range(25 if repaired else 50):
            for rows in batches(len(X), 16):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
            model.eval()
            with torch.no_grad():
                doctor.validate(F.cross_entropy(model(X_test), y_test))
            model.train()
    with torch.no_grad():
        return doctor, -float(F.cross_entropy(model.eval()(X_test), y_test))


def twins(function: Any) -> tuple[Any, Any]:
    """The faulty program and the repaired one."""
    return partial(function, repaired=False), partial(function, repaired=True)


PROGRAMS = (
    Program(
        "MLP on pixels from 0 to 255", "TheDeepChecker, missing normalization (baseCNN_miss_norm); DeepFD 55328966",
        "Images as they are stored, and SGD with momentum.",
        ("inputs_not_scaled",), ("scale", "divide", "standard", "normaliz"), *twins(raw_pixels),
    ),
    Program(
        "exclusive or in small steps", "DeepFD and deepmufl 34311586",
        "Two small layers, SGD with a rate of 0.0001, and 20 epochs: the loss stays at that of guessing.",
        ("learning_rate_too_low", "training_too_short"), ("ten times", "higher", "larger", "raise"),
        *twins(small_steps),
    ),
    Program(
        "one epoch of iris", "deepmufl 61234347",
        "Six layers of tanh for 105 rows, and one epoch of seven steps.",
        ("training_too_short",), ("epochs", "longer", "more steps"), *twins(one_epoch),
    ),
    Program(
        "weights all alike", "TheDeepChecker, wrong initialization (baseCNN_constant)",
        "Every weight is 0.05, so that the units of a layer are copies of one another.",
        ("symmetry",), ("initial", "random"), *twins(constant_weights),
    ),
    Program(
        "weights from N(0, 1)", "AutoTrainer, exploding gradient; TheDeepChecker, wrong initialization",
        "Eight ReLU layers of 64 units with weights of standard deviation 1: the outputs begin in the billions.",
        ("exploding_gradient",), ("initial", "kaiming", "clip"), *twins(wide_weights),
    ),
    Program(
        "ten layers of sigmoids", "AutoTrainer, vanishing gradient (circle)",
        "A circle within a circle, and ten sigmoid layers of 16 units.",
        ("vanishing_gradient",), ("relu", "tanh", "initial", "fewer layers"), *twins(deep_sigmoids),
    ),
    Program(
        "biases of −8 before ReLU", "AutoTrainer, dying ReLU (blob)",
        "The hidden biases begin so far below 0 that the units are silent for every row.",
        ("dead_units", "nothing_arrives"), ("bias", "initial", "leaky"), *twins(silent_units),
    ),
    Program(
        "shuffled labels", "TheDeepChecker, wrong labels (deepCNN_wrong_lbl)",
        "The labels were shuffled without the rows; what is learned is learned by heart.",
        ("uninformative_features",), ("row", "order", "shuffle", "label"), *twins(other_rows),
    ),
    Program(
        "log of 0", "TheDeepChecker, numeric error in the loss; UMLAUT, NaN in the loss",
        "log(1 − p) of a sigmoid that reaches 1 in float32: the loss becomes NaN.",
        ("non_finite",), ("log", "with_logits", "clamp", "eps"), *twins(own_logarithm),
    ),
    Program(
        "one row in fifty", "TheDeepChecker, unbalanced data (baseCNN_unb_data)",
        "98 % of the rows are of one class, and the other is hardly ever found.",
        ("class_imbalance",), ("weight", "sampl"), *twins(rare_class),
    ),
    Program(
        "150 rows by heart", "DeepFD and DeepLocalize, MovieReviews_Keras; UMLAUT, overfitting",
        "A hundred thousand weights for 154 rows; the held-out loss is told, and its negative is the score.",
        ("overfitting",),
        ("dropout", "weight_decay", "early", "best epoch", "smaller"), *twins(by_heart),
    ),
)  # fmt: skip
