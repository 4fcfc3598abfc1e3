"""Edges of a sum answer for themselves, and a law takes the place of curves only where it is as likely as they are."""

import copy
import sys

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.core.records import Freedom
from kanwidget.explorer.commands import guide as guide_commands
from kanwidget.growth import richer_networks
from kanwidget.simplification import simplify, simplify_steps
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.straightened import CHANCE, evidence_gain, freedom_of_a_sum, settled, straightened

LINES = {"x"}


def rows(law, noise, count=300, columns=5, seed=0):
    """Columns from -1 to 1, the last one of two values; labels with noise in parts of their spread."""
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(count, columns, generator=generator, dtype=torch.float64) - 1
    x[:, -1] = (x[:, -1] > 0).double()
    y = law(x)
    y = y + noise * y.std() * torch.randn(count, generator=generator, dtype=torch.float64)
    return Dataset.from_arrays(x, y[:, None], test_fraction=0.2)


def fitted(data, width=None):
    model = KAN(width or [data.n_features, 1], grid=8)
    model.fit(data, progress=False)
    return model


def functions(model):
    """The function of each column's edge: None where it stays a curve."""
    return {
        int(model.columns[ref.source]): model.layer(0).symbol(ref.source, ref.target)
        for ref in model.edge_refs(active=True)
    }


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
def test_a_line_with_useless_columns_becomes_that_line_at_once(noise):
    data = rows(lambda x: 2 * x[:, 0] - x[:, 1] + 3 * x[:, 4], noise)
    *_, last = steps = list(simplify_steps(fitted(data), data))
    assert functions(last.network) == {0: "x", 1: "x", 4: "x"}
    assert [step.kind for step in steps] == ["prune", "refit"]  # no law and no other shape is tried
    assert steps[0].text == "By evidence 2 of 5 edges say nothing, 3 are straight lines"


@pytest.mark.slow
def test_a_line_without_noise_is_found_as_a_law():
    data = rows(lambda x: 2 * x[:, 0] - x[:, 1] + 3 * x[:, 4], 0)
    *_, last = steps = list(simplify_steps(fitted(data), data))
    assert functions(last.network) == {0: "x", 1: "x", 4: "x"}
    assert "law" in [step.kind for step in steps]
    assert last.error < 1e-13


@pytest.mark.slow
def test_what_bends_stays_a_question_and_the_rest_is_answered():
    data = rows(lambda x: torch.sin(4 * x[:, 0]) + x[:, 1] + x[:, 4], 0.1)
    model = fitted(data)
    held = held_out(model, data, "simplify")
    trial = straightened(model, held, freedom_of_a_sum(model))
    assert functions(trial) == {0: None, 1: "x", 4: "x"}
    assert held.allows(held.row_losses(model), held.row_losses(trial))
    assert functions(simplify(model, data)) == {0: "sin", 1: "x", 4: "x"}


@pytest.mark.slow
def test_a_sum_that_leaves_a_product_ends_in_the_product():
    data = rows(lambda x: x[:, 0] * x[:, 1], 0.1)
    *_, last = simplify_steps(fitted(data), data)
    x = data.test_input
    assert float((last.network(x)[:, 0] - x[:, 0] * x[:, 1]).detach().std() / data.test_label.std()) < 0.05


@pytest.mark.slow
def test_a_network_of_noise_keeps_its_last_edge():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(200, n, generator=generator, dtype=torch.float64) for n in (3, 1))
    model = simplify(fitted(Dataset(x, y)), Dataset(x, y))
    assert len(model.edge_refs(active=True)) == 1


