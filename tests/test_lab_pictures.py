"""The lab's pictures: heat maps of the units, histograms of the layers, products along the paths."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from backtalk import Network, forward, gradients
from backtalk.apps.lab.datasets import named_data
from backtalk.apps.lab.payloads import GRID, grid
from backtalk.apps.lab.settings import Settings
from backtalk.apps.lab.trainer import Trainer


def moons(layers: list[int]) -> tuple[Network, np.ndarray, np.ndarray]:
    """What the lab begins with, in these layers."""
    data = named_data("moons", 0.1)
    return Network.create([2, *layers, 2], "tanh", "cross_entropy", rng=0), data.X, data.y


def test_a_map_is_what_its_unit_says_over_the_plane_and_comes_only_while_it_is_shown(page):
    _, _, plain = page.configure(layers=[4, 40])
    assert not any(name.startswith("map") for name in plain)
    page.say("look", maps=True)
    _, arrays = page.frame()
    network, _, _ = moons([4, 40])
    points = grid(named_data("moons", 0.1))
    assert points is not None
    over = forward(network, points)
    for i in (0, 1, 3):  # 40 units are too many
        values = over.h[i].T.reshape(-1, GRID, GRID)[:, ::3, ::3]
        np.testing.assert_allclose(arrays[f"map.{i}"], values, rtol=1e-5, atol=1e-6)
    assert arrays["map.0"][0, 0, -1] == pytest.approx(points[:, 0].max(), rel=1e-6)  # both ends of the plane are there
    assert "map.2" not in arrays
    page.say("look", maps=False)
    assert page.frame()[1].keys() == plain.keys()


def test_histograms_count_every_unit_for_every_row_of_the_mini_batch(page):
    page.configure(layers=[5], activation="relu", batch=16)
    page.say("look", histograms=True)
    facts, arrays = page.frame()
    trainer = Trainer(Settings(layers=(5,), activation=("relu",), batch=16), named_data("moons", 0.1))
    X, y = trainer.X_training[trainer.batch_rows], trainer.y_training[trainer.batch_rows]
    each = [gradients(trainer.network, X[n : n + 1], y[n : n + 1]) for n in range(len(X))]
    for i in (1, 2):
        grad_a = np.concatenate([grads.a[i] for grads in each])
        for name, values in ((f"a.{i}", forward(trainer.network, X).a[i]), (f"grad_a.{i}", grad_a)):
            most = np.abs(values).max()
            assert facts["histograms"][name] == pytest.approx({"most": most, "zeros": np.mean(values == 0)})
            counts = arrays[f"histogram.{name}"]
            assert counts.sum() == values.size
            assert counts[len(counts) // 2 + 1 :].sum() == (values > most / len(counts)).sum()


def test_what_is_looked_at_is_true_or_false(page):
    page.configure()
    page.say("look", maps="yes")
    assert page.hear()["message"] == "Maps is 'yes', expected true or false."


SENT = """
  window.sent = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) { window.sent.push(text); return send.call(this, text); };
"""


def test_the_page_asks_for_pictures_and_writes_the_product_of_each_path(tab):
    opened = tab("#data=moons&layers=3,3&quantity=W[1,2,1]", script=SENT)
    page = opened.page
    assert not any('"look"' in text for text in page.evaluate("sent"))
    routes = page.locator(".path")
    page.wait_for_selector(".path")
    for k in range(routes.count()):
        product = routes.nth(k).locator(".factors").inner_text()
        symbols, numbers = (side.split(" · ") for side in product.split(" = "))
        assert len(symbols) == len(numbers)
        factors = [float(re.sub("[()]", "", number).replace("−", "-")) for number in numbers]
        shown = float(routes.nth(k).locator(".amount").inner_text().replace("−", "-"))
        assert math.prod(factors) == pytest.approx(shown, rel=0.02)
        assert symbols[:3] == ["x₁", "g′(a₁,₂)", symbols[2]]
    opened.press("Escape")
    page.click("#color-picture")
    page.click("#histograms summary")
    opened.wait_until("document.querySelector('.spread figcaption').textContent.startsWith('a₁ within ±')")
    assert any('"look","maps":true,"histograms":true' in text for text in page.evaluate("sent"))
    opened.press("s")
    opened.wait_for_step(1)
    page.evaluate("location.hash = location.hash.replace('data=moons', 'data=wine')")
    page.wait_for_selector("#color-picture", state="hidden")  # of 13 inputs there are no maps
    assert page.locator("input[name=color]:checked").get_attribute("value") == "value"
