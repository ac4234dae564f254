"""A gradient is the sum over its paths: proven by listing all of them, and by networks with too many to list."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, Network, paths

SIZES = [(2, 2), (3, 4, 3), (2, 5, 4, 3), (2, 3, 1, 4, 2)]


def every_path(network: Network, x: np.ndarray, y, family: str, layer: int, indices: tuple[int, ...]):
    """(units, product) of every path, one by one, by the definition."""
    h, a = [x], [None]
    for i in range(1, network.depth + 1):
        a.append(network.W[i] @ h[-1] + network.b[i])
        if i < network.depth:
            h.append(network.activations[i - 1].g(a[-1][None])[0])
    yhat = network.output.value(a[-1][None])
    target = network.head.target(np.atleast_1d(y), 1, network.sizes[-1], network.spec)
    end = network.head.gradient(a[-1][None], yhat, target)[0]
    start = h[layer - 1][indices[1]] if family == "W" else 1.0
    above = [range(size) for size in network.sizes[layer + 1 :]]
    for rest in itertools.product(*above):
        units, product = (indices[0], *rest), start
        for i, (own, next_unit) in enumerate(itertools.pairwise(units), start=layer):
            if i > 0 and not (family == "h" and i == layer):
                product *= network.activations[i - 1].g_prime(a[i][None])[0][own]
            product *= network.W[i + 1][next_unit, own]
        yield units, product * end[units[-1]]


def cases():
    for sizes in SIZES:
        for activation in ("tanh", "relu", "gelu"):
            network = Network.create(sizes, activation, rng=len(sizes))
            rng = np.random.default_rng(7)
            x, y = rng.normal(size=sizes[0]), rng.integers(sizes[-1])
            L = network.depth
            yield network, x, y, [("h", 0, (1,)), ("W", 1, (0, 1)), ("b", 1, (1,)), ("a", L, (1,)), ("W", L, (0, 0))]
            yield network, x, y, [("h", i, (0,)) for i in range(1, L)] + [("a", i, (0,)) for i in range(1, L)]


@pytest.mark.parametrize(("network", "x", "y", "quantities"), list(cases()))
def test_the_strongest_paths_are_those_of_the_full_list(network, x, y, quantities):
    for family, layer, indices in quantities:
        full = list(every_path(network, x, y, family, layer, indices))
        written = f"{family}[{','.join(str(part) for part in (layer, *(index + 1 for index in indices)))}]"
        found = paths(network, x, y, written, k=10_000)
        assert found.count == len(full)
        assert found.value == pytest.approx(math.fsum(product for _, product in full), rel=1e-12, abs=1e-15)
        listed = {tuple(unit - 1 for _, unit in path.units): path.contribution for path in found.strongest}
        expected = {units: product for units, product in full if product != 0}
        assert listed.keys() == expected.keys()
        for units, product in expected.items():
            assert listed[units] == pytest.approx(product, rel=1e-12)
        absolute = math.fsum(abs(product) for _, product in full)
        assert found.absolute == pytest.approx(absolute, rel=1e-12)
        assert found.share == pytest.approx(1.0 if absolute else 0.0, rel=1e-12)
        sizes = [abs(path.contribution) for path in found.strongest]
        assert sizes == sorted(sizes, reverse=True)
        for i, flow in found.flow.items():
            for unit in range(network.sizes[i]):
                through = math.fsum(abs(product) for units, product in full if units[i - layer] == unit)
                assert flow[unit] == pytest.approx(through / absolute if absolute else 0.0, rel=1e-10, abs=1e-15)
        few = paths(network, x, y, written, k=3)
        assert [path.units for path in few.strongest] == [path.units for path in found.strongest[:3]]
        assert few.share == pytest.approx(sum(sorted((abs(p) for _, p in full), reverse=True)[:3]) / (absolute or 1))


def test_the_product_of_the_factors_is_the_contribution():
    network = Network.create([2, 3, 2], "tanh", rng=0)
    for path in paths(network, [1.0, -0.5], 1, "W[1,2,1]").strongest:
        assert len(path.factors) == 4  # h_{0,1}, g′, W_2, ∂ℒ/∂a_2
        assert math.prod(path.factors) == path.contribution


def test_a_network_with_a_million_million_paths_answers_with_the_strongest():
    # All weights are 1e-3 but for one chain, so the strongest path is known, and so is how many are next to it
    sizes = [2, *[100] * 6, 2]
    W = [np.full((n, m), 1e-3) for m, n in itertools.pairwise(sizes)]
    for matrix in W:
        matrix[1, 1] = 0.5
    network = Network(W, [np.zeros(n) for n in sizes[1:]], "identity")
    found = paths(network, [1.0, 1.0], 1, "x[2]", k=500)
    assert found.count == 2 * 100**6
    assert found.strongest[0].units == tuple((i, 2) for i in range(8))
    assert len({path.units for path in found.strongest}) == 500
    near = paths(network, [1.0, 1.0], 1, "a[6,2]", k=500)  # all of its paths
    assert sum(path.contribution for path in near.strongest) == pytest.approx(near.value, rel=1e-9)
    leaving_once = 0.5**6 * 1e-3  # the last weight, to the other output, has the opposite sign at the end
    assert abs(found.strongest[1].contribution) == pytest.approx(leaving_once * abs(found.strongest[0].factors[-1]))


def test_an_output_has_one_path_and_so_has_its_pre_activation():
    network = Network.create([2, 3, 2], "tanh", rng=0)
    for quantity in ("h[2,1]", "a[2,1]", "b[2,1]", "W[2,1,3]"):
        found = paths(network, [1.0, -0.5], 0, quantity)
        assert (found.count, len(found.strongest), found.share) == (1, 1, 1.0)
        assert found.strongest[0].contribution == pytest.approx(found.value, rel=1e-14)
        assert found.strongest[0].units == ((2, 1),)


def test_an_output_that_has_rounded_away_has_no_paths_to_tell():
    network = Network([[[1000.0], [0.0]]], [[0.0, 0.0]])
    for quantity in ("yhat[1]", "h[1,2]"):
        with pytest.raises(InputError, match=r"take a\[1\] instead"):
            paths(network, [1.0], 1, quantity)
    assert paths(network, [1.0], 1, "a[1,1]").value == 1.0


def test_paths_are_listed_where_they_are_printed():
    network = Network.create([2, 3, 2], "tanh", rng=0)
    shown = str(paths(network, [1.0, -0.5], 1, "x[2]", k=2)).splitlines()
    assert shown[0].startswith("2 of the 6 paths of h[0,2] to the loss, with ")
    assert all("h[0,2] → a[1," in line and line.endswith(" → ℒ") for line in shown[1:])


def test_where_nothing_flows_no_path_is_given():
    network = Network([[[-1.0]], [[1.0], [2.0]]], [[0.0], [0.0, 0.0]], "relu")
    found = paths(network, [1.0], 0, "x[1]")
    assert (found.value, found.absolute, found.share, found.strongest) == (0.0, 0.0, 0.0, ())
    assert [array.tolist() for array in found.flow.values()] == [[0.0], [0.0], [0.0, 0.0]]


def test_the_result_becomes_json():
    import json

    network = Network.create([2, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 2], "tanh", rng=0)
    facts = json.loads(json.dumps(paths(network, [1.0, -0.5], 1, "x[2]", k=2).to_dict(), allow_nan=False))
    assert facts["count"] == str(2 * 100**10)
    assert facts["paths"][0]["units"][0] == [0, 2]
    assert len(facts["flow"]["3"]) == 100


def test_what_is_no_sum_over_paths_is_refused():
    network = Network.create([2, 3, 2], "tanh", rng=0)
    with pytest.raises(InputError, match=r"'a\[1\]', a whole vector, expected one number"):
        paths(network, [1.0, -0.5], 1, "a[1]")
    with pytest.raises(InputError, match=r"'W\[1\]', a whole matrix"):
        paths(network, [1.0, -0.5], 1, "W[1]")
    for k in (0, -1, 10_001):
        with pytest.raises(InputError, match=f"k is {k}"):
            paths(network, [1.0, -0.5], 1, "a[1,1]", k=k)
    with pytest.raises(InputTypeError, match=r"k is 2\.5"):
        paths(network, [1.0, -0.5], 1, "a[1,1]", k=2.5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="does not have"):
        paths(network, [1.0, -0.5], 1, "a[9,1]")