def test_classes_answer_too():
    data = rows(lambda x: x[:, 0], 0.0)
    chance = torch.rand(len(data.train_input), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = (chance < torch.sigmoid(6 * data.train_input[:, 0])).long()
    data = Dataset(data.train_input, labels)
    model = KAN([5, 2], grid=8)
    model.fit(data, progress=False)
    simple = simplify(model, data)
    assert {model.layer(0).symbol(*ref[1:]) for ref in simple.edge_refs(active=True)} <= {None, *LINES}
    assert {ref.source for ref in simple.edge_refs(active=True)} == {0}


def test_only_sums_whose_posterior_is_theirs_are_asked():
    data = rows(lambda x: x[:, 0], 0.1)
    assert freedom_of_a_sum(KAN([5, 1])) is None  # untrained
    assert freedom_of_a_sum(fitted(data, [5, 2, 1])) is None
    model = fitted(data)
    assert freedom_of_a_sum(model) is not None
    with torch.no_grad():
        model.layer(0).coef += 1
    assert freedom_of_a_sum(model) is None


def test_functions_corrections_and_ties_are_not_judged():
    data = rows(lambda x: x[:, 0], 0.1)
    for change in (
        lambda model: model.fix_symbolic(0, 1, 0, "x", data=data),
        lambda model: model.fix_symbolic(0, 1, 0, "x", data=data, keep_spline=True),
        lambda model: model.lock(0, [(1, 0), (2, 0)]),
    ):
        model = KAN([5, 1], grid=8)
        model.fit(data, steps=1, progress=False)
        change(model)
        model.fit(data, progress=False)
        assert model.posterior is not None
        assert freedom_of_a_sum(model) is None


@pytest.mark.slow
def test_evidence_that_has_not_settled_is_no_verdict():
    data = rows(lambda x: x[:, 0] ** 2, 0.3)
    model = KAN([5, 1], grid=8)
    model.fit(data, steps=7, progress=False)
    assert not model.posterior.settled
    assert freedom_of_a_sum(model) is None
    trained = settled(model, held_out(model, data, "simplify"))
    assert freedom_of_a_sum(trained) is not None
    assert not model.posterior.settled  # it is a copy
    assert settled(trained, held_out(model, data, "simplify")) is trained
    assert functions(simplify(model, data)) == {0: "x^2"}


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_are_held_out_of_the_training_rows_are_no_higher_bar(seed):
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(200, 4, generator=generator, dtype=torch.float64) - 1
    y = 2 * x[:, 0] - x[:, 1] + 0.7 * torch.randn(200, generator=generator, dtype=torch.float64)
    data = Dataset(x, y[:, None])
    first = next(iter(simplify_steps(fitted(data), data)))
    assert first.improved


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e6])
def test_an_untrained_network_is_simplified_in_any_unit(size):
    data = rows(lambda x: size * (x[:, 0] ** 2 + 3 * x[:, 1]), 0.02)
    *_, last = simplify_steps(KAN([5, 3, 1]), data, lib=["x", "x^2"])
    assert last.error < 0.1 * float(data.test_label.std())


@pytest.mark.slow
def test_a_library_without_lines_gets_none():
    data = rows(lambda x: 2 * x[:, 0], 0.1)
    kinds = [step.text for step in simplify_steps(fitted(data), data, lib=["sin", "x^2"])]
    assert not any(text.startswith("By evidence") for text in kinds)


@pytest.mark.parametrize(("error", "likely"), [(0.0, True), (0.3, False)])
def test_a_law_has_to_be_as_likely_as_the_curves(error, likely):
    # A term of three tenths of the noise's size is no chance in 800 rows, but held-out rows would let it pass.
    data = rows(lambda x: torch.exp(x[:, 0]) + error * torch.sin(6 * x[:, 1]), 0.3, count=1000)
    model = fitted(data)
    law = copy.deepcopy(model)
    law.fix_symbolic(0, 0, 0, "exp", data=data)
    for source in range(1, 5):
        law.remove_edge(0, source, 0)
    law.fit(data, progress=False)
    gain = evidence_gain(law, 3, 3.0, model, held_out(model, data, "simplify"))
    assert gain is not None
    assert (gain > -CHANCE) is likely


def test_evidence_of_other_rows_says_nothing():
    data = rows(lambda x: torch.exp(x[:, 0]), 0.3)
    model = fitted(Dataset(data.train_input[:100], data.train_label[:100]))
    assert evidence_gain(model, 100, 1000.0, model, held_out(model, data, "simplify")) is None
    both = Dataset(data.train_input, data.train_label)  # a fifth is held out of the rows that it was trained on
    assert evidence_gain(fitted(both), 100, 1000.0, fitted(both), held_out(model, both, "simplify")) < -CHANCE


def test_errors_that_grow_with_the_target_leave_the_question_to_held_out_rows():
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.rand(400, 1, generator=generator, dtype=torch.float64)
    y = torch.exp(2 * x) * (1 + 0.05 * torch.randn(400, 1, generator=generator, dtype=torch.float64))
    data = Dataset.from_arrays(x, y, test_fraction=0.2)
    model = fitted(data)
    assert evidence_gain(model, 100, 1000.0, model, held_out(model, data, "simplify")) is None


