"""Tables of forty noisy rows: none can be spared to check on, and the law that made them is found."""

import numpy as np
import pandas as pd
import pytest

from kanwidget import KAN

#: Law, range of a, range of b, whether the noise grows with the value, and the formula's shapes.
LAWS = {
    "a wave": (
        lambda a, b: 310 + 2.4 * b + 35 * np.sin(0.2618 * a + 0.8),
        (0, 48),
        (20, 80),
        False,
        ("sin(", "cos("),
    ),
    "saturation": (lambda a, b: 21 * a / (0.6 + a), (0.05, 4), (1, 8), True, ("a/(a +",)),
    "powers": (lambda a, b: 5200 * b / a**4, (2, 9), (1, 8), True, ("*b/a**4",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_a_law_of_few_rows_is_found(name):
    law, first, second, grows, shapes = LAWS[name]
    random = np.random.default_rng(0)
    columns = {"a": random.uniform(*first, 40), "b": random.uniform(*second, 40)}
    y = law(*columns.values())
    noise = 0.04 * (np.abs(y) if grows else y.std()) * random.standard_normal(40)
    data = (pd.DataFrame({**columns, "y": y + noise}), "y")
    model = KAN.for_data(*data)
    model.fit(data, progress=False)
    text = str(model.simplify(data).fit_formula(data)).splitlines()[0]
    assert any(shape in text for shape in shapes), text
