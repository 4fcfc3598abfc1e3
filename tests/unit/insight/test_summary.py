"""A network on one page, and the yardsticks beside its error."""

import re

import pytest
import torch

from kanwidget import KAN, Dataset, create_dataset
from kanwidget.insight import yardsticks
from kanwidget.insight.numbers import percent, plain
from kanwidget.insight.summary import Summary
from kanwidget.insight.yardsticks import Score, Yardsticks, yardstick_steps
from tests.support.networks import uniform


def table(rows=600, seed=0):
    """A product, a line, and a useless column; a quarter of the variance is noise that nothing explains."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=generator, dtype=torch.float64)
    y = x[:, :1] * x[:, 1:2] + x[:, 2:3] + 0.8 * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    half = rows // 2
    return Dataset(x[:half], y[:half], x[half:], y[half:], in_vars=["a", "b", "c", "idle"], out_vars=["y [m]"])


def classes(rows=300, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 5, generator=generator, dtype=torch.float64)
    odds = torch.sigmoid(1.2 * x[:, 0] - x[:, 1] + 0.8 * (x[:, 2] ** 2 - 1))
    y = (torch.rand(rows, generator=generator, dtype=torch.float64) < odds).long()
    count = rows * 3 // 4
    return Dataset(x[:count], y[:count], x[count:], y[count:])


@pytest.fixture(scope="module")
def fitted():
    model = KAN([4, [2, 1], 1])
    model.fit(table(), progress=False)
    return model


def test_a_summary_has_columns_error_and_yardsticks(fitted):
    page = fitted.summary(table())
    assert {row.name for row in page.columns if row.matters} == {"a", "b", "c"}
    assert page.columns[-1].name == "idle"
    assert page.columns[-1].freedom < 1
    assert page.noise == pytest.approx(0.8, rel=0.15)
    lines = str(page).splitlines()
    assert lines[1].split() == ["column", "effect", "freedom"]
    assert re.fullmatch(r"error ± 0\.\d+ in y \[m\], of which noise ± 0\.\d+", lines[-2])
    assert lines[-1] == page.yardsticks.sentence


def test_yardsticks_are_what_they_say(fitted):
    sticks = yardsticks(fitted, table())
    data = table()
    design = torch.cat([data.train_input, torch.ones_like(data.train_label)], 1)
    weights = torch.linalg.lstsq(design, data.train_label).solution
    residual = data.test_label - torch.cat([data.test_input, torch.ones_like(data.test_label)], 1) @ weights
    line = 1 - float(residual.square().mean() / data.test_label.var(correction=0))
    assert sticks.line.explained == pytest.approx(line, abs=0.03)
    assert sticks.additive.explained < sticks.network.explained - 0.2
    assert sticks.allowed == pytest.approx(1 - 0.64 / float(data.test_label.var(correction=0)), abs=0.08)
    assert sticks.network.explained == pytest.approx(sticks.allowed, abs=0.15)


def test_without_held_out_rows_it_says_so_and_without_data_it_has_columns_alone(fitted):
    data = table()
    page = fitted.summary(Dataset(data.train_input, data.train_label))
    assert page.yardsticks.sentence.endswith(" (of the training rows)")
    assert all(row.effect is None for row in page.columns)
    bare = fitted.summary()
    assert bare.yardsticks is None
    assert str(bare).splitlines()[-1].startswith("noise ± 0.")


def test_an_additive_network_has_no_additive_one_beside_it():
    model = KAN([4, 1])
    model.fit(table(), progress=False)
    assert yardsticks(model, table()).additive is None


def test_classes_are_compared_with_the_most_frequent_one_and_a_logistic_line():
    model = KAN.for_data(classes())
    model.fit(classes(), progress=False)
    page = model.summary(classes())
    sticks = page.yardsticks
    assert sticks.network.error < sticks.line.error < sticks.majority.error
    assert sticks.majority.error == pytest.approx(0.69, abs=0.03)
    assert (page.noise, sticks.allowed) == (None, None)
    assert re.match(r"\d+ % right · a logistic line \d+ %", sticks.sentence)


@pytest.mark.parametrize("seed", range(4))
def test_a_fit_of_classes_ends_near_its_best_step(seed):
    """No row is held out for the choice of a step: evidence alone keeps the network from learning chance."""
    model = KAN.for_data(classes(seed=seed))
    history = model.fit(classes(seed=seed), progress=False)
    assert history.last.test_loss < 1.1 * min(history["test_loss"])


def test_a_summary_without_evidence_has_no_noise():
    model = KAN([4, 1])
    model.fit(table(), lamb=1e-3, progress=False)
    page = model.summary(table())
    assert page.noise is None
    assert all(row.freedom is None for row in page.columns)
    assert "noise" not in page.yardsticks.sentence


def test_numbers_in_sentences_have_no_exponents_where_nobody_writes_them():
    assert [percent(part) for part in (1.0, 1.23, 0.9996, 0.5, 0.012, 0.0)] == [
        "100 %",
        "123 %",
        "99.96 %",
        "50 %",
        "1.2 %",
        "0 %",
    ]
    assert [plain(value) for value in (137.2, 1.1, 0.00012, 0.0)] == ["140", "1.1", "0.00012", "0"]


def test_nothing_is_said_only_where_nothing_helps():
    rare = Yardsticks(Score(0.91, 0.257), Score(0.91, 0.28), None, Score(0.91, 0.303), None, True)
    assert not rare.is_nothing  # as many right, but far better chances
    assert Yardsticks(Score(0.91, 0.31), Score(0.91, 0.31), None, Score(0.91, 0.303), None, True).is_nothing
    assert not Yardsticks(Score(-0.2, 1.0), Score(0.6, 0.5), None, None, None, True).is_nothing


@pytest.mark.parametrize(
    ("explained", "sentence"),
    [
        (0.95, "explains all that the noise allows (about 94 %) · a straight line 34 %"),
        (0.94, "explains 94 % · a straight line 34 % · the noise allows about 94 %"),
        (0.9412, "explains 94 % · a straight line 34 % · the noise allows about 94 %"),
        (0.7, "explains 70 % · a straight line 34 % · the noise allows about 94 %"),
    ],
)
def test_nothing_explains_more_than_the_noise_allows(explained, sentence):
    sticks = Yardsticks(Score(explained, 0.617), Score(0.34, 2.2), None, None, 0.94, True)
    assert sticks.sentence == sentence


def test_no_part_of_an_error_is_larger_than_the_error():
    sticks = Yardsticks(Score(0.95, 0.617), Score(0.34, 2.2), None, None, 0.94, True)
    assert "error ± 0.62 in t, no more than the noise ± 0.63" in str(Summary("KAN", (), 0.63, "t", sticks))
    assert "error ± 0.62 in t, of which noise ± 0.6" in str(Summary("KAN", (), 0.6, "t", sticks))


def test_figures_that_nothing_says_have_no_column():
    held = create_dataset(lambda x: x[:, [0]] + x[:, [1]] ** 2, n_var=2, train_num=100, test_num=100)
    data = Dataset(held.train_input, held.train_label)
    model = KAN([2, 1])
    model.fit(data, progress=False)
    head, *_ = str(model.summary()).splitlines()[1:]
    assert head.split() == ["column", "freedom"]
    assert "(effects of columns need held-out rows: data with test rows)" in str(model.summary(data))
    assert str(model.summary(held)).splitlines()[1].split() == ["column", "effect", "freedom"]
    assert str(model.refine(6).summary(held)).splitlines()[1].split() == ["column", "effect"]


def test_the_additive_yardstick_is_as_fine_as_the_network():
    """A grid that is too coarse for a wave would say that a sum of curves explains nothing of it."""
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(400, 2, generator=generator, dtype=torch.float64) - 1
    y = torch.sin(30 * x[:, :1]) + 0.1 * torch.randn(400, 1, generator=generator, dtype=torch.float64)
    data = Dataset(x[:300], y[:300], x[300:], y[300:])
    model = KAN([2, 1, 1], grid=30)
    assert yardsticks(model, data).additive.explained > 0.9
    coarse = yardsticks(KAN([2, 1, 1], grid=3), data)
    assert coarse.additive.explained < 0.5
    # A finer network has another sum, but the same line.
    *_, again = yardstick_steps(model, data, coarse)
    assert again.additive.explained > 0.9
    assert again.line == coarse.line


def test_many_columns_have_a_sum_of_a_coarser_grid():
    x = uniform(200, 16)
    data = Dataset(x, x[:, :1] ** 2)
    assert yardsticks(KAN([16, 1, 1], grid=30), data).additive is not None
