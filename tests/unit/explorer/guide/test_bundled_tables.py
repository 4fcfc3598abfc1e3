"""The three acts on the tables that come along: what a newcomer opens first ends in its law."""

import pytest

from kanwidget import KAN, KANExplorer, load_planets, load_trees
from kanwidget.explorer.guide.best import best, better
from kanwidget.explorer.guide.steps import guidance

LAWS = {load_trees: "girth**2*height", load_planets: "axis**(3/2)"}


@pytest.mark.slow
@pytest.mark.parametrize("load", LAWS)
def test_three_acts_lead_to_the_law(load):
    acts = []
    with KANExplorer(load(), driver="blocking") as explorer:
        while (act := explorer.next_act()) and len(acts) < 4:
            acts.append(act.label)
            explorer.follow(act)
        assert acts == ["Train", "Simplify", "Formula"]
        assert LAWS[load] in str(explorer.fitted_formula)
        assert guidance(explorer._session).sentence.startswith("Done: ")


@pytest.mark.slow
@pytest.mark.parametrize("load", LAWS)
def test_simplify_finds_the_law(load):
    data = load()
    model = KAN.for_data(data)
    model.fit(data, progress=False)
    assert LAWS[load] in model.simplify(data).fit_formula(data).text


def test_an_error_on_training_rows_does_not_send_a_smoothed_training_back():
    """Of the 31 trees an early step follows the noise more closely; going back there would lose the posterior."""
    with KANExplorer(load_trees(), driver="blocking") as explorer:
        explorer.follow(explorer.next_act())
        session = explorer._session
        assert best(session).error < 0.9 * session.run.last_record.train_loss
        assert better(session) is None
        assert explorer.model.posterior is not None
