"""The command line in processes of its own: output, exit codes, one sentence for an error."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from backtalk import Network, load, save
from backtalk.engines.native.kernels import available, describe, extension, kernels, threads
from limits import LIMIT


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "backtalk", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100", **environment},
        timeout=LIMIT,
    )


def refuse(*arguments, **environment) -> str:
    """Run what must be refused: exit code 2, nothing on stdout, one line on stderr, which is returned."""
    result = run(*arguments, **environment)
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("backtalk: ")
    return result.stderr


@pytest.fixture
def refused(call):
    """What is said of what must be refused, in this process: as by refuse()."""

    def asked(*arguments) -> str:
        code, out, err = call(*arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), err
        assert err.startswith("backtalk: ")
        return err

    return asked


def run_in_terminal(columns: int, *arguments, **environment) -> str:
    """What a terminal of this width gets to show, colours included."""
    import fcntl
    import pty
    import struct
    import termios

    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "backtalk", *map(str, arguments)],
        stdin=side,
        stdout=side,
        stderr=side,
        env={**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **environment},
    )
    os.close(side)
    content = b""
    try:
        while part := os.read(main, 4096):
            content += part
    except OSError:  # Linux says so that the other side is closed
        pass
    os.close(main)
    assert process.wait(LIMIT) == 0, content
    return content.decode()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save(Network.create([4, 5, 3], activation="tanh", rng=0), path)
    return path


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", "--out", folder)


def test_demo_trains_to_at_least_096_and_passes_its_check(demo):
    folder, result = demo
    assert result.returncode == 0, result
    assert "check passed: largest relative error" in result.stdout
    summary = json.loads((folder / "gradients.json").read_text())
    assert summary["test_accuracy"] >= 0.96
    assert f"test accuracy {summary['test_accuracy']:.4f}" in result.stdout
    assert summary["check"]["passed"] is True
    assert [row["layer"] for row in summary["gradient_norms"]] == [0, 1, 2, 3]
    assert load(folder / "model.safetensors").sizes == (64, 64, 32, 10)


def test_demo_gives_the_same_bits_again_and_json_when_asked(demo, tmp_path):
    folder, _ = demo
    result = run("demo", "--out", tmp_path, "--json")
    assert json.loads(result.stdout) == json.loads((folder / "gradients.json").read_text())
    assert (tmp_path / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_gradients_prints_the_norms_of_every_layer(model, call):
    code, out, _ = call("gradients", model, "iris")
    assert code == 0
    assert "mean over 150 examples of iris" in out
    assert "‖∇W‖" in out


def test_gradients_as_json_and_as_arrays(model, tmp_path, call):
    _, out, _ = call("gradients", model, "iris", "--json", "--arrays", tmp_path / "g.npz")
    rows = json.loads(out)["gradient_norms"]
    with np.load(tmp_path / "g.npz") as arrays:
        assert sorted(arrays) == ["W.1", "W.2", "a.1", "a.2", "b.1", "b.2", "h.0", "h.1", "h.2"]
        assert rows[2]["W"] == pytest.approx(np.linalg.norm(arrays["W.2"]))


def test_gradients_reads_a_csv_file_with_a_target(model, tmp_path, call):
    (tmp_path / "t.csv").write_text("label,a,b,c,d\n0,1,2,3,4\n2,0,1,0,1\n")
    _, out, _ = call("gradients", model, tmp_path / "t.csv", "--target", "label", "--json")
    assert json.loads(out)["examples"] == 2


def test_check_passes_without_data_and_with(model, call):
    assert call("check", model)[0] == 0
    code, out, _ = call("check", model, "iris", "--method", "central_differences", "--coordinates", "random", "--json")
    report = json.loads(out)
    assert (code, report["passed"], report["method"]) == (0, True, "central differences")


def test_the_demo_s_network_passes_by_central_differences_too(demo, call):
    folder, _ = demo
    code, out, _ = call("check", folder / "model.safetensors", "digits", "--method", "central_differences")
    assert code == 0, out
    code, out, _ = call(
        "check", folder / "model.safetensors", "--method", "central_differences", "--coordinates", "every"
    )
    assert code == 0, out


def test_info_names_the_engine_and_the_libraries():
    result = run("info", "--json")
    facts = json.loads(result.stdout)
    assert facts["numpy"] == np.__version__
    if kernels() is None:
        assert facts["engine"] == "formula"
        assert facts["why_no_kernels"]
    else:
        assert facts["engine"] == "native"
        assert facts["kernels"] == kernels()
        assert facts["kernels_available"] == available()
        assert facts["threads"] == threads()
    assert f"kernels         {describe()}" in run("info").stdout


def test_info_says_why_no_kernels_serve():
    facts = json.loads(run("info", "--json", BACKTALK_KERNELS="none").stdout)
    assert (facts["engine"], facts["kernels"], facts["threads"]) == ("formula", None, None)
    if extension is not None:
        assert "BACKTALK_KERNELS says" in facts["why_no_kernels"]
        assert "BACKTALK_KERNELS says" in run("info", BACKTALK_KERNELS="none").stdout


@pytest.mark.parametrize("command", [("info",), ("demo",), ("check", "MODEL"), ("gradients", "MODEL", "digits")])
def test_every_command_refuses_unknown_kernels(command, model, refused, asked_anew):
    asked_anew.setenv("BACKTALK_KERNELS", "x86-64-v9")
    refusal = refused(*(model if word == "MODEL" else word for word in command))
    assert "BACKTALK_KERNELS is 'x86-64-v9'" in refusal


def test_version_and_help():
    assert run("--version").stdout.startswith("backtalk 0.")
    assert "Usage: backtalk" in run("--help").stdout


def test_backtalk_alone_shows_three_commands_to_begin_with(call):
    code, out, err = call()
    shown = [line.split("   ")[0].split() for line in out.splitlines() if line.startswith("  backtalk ")]
    assert (code, err, len(shown)) == (0, "", 3)
    for _, command, *_ in shown:
        assert "Usage: backtalk " + command in call(command, "--help")[1]
    assert "backtalk --help" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train t.csv --target y --epsilon -1 --delta 1e-3", "--epsilon is -1.0, expected a number above 0"),
        ("train t.csv --target y --epsilon 1 --noise-multiplier 1 --delta 1e-3", "--epsilon is given, and a noise"),
        ("train t.csv --target y --checkpoint-seconds 0", "--checkpoint-seconds is 0.0, expected a number above 0."),
        ("train t.csv --target y --learning-rate -1", "--learning-rate of adam is -1.0, expected a number in"),
        ("train t.csv --target y --id age", "--id is 'age', which is not known"),
        ("train t.csv", "--target is missing: expected the column to predict, one of a, y."),
        ("exercise --sizes 3", "--sizes is [3], expected at least two"),
    ],
)
def test_an_error_calls_an_option_by_its_name_and_says_where_its_help_is(refused, tmp_path, line, said):
    (tmp_path / "t.csv").write_text("a,y\n" + "1,0\n2,1\n" * 10)
    command, *_ = line.split()
    error = refused(*line.split())
    assert error.startswith(f"backtalk: {said}")
    if "which is not known" not in said:  # then what is known is listed
        assert error.endswith(f" Try 'backtalk {command} --help'.\n")


def test_no_color_and_pipes_give_plain_text(model):
    assert "\x1b" not in run("check", model).stdout
    assert "\x1b" not in run("check", model, NO_COLOR="1", FORCE_COLOR="1").stdout.replace("\x1b[1m", "").replace(
        "\x1b[0m", ""
    ).replace("\x1b[1;", "")


def test_errors_are_one_sentence_and_exit_code_2(model, tmp_path, refused):
    assert "nothing.safetensors: No such file" in refuse("gradients", "nothing.safetensors", "digits")
    assert "DATA has 64 columns, but the network has 4 inputs" in refused("gradients", model, "digits")
    assert "did you mean 'iris'" in refused("gradients", model, "irs")
    assert "not a safetensors file" in refused("check", __file__)
    assert "did you mean 'complex_step'" in refused("check", model, "--method", "complex")
    assert "No such command 'gradient'. Did you mean" in refused("gradient")
    assert "No such option" in refused("check", model, "--nonsense")
    assert "Missing argument 'MODEL'. Try 'backtalk check --help'." in refused("check")
    assert "'--export' requires an argument. Try 'backtalk lab --help'." in refused("lab", "--export")
    assert "is a folder without model.safetensors" in refused("check", tmp_path)
    (tmp_path / "file").write_text("")
    assert "exists" in refused("demo", "--out", tmp_path / "file")
    assert "4294967295. Try 'backtalk demo --help'." in refused("demo", "--seed", 2**32)
    assert "there is no DATA to take a column from" in refused("check", model, "--target", "label")
    missing = tmp_path / "none" / "g.npz"
    assert f"{missing}: No such file or directory." in refused("gradients", model, "iris", "--arrays", missing)
    assert f"{tmp_path}: Is a directory." in refused("gradients", model, "iris", "--arrays", tmp_path)


def test_a_terminal_without_unicode_still_gets_its_answer(model):
    result = run("gradients", model, "iris", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "|grad W|" in result.stdout
    assert "?" not in result.stdout
    assert "4 -> 5 -> 3, on iris" in run("check", model, "iris", PYTHONIOENCODING="ascii").stdout
    assert "--out" in run("demo", "--help", PYTHONIOENCODING="ascii").stdout


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
@pytest.mark.parametrize("columns", [40, 120])
def test_numbers_are_whole_in_a_terminal_of_any_width(model, columns):
    text = run_in_terminal(columns, "gradients", model, "iris")
    assert len(re.findall(r"\d\.\d{4}e[+-]\d\d", text)) == 9
    assert "…" not in text
    text = run_in_terminal(columns, "check", model, "iris")
    assert len(re.findall(r"\d\.\de-\d\d", text)) == 10
    assert text.count("ok") == 9
    assert "\x1b[32m" in text  # green
    if columns == 40:  # the colours do not depend on the width
        assert "\x1b[3" not in run_in_terminal(columns, "check", model, "iris", NO_COLOR="1")


def test_lines_in_a_pipe_are_whole_at_any_width(model):
    result = run("check", model, "iris", COLUMNS="40")
    assert "over 3043 coordinates, by complex step" in result.stdout.splitlines()[-1]


@pytest.mark.skipif(os.name != "posix", reason="the shell of POSIX")
def test_a_closed_stdout_is_no_error(model):
    command = f"'{sys.executable}' -m backtalk gradients '{model}' iris >&-"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=LIMIT)
    assert (result.returncode, result.stderr) == (0, "")


def test_values_that_overflow_are_shown_without_a_warning(model, tmp_path, call):
    np.savez(tmp_path / "big.npz", X=np.full((2, 4), 1e308), y=[0, 1])
    _, out, err = call("gradients", model, tmp_path / "big.npz")
    assert err == ""
    assert "loss " in out
    np.savez(tmp_path / "one.npz", X=np.ones((1, 4)), y=[0])
    assert "1 example of one.npz" in call("gradients", model, tmp_path / "one.npz")[1]


def test_a_check_that_can_judge_nothing_says_so(tmp_path, call):
    save(Network([[[1.0]]], [[0.0]], loss="absolute_error"), tmp_path / "n")
    (tmp_path / "t.csv").write_text("x,y\n2,2\n")
    code, out, _ = call("check", tmp_path / "n", tmp_path / "t.csv")
    assert code == 0
    assert "check nothing could be judged: each of 5 coordinates meets a kink" in out
    assert out.count("not judged") == 5


def test_a_reader_that_leaves_early_is_no_error(model):
    command = f"'{sys.executable}' -m backtalk gradients '{model}' iris | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=LIMIT)
    assert result.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_says_so_and_exits_with_130(tmp_path):
    listen = (  # whoever began the tests may ignore Ctrl-C, and that would be handed down
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.executable, [sys.executable, '-m', 'backtalk', 'demo', '--out', sys.argv[1]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", listen, tmp_path / "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "demo").exists():  # made when the work begins
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert errors.strip() == "backtalk: interrupted."
