"""Tables with words are simplified: functions for the numbers, values for the words."""

import re

import numpy as np
import pandas
import pytest

from kanwidget import KAN


@pytest.mark.slow
def test_products_beside_words_are_looked_for_without_powers_of_words():
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {"a": rng.uniform(1, 5, 200), "b": rng.uniform(1, 5, 200), "town": rng.choice(list("xyz"), 200)}
    )
    frame["y"] = frame.a * frame.b + frame.town.map({"x": 0.0, "y": 4.0, "z": -3.0})
    model = KAN.for_data(frame, "y", width=[3, 1])
    model.fit((frame, "y"), progress=False)
    simple = model.simplify((frame, "y"))
    assert simple.layer(0).levels[list(simple.columns).index(2)] == 3
    assert simple.score((frame, "y")) > 0.95


def lake(seed):
    """A wave, a straight line and words, with noise of 0.6."""
    rng = np.random.default_rng(seed)
    station = rng.choice(["North", "Harbour", "Reef", "Old mill"], 300)
    frame = pandas.DataFrame({"depth": rng.uniform(0, 40, 300), "time": rng.uniform(0, 12, 300), "station": station})
    offset = frame.station.map({"North": 0.0, "Harbour": 1.5, "Reef": -2.0, "Old mill": 0.7})
    frame["warmth"] = 12 + 3 * np.sin(np.pi / 2 * frame.time) - 0.08 * frame.depth + offset + rng.normal(0, 0.6, 300)
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_curve_that_has_seen_the_held_out_rows_gives_way_to_its_function(seed):
    data = (lake(seed), "warmth")
    model = KAN.for_data(*data)
    model.fit(data, progress=False)
    simple = model.simplify(data)
    text = str(simple.fit_formula(data))
    assert re.match(r"warmth = -0\.0[78]\d*\*depth \+ f\(station\) \+ [\d.]+\*sin\(1\.57\d*\*time\) \+ 1[12]", text), (
        text
    )
    assert "where f(station) = {" in text
