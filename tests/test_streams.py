"""Training on data in files: the same examples as in memory, each once in an epoch, to the bit after a resume."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest

import backtalk.data.streams.arrays as arrays
from backtalk import (
    Checkpoint,
    FileFormatError,
    InputError,
    InputTypeError,
    MissingLibraryError,
    Network,
    UnknownNameError,
    fit,
    resume,
)
from backtalk.data.streams import MemoryMapped, ParquetFiles
from backtalk.data.streams.drawing import cut, draw_blocks

needs_pyarrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
RNG = np.random.default_rng(0)
ROWS, COLUMNS = 230, 5
X = RNG.normal(size=(ROWS, COLUMNS))
LABELS = RNG.integers(0, 3, ROWS)
WEIGHT = RNG.uniform(0.5, 2, ROWS)
CLASSES = np.array(["ash", "elm", "oak"])
BUFFER = 50 * COLUMNS * 8  # of 50 rows in float64


def network(loss="cross_entropy", dtype="float64", outputs=3):
    return Network.create([COLUMNS, 4, outputs], activation="tanh", loss=loss, rng=0, dtype=dtype)


def write_npy(folder, X=X, y=LABELS, weight=WEIGHT):
    for name, array in (("X", X), ("y", y), ("weight", weight)):
        np.save(folder / f"{name}.npy", array)
    return folder


def write_parquet(path, X=X, rows=37, **others):
    import pyarrow
    import pyarrow.parquet

    columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
    pyarrow.parquet.write_table(pyarrow.table({**columns, **others}), path, row_group_size=rows)
    return path


def npy(folder, **options):
    write_npy(folder)
    return MemoryMapped(folder / "X.npy", folder / "y.npy", **{"buffer_bytes": BUFFER, **options})


def parquet(folder, **options):
    """Three files of several row groups each, in a folder."""
    folder.mkdir(exist_ok=True)
    for k, part in enumerate(np.array_split(np.arange(ROWS), 3)):
        write_parquet(folder / f"part-{k}.parquet", X[part], y=LABELS[part], weight=WEIGHT[part])
    columns = [f"x{j}" for j in range(COLUMNS)]
    return ParquetFiles(folder, columns=columns, **{"buffer_bytes": BUFFER, **options})


KINDS = [npy, pytest.param(parquet, marks=needs_pyarrow)]
either = pytest.mark.parametrize("kind", KINDS)


def weighted(kind, folder, **options):
    weight = {npy: folder / "weight.npy", parquet: "weight"}[kind]
    write_npy(folder)
    return kind(folder, sample_weight=weight, **options)


def epoch_of(stream, net, batch_size=8, seed=0):
    """The parts of an epoch as (X, labels), in the order in which they are taken."""
    source = stream.source(net, True, None)
    parts = []
    for part in source.parts(np.random.default_rng(seed), batch_size):
        examples, order = part.load()
        assert part.count == len(order) == examples.count
        parts.append((examples.X[order], examples.labels[order]))
    return parts


def same(one, other):
    families = (one.network.to_lists(), other.network.to_lists())
    pairs = zip(itertools.chain(*families[0]), itertools.chain(*families[1]), strict=True)
    history = [(each.losses, each.validation_losses, each.reason) for each in (one, other)]
    return history[0] == history[1] and all(np.array_equal(a, b) for a, b in pairs)


# drawing


@pytest.mark.parametrize("lanes", [1, 3, 20])
@pytest.mark.parametrize("block_rows", [1, 4, 100])
def test_every_row_is_drawn_once_and_each_group_from_its_first_row_to_its_last(block_rows, lanes):
    groups = [5, 1, 12, 7, 30]
    blocks = draw_blocks(groups, block_rows, lanes, np.random.default_rng(3))
    for group, rows in enumerate(groups):
        ours = [block for block in blocks if block.group == group]
        assert [block.first for block in ours] == list(range(0, rows, block_rows))
        assert sum(block.rows for block in ours) == rows


def test_no_more_groups_than_lanes_are_open_at_a_time():
    blocks = draw_blocks([9] * 12, 2, 3, np.random.default_rng(1))
    last = {block.group: place for place, block in enumerate(blocks)}
    first = {block.group: place for place, block in reversed(list(enumerate(blocks)))}
    assert max(sum(first[g] <= place <= last[g] for g in last) for place in range(len(blocks))) == 3


def test_all_parts_but_the_last_are_of_one_size():
    blocks = draw_blocks([9, 4, 20, 8], 3, 2, np.random.default_rng(1))
    parts = list(cut(blocks, 10))
    assert [sum(block.rows for block in part) for part in parts] == [10, 10, 10, 10, 1]


# the validation set


@pytest.mark.parametrize("weighed", [True, False])
def test_a_validation_set_in_a_file_has_the_loss_of_the_same_in_memory_to_the_bit(weighed, tmp_path):
    rows = 2 * 4096 + 100
    rng = np.random.default_rng(1)
    held, labels = rng.normal(size=(rows, COLUMNS)).astype(np.float32), rng.integers(0, 3, rows)
    weight = rng.uniform(0.5, 2, rows) if weighed else None
    np.save(tmp_path / "X.npy", held)
    net = network(dtype="float32")
    in_memory = (held, labels) if weight is None else (held, labels, weight)
    both = [
        fit(net, X, LABELS, epochs=3, rng=0, validation=validation, patience=2)
        for validation in (in_memory, MemoryMapped(tmp_path / "X.npy", labels, weight))
    ]
    assert same(*both)


# the examples of an epoch


@either
@pytest.mark.parametrize("buffer_bytes", [1, 400, BUFFER, 10**9])
def test_every_row_is_in_an_epoch_once_with_its_label(kind, buffer_bytes, tmp_path):
    parts = epoch_of(kind(tmp_path, buffer_bytes=buffer_bytes), network())
    found_X, found_y = (np.concatenate(each) for each in zip(*parts, strict=True))
    order, expected = np.lexsort(found_X.T), np.lexsort(X.T)
    np.testing.assert_array_equal(found_X[order], X[expected])
    np.testing.assert_array_equal(found_y[order], LABELS[expected])


@either
def test_every_part_but_the_last_holds_whole_mini_batches(kind, tmp_path):
    counts = [len(y) for _, y in epoch_of(kind(tmp_path), network(), batch_size=8)]
    assert counts == [48, 48, 48, 48, 38]


@either
def test_the_order_follows_from_the_generator_alone_and_differs_between_epochs(kind, tmp_path):
    stream = kind(tmp_path)
    first, again, other = (np.concatenate([each for each, _ in epoch_of(stream, network(), seed=s)]) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@either
def test_a_buffer_mixes_rows_from_all_over_the_file(kind, tmp_path):
    places = {row.tobytes(): k for k, row in enumerate(X)}
    parts = epoch_of(kind(tmp_path), network(), batch_size=8)
    for each, _ in parts[:-1]:
        found = np.array([places[row.tobytes()] for row in each])
        assert np.abs(np.diff(found)).mean() > 10
        assert np.ptp(found) > ROWS / 3


@either
def test_float32_networks_get_float32(kind, tmp_path):
    parts = epoch_of(kind(tmp_path), network(dtype="float32"))
    assert {each.dtype for each, _ in parts} == {np.dtype(np.float32)}


@needs_pyarrow
@pytest.mark.parametrize("decoded_rows", [1, 7, 37, 50])
def test_row_groups_are_read_in_stretches_of_any_length(decoded_rows, tmp_path, monkeypatch):
    whole = epoch_of(parquet(tmp_path), network())
    monkeypatch.setattr("backtalk.data.streams.parquet.DECODED_BYTES", decoded_rows * COLUMNS * 8)
    for (found, labels), (expected, expected_labels) in zip(epoch_of(parquet(tmp_path), network()), whole, strict=True):
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(labels, expected_labels)


def test_the_memory_that_an_epoch_takes_does_not_grow_with_the_file(tmp_path):
    large = np.zeros((200_000, COLUMNS))  # 8 MB
    np.save(tmp_path / "X.npy", large)
    np.save(tmp_path / "y.npy", np.arange(len(large)) % 3)
    stream = MemoryMapped(tmp_path / "X.npy", tmp_path / "y.npy", buffer_bytes=100_000)
    del large
    tracemalloc.start()
    fit(network(), stream, epochs=1, batch_size=100, rng=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


# training


@either
@pytest.mark.parametrize("engine", ["auto", "formula"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0}])
def test_training_on_whole_batches_is_that_of_memory(kind, engine, class_weight, tmp_path):
    options = {"epochs": 4, "batch_size": ROWS, "rng": 0, "engine": engine, "class_weight": class_weight}
    stream = weighted(kind, tmp_path, buffer_bytes=10**6)
    losses = fit(network(), stream, **options).losses
    np.testing.assert_allclose(losses, fit(network(), X, LABELS, WEIGHT, **options).losses, rtol=1e-12)


@either
@pytest.mark.parametrize("engine", ["auto", "formula"])
def test_training_learns_by_mini_batches(kind, engine, tmp_path):
    training = fit(network(), kind(tmp_path), epochs=8, optimizer="adam(learning_rate=0.01)", rng=0, engine=engine)
    assert training.losses[-1] < training.losses[0]
    assert same(training, fit(network(), kind(tmp_path), epochs=8, optimizer="adam(learning_rate=0.01)", rng=0,
                              engine=engine))  # fmt: skip


@either
def test_a_validation_set_stops_training_early(kind, tmp_path):
    own = (X[:40], LABELS[:40])
    training = fit(network(), kind(tmp_path), epochs=500, validation=own, patience=2, rng=0,
                   optimizer="adam(learning_rate=0.1)")  # fmt: skip
    assert training.reason == "patience"


@either
def test_progress_counts_the_rows_of_all_parts(kind, tmp_path):
    seen = []
    fit(network(), kind(tmp_path), epochs=1, rng=0, progress=lambda p: seen.append((p.examples, p.count)) and None)
    assert seen[-1] == (ROWS, ROWS)
    assert seen == sorted(seen)


@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 2)])
def test_numbers_are_targets_of_regression(shape, tmp_path):
    y = RNG.normal(size=shape)
    write_npy(tmp_path, y=y)
    net = network("squared_error", outputs=len(shape) if len(shape) == 1 else 2)
    stream = MemoryMapped(tmp_path / "X.npy", tmp_path / "y.npy")
    options = {"epochs": 3, "batch_size": ROWS, "rng": 0}
    np.testing.assert_allclose(fit(net, stream, **options).losses, fit(net, X, y, **options).losses, rtol=1e-12)


@needs_pyarrow
def test_several_columns_of_numbers_are_several_outputs(tmp_path):
    y = RNG.normal(size=(ROWS, 2))
    path = write_parquet(tmp_path / "data.parquet", y0=y[:, 0], y1=y[:, 1])
    stream = ParquetFiles(path, target=["y0", "y1"])
    net, options = network("squared_error", outputs=2), {"epochs": 3, "batch_size": ROWS, "rng": 0}
    assert (stream.columns, stream.classes) == (tuple(f"x{j}" for j in range(COLUMNS)), None)
    np.testing.assert_allclose(fit(net, stream, **options).losses, fit(net, X, y, **options).losses, rtol=1e-12)


@needs_pyarrow
def test_text_is_classes_in_sorted_order(tmp_path):
    stream = ParquetFiles(write_parquet(tmp_path / "data.parquet", y=CLASSES[LABELS]), buffer_bytes=BUFFER)
    assert stream.classes == ("ash", "elm", "oak")
    whole = {"epochs": 3, "batch_size": ROWS, "rng": 0}
    for given, class_weight in (({"elm": 3.0}, {1: 3.0}), ("balanced", "balanced"), (None, None)):
        large = ParquetFiles(tmp_path / "data.parquet")
        found = fit(network(), large, class_weight=given, **whole).losses
        expected = fit(network(), X, LABELS, class_weight=class_weight, **whole).losses
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@needs_pyarrow
@pytest.mark.parametrize("form", ["dictionary", "large_string"])
def test_text_of_other_forms_is_classes_too(form, tmp_path):
    import pyarrow

    text = pyarrow.array(CLASSES[LABELS])
    y = text.dictionary_encode() if form == "dictionary" else text.cast(form)
    stream = ParquetFiles(write_parquet(tmp_path / "data.parquet", y=y), buffer_bytes=BUFFER)
    assert stream.classes == tuple(CLASSES)
    labels = np.concatenate([each for _, each in epoch_of(stream, network())])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(LABELS))


@needs_pyarrow
def test_a_class_weight_for_a_class_that_does_not_occur_is_refused(tmp_path):
    stream = ParquetFiles(write_parquet(tmp_path / "data.parquet", y=CLASSES[LABELS]))
    with pytest.raises(InputError, match="class_weight names the class 'fir', which does not occur in y"):
        fit(network(), stream, class_weight={"fir": 2.0})


@needs_pyarrow
def test_whole_numbers_are_their_own_classes(tmp_path):
    assert parquet(tmp_path).classes == (0, 1, 2)


@needs_pyarrow
def test_columns_of_every_kind_of_number_are_read(tmp_path):
    import pyarrow

    table = {
        "small": pyarrow.array(RNG.integers(0, 9, ROWS), pyarrow.int8()),
        "flag": pyarrow.array(RNG.integers(0, 2, ROWS).astype(bool)),
        "half": pyarrow.array(RNG.normal(size=ROWS).astype(np.float32)),
        "fixed": pyarrow.array(np.round(RNG.normal(size=ROWS), 2)).cast(pyarrow.decimal128(9, 2), safe=False),
    }
    path = write_parquet(tmp_path / "data.parquet", X[:, :1], y=LABELS, **table)
    stream = ParquetFiles(path, columns=["x0", *table])
    parts = epoch_of(stream, network())
    found = np.concatenate([each for each, _ in parts])
    plain = [np.asarray([float(value) for value in column.to_pylist()]) for column in table.values()]
    expected = np.stack([X[:, 0], *plain], axis=1)
    np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)], rtol=1e-15)


@either
def test_the_arrays_are_of_the_library_of_the_network(kind, tmp_path):
    import array_api_strict

    net, options = network(), {"epochs": 2, "batch_size": 16, "rng": 0, "engine": "formula"}
    elsewhere = fit(net.to(array_api_strict), kind(tmp_path), **options)
    np.testing.assert_allclose(elsewhere.losses, fit(net, kind(tmp_path), **options).losses, rtol=1e-12)


# memory maps given as X


def test_a_large_memory_map_is_read_while_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "STREAMED_FROM", 1000)
    write_npy(tmp_path)
    X_map = np.load(tmp_path / "X.npy", mmap_mode="r")
    found = fit(network(), X_map, LABELS, WEIGHT, epochs=3, rng=0)
    stream = MemoryMapped(tmp_path / "X.npy", LABELS, WEIGHT)
    assert same(found, fit(network(), stream, epochs=3, rng=0))
    with pytest.raises(InputError, match=r"validation is 0.1, but X is read as a Stream: give a set"):
        fit(network(), X_map, LABELS, validation=0.1)


def test_a_small_memory_map_is_trained_on_in_memory(tmp_path):
    write_npy(tmp_path)
    X_map = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert same(fit(network(), X_map, LABELS, epochs=3, rng=0), fit(network(), X, LABELS, epochs=3, rng=0))


@pytest.mark.parametrize(
    "view",
    [lambda a: a[20:], lambda a: a[::2], lambda a: a[:, 1:], lambda a: a[3:200:3, ::2], lambda a: a[5:][10:, 2:]],
)
def test_parts_of_memory_maps_are_read_where_they_lie(view, tmp_path):
    np.save(tmp_path / "wide.npy", np.hstack([X, X + 1]).astype(np.float32))
    part = view(np.load(tmp_path / "wide.npy", mmap_mode="r"))
    stream = MemoryMapped(part, np.zeros(len(part), int), buffer_bytes=500)
    net = Network.create([part.shape[1], 3], rng=0)
    found = np.concatenate([each for each, _ in epoch_of(stream, net)])
    expected = np.asarray(part, np.float64)
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


@pytest.mark.parametrize("view", [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a.T])
def test_memory_maps_that_do_not_lie_row_by_row_are_refused(view, tmp_path):
    write_npy(tmp_path)
    part = view(np.load(tmp_path / "X.npy", mmap_mode="r"))
    with pytest.raises(InputError, match="do not lie in its file row by row"):
        MemoryMapped(part, np.zeros(len(part), int))


def test_what_is_written_into_a_map_and_not_into_its_file_is_not_passed_over(tmp_path):
    write_npy(tmp_path)
    X_map = np.load(tmp_path / "X.npy", mmap_mode="c")
    with pytest.raises(InputError, match="do not lie in its file row by row"):
        MemoryMapped(X_map, LABELS)
    y_map = np.load(tmp_path / "y.npy", mmap_mode="c")
    y_map[:] = 0
    stream = MemoryMapped(tmp_path / "X.npy", y_map)
    assert not np.concatenate([each for _, each in epoch_of(stream, network())]).any()


def test_whole_batches_are_taken_of_a_large_memory_map_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "STREAMED_FROM", 1000)
    X_map = np.load(write_npy(tmp_path) / "X.npy", mmap_mode="r")
    options = {"epochs": 3, "optimizer": "lbfgs"}
    assert same(fit(network(), X_map, LABELS, **options), fit(network(), X, LABELS, **options))


def test_whole_numbers_of_a_raw_binary_file_are_read_through_a_memory_map(tmp_path):
    whole = (X * 40).astype(np.int16)
    whole.tofile(tmp_path / "X.bin")
    stream = MemoryMapped(np.memmap(tmp_path / "X.bin", np.int16, "r", shape=X.shape), LABELS, buffer_bytes=BUFFER)
    found = np.concatenate([each for each, _ in epoch_of(stream, network())])
    np.testing.assert_array_equal(found[np.lexsort(found.T)], whole[np.lexsort(whole.T)])


# checkpoints


@either
@pytest.mark.parametrize("stop", [1, 3, 6, 14, 15, 29, 30, 40])
def test_a_resumed_run_equals_one_that_never_stopped_to_the_bit(kind, stop, tmp_path):
    options = {"epochs": 4, "batch_size": 16, "rng": 4, "dropout": 0.2, "class_weight": "balanced"}
    whole = fit(network(), weighted(kind, tmp_path), **options)
    place = Checkpoint(tmp_path / "run.safetensors", every_steps=1)
    part = fit(network(), weighted(kind, tmp_path), checkpoint=place, progress=lambda p: p.step >= stop, **options)
    assert part.reason == "callback"
    assert same(resume(place.path, weighted(kind, tmp_path)), whole)


@needs_pyarrow
@pytest.mark.parametrize("decoded_rows", [7, 1000])
@pytest.mark.parametrize("stop", [1, 4, 9, 13, 16])
def test_a_run_that_is_resumed_within_row_groups_larger_than_the_buffer_is_the_same_to_the_bit(
    stop, decoded_rows, tmp_path, monkeypatch
):
    monkeypatch.setattr("backtalk.data.streams.parquet.DECODED_BYTES", decoded_rows * COLUMNS * 8)
    path = write_parquet(tmp_path / "data.parquet", rows=90, y=LABELS)
    options = {"epochs": 2, "batch_size": 16, "rng": 4}
    whole = fit(network(), ParquetFiles(path, buffer_bytes=BUFFER), **options)
    place = Checkpoint(tmp_path / "run.safetensors", every_steps=1)
    stream = ParquetFiles(path, buffer_bytes=BUFFER)
    fit(network(), stream, checkpoint=place, progress=lambda p: p.step >= stop, **options)
    assert same(resume(place.path, stream), whole)


@either
def test_parts_that_were_done_are_not_loaded_again(kind, tmp_path, monkeypatch):
    place = Checkpoint(tmp_path / "run.safetensors", every_steps=1)
    fit(network(), kind(tmp_path), epochs=1, batch_size=16, rng=0, checkpoint=place, progress=lambda p: p.step >= 10)
    read = []
    stream = kind(tmp_path)
    make = stream.reader

    def watched(*arguments):
        reader = make(*arguments)
        monkeypatch.setattr(type(reader), "read", _noting(type(reader).read, read))
        return reader

    monkeypatch.setattr(stream, "reader", watched)
    resume(place.path, stream)
    assert sum(read) <= ROWS - 48 * 3  # steps 1 to 9 took the first three parts of 48 rows


def _noting(method, read):
    def note(self, block, X):
        read.append(block.rows)
        return method(self, block, X)

    return note


@either
def test_other_data_are_refused_by_resume(kind, tmp_path):
    path = tmp_path / "run.safetensors"
    fit(network(), kind(tmp_path), epochs=1, checkpoint=path, rng=0)
    for stream in (kind(tmp_path, buffer_bytes=2 * BUFFER), weighted(kind, tmp_path)):
        with pytest.raises(InputError, match="not those that this run was trained on"):
            resume(path, stream)
    resume(path, kind(tmp_path))


# what is refused


@either
def test_a_value_that_is_not_finite_is_refused_with_its_row_and_column(kind, tmp_path):
    bad = X.copy()
    bad[123, 2] = np.nan
    if kind is npy:
        kind(tmp_path)
        np.save(tmp_path / "X.npy", bad)
        stream, place = MemoryMapped(tmp_path / "X.npy", LABELS, buffer_bytes=BUFFER), r"row 123, column 2 of .*X\.npy"
    else:
        stream = ParquetFiles(write_parquet(tmp_path / "a.parquet", bad, y=LABELS), buffer_bytes=BUFFER)
        place = r"row 123, column 'x2' of .*a\.parquet"
    with pytest.raises(InputError, match=rf"X holds nan as float64 in {place}: expected finite numbers"):
        fit(network(), stream, rng=0)


@either
def test_a_number_too_large_for_float32_is_refused(kind, tmp_path):
    bad = X.copy()
    bad[7, 1] = 1e300
    if kind is npy:
        stream = MemoryMapped(np.load(write_npy(tmp_path, bad) / "X.npy", mmap_mode="r"), LABELS)
    else:
        stream = ParquetFiles(write_parquet(tmp_path / "a.parquet", bad, y=LABELS))
    with pytest.raises(InputError, match="X holds inf as float32 in row 7, column"):
        fit(network(dtype="float32"), stream, rng=0)


@either
def test_a_label_outside_of_the_network_is_refused_with_its_row(kind, tmp_path):
    rows = np.flatnonzero(LABELS == 2).tolist()
    if kind is parquet:  # three files, whose rows are counted in each
        rows = [row - start for start, end in ((0, 77), (77, 154), (154, ROWS)) for row in rows if start <= row < end]
    row = f"({'|'.join(map(str, rows))})"
    with pytest.raises(InputError, match=rf"y is 2 in row {row} of .*, expected labels 0 … 1"):
        fit(network(outputs=2), kind(tmp_path), rng=0)


@either
def test_a_negative_weight_is_refused_with_its_row(kind, tmp_path):
    weight = WEIGHT.copy()
    weight[201] = -1
    if kind is npy:
        write_npy(tmp_path, weight=weight)
        stream = MemoryMapped(tmp_path / "X.npy", LABELS, tmp_path / "weight.npy", buffer_bytes=BUFFER)
    else:
        path = write_parquet(tmp_path / "a.parquet", y=LABELS, weight=weight)
        stream = ParquetFiles(path, sample_weight="weight", buffer_bytes=BUFFER)
    with pytest.raises(InputError, match=r"sample_weight holds -1\.0 in row 201 of"):
        fit(network(), stream, rng=0)


@either
def test_what_cannot_go_with_a_stream_is_refused(kind, tmp_path):
    stream = kind(tmp_path)
    with pytest.raises(InputError, match="X is a Stream, which holds y and the weights itself"):
        fit(network(), stream, LABELS)
    with pytest.raises(InputError, match=r"validation is 0.2, but X is read as a Stream: give a set"):
        fit(network(), stream, validation=0.2)
    with pytest.raises(InputError, match="optimizer is 'lbfgs', which takes no checkpoint, no state and no Stream"):
        fit(network(), stream, optimizer="lbfgs")
    with pytest.raises(InputError, match="X has 5 columns, but the network has 7 inputs"):
        fit(Network.create([7, 3], rng=0), stream)
    for wrong, error in ((0, InputError), (1.5, InputTypeError), (True, InputTypeError)):
        with pytest.raises(error, match="buffer_bytes is"):
            kind(tmp_path, buffer_bytes=wrong)


def test_files_that_are_not_arrays_of_numbers_are_refused(tmp_path):
    write_npy(tmp_path)
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "words.npy", CLASSES[LABELS])
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    np.save(tmp_path / "empty.npy", X[:0])
    np.savez(tmp_path / "several.npz", X=X)
    for number, (kind, shape) in enumerate([("<U0", (3,)), ("<f8", (2**62, 2**62)), ("<f8", (-1, 2)), ("<f8", (9,))]):
        header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}".encode()
        content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24)
        (tmp_path / f"forged{number}.npy").write_bytes(content)
    names = ("text.npy", "words.npy", "objects.npy", "empty.npy", "several.npz", *(f"forged{k}.npy" for k in range(4)))
    for name in names:
        with pytest.raises(FileFormatError, match=name):
            MemoryMapped(tmp_path / name, LABELS)
    with pytest.raises(FileNotFoundError):
        MemoryMapped(tmp_path / "nothing.npy", LABELS)
    with pytest.raises(InputTypeError, match=r"X is a ndarray, expected the name of a \.npy file, or a memmap"):
        MemoryMapped(X, LABELS)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_and_devices_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        for read in (lambda path: MemoryMapped(path, LABELS), lambda path: ParquetFiles(path)):
            with pytest.raises(FileFormatError, match="is no ordinary file but a pipe or a device"):
                read(path)


def test_a_parquet_file_with_fewer_rows_than_it_says_is_refused(tmp_path, monkeypatch):
    stream = parquet(tmp_path)
    monkeypatch.setattr(ParquetFiles, "decoded", lambda *_: iter(()))
    with pytest.raises(FileFormatError, match=r"parquet holds fewer rows than it says: it is damaged"):
        fit(network(), stream, rng=0)


def test_shapes_that_do_not_fit_are_refused(tmp_path):
    write_npy(tmp_path)
    with pytest.raises(InputError, match="y has 3 rows, but X has 230"):
        MemoryMapped(tmp_path / "X.npy", [0, 1, 2])
    with pytest.raises(InputError, match=r"X has shape \(230,\), expected \(examples, columns\)"):
        MemoryMapped(tmp_path / "y.npy", LABELS)
    with pytest.raises(InputError, match=r"sample_weight has shape \(230, 5\), expected \(230,\)"):
        MemoryMapped(tmp_path / "X.npy", LABELS, tmp_path / "X.npy")


def test_a_file_that_was_made_shorter_is_refused(tmp_path):
    stream = npy(tmp_path)
    content = (tmp_path / "X.npy").read_bytes()
    (tmp_path / "X.npy").write_bytes(content[:-300])
    with pytest.raises(FileFormatError, match=r"X\.npy ends before row .*: it was made shorter"):
        fit(network(), stream, rng=0)


@needs_pyarrow
def test_columns_that_cannot_be_used_are_refused(tmp_path):
    import pyarrow

    holes = pyarrow.array([None if k == 41 else float(k) for k in range(ROWS)])
    path = write_parquet(tmp_path / "a.parquet", y=LABELS, name=CLASSES[LABELS], holes=holes, weight=WEIGHT)
    numbers = [f"x{j}" for j in range(COLUMNS)]
    with pytest.raises(UnknownNameError, match="target is 'z', which is not known"):
        ParquetFiles(path, target="z")
    with pytest.raises(UnknownNameError, match="columns is 'x9', which is not known: did you mean"):
        ParquetFiles(path, columns=["x9"])
    with pytest.raises(InputError, match=r"column 'name' holds text in .*a\.parquet: expected numbers"):
        ParquetFiles(path)
    with pytest.raises(InputError, match="columns holds 'y', which is the target or the weight"):
        ParquetFiles(path, columns=["x0", "y"])
    with pytest.raises(InputError, match="columns names 'x0' twice"):
        ParquetFiles(path, columns=["x0", "x0"])
    with pytest.raises(InputTypeError, match="columns is 'x0', expected a list of names"):
        ParquetFiles(path, columns="x0")
    for options in ({"columns": [*numbers[1:], "holes"]}, {"columns": numbers, "target": "holes"}):
        with pytest.raises(InputError, match=r"column 'holes' has no value in row 41 of .*a\.parquet"):
            fit(network(), ParquetFiles(path, **options), rng=0)


@needs_pyarrow
def test_files_that_are_not_parquet_or_differ_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no file named \*\.parquet"):
        ParquetFiles(tmp_path)
    with pytest.raises(FileNotFoundError):
        ParquetFiles(tmp_path / "nothing.parquet")
    write_parquet(tmp_path / "a.parquet", y=LABELS)
    write_parquet(tmp_path / "b.parquet", X[:, :4], y=LABELS)
    with pytest.raises(InputError, match=r"column 'x4' is missing in .*b\.parquet"):
        ParquetFiles(tmp_path)
    (tmp_path / "b.parquet").write_text("no parquet")
    with pytest.raises(FileFormatError, match=r"b\.parquet is not a Parquet file, or is damaged"):
        ParquetFiles(tmp_path)


@needs_pyarrow
def test_a_target_of_another_kind_in_one_of_the_files_is_refused(tmp_path):
    write_parquet(tmp_path / "a.parquet", y=LABELS)
    write_parquet(tmp_path / "b.parquet", y=CLASSES[LABELS])
    with pytest.raises(InputError, match=r"column 'y' holds text in .*b\.parquet, but whole numbers in .*a\.parquet"):
        ParquetFiles(tmp_path)


@needs_pyarrow
def test_a_file_without_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no rows"):
        ParquetFiles(write_parquet(tmp_path / "a.parquet", X[:0], y=LABELS[:0]))


@needs_pyarrow
def test_parquet_files_of_other_values_or_columns_have_another_fingerprint(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", y=LABELS)
    first = ParquetFiles(path).fingerprint()
    assert ParquetFiles(path, columns=["x0"]).fingerprint() != first
    assert ParquetFiles(write_parquet(path, y=LABELS)).fingerprint() == first
    assert ParquetFiles(write_parquet(path, X + 1, y=LABELS)).fingerprint() != first


# the libraries


def test_pyarrow_is_imported_when_it_is_needed_and_its_absence_told(monkeypatch, tmp_path):
    code = "import sys, backtalk.data.streams; print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'backtalk\[data\]'"):
        ParquetFiles(tmp_path / "a.parquet")


@needs_pyarrow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parquet_is_decoded_once_into_arrays(dtype, tmp_path):
    data, net = weighted(parquet, tmp_path), network(dtype=dtype)
    decoded = data.to_npy(tmp_path / "decoded", dtype=dtype)
    np.testing.assert_array_equal(np.load(tmp_path / "decoded" / "X.npy"), X.astype(dtype))
    options = {"epochs": 2, "batch_size": ROWS, "rng": 0}
    one, other = fit(net, data, **options), fit(net, decoded, **options)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-5)
    assert sorted(path.name for path in (tmp_path / "decoded").iterdir()) == ["X.npy", "sample_weight.npy", "y.npy"]


@needs_pyarrow
@pytest.mark.parametrize("first", [0, 1])
def test_row_numbers_of_parquet_files_are_left_out_and_told(tmp_path, first):
    import pyarrow
    import pyarrow.parquet

    def write(name, **columns):
        table = pyarrow.table(columns)
        facts = {"pandas": '{"index_columns": ["key"], "columns": []}'}
        pyarrow.parquet.write_table(table.replace_schema_metadata(facts), tmp_path / name, row_group_size=7)

    shuffled = np.random.default_rng(0).permutation(20)
    columns = {"a": shuffled, "key": shuffled, "Unnamed: 0": shuffled, "y": shuffled % 2}
    write("a.parquet", counted=np.arange(20) + first, anew=np.arange(20) + first, **columns)
    write("b.parquet", counted=np.arange(20, 40) + first, anew=np.arange(20) + first, **columns)
    with pytest.warns(UserWarning, match="left out the row numbers 'counted', 'anew', 'key', 'Unnamed: 0'; name"):
        stream = ParquetFiles(tmp_path)
    assert (stream.columns, stream.left_out) == (("a",), ("counted", "anew", "key", "Unnamed: 0"))
    asked = ParquetFiles(tmp_path, columns=["a", "counted"])
    assert (asked.columns, asked.left_out) == (("a", "counted"), ())