@pytest.mark.slow
def test_a_law_far_from_the_data_is_not_the_nearest():
    # Six waves in one column have no short law; a line in the other column explains 2 % of them.
    generator = torch.Generator().manual_seed(0)
    x = 72 * torch.rand(240, 2, generator=generator, dtype=torch.float64)
    waves = sum(torch.sin(rate * x[:, :1] + rate) for rate in (0.21, 0.34, 0.55, 0.67, 0.81, 0.96))
    y = waves + 0.004 * x[:, 1:]
    data = Dataset.from_arrays(
        x, y + 0.1 * torch.randn(240, 1, generator=generator, dtype=torch.float64), test_fraction=0.2
    )
    *_, last = simplify_steps(KAN.for_data(data), data)
    assert last.nearest == ""


@pytest.mark.slow
def test_what_is_known_of_richer_networks_is_not_asked_again(monkeypatch):
    data = rows(lambda x: x[:, 0] * x[:, 1], 0.1)
    model = fitted(data)
    *_, answer = richer_networks(model, data)
    assert answer.better is not None
    monkeypatch.setattr(sys.modules[simplify_steps.__module__], "richer_networks", None)  # whoever called it would fail
    asked = [step.text for step in simplify_steps(model, data, richer=answer)]
    assert "Trying whether products or hidden nodes explain more" in asked


def test_the_explorer_hands_over_what_its_training_has_asked(monkeypatch):
    x = 2 * torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    y = (
        x[:, :1]
        + x[:, 1:] ** 2
        + 0.3 * torch.randn(200, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )
    given = []
    monkeypatch.setattr(guide_commands, "simplify_steps", lambda *_, richer, **__: given.append(richer) or iter(()))
    explorer = KANExplorer(Dataset.from_arrays(x, y, test_fraction=0.2))
    explorer.follow(explorer.next_act())  # Train
    explorer.simplify()
    explorer.close()
    assert given[0].better is None


def test_words_keep_their_errors_and_functions_have_no_freedom_in_much_noise():
    random = torch.Generator().manual_seed(0)
    towns = torch.randint(0, 3, (300,), generator=random)
    x = torch.rand(300, generator=random, dtype=torch.float64)
    rent = (
        2 * x + torch.tensor([0.0, 0.5, 1.5], dtype=torch.float64)[towns] + torch.randn(300, generator=random).double()
    )
    names = ["east", "west", "north"]
    frame = {"x": x.tolist(), "town": [names[town] for town in towns.tolist()], "rent": rent.tolist()}
    model = KAN.for_data(frame, "rent")
    model.fit((frame, "rent"), progress=False)
    small = model.simplify((frame, "rent"))
    assert functions(small)[0] == "x"
    text = str(small.fit_formula((frame, "rent")))
    assert text.count("±") == 3 + 2  # a value for each town, and the constants
    freedoms = {row.name: row.freedom for row in small.summary().columns}
    assert freedoms["x"] is None
    assert freedoms["town"] > 1


def test_words_never_become_a_straight_line():
    frame = {"town": ["east", "west"] * 30, "x": torch.linspace(0, 1, 60).tolist()}
    frame["rent"] = [x + (town == "east") for x, town in zip(frame["x"], frame["town"], strict=True)]
    model = KAN.for_data((frame, "rent"))
    model.fit((frame, "rent"), steps=2, progress=False)
    freedom = {edge: Freedom(1.0, 0.0) for edge in model.edge_refs(active=True)}
    straight = straightened(model, held_out(model, (frame, "rent"), "test"), freedom)
    assert {straight.layer(0).state(*edge[1:]) for edge in straight.edge_refs(active=True)} == {"levels", "symbolic"}


def test_words_are_no_straight_lines():
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"hour": rng.uniform(0, 12, 200), "town": rng.choice(list("abc"), 200)})
    frame["load"] = 3 * np.sin(frame.hour) + frame.town.map({"a": 0.0, "b": 2.0, "c": 5.0}) + rng.normal(0, 0.3, 200)
    model = KAN.for_data(frame, "load")
    model.fit((frame, "load"), progress=False)
    step = next(step for step in simplify_steps(model, (frame, "load")) if step.text.startswith("By evidence"))
    assert step.text == "By evidence 0 of 2 edges say nothing, 0 are straight lines"
    assert not step.improved
