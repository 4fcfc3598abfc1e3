"""What the page is told of levels that may have one value."""

import numpy as np
import pandas
import pytest

from kanwidget import KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.explorer.describe.candidates import candidates

EDGE = EdgeRef(0, 1, 0)


@pytest.fixture
def explorer():
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"x": rng.uniform(0, 1, 300), "town": rng.choice(list("abcd"), 300)})
    # One value of c and d has odds of 1 : 540.
    frame["y"] = frame.x + frame.town.map({"a": 0.0, "b": 0.0, "c": 1.0, "d": 1.115}) + 0.1 * rng.normal(size=300)
    with KANExplorer(frame, "y", driver="blocking") as explorer:
        explorer.train()
        yield explorer


def told(explorer):
    return candidates(explorer._session, EDGE)[0]


def test_only_groupings_that_the_data_allow_are_listed(explorer):
    assert [row["text"] for row in told(explorer)["merges"]] == ["a or b | c | d"]


def test_after_a_merge_it_still_says_what_the_data_allow_and_how_sure_values_are(explorer):
    explorer.merge_levels("town", [["a", "b"]])
    assert told(explorer)["merged"] is True
    assert told(explorer)["merges"] == []
    assert explorer.model.posterior is not None
    explorer.undo()
    assert [row["text"] for row in told(explorer)["merges"]] == ["a or b | c | d"]
