"""Two networks side by side: what each learns, what a page may ask for, and that each prepared comparison is true."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from backtalk import fit, gradients, loss_plane
from backtalk.apps.lab import live
from backtalk.apps.lab.compare import PREPARED, Pair, compared_settings, plane_message, planes
from backtalk.apps.lab.compare.pair import MOST_PATH
from backtalk.apps.lab.datasets import SETS, named_data
from backtalk.apps.lab.settings import Settings
from backtalk.errors import InputError
from lab_page import serving
from limits import LIMIT


def pair_of(left: dict[str, Any], right: dict[str, Any]) -> Pair:
    settings = compared_settings({"left": left, "right": right}, Settings(), SETS)
    return Pair(settings, named_data(settings[0].data, settings[0].noise))


@cache
def prepared(name: str, steps: int) -> Pair:
    """A prepared comparison after so many steps; the tests share it, and leave it as it is."""
    comparison = next(each for each in PREPARED if each.name == name)
    return train(pair_of(*comparison.sides()), steps)


def train(pair: Pair, steps: int) -> Pair:
    """So many steps, however long a busy machine takes for them."""
    for _ in range(steps):
        pair.advance()
    return pair


def losses(pair: Pair) -> list[float]:
    """On the rows that are held out."""
    found = [side.trainer.validation_loss() for side in pair.sides]
    return [math.nan if loss is None else loss for loss in found]


def scores(pair: Pair) -> list[float]:
    """Accuracy, or R², on these rows."""
    found = [side.trainer.score() for side in pair.sides]
    return [math.nan if score is None else score for score in found]


# What it learns


@pytest.mark.parametrize("right", [{"optimizer": "momentum", "rate": 0.1}, {"layers": [5], "dropout": 0.4}])
def test_each_side_learns_to_the_bit_what_fit_learns_alone(right):
    pair = pair_of({"layers": [4]}, {"layers": [4], **right})
    train(pair, 30)  # three epochs of ten mini-batches
    for side in pair.sides:
        trainer = side.trainer
        settings = trainer.settings
        generator = np.random.default_rng(settings.seed)
        if not settings.dropout and "dropout" in right:
            generator.integers(
                2**64, dtype=np.uint64
            )  # the seed of the other side's dropout comes before the shuffling
        alone = fit(
            trainer.start, trainer.X_training, trainer.y_training, epochs=3, batch_size=32, rng=generator,
            optimizer=settings.made_optimizer(), dropout=settings.dropout,
        ).network  # fmt: skip
        for family in ("W", "b"):
            for i, array in getattr(alone, family).items():
                assert (array == getattr(trainer.network, family)[i]).all()


def test_both_sides_take_the_same_mini_batches_and_as_many_steps_whatever_they_differ_in():
    pair = pair_of({"dropout": 0.5}, {"layers": [3], "activation": "relu", "l2_penalty": 0.1})
    for count in (1, 7, 30):
        pair.advance(count)
        left, right = (side.trainer for side in pair.sides)
        assert left.step == right.step
        assert (left.batch_rows == right.batch_rows).all()


def test_a_side_that_diverges_stops_with_a_sentence_and_the_other_goes_on():
    pair = prepared("exploding", 150)
    left, right = pair.sides
    assert left.trainer.step == pair.step == 150
    assert not left.stopped
    assert right.trainer.step < 150
    assert "diverged" in right.stopped
    assert all(np.isfinite(W).all() for W in right.trainer.network.W.values())


def test_a_path_keeps_its_beginning_and_even_distances():
    pair = pair_of({"layers": [2], "batch": 4096}, {"layers": [2], "batch": 4096, "rate": 0.1})
    train(pair, 3 * MOST_PATH)
    for side in pair.sides:
        path = side.path
        assert path.networks[0] is side.trainer.start
        assert MOST_PATH // 2 <= len(path.steps) == len(path.networks) <= MOST_PATH
        assert set(np.diff(path.steps)) == {path.every}


# The prepared comparisons are true


def flow_ratio(pair: Pair) -> list[float]:
    return [side.flow()[0] / side.flow()[-1] for side in pair.sides]


def test_vanishing_gradients():
    left, right = flow_ratio(prepared("vanishing", 0))
    assert left < 1e-3
    assert right > 0.1
    left, right = losses(prepared("vanishing", 300))
    assert left > 0.6
    assert right < 0.1


def test_dead_relus():
    left, right = (side.units() for side in prepared("dead", 100).sides)
    assert left["dead"] < 4
    assert right["dead"] > right["count"] / 2
    assert prepared("dead", 100).sides[1].flow()[0] == 0 < prepared("dead", 100).sides[0].flow()[0]


def test_zero_weights_keep_units_alike():
    pair = prepared("symmetry", 300)
    left, right = pair.sides
    W = left.trainer.network.W[1]
    assert W.any()
    assert (W[0] == W).all()
    assert left.units()["different"] == 1
    assert right.units()["different"] == 8
    alike, drawn = scores(pair)
    assert alike < 0.8
    assert drawn > 0.95


def test_an_exploding_rate_ends_within_150_steps_and_rises_on_the_way():
    left, right = losses(prepared("exploding", 150))
    assert left < 0.1
    assert right > 1e100


def test_adam_without_bias_correction_begins_with_steps_of_3_16_rates():
    sizes = []
    for side in prepared("bias-correction", 1).sides:
        trainer = side.trainer
        moved = np.abs(trainer.network.b[2] - trainer.start.b[2])
        sizes.append(moved / trainer.settings.rate)
    np.testing.assert_allclose(sizes[0], 1, rtol=1e-4)
    np.testing.assert_allclose(sizes[1], 0.1 / 0.001**0.5, rtol=1e-4)
    corrected, uncorrected = scores(prepared("bias-correction", 40))
    assert corrected > 0.9
    assert uncorrected < 0.3


def steps_until(pair: Pair, reached: Callable[[Pair], list[bool]]) -> list[int]:
    """The steps after which each side has reached something, looked at every five steps."""
    found = [0, 0]
    while not all(found):
        train(pair, 5)
        found = [at or (pair.step if there else 0) for at, there in zip(found, reached(pair), strict=True)]
    return found


def test_squared_error_after_softmax_needs_several_times_as_many_steps():
    pair = pair_of(*next(each for each in PREPARED if each.name == "cross-entropy").sides())
    entropy, squares = steps_until(pair, lambda pair: [score > 0.9 for score in scores(pair)])
    assert squares > 3 * entropy


def test_adam_needs_fewer_steps_than_momentum_and_a_larger_rate_halves_those_of_momentum():
    left, right = next(each for each in PREPARED if each.name == "optimizer").sides()
    momentum, adam = steps_until(pair_of(left, right), lambda pair: [loss < 0.1 for loss in losses(pair)])
    assert adam < momentum / 2
    faster, _ = steps_until(pair_of(left | {"rate": 0.1}, right), lambda pair: [loss < 0.1 for loss in losses(pair)])
    assert faster < momentum / 2


def test_momentum_goes_farther():
    pair = prepared("momentum", 200)
    left, right = losses(pair)
    assert right < 0.6 * left
    plane = plane_message(pair.views())["planes"][0]
    lengths = [np.hypot(path["x"][-1] - path["x"][0], path["y"][-1] - path["y"][0]) for path in plane["paths"]]
    assert lengths[1] > 3 * lengths[0]


def test_the_plane_of_two_parameters_is_the_true_one_and_momentum_turns_back():
    pair = prepared("valley", 120)
    (plane,) = plane_message(pair.views())["planes"]
    assert plane["kind"] == "exact"
    assert plane["axes"] == ["W[1,1,1]", "b[1,1]"]
    plain, momentum = (np.array(path["y"]) for path in plane["paths"])
    assert (np.diff(plain) < 0).all()
    assert momentum.min() < momentum[-1] - 0.1
    # at right angles to the contours: each plain step goes along −∇ℒ of all rows
    trainer = pair.sides[0].trainer
    path = pair.sides[0].path.networks
    for before, after in itertools.pairwise(path):
        grads = gradients(before, trainer.X_training, trainer.y_training)
        step = [after.W[1][0, 0] - before.W[1][0, 0], after.b[1][0] - before.b[1][0]]
        np.testing.assert_allclose(step, [-0.03 * grads.W[1][0, 0], -0.03 * grads.b[1][0]], rtol=1e-8)


def test_an_l2_penalty_keeps_held_out_rows_from_being_forgotten():
    early, late = prepared("l2", 300), prepared("l2", 2500)
    assert losses(late)[0] > 1.2 * losses(early)[0]
    assert losses(late)[1] < losses(late)[0] / 1.2
    weights = [sum(float(np.vdot(W, W)) for W in side.trainer.network.W.values()) for side in late.sides]
    assert weights[1] < weights[0] / 4


def test_every_prepared_comparison_differs_in_one_setting_and_says_where_to_look():
    for each in PREPARED:
        left, right = each.sides()
        assert sum(left[name] != right[name] for name in left) == 1, each.name
        assert set(each.look) <= {"loss", "flow", "score", "surface", "units", "plane"}
        assert each.said.count(". ") >= 1


# The loss plane


def test_a_plane_holds_both_paths_and_is_that_of_the_library():
    pair = pair_of({"layers": [3], "rate": 0.1}, {"layers": [3], "optimizer": "sgd", "rate": 0.1})
    train(pair, 20)
    message = plane_message(pair.views())
    (plane,) = message["planes"]
    assert plane["sides"] == [path["name"] for path in plane["paths"]] == ["left", "right"]
    side = pair.sides[1]
    X, y = side.trainer.X_training, side.trainer.y_training
    views = pair.views()
    ours = loss_plane(side.trainer.network, X, y, paths={each.name: each.path for each in views}, points=31)
    np.testing.assert_allclose(plane["losses"], ours.losses)
    np.testing.assert_allclose(plane["paths"][1]["losses"][-1], gradients(side.trainer.network, X, y).loss)


def test_networks_of_other_shapes_have_a_plane_each():
    pair = pair_of({"layers": [3]}, {"layers": [2, 2]})
    train(pair, 10)
    assert [plane["sides"] for plane in plane_message(pair.views())["planes"]] == [["left"], ["right"]]


def test_the_plane_of_a_large_network_has_fewer_rows_and_points(monkeypatch):
    pair = pair_of({"layers": [3], "batch": 64}, {"layers": [3], "batch": 64, "rate": 0.1})
    train(pair, 5)
    fine = plane_message(pair.views())
    monkeypatch.setattr(planes, "MOST_WORK", 140_000)  # of 17 parameters
    coarse = plane_message(pair.views())
    assert (fine["rows"], coarse["rows"]) == (320, 50)
    assert [len(each["planes"][0]["x"]) for each in (fine, coarse)] == [31, 12]
    assert [len(each["lines"][0]["steps"]) for each in (fine, coarse)] == [61, 13]
    for line, side in zip(coarse["lines"], pair.sides, strict=True):
        np.testing.assert_allclose(line["tried"][0]["loss"], side.trainer.loss_after())


def test_the_line_of_a_step_ends_where_the_network_stands():
    pair = pair_of({"layers": [3], "l2_penalty": 0.01}, {"layers": [3], "rate": 0.5})
    assert plane_message(pair.views())["lines"] == [None, None]  # no step was taken
    pair.advance()
    message = plane_message(pair.views())
    assert not message["planes"]
    assert "take 3 steps" in message["said"]
    for line, side in zip(message["lines"], pair.sides, strict=True):
        trainer = side.trainer
        np.testing.assert_allclose(line["loss"], trainer.loss_before)
        np.testing.assert_allclose(line["tried"][0]["loss"], trainer.loss_after())


# The protocol


@pytest.fixture
def page():
    with serving() as lab, lab.page() as found:
        yield found


def compare(page, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    page.say("compare", left=left, right=right)
    return page.hear()


def test_a_page_compares_runs_steps_resets_and_goes_back(page):
    page.configure(layers=[2])
    page.step()
    setup = compare(page, {"layers": [4]}, {"layers": [4], "optimizer": "sgd"})
    assert setup["type"] == "pair"
    assert [side["configuration"]["optimizer"] for side in setup["sides"]] == ["adam", "sgd"]
    facts, arrays = page.frame()
    assert facts["type"] == "pair_frame"
    assert facts["step"] == 0
    assert not facts["running"]
    assert {"left.surface", "right.surface", "left.map.1", "right.map.1"} <= set(arrays)
    facts, _ = page.step()
    assert facts["step"] == 1
    page.say("speed", steps=10)
    page.say("run")
    while facts["step"] < 50:
        facts, _ = page.frame()
    assert facts["running"]
    page.say("pause")
    while facts["running"]:
        facts, _ = page.frame()
    assert facts["sides"][0]["step"] == facts["sides"][1]["step"]
    page.say("plane", directions="random")
    assert page.until("plane")["planes"][0]["kind"] == "random"
    page.say("reset")
    while facts["step"]:
        facts, _ = page.frame()
    page.say("alone")
    facts, _ = page.frame()
    assert facts["type"] == "frame"
    assert facts["step"] == 1


def test_a_frame_of_a_pair_holds_the_library_s_numbers(page):
    compare(page, {"layers": [4]}, {"layers": [4], "activation": "relu"})
    facts, arrays = page.frame()
    pair = pair_of({"layers": [4]}, {"layers": [4], "activation": "relu"})
    for name, said, side in zip(("left", "right"), facts["sides"], pair.sides, strict=True):
        trainer = side.trainer
        X, y = trainer.X_training[trainer.batch_rows], trainer.y_training[trainer.batch_rows]
        grads = gradients(trainer.network, X, y)
        np.testing.assert_allclose(said["flow"], [np.linalg.norm(grad) for grad in grads.a.values()])
        assert said["validation_loss"] == trainer.validation_loss()
        assert arrays[f"{name}.surface"].shape == (40, 40, 2)


def test_images_send_rows_of_w_1_instead_of_maps(page):
    compare(page, {"data": "digits", "layers": [4]}, {"data": "digits", "layers": [5]})
    _, arrays = page.frame()
    assert {name: array.shape for name, array in arrays.items()} == {"left.W.1": (4, 64), "right.W.1": (5, 64)}


@pytest.mark.parametrize("fails", [False, True])
def test_a_plane_of_networks_that_are_no_longer_compared_is_not_sent(page, monkeypatch, fails):
    going_on = threading.Event()

    def slow(views, *_):
        if len(views[0].path[0].sizes) == 3:  # the networks that were compared first
            assert going_on.wait(LIMIT)
            if fails:
                raise InputError("too late")
        return {"type": "plane", "sizes": views[0].path[0].sizes}

    monkeypatch.setattr(live, "plane_message", slow)
    compare(page, {"layers": [2]}, {"layers": [3]})
    page.frame()
    page.say("plane", directions="random")
    page.say("compare", left={"layers": [2, 2]}, right={"layers": [3]})
    page.until("pair")
    page.say("plane", directions="random")
    going_on.set()
    while isinstance(message := page.receive(), bytes):
        page.say("drawn")
    assert json.loads(message) == {"type": "plane", "sizes": [2, 2, 2, 2]}


def test_a_pair_outlives_its_connection():
    with serving() as lab:
        with lab.page() as page:
            compare(page, {"layers": [2]}, {"layers": [3]})
            page.frame()
            page.step()
            name = page.session
        with lab.page(name) as page:
            assert page.hello["resumed"]
            assert page.hear()["type"] == "pair"
            assert page.frame()[0]["step"] == 1


REFUSED = [
    ({"left": {}}, "compare", "right is None, expected an object of settings."),
    ({"left": {}, "right": 3}, "compare", "right is 3, expected an object of settings."),
    ({"left": {"rate": 0}, "right": {}}, "compare", "on the left, rate is 0, expected a number above 0."),
    ({"left": {}, "right": {"layer": [3]}}, "compare", "on the right, setting is 'layer', which is not known"),
    ({"left": {"data": "moons"}, "right": {"data": "wine"}}, "compare", "data is 'moons' on the left and 'wine' on"),
    ({"left": {"seed": 1}, "right": {}}, "compare", "seed is 1 on the left and 0 on the right, expected the same"),
    ({"left": {}, "right": {}, "middle": {}}, "message", "the message 'compare' has no 'middle'"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "about", "said"), REFUSED)
def test_a_comparison_that_cannot_be_is_refused_and_changes_nothing(page, message, about, said):
    compare(page, {"layers": [2]}, {"layers": [3]})
    page.frame()
    page.say("compare", **message)
    error = page.hear()
    assert error["type"] == "error"
    assert error["about"] == about
    assert said.lower() in error["message"].lower()
    assert page.step()[0]["step"] == 1


def test_what_is_about_one_network_waits_until_there_is_one(page):
    page.say("plane")
    assert "no networks are compared" in page.hear()["message"].lower()
    page.say("alone")
    assert "nothing is configured" in page.hear()["message"].lower()
    compare(page, {"layers": [2]}, {"layers": [3]})
    page.frame()
    for kind, more in [("diagnose", {}), ("explain", {"quantity": "W[1,1,1]"}), ("rate", {"rate": 0.1})]:
        page.say(kind, **more)
        assert "send 'alone' first" in page.hear()["message"]
    page.say("plane", directions="sideways")
    assert "expected 'path' or 'random'" in page.hear()["message"]


def test_hello_lists_comparisons_that_the_page_can_send_back(page):
    for each in json.loads(json.dumps(page.hello["comparisons"])):
        setup = compare(page, each["left"], each["right"])
        assert setup["type"] == "pair", setup
        page.frame()
