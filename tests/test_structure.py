"""The shape of the package: which module may import which, and which names are public."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import backtalk

SOURCE = Path(backtalk.__file__).parent
# A module imports only from stages before its own
STAGES = [
    "errors", "specification", "cluster", "initialization", "arrays", "layers", "dropout", "jax_trees", "activations",
    "losses", "network", "inputs", "forward", "backward", "engines", "verbs", "check", "norms", "interop", "train",
    "per_example", "influence", "loggers", "data", "pages", "diagnose", "listening", "derivations", "tables",
    "estimators", "demo", "lab", "terminal", "cli",
]  # fmt: skip
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or not path.stem.startswith("__"))
PUBLIC = {
    "Activation", "Adam", "AdamW", "BacktalkError", "Callback", "CheckReport", "Checkpoint", "Derivation", "Diagnosis",
    "DivergedError", "Doctor", "Dropout", "Epoch", "Exercise", "FileFormatError", "Finding", "Gradients", "Heard",
    "HiddenUnits", "Influence", "InputError", "InputTypeError", "LBFGS", "LayerError", "LayerMeasures", "Layers",
    "Loss", "MLPClassifier", "MLPRegressor", "MemoryMapped", "MissingLibraryError", "Nesterov", "Network",
    "ParquetFiles", "Paths", "ProcessLostError", "Progress", "SGD", "Shard", "Trace", "Training",
    "TrainingInterrupted", "UnknownNameError", "backward", "check", "diagnose", "el2n", "exercise", "explain", "fit",
    "forward", "from_keras", "from_onnx", "from_sklearn", "from_torch", "gradients", "grand", "influence", "listen",
    "load", "paths", "per_example", "register_activation", "resume", "save", "self_influence", "to_onnx", "to_sklearn",
    "to_torch",
}  # fmt: skip


def stage(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported_stages(path: Path) -> set[str]:
    package = path.relative_to(SOURCE).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - (node.level - 1)]
            whole = [*base, *(node.module or "").split(".")]
            names = [whole] if node.module else [[*base, alias.name] for alias in node.names]
            found |= {parts[0] for parts in names}
    return found


def type_only_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    guarded = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {n.module for block in guarded for n in block.body if isinstance(n, ast.ImportFrom) and n.module}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_earlier_stages(path):
    own = STAGES.index(stage(path))
    later = {name for name in imported_stages(path) if STAGES.index(name) > own}
    assert later <= type_only_imports(path)


def test_every_module_has_a_stage():
    assert {stage(path) for path in MODULES} == set(STAGES)


def test_the_public_names_are_these():
    assert set(backtalk.__all__) == PUBLIC


def test_importing_backtalk_imports_no_heavy_or_optional_library():
    heavy = [
        "jax", "torch", "cupy", "sklearn", "scipy", "pandas", "rich", "typer", "safetensors.torch", "pyarrow",
        "tensorboard", "mlflow", "polars",
    ]  # fmt: skip
    code = f"import sys, backtalk, backtalk.cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "['typer']"
