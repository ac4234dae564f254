"""How the command line ends if memory runs out, a library gives up, or Ctrl-C comes early: in a sentence."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from backtalk import Network, save
from backtalk.apps.tables import train
from limits import LIMIT
from one_network import ALONE_IN_WORDS, Options

posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits are those of POSIX")


def ended(code: str, *arguments: object) -> tuple[int, str]:
    """The exit code, and stderr."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "t.csv").write_text("a,y\n" + "".join(f"{k % 7},{'no' if k % 2 else 'yes'}\n" for k in range(40)))
    train(folder / "t.csv", folder / "run", Options("y", epochs=1, hidden=(2,)))
    save(Network.create([1, 2], rng=0), folder / "net.safetensors")
    (folder / "n.csv").write_text("a,y\n1,0\n2,1\n")
    return folder


@pytest.mark.parametrize(
    ("failing", "arguments", "advice"),
    [
        ("backtalk.apps.tables.prepare.open_table", ["train", "t.csv", "--target", "y"], "smaller --batch-size"),
        ("backtalk.apps.tables.run.prepare", ["resume", "run"], "go on again"),
        ("backtalk.apps.tables.use.read_table", ["predict", "run", "t.csv"], "in several tables"),
        ("backtalk.apps.tables.use.read_table", ["evaluate", "run", "t.csv"], "in several tables"),
        ("backtalk.apps.tables.use.read_table", ["explain", "run", "t.csv"], "fewer rows"),
        ("backtalk.data.built_in.load_data", ["diagnose", "net.safetensors", "n.csv"], "fewer rows"),
        ("backtalk.data.built_in.load_data", ["gradients", "net.safetensors", "n.csv"], "fewer rows"),
        ("backtalk.data.built_in.load_data", ["check", "net.safetensors", "n.csv"], "fewer rows"),
        ("backtalk.apps.lab.given.load_data", ["lab", "net.safetensors", "n.csv"], "fewer rows"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 7 GiB"),
        SystemError("<built-in function x> returned NULL without setting an exception"),
    ],
)
def test_memory_that_runs_out_is_a_sentence(call, run, monkeypatch, failing, arguments, advice, error):
    def fail(*_, **__):
        raise type(error)(*error.args)  # one of its own, since notes stay with it

    monkeypatch.setattr(failing, fail)
    monkeypatch.chdir(run)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"backtalk: memory ran out in 'backtalk {arguments[0]}' ({error}): ")
    assert advice in err
    kept = ["backtalk: What was trained is kept: 'backtalk resume run' goes on with it."]
    assert err.splitlines()[1:] == (kept if arguments[0] == "resume" else [])


@pytest.mark.parametrize("kind", [ImportError, OSError])
def test_a_library_that_does_not_fit_is_no_reason_to_give_fewer_rows(call, run, monkeypatch, kind):
    def fail(*_, **__):
        raise kind("x.so: failed to map segment from shared object")

    monkeypatch.setattr("backtalk.apps.tables.use.read_table", fail)
    code, _, err = call("predict", run / "run", run / "t.csv")
    assert code == 2
    assert err.endswith(
        ": libraries need about 1.5 GB of address space, so raise the limit that is set, such as by ulimit -v.\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_memory_that_really_runs_out_is_a_sentence(run):
    large = run / "large.npz"
    np.savez_compressed(large, X=np.zeros((2**26, 1), np.int8), y=np.zeros(2**26, np.int8))
    code = """
from backtalk.apps.cli import main
from backtalk.apps.lab.readers import limit_memory
from backtalk.interop import load
limit_memory(2**28)
main()
"""
    returned, err = ended(code, "gradients", run / "net.safetensors", large)
    assert returned == 2
    assert err.startswith("backtalk: memory ran out in 'backtalk gradients' (Unable to allocate ")
    assert err.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="it stands for a full disk")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_run_is_whole_though_stdout_is_a_file_on_a_full_disk(call, run, monkeypatch, tmp_path, options):
    small = ["--target", "y", *ALONE_IN_WORDS, "--epochs", "1", "--hidden", "2", "--out", tmp_path / "run", *options]
    for command in (["train", run / "t.csv", *small], ["resume", tmp_path / "run", *options]):
        with open("/dev/full", "w") as full, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", full)
            code, _, err = call(*command)
        why = "stdout could not be written (No space left on device)"
        assert (code, err) == (1, f"backtalk: {why}, but the run in {tmp_path / 'run'} is whole.\n")
    assert call("evaluate", tmp_path / "run", run / "t.csv")[0] == 0


