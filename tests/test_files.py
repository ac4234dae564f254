"""Networks in files: round trips, and a clear sentence for every file that cannot be read."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import safetensors.numpy

import backtalk
from backtalk import FileFormatError, InputTypeError, Network, load, save
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.files import write_atomically

NETWORK = Network.create([3, 5, 4, 2], activation=["leaky_relu(slope=0.2)", "selu"], loss="huber(delta=2)", rng=0)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    save(NETWORK, path)
    return path


def write(path, arrays=None, network=NETWORK, **metadata):
    """A file like ours, with some of its parts replaced (None leaves one out)."""
    parts = {"version": 1, "loss": "squared_error", "activations": ["relu"] * (network.depth - 1)} | metadata
    parts = {name: value for name, value in parts.items() if value is not None}
    if arrays is None:
        arrays = {f"{f}.{i}": np.array(a) for f in "Wb" for i, a in getattr(network, f).items()}
    safetensors.numpy.save_file(arrays, path, {"backtalk.network": json.dumps(parts)})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[1, 1], [3, 7, 2], [2, *[3] * 11, 2]])
def test_a_network_comes_back_to_the_bit(tmp_path, sizes, dtype):
    network = Network.create(sizes, activation="mish", loss="poisson_deviance", rng=0, dtype=dtype)
    save(network, tmp_path / "n")
    back = load(tmp_path / "n")
    assert (back.sizes, back.activations, back.loss) == (network.sizes, network.activations, network.loss)
    for family in "Wb":
        for i, array in getattr(network, family).items():
            assert getattr(back, family)[i].dtype == array.dtype
            assert np.array_equal(getattr(back, family)[i], array)


def test_parameters_of_activations_and_losses_come_back(path):
    back = load(path)
    assert repr(back) == repr(NETWORK)
    assert back.activations == NETWORK.activations
    assert back.loss == NETWORK.loss


def test_networks_of_other_libraries_are_saved_and_come_back_as_numpy(tmp_path):
    torch = pytest.importorskip("torch")
    save(NETWORK.to(torch), tmp_path / "n")
    back = load(tmp_path / "n")
    assert all(np.array_equal(back.W[i], NETWORK.W[i]) for i in NETWORK.W)


def test_any_safetensors_reader_can_read_the_file(path):
    arrays = safetensors.numpy.load_file(path)
    assert sorted(arrays) == ["W.1", "W.2", "W.3", "b.1", "b.2", "b.3"]
    assert arrays["W.2"].shape == (4, 5)


def test_a_truncated_file_is_refused_at_every_length(path):
    content = path.read_bytes()
    for length in [0, 1, 7, 8, 9, 100, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(FileFormatError, match=r"is truncated, damaged or not a safetensors file"):
            load(path)


@pytest.mark.parametrize("content", [b"hello, world", b"\x00" * 64, bytes(range(256)) * 9, b"PK\x03\x04" * 99])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "n").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"is truncated, damaged or not a safetensors file"):
        load(tmp_path / "n")


def test_a_safetensors_file_that_is_not_ours_is_refused(tmp_path):
    safetensors.numpy.save_file({"weight": np.zeros(3)}, tmp_path / "n")
    with pytest.raises(FileFormatError, match=r"is a safetensors file, but not a network saved by backtalk"):
        load(tmp_path / "n")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 4}, "is of format 4, written by a newer backtalk, and this one reads up to 3: update"),
        ({"version": "one"}, "in a way that cannot be read"),
        ({"version": 0}, "in a way that cannot be read"),
        ({"version": True}, "in a way that cannot be read"),
        ({"version": float("inf")}, "in a way that cannot be read"),
        ({"version": None}, "in a way that cannot be read"),
        ({"loss": None}, "lacks the description"),
        ({"activations": None}, "lacks the description"),
        ({"activations": ["relu"]}, "activation has 1 entries, expected 2"),
        ({"activations": ["relu", "rleu"]}, "did you mean 'relu'.*must be registered before loading"),
        ({"activations": [1, 2]}, "expected a name"),
        ({"loss": "huber(delta=-1)"}, "delta of huber is -1"),
        (
            {"loss": "cross_entrop"},
            r"did you mean 'cross_entropy'\? Known are [a-z_, ]*\. A loss of your own must be reg",
        ),
        ({"output": "softmx", "version": 2}, "did you mean 'softmax'"),
        ({"arrays": {}}, "holds the arrays none, expected W.1, b.1"),
        ({"arrays": {f"x{i}": np.zeros(1) for i in range(99)}}, "arrays x0, x1, x10, x11, x12, x13 and 93 more, expe"),
        ({"arrays": {"W.1": np.zeros((2, 2))}}, "expected W.1, b.1"),
        ({"arrays": {"W.1": np.zeros((2, 2)), "b.1": np.zeros(3)}, "activations": []}, r"b\[1\] has 3 entries"),
        ({"arrays": {"W.1": np.full((2, 2), np.nan), "b.1": np.zeros(2)}, "activations": []}, r"W\[1\] holds nan"),
    ],
)
def test_a_file_that_does_not_hold_a_network_is_refused_with_the_reason(tmp_path, changes, words):
    write(tmp_path / "n", **changes)
    with pytest.raises(FileFormatError, match=words):
        load(tmp_path / "n")


def test_a_file_whose_check_sum_has_lost_its_name_is_refused(path):
    path.write_bytes(path.read_bytes().replace(b"check_sum", b"chick_sum"))
    with pytest.raises(FileFormatError, match=r"its check sum does not fit what it holds"):
        load(path)


def test_metadata_that_is_nested_too_deep_is_refused(tmp_path):
    metadata = {"backtalk.network": "[" * 100_000}
    safetensors.numpy.save_file({"W.1": np.zeros((1, 1)), "b.1": np.zeros(1)}, tmp_path / "n", metadata)
    with pytest.raises(FileFormatError, match=r"in a way that cannot be read"):
        load(tmp_path / "n")


@pytest.mark.skipif(os.name != "posix", reason="pipes with a name")
def test_a_pipe_and_a_device_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(FileFormatError, match=r"is no ordinary file"):
            load(path)


def test_what_is_no_network_or_no_path_is_refused():
    with pytest.raises(InputTypeError, match=r"network is a NoneType"):
        save(None, "n")  # pyright: ignore[reportArgumentType]
    for use in (load, lambda path: save(NETWORK, path)):
        with pytest.raises(InputTypeError, match=r"path is 3, expected the name of a file"):
            use(3)  # pyright: ignore[reportArgumentType]


def test_an_activation_of_ones_own_comes_back_once_it_is_registered(tmp_path):
    backtalk.register_activation("cubic", lambda a: a**3, lambda a: 3 * a**2)
    try:
        save(Network.create([2, 2, 2], activation="cubic", rng=0), tmp_path / "n")
        assert load(tmp_path / "n").activations[0].name == "cubic"
    finally:
        del ACTIVATIONS["cubic"]
    with pytest.raises(FileFormatError, match=r"'cubic', which is not known.*must be registered"):
        load(tmp_path / "n")


def test_a_missing_file_is_a_plain_os_error_and_a_folder_is_that_of_a_run(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    with pytest.raises(FileFormatError, match=rf"^{tmp_path} is a folder without model.safetensors, expected a file"):
        load(tmp_path)
    save(NETWORK, tmp_path / "model.safetensors")
    assert load(str(tmp_path)).sizes == load(tmp_path).sizes == NETWORK.sizes


def test_a_write_that_fails_leaves_the_old_file_and_no_other(path, monkeypatch):
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left"):
        save(Network.create([2, 2], rng=1), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_saving_into_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        save(NETWORK, tmp_path / "none" / "n")
    assert caught.value.filename == str(tmp_path / "none" / "n")


def test_saving_over_a_folder_is_an_os_error_that_names_it(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        save(NETWORK, tmp_path)
    assert caught.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_no_ordinary_file_is_written_into_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert pipe.is_fifo()


def test_lines_are_appended_whole_and_an_error_names_the_file(tmp_path, monkeypatch):
    from backtalk.core import files

    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:3]))
    files.append(tmp_path / "lines", b"a longer line\n")
    files.append(tmp_path / "lines", b"another\n")
    assert (tmp_path / "lines").read_bytes() == b"a longer line\nanother\n"
    with pytest.raises(FileNotFoundError) as refused:
        files.append(tmp_path / "nowhere" / "lines", b"x")
    assert refused.value.filename == str(tmp_path / "nowhere" / "lines")


def test_what_a_killed_process_left_half_written_is_told_from_all_else(tmp_path):
    from backtalk.core.files import unfinished

    names = [".a.st.~abcd_123", ".a.st.bak", ".a.st.~mine", ".b.st.~abcd_123", ".a.st.abcd1234", "a.st"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in unfinished(tmp_path / "a.st")] == names[:1]
