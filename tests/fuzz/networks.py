"""Networks, checkpoints and ONNX files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from backtalk import Checkpoint, Network, Privacy, Recording, fit, from_onnx, load, resume, save, to_onnx

from .containers import forge_message, forge_safetensors
from .mutations import damage
from .target import Target

X = np.linspace(-1, 1, 24).reshape(8, 3)
Y = np.arange(8) % 2


def written(suffix: str, write: Callable[[Path], Any]) -> bytes:
    """What a function writes into a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"seed{suffix}")
        write(path)
        return path.read_bytes()


def _networks() -> list[Network]:
    return [
        Network.create([3, 4, 2], "tanh", rng=0),
        Network.create([2, 3, 3, 1], ["leaky_relu(slope=0.2)", "selu"], "huber(delta=2)", rng=0, dtype="float32"),
        Network.create([1, 2], loss="squared_error", output="softplus", rng=0),
    ]


def _ensemble() -> list[Network]:
    return [Network.create([2, 3, 2], "tanh", rng=seed) for seed in range(2)]


def _meaning(network: Network) -> bytes:
    parts = [part for family in network.to_lists() for part in family]
    said = repr((network.activations, network.loss, network.output, [part.shape for part in parts]))
    return said.encode() + b"".join(part.tobytes() for part in parts)


def _checkpoints() -> list[bytes]:
    start = Network.create([3, 4, 2], "tanh", rng=1)
    recipes: list[dict[str, Any]] = [
        {"epochs": 2, "batch_size": 4},
        {"epochs": 3, "optimizer": "adamw", "dropout": 0.2, "validation": 0.25, "patience": 2, "batch_size": 2,
         "schedule": "adaptive(factor=0.5, patience=1)", "class_weight": {0: 1.0, 1: 2.0}, "clip_norm": 1.0},
        {"epochs": 2, "optimizer": "sgd(momentum=0)", "schedule": "cosine(warm_up=1)", "class_weight": "balanced"},
    ]  # fmt: skip
    if find_spec("dp_accounting") and find_spec("cryptography"):
        recipes.append({"epochs": 2, "batch_size": 4, "privacy": Privacy(noise_multiplier=1.0, delta=0.1, seed=0)})

    def write(path: Path, recipe: dict[str, Any]) -> None:
        # after the first step, so that there is something to go on with
        fit(start, X, Y, rng=0, checkpoint=path, progress=lambda _: True, **recipe)

    return [written(".safetensors", lambda path, each=recipe: write(path, each)) for recipe in recipes]


def _resume(path: Path) -> Any:
    """The meaning of a checkpoint: what training from there gives. At most a second of it."""
    taken = []

    def enough(_: Any) -> bool:
        taken.append(1)
        return len(taken) > 20

    before = path.read_bytes()
    training = resume(Checkpoint(path, every_seconds=1e9), X, Y, progress=enough)
    path.write_bytes(before)  # it was written anew
    return _meaning(training.network), training.losses, training.validation_losses, training.reason


def _recordings() -> list[bytes]:
    start = Network.create([3, 4, 2], "tanh", rng=1)
    first = fit(start, X, Y, rng=0, epochs=1)
    recipes: list[dict[str, Any]] = [
        {"optimizer": "sgd(momentum=0)", "batch_size": 4},
        {"dropout": 0.2, "class_weight": "balanced", "clip_norm": 1.0, "state": first.state},
    ]
    return [written("", lambda path, each=each: fit(start, X, Y, rng=0, epochs=2, record=path, **each))
            for each in recipes]  # fmt: skip


# Graphs as other exporters write them: a function of its own, constants made of constants, forms that change no number
WEIGHTS = "float[3,4] W = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, float[4] b = {1, 0, 0, 1}"
BESIDE = "weights"  # a file of weights beside the model
GRAPHS = [
    "m = MatMul (X, W) a = Add (m, b) Y = own.Silu (a)",
    "x = Flatten (X) a = Gemm <alpha = 0.5> (x, W, b) c = Mul (a, one) Y = Clip (c, low, one)",
    "w = Transpose <perm = [1, 0]> (W) a = Gemm <transB = 1> (X, w, b) r = Reshape (a, form) c = Relu (r) "
    "d = Dropout (c) v = Cast <to = 1> (w) e = MatMul (d, v) Y = Softmax <axis = -1> (e)",
    "k = Constant <value = float[3,1] {1, 2, 3}> () Y = MatMul (X, k)",
]


def _onnx_seeds() -> list[bytes]:
    import onnx.parser
    from onnx.external_data_helper import convert_model_to_external_data

    seeds = [written(".onnx", lambda path, each=network: to_onnx(each, path)) for network in _networks()]
    more = "float one = {1}, float low = {-1}, int64[2] form = {0, -1}"
    for nodes in GRAPHS:
        text = f"""<ir_version: 9, opset_import: ["": 17, "own": 1]>
            g (float[N,3] X) => (float[N,K] Y) <{WEIGHTS}, {more}> {{ {nodes} }}"""
        if "own." in nodes:
            text += """<domain: "own", opset_import: ["": 17]>
                Silu (a) => (h) { s = Sigmoid (a) h = Mul (a, s) }"""
        seeds.append(onnx.parser.parse_model(text).SerializeToString())
    model = onnx.load_model_from_string(seeds[0])
    convert_model_to_external_data(model, location=BESIDE, size_threshold=0)
    for tensor in model.graph.initializer:
        length = len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.external_data.add(key="length", value=str(length))
    return [*seeds, model.SerializeToString()]


def _read_onnx(path: Path) -> None:
    path.with_name(BESIDE).write_bytes(bytes(4096))
    from_onnx(path)


def _forge_onnx(content: bytes, draw: Random) -> bytes:
    import onnx

    return forge_message(content, draw, onnx.ModelProto)


TARGETS = [
    Target(
        "network",
        ".safetensors",
        lambda: [written("", lambda path, each=each: save(each, path)) for each in [*_networks(), _ensemble()]],
        lambda path: _meaning(load(path)),
        damage,
        forge_safetensors,
        guarded=True,
    ),
    Target("checkpoint", ".safetensors", _checkpoints, _resume, damage, forge_safetensors, guarded=True),
    Target(
        "recording",
        ".safetensors",
        _recordings,
        lambda path: (_meaning((found := Recording.load(path, X, Y)).end), repr(found)),
        damage,
        forge_safetensors,
        guarded=True,
    ),
    Target("onnx", ".onnx", _onnx_seeds, _read_onnx, damage, _forge_onnx),
]
