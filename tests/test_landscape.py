"""ℒ over planes and along lines: what is drawn is the loss of networks, and its slopes are those of the gradients."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from backtalk import (
    DivergedError,
    InputError,
    InputTypeError,
    Network,
    UnknownNameError,
    fit,
    gradients,
    loss_line,
    loss_plane,
)

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(20, 3)), RNG.integers(0, 2, 20)
WEIGHT = RNG.uniform(size=20)
SMOOTH = Network.create([3, 4, 2], "tanh", rng=1)
LINE_X, LINE_Y = np.array([[0.0], [1.0], [3.0]]), np.array([1.0, 3.0, 6.5])
OF_TWO = Network([[[0.5]]], [[-1.0]], loss="squared_error")


def inner(one, other) -> float:
    """⟨one, other⟩ over all W and b."""
    families = ((one.W, other.W), (one.b, other.b))
    return float(sum((np.asarray(a[i]) * np.asarray(b[i])).sum() for a, b in families for i in a))


def flat(network) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in (*network.W.values(), *network.b.values())])


def penalized(network, penalty: float, weight=None) -> float:
    return float(gradients(network, X, y, weight).loss) + penalty / 2 * sum(
        float((W**2).sum()) for W in network.W.values()
    )


@pytest.fixture(scope="module")
def trainings():
    """Two trainings from one start, recorded."""
    return {
        name: fit(SMOOTH, X, y, epochs=8, batch_size=5, optimizer=name, rng=0, record=True)
        for name in ("adam(learning_rate=0.05)", "sgd(learning_rate=0.1)")
    }


@pytest.mark.parametrize(("loss", "output"), [("cross_entropy", None), ("squared_error", "tanh"), ("huber", "sigmoid")])
def test_the_slopes_of_a_plane_are_finite_differences_of_its_losses(loss, output):
    network = Network.create([3, 4, 2], "tanh", loss, output=output, rng=1)
    step = 1e-5
    plane = loss_plane(network, X, np.eye(2)[y], WEIGHT, span=step, points=3, l2_penalty=0.3)
    found = (
        (plane.losses[1, 2] - plane.losses[1, 0]) / (2 * step),
        (plane.losses[2, 1] - plane.losses[0, 1]) / (2 * step),
    )
    assert plane.slopes[1, 1] == pytest.approx(found, rel=1e-7)


def test_the_slopes_of_a_plane_are_inner_products_with_the_gradients():
    plane = loss_plane(SMOOTH, X, y, points=4)
    grads = gradients(plane.network_at(plane.x[3], plane.y[1]), X, y)
    assert plane.slopes[1, 3] == pytest.approx([inner(grads, each) for each in plane.directions], rel=1e-10)


def test_each_point_of_a_plane_is_the_loss_of_its_network():
    plane = loss_plane(SMOOTH, X, y, WEIGHT, points=3, l2_penalty=0.1)
    found = [[penalized(plane.network_at(across, up), 0.1, WEIGHT) for across in plane.x] for up in plane.y]
    assert plane.losses == pytest.approx(np.array(found), rel=1e-12)
    x, up, lowest = plane.lowest
    assert lowest == plane.losses.min()
    assert penalized(plane.network_at(x, up), 0.1, WEIGHT) == pytest.approx(lowest)


def test_random_directions_are_normalized_filter_by_filter():
    plane = loss_plane(SMOOTH, X, y, points=2)
    for direction in plane.directions:
        for i, W in SMOOTH.W.items():
            assert np.linalg.norm(direction.W[i], axis=1) == pytest.approx(np.linalg.norm(W, axis=1))
            assert not np.any(direction.b[i])


def test_scaling_one_layer_up_and_the_next_down_changes_no_picture():
    network = Network.create([3, 4, 2], "relu", rng=1)
    scaled = network.replace([8 * network.W[1], network.W[2] / 8], [8 * network.b[1], network.b[2]])
    one, other = (loss_plane(each, X, y, points=4) for each in (network, scaled))
    assert one.losses == pytest.approx(other.losses, rel=1e-12)


def test_a_random_plane_is_the_same_for_the_same_seed_and_another_for_another():
    one, same, other = (loss_plane(SMOOTH, X, y, points=2, rng=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.losses, same.losses)
    assert not np.array_equal(one.losses, other.losses)


def test_two_paths_share_the_plane_that_leaves_least_of_them_outside(trainings):
    end = trainings["adam(learning_rate=0.05)"].network
    plane = loss_plane(end, X, y, paths={name: each.record for name, each in trainings.items()}, points=2)
    assert plane.kind == "path"
    moved = np.concatenate([np.stack([flat(each) for each in t.record.networks()]) for t in trainings.values()])
    moved -= flat(end)
    lengths = np.linalg.svd(moved, compute_uv=False) ** 2
    outside = sum((path.outside**2).sum() for path in plane.paths)
    assert outside == pytest.approx(lengths[2:].sum())
    assert sum(plane.explained) == pytest.approx(1 - outside / (moved**2).sum())
    first = plane.paths[0]
    assert first.x[0] <= 0 <= first.y[0]
    assert (first.x[-1], first.y[-1]) == pytest.approx((0, 0), abs=1e-12)


def test_a_path_on_a_plane_is_the_nearest_point_with_the_loss_of_the_network_itself(trainings):
    recorded = trainings["sgd(learning_rate=0.1)"].record
    plane = loss_plane(recorded.end, X, y, paths=[recorded], directions="random", points=2)
    (path,) = plane.paths
    point = list(recorded.networks())[2]
    below = plane.network_at(path.x[2], path.y[2])
    between = flat(point) - flat(below)
    assert np.linalg.norm(between) == pytest.approx(path.outside[2])
    assert [between @ flat(each) for each in plane.directions] == pytest.approx([0, 0], abs=1e-12)
    assert path.losses[2] == pytest.approx(float(gradients(point, X, y).loss))
    assert 0 < path.share_outside < 1
    assert plane.project(point) == pytest.approx((path.x[2], path.y[2], path.outside[2]))


def test_the_record_of_a_run_gives_the_network_before_and_after_every_step(trainings):
    record = trainings["adam(learning_rate=0.05)"].record
    networks = list(record.networks())
    assert len(networks) == record.steps + 1
    assert record.leads_to_its_end(networks[-1])
    assert np.array_equal(flat(networks[0]), flat(SMOOTH))
    some = list(record.networks(every=3))
    kept = [*range(0, record.steps, 3), record.steps]
    assert all(np.array_equal(flat(each), flat(networks[k])) for each, k in zip(some, kept, strict=True))


def test_epochs_that_a_callback_was_told_of_are_a_path():
    epochs = []
    training = fit(SMOOTH, X, y, epochs=5, optimizer="lbfgs", callbacks=epochs.append)
    plane = loss_plane(training.network, X, y, paths=[[SMOOTH, *epochs]], points=2)
    assert plane.paths[0].losses == pytest.approx([float(gradients(SMOOTH, X, y).loss), *training.losses])


def test_a_network_of_two_parameters_has_its_true_plane():
    epochs = []
    training = fit(OF_TWO, LINE_X, LINE_Y, epochs=20, optimizer="gd", callbacks=epochs.append)
    plane = loss_plane(training.network, LINE_X, LINE_Y, paths=[[OF_TWO, *epochs]], points=7)
    assert plane.kind == "exact"
    across, up = np.meshgrid(plane.x, plane.y)
    errors = across[..., None] * LINE_X[:, 0] + up[..., None] - LINE_Y
    assert plane.losses == pytest.approx((errors**2).mean(axis=-1) / 2)
    (path,) = plane.paths
    assert (path.x[0], path.y[0]) == (0.5, -1.0)
    assert not path.outside.any()
    assert path.x[-1] == training.network.W[1][0, 0]
    assert plane.x[0] < path.x.min() < path.x.max() < plane.x[-1]


def test_losses_that_are_not_finite_are_kept_said_and_left_blank():
    network = Network.create([3, 2], loss="poisson_deviance", rng=0)
    plane = loss_plane(network, X, np.ones((20, 2)), span=1e4, points=5)
    assert not plane.is_finite.all()
    assert f"{(~plane.is_finite).sum()} of 25 points have a loss that is not finite" in repr(plane)
    assert math.isfinite(plane.lowest[2])
    ET.fromstring(plane.to_svg())
    assert json.loads(json.dumps(plane.to_dict(), allow_nan=False))["losses"][0][0] is None
    none = loss_plane(network, X, np.ones((20, 2)), span=((1e300, 1e301), (1e300, 1e301)), points=2)
    assert not none.is_finite.any()
    assert (none.levels, math.isnan(none.lowest[2])) == ((), True)
    ET.fromstring(none.to_svg())


def test_a_network_of_pytorch_has_the_same_plane():
    torch = pytest.importorskip("torch")
    network = SMOOTH.to(torch, dtype="float32")
    plane = loss_plane(network, torch.asarray(X, dtype=torch.float32), torch.asarray(y), points=3)
    assert plane.losses == pytest.approx(loss_plane(SMOOTH, X, y, points=3).losses, rel=1e-4)
    assert isinstance(plane.directions[0].W[1], torch.Tensor)


def test_pictures_are_svg_that_needs_no_style_and_views_have_a_row_for_each_path(trainings):
    paths = {name: each.record for name, each in trainings.items()}
    plane = loss_plane(SMOOTH, X, y, paths=paths, points=5)
    light, dark = (plane.to_svg(theme=theme) for theme in ("light", "dark"))
    assert light != dark
    for picture in (light, dark):
        ET.fromstring(picture)
        assert "currentColor" not in picture
    shown = plane._repr_html_()
    assert all(f"<td>{name}</td>" in shown for name in paths)
    assert all(name in repr(plane) for name in paths)
    with pytest.raises(UnknownNameError, match="theme"):
        plane.to_svg(theme="sepia")


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_squares_of_weights_that_overflow_or_vanish_leave_planes_as_they_are(scale):
    start, end, aside = (
        Network([W * scale for W in each.W.values()], [b * scale for b in each.b.values()], "tanh")
        for each in (SMOOTH, *(Network.create([3, 4, 2], rng=seed) for seed in (2, 3)))
    )
    assert loss_plane(start, X, y, points=3).kind == "random"
    assert loss_plane(start, X, y, directions=(end, aside), points=3).kind == "own"
    with pytest.raises(InputError, match="one line"):
        loss_plane(start, X, y, directions=(end, end), points=3)
    (path,) = loss_plane(start, X, y, paths=[[end, aside, start]], points=3).paths
    assert path.share_outside < 1e-20


def test_levels_are_round_and_lie_within_the_losses():
    plane = loss_plane(SMOOTH, X, y, points=9, span=20)
    assert 3 <= len(plane.levels) <= 12
    assert plane.losses.min() < plane.levels[0] < plane.levels[-1] < plane.losses.max()
    assert all(low < high and float(f"{high:.2g}") == high for low, high in pairwise(plane.levels))


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"points": 1}, InputError, "points is 1"),
        ({"points": 2.5}, InputTypeError, "points is 2.5"),
        ({"span": (1.0, 2.0)}, InputTypeError, "span\\[0\\]"),
        ({"span": -1.0}, InputError, "span"),
        ({"span": "wide"}, InputError, "span is 'wide'"),
        ({"directions": "paths"}, UnknownNameError, "did you mean 'path'"),
        ({"directions": "path"}, InputError, "paths is empty"),
        ({"directions": "exact"}, InputError, "26 parameters"),
        ({"directions": (SMOOTH,)}, InputTypeError, "a pair"),
        ({"directions": (SMOOTH, SMOOTH)}, InputError, "one line"),
        ({"directions": (SMOOTH, OF_TWO)}, InputError, "direction"),
        ({"paths": [[OF_TWO]]}, InputError, "\\[1, 1\\]"),
        ({"paths": [[Network.create([3, 4, 2], "relu", rng=1)]]}, InputError, "relu, softmax.*tanh, softmax"),
        ({"span": 1e308}, InputError, "apart"),
        ({"paths": [SMOOTH]}, InputTypeError, "paths=\\[path\\]"),
        ({"paths": [[]]}, InputError, "empty"),
        ({"paths": [["adam"]]}, InputTypeError, "holds a str"),
        ({"paths": [[SMOOTH]]}, InputError, "one line"),
        ({"l2_penalty": -1.0}, InputError, "l2_penalty"),
    ],
)
def test_what_makes_no_plane_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        loss_plane(SMOOTH, X, y, **arguments)


def test_a_network_without_weights_has_no_random_plane():
    with pytest.raises(InputError, match="span no plane"):
        loss_plane(Network.create([3, 4, 2], initialization="zeros"), X, y)


def test_a_line_has_the_slope_of_the_gradient_everywhere():
    grads = gradients(SMOOTH, X, y, WEIGHT)
    line = loss_line(SMOOTH, X, y, sample_weight=WEIGHT, points=21)
    assert line.slope == pytest.approx(-inner(grads, grads), rel=1e-12)
    assert line.loss == pytest.approx(float(grads.loss), rel=1e-12)
    fine = loss_line(SMOOTH, X, y, grads, WEIGHT, span=(-1e-5, 1e-5), points=3)
    assert (fine.losses[2] - fine.losses[0]) / 2e-5 == pytest.approx(fine.slopes[1], rel=1e-7)


def test_along_a_parabola_the_lowest_step_and_both_conditions_are_known():
    line = loss_line(OF_TWO, LINE_X, LINE_Y)
    bend = (line.slopes[-1] - line.slopes[0]) / (line.steps[-1] - line.steps[0])  # ℒ″, the same everywhere
    lowest = -line.slope / bend
    assert line.best.step == pytest.approx(lowest, rel=1e-6)
    assert line.falls_enough == (pytest.approx((0, 2 * lowest * (1 - line.armijo)), rel=1e-6),)
    assert line.accepted == (pytest.approx((0.1 * lowest, 1.9 * lowest), rel=1e-6),)


def test_up_a_hill_no_step_is_accepted():
    line = loss_line(SMOOTH, X, y, gradients(SMOOTH, X, y))
    assert (line.falls_enough, line.accepted, line.best.step) == ((), (), 0)
    assert "slope at 0 is not negative" in repr(line)
    ET.fromstring(line.to_svg())


@pytest.mark.parametrize("iteration", [1, 3])
def test_what_the_search_of_lbfgs_took_is_the_network_after_that_iteration(iteration):
    line = loss_line(SMOOTH, X, y, optimizer="lbfgs", iteration=iteration, l2_penalty=0.1)
    after = fit(SMOOTH, X, y, epochs=iteration, optimizer="lbfgs", l2_penalty=0.1)
    taken = flat(line.origin) + line.taken.step * flat(line.direction)
    assert taken == pytest.approx(flat(after.network), rel=1e-9, abs=1e-12)
    assert line.taken.loss == pytest.approx(after.losses[-1], rel=1e-10)
    assert line.tried[0].step == pytest.approx(1)
    assert any(low <= line.taken.step <= high for low, high in line.accepted)


def test_points_on_a_line_where_lbfgs_failed_are_counted_and_left_out(monkeypatch):
    """SciPy's search gives a line up after 20 points, and begins anew along the gradient."""

    def search(function, start, callback, **_):
        loss, gradient = function(start)
        for step in (1.0, 0.1, 1e-16):
            function(start + step * np.arange(len(start)))
        for step in (0.5, 0.25):
            loss, _ = function(start - step * gradient)
        found = OptimizeResult(x=start - 0.25 * gradient, fun=loss, nit=1, nfev=6, status=99, message="")
        with suppress(StopIteration):
            callback(intermediate_result=found)
        return found

    monkeypatch.setattr("scipy.optimize.minimize", search)
    line = loss_line(SMOOTH, X, y, optimizer="lbfgs")
    assert line.aside == 3
    assert [point.step for point in line.tried] == pytest.approx([1.0, 0.5])
    assert inner(line.direction, gradients(SMOOTH, X, y)) == pytest.approx(line.slope)
    assert "3 points were tried on another line" in repr(line)


