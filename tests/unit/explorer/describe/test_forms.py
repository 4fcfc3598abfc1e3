"""The forms of the formula: worked out beside the training, on a copy, for the network as it is."""

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.training import Start
from kanwidget.explorer.describe.forms import value_and_error
from kanwidget.explorer.describe.panels.forms import forms


@pytest.fixture
def line():
    """y = 2.34·x with noise, its edge replaced."""
    x = torch.linspace(0, 1, 60, dtype=torch.float64)[:, None]
    y = 2.34 * x + 0.01 * torch.cos(50 * x)
    data = Dataset(x[::2], y[::2], x[1::2], y[1::2], in_vars=["time"], out_vars=["way"])
    with KANExplorer(KAN([1, 1], seed=0), data, driver="blocking") as explorer:
        explorer.fix("x", edge=(0, 0, 0))
        yield explorer._session


def test_forms_are_worked_out_on_request_and_kept_until_the_network_changes(line):
    jobs = []
    line.view.work_out_with(jobs.append)
    first, arrays = forms(line)
    assert (first, arrays) == ({"forms": [], "busy": True, "current": False}, {})
    assert forms(line)[0]["busy"]
    (job,) = jobs
    assert job(lambda: False)() == {"forms"}
    ready = forms(line)[0]
    assert (ready["busy"], ready["current"], len(jobs)) == (False, True, 1)
    assert "way = 2.34" in ready["forms"][-1]["text"]
    line.run.network_changed()
    assert forms(line)[0] == {"forms": [], "busy": True, "current": False}
    assert len(jobs) == 2


def test_a_training_waits_for_no_forms(line):
    line.apply(Start())
    assert forms(line)[0] == {"forms": [], "busy": False, "current": False}


def test_a_thread_works_them_out_and_sends_them(line, no_thread_left):
    with KANExplorer(line.model, line.data, driver="thread") as explorer:
        session = explorer._session
        explorer._driver.ask(lambda: forms(session))
        explorer._driver.join_workers()
        assert explorer._driver.ask(lambda: forms(session))[0]["current"]


def texts(tree):
    return tree if isinstance(tree, str) else "".join(texts(child) for child in tree[2])


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.12034, 0.00012, "0.1203±0.0001"), (-54173456.7, 8e6, "−5.4·107±8·106"), (1.0, float("inf"), "1 (any value)")],
)
def test_constants_are_typeset_with_their_errors(value, error, text):
    assert texts(value_and_error(value, error)) == text
