"""Data that do not fit in memory: memory maps and Parquet files, read while training goes on."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import Checkpoint, FileFormatError, InputError, InputTypeError, Network, UnknownNameError, fit, resume
from backtalk.train.streams import MemoryMapped, ParquetFiles, arrays
from backtalk.train.streams.drawing import cut, draw_blocks

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS, COLUMNS, BUFFER = 1000, 5, 4000  # a buffer of float64 holds 100 rows
NAMES = ["ant", "bee", "cat"]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, COLUMNS))
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5), rng.uniform(0.5, 2, size=ROWS)


@pytest.fixture
def net():
    return Network.create([COLUMNS, 7, 3], activation="tanh", rng=1)


def write_npy(folder, X, y, weight=None):
    for name, array in (("X", X), ("y", y), ("w", weight)):
        if array is not None:
            np.save(folder / f"{name}.npy", array)


def mapped(folder, X, y, weight=None, **options):
    write_npy(folder, X, y, weight)
    weights = None if weight is None else folder / "w.npy"
    return MemoryMapped(folder / "X.npy", folder / "y.npy", weights, **{"buffer_bytes": BUFFER, **options})


def table_of(X, y, weight=None):
    columns = {f"x{j}": X[:, j] for j in range(X.shape[1])} | {"y": y}
    return pa.table(columns if weight is None else columns | {"w": weight})


def parquet(folder, X, y, weight=None, row_group_size=37, **options):
    half = len(X) // 2
    for number, rows in enumerate((slice(0, half), slice(half, None))):
        table = table_of(X[rows], y[rows], None if weight is None else weight[rows])
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=row_group_size)
    weights = None if weight is None else "w"
    return ParquetFiles(folder, sample_weight=weights, **{"buffer_bytes": BUFFER, **options})


KINDS = pytest.mark.parametrize("kind", [mapped, parquet])


def parameters(training):
    return [*training.network.W.values(), *training.network.b.values()]


def assert_same_bits(one, other):
    assert one.losses == other.losses
    assert all((a == b).all() for a, b in zip(parameters(one), parameters(other), strict=True))


def epoch_of(stream, net, batch_size=32, seed=0):
    """The parts of an epoch, as (X in the order in which it is taken, y)."""
    parts = []
    for part in stream.source(net, True, None).parts(np.random.default_rng(seed), batch_size):
        examples, order = part.load()
        assert len(order) == part.count
        parts.append((examples.X[order], examples.labels[order]))
    return parts


@KINDS
@pytest.mark.parametrize("row_group_size", [37, 1000])
def test_an_epoch_holds_every_row_once(tmp_path, data, net, kind, row_group_size):
    X, y, _ = data
    stream = kind(tmp_path, X, y, **({"row_group_size": row_group_size} if kind is parquet else {}))
    parts = epoch_of(stream, net)
    found = np.column_stack([np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])])
    expected = np.column_stack([X, y])
    assert (found[np.lexsort(found.T)] == expected[np.lexsort(expected.T)]).all()
    assert (found != expected).any()


@KINDS
def test_each_part_but_the_last_holds_whole_mini_batches(tmp_path, data, net, kind):
    counts = [len(labels) for _, labels in epoch_of(kind(tmp_path, *data[:2]), net, batch_size=32)]
    assert counts == [96] * 10 + [40]


@KINDS
def test_the_rows_of_a_mini_batch_come_from_all_over_the_file(tmp_path, data, net, kind):
    X, y, _ = data
    X = X.copy()
    X[:, 0] = np.arange(ROWS)
    places = np.sort(epoch_of(kind(tmp_path, X, y), net)[0][0][:32, 0])
    assert places[-1] - places[0] > ROWS / 2


@KINDS
def test_epochs_differ_in_their_order_and_the_seed_fixes_it(tmp_path, data, net, kind):
    stream = kind(tmp_path, *data[:2])
    first, again, other = (epoch_of(stream, net, seed=seed)[0][0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_a_group_is_read_from_its_first_row_to_its_last_and_groups_are_mixed():
    blocks = draw_blocks([50, 50, 57], 5, 2, np.random.default_rng(3))
    for group in range(3):
        firsts = [block.first for block in blocks if block.group == group]
        assert firsts == sorted(firsts)
    assert len({block.group for block in blocks[:10]}) == 2
    assert sum(block.rows for part in cut(blocks, 16) for block in part) == 157


@KINDS
@pytest.mark.parametrize("engine", ["auto", "formula"])
def test_one_whole_batch_gives_the_loss_and_step_of_the_same_data_in_memory(tmp_path, data, net, kind, engine):
    X, y, weight = data
    stream = kind(tmp_path, X, y, weight, buffer_bytes=2**20)
    settings = {"epochs": 3, "batch_size": ROWS, "engine": engine, "class_weight": "balanced", "rng": 0}
    ours, theirs = fit(net, stream, **settings), fit(net, X, y, weight, **settings)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-12)
    for a, b in zip(parameters(ours), parameters(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@KINDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_from_a_file_learns_as_from_memory(tmp_path, data, kind, dtype):
    X, y, _ = data
    net = Network.create([COLUMNS, 16, 3], rng=1, dtype=dtype)
    settings = {"epochs": 30, "optimizer": "adam(learning_rate=0.01)", "rng": 0}
    losses = fit(net, kind(tmp_path, X.astype(dtype), y), **settings, validation=(X, y)).validation_losses
    assert losses[-1] == pytest.approx(fit(net, X, y, **settings, validation=(X, y)).validation_losses[-1], abs=0.05)


@KINDS
@pytest.mark.parametrize("stop", [1, 3, 17, 31, 40, 63])
def test_training_resumed_within_an_epoch_equals_to_the_bit_training_that_never_stopped(
    tmp_path, data, net, kind, stop, monkeypatch
):
    X, y, weight = data
    group = {"row_group_size": 260} if kind is parquet else {}
    stream = kind(tmp_path, X, y, weight, **group)
    settings = {"epochs": 2, "rng": 5, "dropout": 0.2, "class_weight": {0: 2.0}}
    whole = fit(net, stream, **settings)
    path = tmp_path / "run.safetensors"
    fit(net, stream, **settings, checkpoint=Checkpoint(path, every_steps=1), progress=lambda p: p.step >= stop)
    read = []
    before = arrays._Reader.read
    monkeypatch.setattr(arrays._Reader, "read", lambda self, block, X: (read.append(block), before(self, block, X))[1])
    resumed = resume(path, kind(tmp_path, X, y, weight, **group))
    assert_same_bits(resumed, whole)
    if kind is mapped:  # the parts that were done are not read again: 96 rows each, in mini-batches of 32
        left = 2 * ROWS - stop // 32 * ROWS - stop % 32 * 32
        assert left <= sum(block.rows for block in read) <= left + 96


def test_resume_refuses_other_data_and_another_buffer(tmp_path, data, net):
    X, y, _ = data
    stream, path = mapped(tmp_path, X, y), tmp_path / "run.safetensors"
    fit(net, stream, epochs=1, rng=0, checkpoint=path)
    with pytest.raises(InputError, match="expected the same data"):
        resume(path, mapped(tmp_path, X, y, buffer_bytes=2 * BUFFER), epochs=2)
    X = X.copy()
    X[-1] += 1
    with pytest.raises(InputError, match="expected the same data"):
        resume(path, mapped(tmp_path, X, y), epochs=2)


def test_parquet_files_of_other_values_have_another_fingerprint(tmp_path, data):
    X, y, _ = data
    first = parquet(tmp_path, X, y).fingerprint()
    assert parquet(tmp_path, X, y).fingerprint() == first
    assert parquet(tmp_path, X, y, columns=["x0", "x1"]).fingerprint() != first
    assert parquet(tmp_path, X + 1, y).fingerprint() != first


@KINDS
def test_training_stopped_by_progress_leaves_no_file_open(tmp_path, data, net, kind):
    training = fit(net, kind(tmp_path, *data[:2]), rng=0, progress=lambda p: True)
    assert training.reason == "callback"


def test_a_large_memory_map_given_to_fit_is_read_as_a_stream(tmp_path, data, net, monkeypatch):
    X, y, weight = data
    write_npy(tmp_path, X, y, weight)
    X, y, weight = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "y", "w"))
    small = fit(net, X, y, epochs=2, rng=0)
    monkeypatch.setattr(arrays, "STREAMED_FROM", 1)
    large = fit(net, X, y, weight, epochs=2, rng=0)
    assert_same_bits(large, fit(net, MemoryMapped(X, y, weight), epochs=2, rng=0))
    assert small.losses != large.losses
    assert fit(net, X, y, epochs=2, optimizer="lbfgs").losses  # whole batches need the whole array
    with pytest.raises(InputError, match="read as a Stream: give a set"):
        fit(net, X, y, validation=0.1)


def test_a_part_of_a_memory_map_is_found_in_its_file(tmp_path, data):
    X, y, _ = data
    np.save(tmp_path / "all.npy", np.column_stack([X, y]))
    whole = np.load(tmp_path / "all.npy", mmap_mode="r")
    stream = MemoryMapped(whole[100:900:2, 1:4], whole[100:900:2, -1], buffer_bytes=BUFFER)
    net = Network.create([3, 1], loss="squared_error", rng=0)
    examples = [part.load()[0] for part in stream.source(net, True, None).parts(np.random.default_rng(0), 1000)]
    found = np.column_stack([examples[0].X, examples[0].target])
    expected = np.column_stack([X[100:900:2, 1:4], y[100:900:2]])
    assert (found[np.argsort(found[:, 0])] == expected[np.argsort(expected[:, 0])]).all()


def test_raw_binary_files_and_whole_numbers_are_read_through_a_memory_map(tmp_path, data, net):
    X = (data[0] * 40).astype(np.int16)
    X.tofile(tmp_path / "X.bin")
    stream = MemoryMapped(np.memmap(tmp_path / "X.bin", np.int16, "r", shape=X.shape), data[1], buffer_bytes=2**20)
    assert_same_bits(
        fit(net, stream, rng=0, epochs=2),
        fit(net, mapped(tmp_path, X.astype(float), data[1], buffer_bytes=2**20), rng=0, epochs=2),
    )


def test_several_outputs_are_a_list_of_target_columns(tmp_path, data):
    X, y, _ = data
    pq.write_table(table_of(X, y), tmp_path / "data.parquet", row_group_size=100)
    stream = ParquetFiles(tmp_path / "data.parquet", target=["x3", "x4"], columns=["x2", "x0"])
    net = Network.create([stream.inputs, 2], loss="squared_error", rng=0)
    assert (stream.columns, stream.count, stream.classes) == (("x2", "x0"), ROWS, None)
    settings = {"epochs": 2, "batch_size": ROWS, "rng": 0}
    ours, theirs = fit(net, stream, **settings), fit(net, X[:, [2, 0]], X[:, 3:5], **settings)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-12)


@pytest.mark.parametrize("form", ["text", "dictionary", "large"])
def test_text_classes_are_numbered_in_sorted_order(tmp_path, data, net, form):
    X, y, _ = data
    text = pa.array(np.array(NAMES)[y])
    text = {"text": text, "dictionary": text.dictionary_encode(), "large": text.cast(pa.large_string())}[form]
    pq.write_table(table_of(X, text), tmp_path / "text.parquet", row_group_size=50)
    stream = ParquetFiles(tmp_path / "text.parquet", buffer_bytes=BUFFER)
    assert stream.classes == tuple(NAMES)
    settings = {"epochs": 2, "rng": 0, "class_weight": {"cat": 3.0}}
    (tmp_path / "numbers").mkdir()
    pq.write_table(table_of(X, y), tmp_path / "numbers" / "a.parquet", row_group_size=50)
    numbered = ParquetFiles(tmp_path / "numbers", buffer_bytes=BUFFER)
    assert numbered.classes == (0, 1, 2)
    assert_same_bits(fit(net, stream, **settings), fit(net, numbered, **settings | {"class_weight": {2: 3.0}}))
    with pytest.raises(InputError, match="names the class 'dog', which does not occur in y"):
        fit(net, stream, class_weight={"dog": 2.0})


def test_columns_of_mixed_kinds_become_numbers(tmp_path):
    decimals = pa.array([1, 2, 3]).cast(pa.decimal128(20, 1))
    table = pa.table({"a": [True, False, True], "b": [1, 2, 3], "c": decimals, "y": [True, False, True]})
    pq.write_table(table, tmp_path / "mixed.parquet")
    stream = ParquetFiles(tmp_path)
    assert stream.classes == (False, True)
    X, _ = epoch_of(stream, Network.create([3, 2], rng=0))[0]
    assert sorted(X.tolist()) == [[0, 2, 2], [1, 1, 1], [1, 3, 3]]


def test_arrays_of_other_libraries_are_trained_on_files_too(tmp_path, data):
    torch = pytest.importorskip("torch")
    X, y, _ = data
    net = Network.create([COLUMNS, 3], rng=0)
    stream = mapped(tmp_path, X, y)
    ours = fit(net.to(torch), stream, epochs=2, rng=0, class_weight="balanced")
    np.testing.assert_allclose(ours.losses, fit(net, stream, epochs=2, rng=0, class_weight="balanced").losses)


def spoil(array, row, column, value):
    array = array.copy()
    array[row, column] = value
    return array


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_row_and_column(tmp_path, data, net, value):
    X = spoil(data[0], 777, 3, value)
    with pytest.raises(InputError, match=rf"X holds {value} as float64 in row 777, column 3 of .*X\.npy"):
        fit(net, mapped(tmp_path, X, data[1]), rng=0)
    with pytest.raises(InputError, match=r"in row 277, column 'x3' of .*1\.parquet: expected finite numbers"):
        fit(net, parquet(tmp_path, X, data[1]), rng=0)


def test_a_value_too_big_for_the_network_is_refused(tmp_path, data):
    X = spoil(data[0], 5, 1, 1e300)
    with pytest.raises(InputError, match="X holds inf as float32 in row 5, column 1"):
        fit(Network.create([COLUMNS, 3], rng=0, dtype="float32"), mapped(tmp_path, X, data[1]), rng=0)


@KINDS
def test_a_label_beyond_the_outputs_is_refused_with_where_to_look(tmp_path, data, net, kind):
    y = data[1].copy()
    y[123] = 3
    with pytest.raises(InputError, match=r"y is 3 at row.*Counted from row \d+ of"):
        fit(net, kind(tmp_path, data[0], y), rng=0)


@KINDS
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_weight_below_0_or_not_finite_is_refused(tmp_path, data, net, kind, value):
    weight = data[2].copy()
    weight[600] = value
    with pytest.raises(InputError, match=rf"sample_weight holds {value} in row (600|100) of .*: expected 0 or more"):
        fit(net, kind(tmp_path, *data[:2], weight), rng=0)


@KINDS
def test_what_does_not_fit_the_network_or_the_settings_is_refused(tmp_path, data, net, kind):
    stream = kind(tmp_path, *data[:2])
    with pytest.raises(InputError, match="X has 5 columns, but the network has 4 inputs"):
        fit(Network.create([4, 3], rng=0), stream)
    with pytest.raises(InputError, match="no Stream"):
        fit(net, stream, optimizer="lbfgs")
    with pytest.raises(InputError, match="has no classes"):
        fit(Network.create([COLUMNS, 1], loss="squared_error", rng=0), stream, class_weight="balanced")


def test_files_that_are_no_arrays_are_refused(tmp_path, data):
    X, y, _ = data
    (tmp_path / "text.npy").write_text("hello")
    with pytest.raises(FileFormatError, match=r"text\.npy is not a \.npy file"):
        MemoryMapped(tmp_path / "text.npy", y)
    np.savez(tmp_path / "both.npz", X=X, y=y)
    with pytest.raises(FileFormatError, match="several arrays"):
        MemoryMapped(tmp_path / "both.npz", y)
    np.save(tmp_path / "names.npy", np.array(NAMES))
    with pytest.raises(FileFormatError, match="expected real numbers"):
        MemoryMapped(tmp_path / "names.npy", y)
    with pytest.raises(FileNotFoundError):
        MemoryMapped(tmp_path / "none.npy", y)
    with pytest.raises(InputTypeError, match="X is a ndarray, expected the name"):
        MemoryMapped(X, y)


def test_arrays_of_other_shapes_are_refused(tmp_path, data):
    X, y, weight = data
    write_npy(tmp_path, X, y)
    np.save(tmp_path / "columns.npy", np.asfortranarray(X))
    np.save(tmp_path / "empty.npy", X[:0])
    with pytest.raises(InputError, match="row by row"):
        MemoryMapped(tmp_path / "columns.npy", y)
    with pytest.raises(FileFormatError, match="holds nothing"):
        MemoryMapped(tmp_path / "empty.npy", y)
    with pytest.raises(InputError, match="y has 999 rows, but X has 1000"):
        MemoryMapped(tmp_path / "X.npy", y[1:])
    with pytest.raises(InputError, match="sample_weight has shape"):
        MemoryMapped(tmp_path / "X.npy", y, weight[1:])
    with pytest.raises(InputError, match=r"X has shape \(1000,\)"):
        MemoryMapped(tmp_path / "y.npy", y)
    with pytest.raises(InputError, match="buffer_bytes is 0"):
        MemoryMapped(tmp_path / "X.npy", y, buffer_bytes=0)
    with pytest.raises(InputError, match="row by row"):  # what is written into the map is not in the file
        MemoryMapped(np.load(tmp_path / "X.npy", mmap_mode="c"), y)


def test_a_file_made_shorter_is_refused(tmp_path, data, net):
    stream = mapped(tmp_path, *data[:2])
    (tmp_path / "X.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:-8000])
    with pytest.raises(FileFormatError, match="it was made shorter"):
        fit(net, stream, rng=0)


def test_parquet_columns_that_cannot_be_used_are_refused(tmp_path, data):
    X, y, _ = data
    stream = parquet(tmp_path, X, y)
    with pytest.raises(UnknownNameError, match="did you mean 'x1'"):
        ParquetFiles(tmp_path, columns=["x1x"])
    with pytest.raises(UnknownNameError, match="target is 'label'"):
        ParquetFiles(tmp_path, target="label")
    with pytest.raises(InputError, match="columns holds 'y', which is the target"):
        ParquetFiles(tmp_path, columns=["x0", "y"])
    with pytest.raises(InputError, match="columns names 'x0' twice"):
        ParquetFiles(tmp_path, columns=["x0", "x0"])
    pq.write_table(table_of(X, y).append_column("name", [["a"] * ROWS]), tmp_path / "2.parquet")
    with pytest.raises(InputError, match=r"column 'name' holds text in .*2\.parquet.*columns=\[…\]"):
        ParquetFiles(tmp_path / "2.parquet")
    pq.write_table(table_of(X, y).drop_columns("x2"), tmp_path / "2.parquet")
    with pytest.raises(InputError, match=r"column 'x2' is missing in .*2\.parquet"):
        ParquetFiles(tmp_path)
    pq.write_table(table_of(X, y.astype(str)), tmp_path / "2.parquet")
    with pytest.raises(InputError, match=r"column 'y' holds text in .*2\.parquet, but whole numbers in .*0\.parquet"):
        ParquetFiles(tmp_path)
    assert stream.count == ROWS


def test_a_missing_value_in_a_parquet_file_is_refused_with_its_row(tmp_path, data, net):
    X, y, _ = data
    values = X[:, 1].tolist()
    values[444] = None
    table = table_of(X, y).set_column(1, "x1", pa.array(values))
    pq.write_table(table, tmp_path / "holes.parquet", row_group_size=100)
    with pytest.raises(InputError, match="column 'x1' has no value in row 444 of"):
        fit(net, ParquetFiles(tmp_path), rng=0)
    labels = [None if row == 7 else int(label) for row, label in enumerate(y)]
    pq.write_table(table_of(X, pa.array(labels)), tmp_path / "holes.parquet")
    with pytest.raises(InputError, match="column 'y' has no value in row 7 of"):
        assert ParquetFiles(tmp_path).classes


def test_files_that_are_not_parquet_are_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"holds no file named \*\.parquet"):
        ParquetFiles(tmp_path)
    (tmp_path / "a.parquet").write_text("hello")
    with pytest.raises(FileFormatError, match=r"a\.parquet is not a Parquet file"):
        ParquetFiles(tmp_path)
    pq.write_table(table_of(*data[:2])[:0], tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has no rows"):
        ParquetFiles(tmp_path)
    with pytest.raises(FileNotFoundError):
        ParquetFiles(tmp_path / "none.parquet")
