"""Going back in a real browser: along the error curve, to the best step, to a state of the front, to the problem before."""

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from tests.system.browser.test_data_tabs import opened  # noqa: F401  (a fixture)

pytestmark = pytest.mark.browser


@pytest.fixture
def overfitted():
    """A network that learns the noise of 60 rows, since nobody asks evidence: its test error falls, and rises again."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(90, 2, generator=generator, dtype=torch.float64) * 2 - 1
    y = torch.sin(2 * x[:, [0]]) + x[:, [1]] ** 2 + 0.3 * torch.randn(90, 1, generator=generator, dtype=torch.float64)
    data = Dataset(x[:60], y[:60], x[60:], y[60:], in_vars=("t [s]", "p [Pa]"), out_vars=("n_dot",))
    with KANExplorer(KAN([2, 5, 1], grid=8, seed=0), data, driver="blocking", evidence=False) as one:
        one.step(60)
        yield one


def chips(page):
    return page.locator("[data-kw-state-id]").all_inner_texts()


def test_a_click_on_the_curve_returns_to_that_step_and_undo_back(opened, overfitted):  # noqa: F811
    page, last = opened(overfitted), overfitted.status["step"]
    page.locator("[data-kw-tab=curves]").click()
    chart = page.locator("[data-kw-panel=curves] svg")
    chart.wait_for()
    assert "error, in n_dot" in chart.text_content()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    words = page.locator("[data-kw-panel=curves] .kw-readout")
    words.get_by_text("click to return here").wait_for()
    step = int(words.locator("b").inner_text().split()[1])
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.locator("[data-kw-state-id][aria-current]", has_text=f"back to step {step}").wait_for()
    assert overfitted.status["step"] == step
    assert page.locator("[data-kw-action=undo]").is_enabled()
    page.click("[data-kw-action=undo]")
    page.locator("[data-kw-state-id][aria-current]", has_text=f"{last} steps").wait_for()
    assert overfitted.status["step"] == last
    assert page.problems == []


def test_what_a_return_leaves_behind_stays_and_a_click_there_goes_on(opened, overfitted):  # noqa: F811
    page, last = opened(overfitted), overfitted.status["step"]
    page.locator("[data-kw-tab=curves]").click()
    page.locator("[data-kw-action=back-to-best]").click()
    page.locator("[data-kw-state-id][aria-current]", has_text="back to step").wait_for()
    chart = page.locator("[data-kw-panel=curves] svg")
    chart.locator("path[opacity]").first.wait_for()
    box = chart.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 57, box["y"] + 60)
    page.locator("[data-kw-state-id][aria-current]", has_text=f"{last} steps").wait_for()
    assert overfitted.status["step"] == last
    assert chart.locator("path[opacity]").count() == 0
    assert page.problems == []


def test_back_to_best_after_overfitting(opened, overfitted):  # noqa: F811
    errors = [record.test_loss for record in overfitted.history.records]
    page = opened(overfitted)
    page.locator("[data-kw-tab=curves]").click()
    page.locator("[data-kw-action=back-to-best]").click()
    page.locator("[data-kw-state-id][aria-current]", has_text="back to step").wait_for()
    assert overfitted.status["step"] == 1 + errors.index(min(errors))
    assert overfitted.status["test"] == pytest.approx(min(errors))
    page.locator("[data-kw-action=back-to-best]").wait_for(state="hidden")
    assert page.problems == []


def test_plain_training_is_undone(opened, overfitted):  # noqa: F811
    page = opened(overfitted)
    page.click("[data-kw-action=undo]")
    page.locator("[data-kw-state-id][aria-current]", has_text="start").wait_for()
    assert overfitted.status["step"] == 0
    assert page.problems == []


def test_the_front_has_formulas_and_a_click_returns(opened):  # noqa: F811
    with KANExplorer.demo(driver="blocking", lamb=1e-3) as explorer:
        explorer.step(60)
        explorer.prune()
        explorer.auto_symbolic()
        explorer.step(10)
        explorer.goto(0)
        page = opened(explorer)
        page.click("[data-kw-tab=front]")
        row = page.locator("[data-kw-best]", has=page.locator("math")).first
        row.wait_for()
        row.hover()
        page.locator("[data-kw-panel=front] .kw-readout math").wait_for()
        box = page.locator("[data-kw-panel=front] .kw-readout").bounding_box()
        stage = page.locator("[data-kw-panel=front]").bounding_box()
        assert stage["x"] <= box["x"]
        assert box["x"] + box["width"] <= stage["x"] + stage["width"]
        state = int(row.get_attribute("data-kw-best"))
        row.click()
        page.locator(f'[data-kw-state-id="{state}"][aria-current]').wait_for()
        assert explorer._session.tree.current == state
        assert page.problems == []
