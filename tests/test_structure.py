"""The shape of the package: which module may import which, and which names are public."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import backtalk

SOURCE = Path(backtalk.__file__).parent
# A folder imports only from those before it
FOLDERS = (
    "starting", "errors", "pages", "distributed", "core", "data", "interop", "engines", "train", "analysis",
    "per_example", "teaching", "apps",
)  # fmt: skip
PUBLIC = {
    "AMSGrad", "Activation", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "BacktalkError", "Callback",
    "CheckReport", "Checkpoint", "Derivation", "Diagnosis", "DivergedError", "Doctor", "Dropout", "Epoch", "Exercise",
    "FileFormatError", "Finding", "GradientDescent", "Gradients", "Heard", "HessianProduct", "HiddenUnits",
    "Hypergradients", "Influence", "InputError", "InputTypeError", "LBFGS", "LayerError", "LayerMeasures", "Layers",
    "Lion", "Loss", "LossLine", "LossPlane", "MLPClassifier", "MLPRegressor", "MemoryMapped", "Metric",
    "MissingLibraryError", "Momentum", "Nadam", "Nesterov", "Network", "ParquetFiles", "Paths", "Predictor", "Privacy",
    "PrivacySpent", "PrivateSteps", "ProcessLostError", "Progress", "RMSprop", "Recording", "Run", "SGD", "Shard",
    "StepDerivation", "TableClassifier", "TableRegressor", "Trace", "Training", "TrainingInterrupted",
    "UnknownNameError", "backward", "check", "check_step", "diagnose", "el2n", "exercise", "explain", "explain_step",
    "fit", "fit_many", "forward", "from_keras", "from_onnx", "from_sklearn", "from_torch", "gradients", "grand",
    "hessian_product", "hypergradients", "influence", "listen", "load", "load_members", "load_run", "loss_line",
    "loss_plane", "mean_network", "paths", "per_example", "register_activation", "register_loss", "resume", "retrain",
    "save", "score_influence", "self_influence", "to_onnx", "to_sklearn", "to_torch", "watch",
}  # fmt: skip


def name_of(path: Path) -> str:
    """``core.network`` for core/network.py, ``core`` for core/__init__.py, and nothing for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports_of(name: str) -> set[str]:
    """The modules of backtalk that a module imports, also within its functions; imports for type hints apart."""
    tree, path = ast.parse(MODULES[name].read_text()), MODULES[name]
    guarded = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    for_hints = {id(node) for block in guarded for node in ast.walk(block)}
    package = name.split(".") if path.stem == "__init__" and name else name.split(".")[:-1]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in for_hints:
            base = [*package[: len(package) - (node.level - 1)], *(node.module or "").split(".")]
            base = ".".join(filter(None, base))
            names = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
            found |= {each if each in MODULES else base for each in names}
    return found - {name}


IMPORTS = {name: imports_of(name) for name in MODULES}


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The nodes of a cycle, or nothing where there is none."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_a_folder_imports_only_from_those_before_it():
    def place(name: str) -> int:
        return FOLDERS.index(name.split(".")[0])

    own = {name: imported for name, imported in IMPORTS.items() if name not in ("", "__main__")}
    late = [(name, each) for name, found in own.items() for each in found if not each or place(each) > place(name)]
    assert late == []


def test_every_module_lies_in_a_folder_that_has_a_place():
    assert {name.split(".")[0] for name in MODULES} == {"", "__main__", *FOLDERS}


def test_no_modules_import_one_another_in_a_cycle():
    assert cycle_in(IMPORTS) == []


def test_within_a_folder_no_files_and_folders_import_one_another_in_a_cycle():
    for folder in (name for name, path in MODULES.items() if path.stem == "__init__"):
        depth = len(folder.split(".")) if folder else 0
        inside = {name for name in MODULES if name != folder and (not folder or name.startswith(f"{folder}."))}
        graph = {}
        for name in inside:
            own = name.split(".")[depth]
            others = {each.split(".")[depth] for each in IMPORTS[name] & inside}
            graph[own] = graph.get(own, set()) | (others - {own})
        assert cycle_in(graph) == [], folder


def test_no_function_hides_the_module_of_its_name():
    for name in MODULES:
        if name not in ("", "__main__"):
            import_module(f"backtalk.{name}")
    for name in MODULES:
        if "." in name:
            folder, _, own = name.rpartition(".")
            assert isinstance(getattr(sys.modules[f"backtalk.{folder}"], own), ModuleType), name


def test_dir_lists_every_public_name():
    assert set(dir(backtalk)) >= PUBLIC


def test_per_example_is_a_public_name_to_import_from():
    assert import_module("backtalk.per_example") is backtalk.per_example


def test_the_public_names_are_these():
    assert set(backtalk.__all__) == PUBLIC


def test_every_public_name_has_a_home():
    assert {*backtalk.HOMES, "per_example"} == PUBLIC
    for name, home in backtalk.HOMES.items():
        assert getattr(backtalk, name) is getattr(import_module(f"backtalk.{home}"), name)


def test_folders_are_found_without_an_import_of_their_own():
    assert backtalk.train is sys.modules["backtalk.train"]
    assert not hasattr(backtalk, "kernels")


def loaded_by(code: str, libraries: list[str]) -> list[str]:
    """Those of the libraries that a program has loaded at its end."""
    code += f"; import sys; print(*[name for name in {libraries} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


HEAVY = [
    "jax", "torch", "cupy", "sklearn", "scipy", "pandas", "rich", "typer", "safetensors.torch", "pyarrow",
    "tensorboard", "mlflow", "polars",
]  # fmt: skip


def test_the_public_names_import_no_heavy_or_optional_library():
    at_once = [name for name, home in backtalk.HOMES.items() if not home.startswith(("interop.", "apps", "teaching"))]
    assert loaded_by(f"from backtalk import per_example, {', '.join(at_once)}", HEAVY) == []


def test_a_prediction_needs_neither_scikit_learn_nor_training():
    assert loaded_by("import backtalk.apps.tables.use", ["sklearn", "scipy", "backtalk.train", "pyarrow"]) == []


def test_the_command_line_starts_without_numpy():
    code = "import backtalk.apps.cli as cli, typer; typer.main.get_command(cli.app)"
    assert loaded_by(code, [*HEAVY, "numpy", "asyncio"]) == ["typer"]