def test_stdout_on_a_full_disk_is_called_by_its_name(call, run, monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("backtalk.apps.cli.predict.put", fail)
    code, _, err = call("predict", run / "run", run / "t.csv")
    assert (code, err) == (2, "backtalk: stdout: No space left on device: make room there, and try again.\n")


@posix
def test_an_abort_over_a_table_is_a_sentence_and_nothing_else_is_seen():
    code = """
import os, sys
from backtalk.apps.cli.crashes import spoken
with spoken("a.csv"):
    os.write(2, b"warned past Python\\n")
    print("seen", file=sys.stderr)
with spoken("t.parquet"):
    os.write(2, b"thread panicked\\nmemory allocation of 23 bytes failed\\nstack backtrace:\\n")
    print("this too", file=sys.stderr)
    os.abort()
"""
    returned, err = ended(code)
    assert returned == 2
    assert err.split("\n") == [
        "seen",
        "warned past Python",
        "this too",
        "backtalk: t.parquet cannot be read: it is damaged, or needs more memory than there is "
        "(memory allocation of 23 bytes failed): give fewer rows or columns.",
        "",
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_panic_is_a_sentence_though_it_is_no_exception(call, run, monkeypatch, suffix):
    path = run / f"panics{suffix}"
    frame = pl.DataFrame({"a": [1, 2], "y": [0, 1]})
    frame.write_parquet(path) if suffix == ".parquet" else frame.write_csv(path)

    def panic(*_, **__):
        raise pl.exceptions.PanicException("range end index 5 out of range\nnote: run with RUST_BACKTRACE")

    monkeypatch.setattr(pl, "read_csv", panic)
    monkeypatch.setattr(pl.LazyFrame, "collect", panic)
    monkeypatch.setattr(pl.LazyFrame, "collect_schema", panic)
    code, _, err = call("evaluate", run / "run", path)
    assert (code, err) == (2, f"backtalk: {path} cannot be read: it is damaged (range end index 5 out of range).\n")


@pytest.mark.parametrize(
    "panic",
    [
        pl.exceptions.PanicException("Os { code: 11, kind: WouldBlock, message: 'Resource temporarily unavailable' }"),
        pl.exceptions.ComputeError("Cannot allocate memory (os error 12)"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_memory_that_a_library_runs_out_of_is_no_bug_and_no_damage(call, run, monkeypatch, panic):
    def fail(*_, **__):
        raise panic

    for place in ("polars.read_csv", "backtalk.apps.tables.model.output_of"):
        with monkeypatch.context() as patch:
            patch.setattr(place, fail)
            code, _, err = call("predict", run / "run", run / "t.csv")
        assert (code, err) == (
            2,
            f"backtalk: memory ran out in 'backtalk predict' ({panic}): give the rows in several tables.\n",
        )


def test_what_is_no_exception_at_all_is_a_sentence_too(call, monkeypatch):
    class Panic(BaseException):
        pass

    def panic(*_):
        raise Panic("it gave up")

    monkeypatch.setattr("backtalk.engines.native.kernels.describe", panic)
    code, _, err = call("info")
    assert code == 2
    assert err.startswith("backtalk: internal error, Panic: it gave up; this is a bug")


@posix
@pytest.mark.parametrize(("at", "command"), [("typer", "info"), ("backtalk.apps.cli.train", "info"), ("numpy", "demo")])
def test_ctrl_c_while_the_command_line_is_imported_ends_it_without_a_traceback(tmp_path, at, command):
    (tmp_path / "backtalk").write_text(f"""
import os, signal, sys
class Presses:
    def find_spec(name, *_):
        if name == {at!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Presses)
from backtalk.apps.cli import main
main()
""")
    done = subprocess.run([sys.executable, tmp_path / "backtalk", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "backtalk: interrupted.\n")


def test_other_programs_that_import_backtalk_keep_their_ctrl_c():
    code = "import signal, backtalk; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    assert ended(code) == (0, "")
