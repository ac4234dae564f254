"""The mean of several networks is one network."""

import numpy as np
import pytest

import backtalk
from backtalk import FileFormatError, InputError, Network, forward, gradients, load, load_members, mean_network, save


def members(sizes=(4, 6, 5, 3), count=3, **settings):
    return [Network.create(list(sizes), "tanh", rng=seed, **settings) for seed in range(count)]


@pytest.mark.parametrize("sizes", [(4, 3), (4, 6, 3), (4, 6, 5, 7, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_a_L_is_the_mean_of_theirs(sizes, dtype):
    networks = members(sizes, dtype=dtype)
    X = np.random.default_rng(0).normal(size=(9, 4)).astype(dtype)
    expected = np.mean([forward(each, X).a[each.depth] for each in networks], axis=0)
    found = forward(mean_network(networks), X).a[len(sizes) - 1]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-6)


def test_networks_of_different_widths_have_a_mean():
    networks = [Network.create([4, width, 2], "relu", rng=width) for width in (3, 8)]
    X = np.random.default_rng(1).normal(size=(5, 4))
    expected = np.mean([forward(each, X).a[2] for each in networks], axis=0)
    np.testing.assert_allclose(forward(mean_network(networks), X).a[2], expected, rtol=1e-12)


def test_the_gradient_of_an_input_is_the_mean_of_theirs_from_the_output_on():
    networks = members(count=2, loss="squared_error")
    X, y = np.random.default_rng(2).normal(size=(6, 4)), np.zeros((6, 3))
    mean = mean_network(networks)
    found, step = gradients(mean, X, y).h[0], 1e-6

    def loss_at(X):
        return gradients(mean, X, y).loss

    for place in [(0, 0), (3, 2), (5, 3)]:
        moved = np.zeros_like(X)
        moved[place] = step
        assert found[place] == pytest.approx((loss_at(X + moved) - loss_at(X - moved)) / (2 * step), rel=1e-6, abs=1e-9)


def test_the_mean_of_one_network_is_that_network():
    network = Network.create([2, 2], rng=0)
    assert mean_network([network]) is network


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Network.create([3, 2], "tanh", rng=0), "inputs 3"),
        (Network.create([4, 5, 2], "tanh", rng=0), "layers 2"),
        (Network.create([4, 2], loss="squared_error", rng=0), "the loss squared_error"),
        (Network.create([4, 2], rng=0, dtype="float32"), "arrays of float32"),
    ],
)
def test_networks_that_do_not_go_together_are_refused(other, said):
    with pytest.raises(InputError, match=said):
        mean_network([Network.create([4, 2], rng=0), other])


def test_no_network_has_no_mean():
    with pytest.raises(InputError, match="networks is empty"):
        mean_network([])


def test_a_file_holds_the_members_and_gives_their_mean(tmp_path):
    path, networks = tmp_path / "ensemble.safetensors", members()
    save(networks, path)
    assert [each.W[2].tolist() for each in load_members(path)] == [each.W[2].tolist() for each in networks]
    assert load(path).W[2].tolist() == mean_network(networks).W[2].tolist()
    assert load(path, member=3).b[1].tolist() == networks[2].b[1].tolist()
    for wrong in (0, 4, True, "1"):
        with pytest.raises(InputError, match="expected 1 to 3"):
            load(path, member=wrong)


def test_a_file_of_one_network_has_one_member(tmp_path):
    save(Network.create([2, 2], rng=0), tmp_path / "a.safetensors")
    save([Network.create([2, 2], rng=0)], tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert len(load_members(tmp_path / "a.safetensors")) == 1
    with pytest.raises(InputError, match="its only network"):
        load(tmp_path / "a.safetensors", member=2)


def test_members_of_different_kinds_are_not_saved(tmp_path):
    with pytest.raises(InputError, match=r"networks\[1\]"):
        save([Network.create([2, 2], rng=0), Network.create([3, 2], rng=0)], tmp_path / "no.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_file_that_lacks_a_member_is_refused(tmp_path):
    import json

    import safetensors.numpy

    path = tmp_path / "ensemble.safetensors"
    save(members(count=2), path)
    arrays = safetensors.numpy.load_file(path)
    structure = {"version": 3, "activations": ["tanh", "tanh"], "loss": "cross_entropy", "members": 3}
    from backtalk.interop.files import _check_sum

    structure["check_sum"] = _check_sum(structure, arrays)
    path.write_bytes(safetensors.numpy.save(arrays, {"backtalk.network": json.dumps(structure)}))
    with pytest.raises(FileFormatError, match=r"holds the arrays none"):
        load(path)


def test_public_names_are_there():
    assert backtalk.load_members is load_members
    assert backtalk.mean_network is mean_network
