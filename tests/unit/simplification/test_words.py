"""Tables with words are simplified: functions for the numbers, values for the words."""

import numpy as np
import pandas

from kanwidget import KAN


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