def test_the_search_of_gradient_descent_tried_its_rates_one_after_the_other():
    line = loss_line(SMOOTH, X, y, optimizer="gd(learning_rate=64, armijo=1e-4)", iteration=2)
    assert [point.step for point in line.tried] == pytest.approx([64 / 2**k for k in range(len(line.tried))])
    assert len(line.tried) > 1
    *others, taken = line.tried
    enough = [each.loss <= line.loss + line.armijo * each.step * line.slope for each in (*others, taken)]
    assert enough == [False] * len(others) + [True]
    assert "taken" in repr(line)
    ET.fromstring(line.to_svg(theme="dark"))
    assert json.loads(json.dumps(line.to_dict(), allow_nan=False))["tried"][-1] == taken.to_dict()
    assert "<td class='n'>64</td>" in line._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"optimizer": "adam"}, InputError, "without a search"),
        ({"iteration": 3}, InputError, "no optimizer"),
        ({"optimizer": "lbfgs", "iteration": 0}, InputError, "iteration is 0"),
        ({"optimizer": "lbfgs", "iteration": 10**4}, InputError, "ended after"),
        ({"optimizer": "lbfgs", "direction": SMOOTH}, InputError, "both given"),
        ({"direction": 0}, InputTypeError, "direction is a int"),
        ({"direction": ([np.zeros((4, 3)), np.zeros((2, 4))], [np.zeros(4), np.zeros(2)])}, InputError, "0 everywhere"),
        ({"armijo": 0.95}, InputError, "armijo < curvature"),
        ({"span": (1.0, 1.0)}, InputError, "span"),
        ({"span": (-1e308, 1e308)}, InputError, "apart"),
    ],
)
def test_what_makes_no_line_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        loss_line(SMOOTH, X, y, **arguments)


def test_a_gradient_of_0_is_no_direction():
    network = Network([[[2.0]]], [[1.0]], loss="squared_error")
    with pytest.raises(InputError, match="gradient at the network is 0"):
        loss_line(network, [[1.0]], [3.0])


def test_a_search_that_meets_a_loss_that_is_not_finite_says_so():
    network = Network([[[1e200]]], [[0.0]], loss="squared_error")
    with pytest.raises(DivergedError):
        loss_line(network, [[1.0]], [0.0], optimizer="lbfgs")
