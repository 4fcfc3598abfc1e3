"""Levels of words that share a value: what the data say of them, and a network that has them."""

import copy

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN
from kanwidget.kan.words import MergedLevels
from kanwidget.training.evidence.errors import valid_posterior
from kanwidget.training.evidence.merges import partitions

OFFSETS = {"ash": 0.0, "beech": 0.0, "cedar": 2.0, "elm": 2.0, "fir": -1.0, "oak": -1.0}
TRUE = {frozenset(("ash", "beech")), frozenset(("cedar", "elm")), frozenset(("fir", "oak"))}


def trees(seed=0, noise=0.5, rows=400):
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame({"height": rng.uniform(0, 1, rows), "kind": rng.choice([*OFFSETS], rows)})
    frame["girth"] = 3 * frame.height**2 + frame.kind.map(OFFSETS) + noise * rng.normal(size=rows)
    return frame


def trained(frame):
    model = KAN.for_data((frame, "girth"))
    model.fit((frame, "girth"), progress=False)
    return model


@pytest.fixture(scope="module")
def model():
    return trained(trees())


@pytest.mark.slow
def test_the_true_groups_are_the_likeliest():
    right = 0
    for seed in range(8):
        best = trained(trees(seed)).suggest_merges("kind")[0]
        right += {frozenset(group) for group in best.groups} == TRUE
        assert best.gain > 0
    assert right >= 7


def test_only_groups_of_several_levels_are_merged():
    assert MergedLevels((("east", "west"), ("north",)), 2.5, 0.9).merged == [("east", "west")]


def test_levels_that_differ_are_left_apart():
    frame = trees()
    frame["girth"] += frame.kind.map({kind: 4.0 * i for i, kind in enumerate(OFFSETS)})
    for grouping in trained(frame).suggest_merges("kind"):
        assert grouping.gain < 0


@pytest.mark.parametrize("noise", [0.3, 1.0, 2.0])
def test_the_gain_is_that_of_a_training(noise):
    frame = trees(noise=noise)
    model = trained(frame)
    best = model.suggest_merges("kind")[0]
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", best.merged)
    merged.fit((frame, "girth"), progress=False)
    assert merged.posterior.log_evidence - model.posterior.log_evidence == pytest.approx(best.gain, abs=0.7)


@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_a_merged_network_is_as_if_it_was_trained(noise):
    frame = trees(noise=noise)
    model = trained(frame)
    best = model.suggest_merges("kind")[0]
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", best.merged)
    value, error = merged.predict(frame, return_std=True)
    assert merged.posterior.log_evidence - model.posterior.log_evidence == pytest.approx(best.gain)
    merged.fit((frame, "girth"), progress=False)
    again, its_error = merged.predict(frame, return_std=True)
    assert float(((value - again) / its_error).abs().max()) < 0.3  # prices have changed a little
    torch.testing.assert_close(error, its_error, rtol=0.05, atol=0)
    # What is split again the data haven't told apart yet.
    merged.merge_levels("kind", [])
    assert valid_posterior(merged) is None


def test_merged_levels_have_standard_errors_at_once(model):
    frame = trees()
    merged = copy.deepcopy(model)
    groups = model.suggest_merges("kind")[0]
    merged.merge_levels("kind", groups.merged)
    assert merged.posterior.log_evidence - model.posterior.log_evidence == pytest.approx(groups.gain, abs=0.7)
    table = next(iter(merged.fit_formula((frame, "girth")).words.tables.values()))
    before, freedom = merged.predict(frame, return_std=True)[1], merged.posterior.freedom
    merged.fit((frame, "girth"), progress=False)
    trained = next(iter(merged.fit_formula((frame, "girth")).words.tables.values()))
    assert [one.error for one in table.values()] == pytest.approx([one.error for one in trained.values()], rel=0.1)
    assert torch.allclose(before, merged.predict(frame, return_std=True)[1], rtol=0.1)
    for edge, expected in merged.posterior.freedom.items():
        assert freedom[edge].total == pytest.approx(expected.total, abs=0.2)


def test_levels_merged_step_by_step_have_the_errors_of_all_at_once(model):
    once, twice = copy.deepcopy(model), copy.deepcopy(model)
    once.merge_levels("kind", [["ash", "beech"], ["fir", "oak"]])
    twice.merge_levels("kind", [["ash", "beech"]])
    twice.merge_levels("kind", [["ash", "beech"], ["fir", "oak"]])
    expected = once.predict(trees(), return_std=True)[1]
    assert torch.allclose(twice.predict(trees(), return_std=True)[1], expected, rtol=1e-3)
    assert twice.posterior.log_evidence == pytest.approx(once.posterior.log_evidence, abs=0.3)


@pytest.mark.parametrize("groups", [[], [["ash", "cedar"]]])
def test_values_that_the_data_have_not_judged_leave_no_standard_errors(model, groups):
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", [["ash", "beech"]])
    merged.merge_levels("kind", groups)
    assert merged.posterior is None


def test_merged_levels_have_one_value_in_everything_that_follows(model, tmp_path):
    frame = trees()
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", [["ash", "beech"], ["fir", "oak"]])
    assert merged.n_parameters == model.n_parameters - 2
    before = merged.predict(frame)
    merged.fit((frame, "girth"), progress=False)
    values = merged.curve((0, 1, 0), torch.arange(6.0, dtype=torch.float64)).y.tolist()
    assert values[0] == values[1]
    assert values[4] == values[5]
    assert len({*values}) == 4
    assert torch.allclose(merged.predict(frame), before, atol=0.1)
    _, error = merged.predict(frame, return_std=True)
    assert float(error.max()) < 0.2
    text = repr(merged.fit_formula((frame, "girth")))
    assert "ash or beech: " in text
    assert "fir or oak: " in text
    merged.save(tmp_path / "trees.kan")
    again = KAN.load(tmp_path / "trees.kan")
    assert again.layer(0).merged == {1: (0, 0, 2, 3, 4, 4)}
    assert torch.equal(again.predict(frame), merged.predict(frame))
    assert merged.refine(20).layer(0).merged == merged.layer(0).merged
    assert ("cedar", "elm") in merged.suggest_merges("kind")[0].merged
    merged.merge_levels("kind", [])
    assert merged.layer(0).merged == {}
    assert merged.n_parameters == model.n_parameters


@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_every_optimizer_keeps_them(model, opt):
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", [["ash", "beech"]])
    merged.fit((trees(), "girth"), opt=opt, steps=5, progress=False)
    values = merged.curve((0, 1, 0), torch.arange(6.0, dtype=torch.float64)).y.tolist()
    assert values[0] == values[1]
    assert len({*values}) == 5


def test_a_group_begins_with_the_mean_of_its_rows(model):
    frame = trees()
    merged = copy.deepcopy(model)
    codes = torch.arange(6, dtype=torch.float64)
    before = merged.curve((0, 1, 0), codes).y
    merged.posterior = None
    merged.merge_levels("kind", [["ash", "elm"]])
    rows = torch.tensor([(frame.kind == kind).sum() for kind in OFFSETS], dtype=torch.float64)
    expected = (rows * before)[[0, 3]].sum() / rows[[0, 3]].sum()
    assert merged.curve((0, 1, 0), codes).y[[0, 3]].tolist() == pytest.approx([float(expected)] * 2)


def test_an_unmet_level_is_the_mean_of_all(model):
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", [["ash", "beech"]])
    values = merged.curve((0, 1, 0), torch.arange(6.0, dtype=torch.float64)).y
    assert float(merged.curve((0, 1, 0), torch.tensor([0.5], dtype=torch.float64)).y) == pytest.approx(
        float(values.mean())
    )


def test_several_targets_are_asked_together():
    frame = trees(noise=0.2)
    frame["age"] = 10 * frame.height + frame.kind.map({kind: i // 2 for i, kind in enumerate(OFFSETS)})
    model = KAN.for_data((frame, ["girth", "age"]), width=[2, 2])
    model.fit((frame, ["girth", "age"]), progress=False)
    (best, *_) = partitions(model, model.posterior, 1)
    assert {frozenset(group) for group in best.groups} == {frozenset((0, 1)), frozenset((2, 3)), frozenset((4, 5))}


@pytest.mark.parametrize(
    ("column", "groups", "message"),
    [
        ("size", [], "`column` argument of merge_levels must be .*; got 'size'"),
        ("height", [], "must be a column of words; got 'height'. It holds numbers"),
        ("kind", [["ash", "yew"]], "must be .*; got 'yew'"),
        ("kind", ["ash"], r"must be lists of levels; got 'ash'. Write \[\['ash', …\]\]."),
        ("kind", [["ash", "oak"], ["oak", "elm"]], "groups in which each level stands once; got \\[\\['ash', 'oak'\\]"),
        ("kind", "ash", r"must be lists of levels; got 'ash'. Write \[\['a', 'b'\], …\]."),
        ("kind", [3], "must be lists of levels; got 3"),
        ("kind", [[*OFFSETS]], "two values at least; .* A column whose levels are all alike is pruned."),
    ],
)
def test_what_cannot_be_merged_is_refused(model, column, groups, message):
    before = copy.deepcopy(model.layer(0).state_dict())
    with pytest.raises(ValueError, match=message):
        model.merge_levels(column, groups)
    after = model.layer(0).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name != "_extra_state")


def test_without_a_posterior_nothing_is_suggested():
    model = KAN.for_data((trees(), "girth"), width=[2, 1])
    with pytest.raises(ValueError, match="must be one of a network that was trained on named columns"):
        model.suggest_merges("kind")


@pytest.mark.parametrize("groups", [[], [[]], [["ash"]]])
def test_groups_of_fewer_than_two_change_nothing(model, groups):
    merged = copy.deepcopy(model)
    merged.merge_levels("kind", groups)
    assert torch.equal(merged.predict(trees()), model.predict(trees()))
    assert valid_posterior(merged) is not None


@pytest.mark.parametrize("seed", range(4))
def test_with_hidden_nodes_groups_have_the_mean_and_nothing_says_their_errors(seed):
    """Several edges that lead to hidden nodes have a common constant, along which the posterior says nothing true."""
    frame = trees(seed, noise=0.2, rows=300)
    model = KAN.for_data((frame, "girth"), width=[2, 3, 1])
    model.fit((frame, "girth"), progress=False)
    with pytest.raises(ValueError, match="whose levels the posterior tells apart"):
        model.suggest_merges("kind")
    truth = torch.tensor(frame[["girth"]].to_numpy())

    def error(network):
        return float((network.predict(frame) - truth).square().mean().sqrt())

    before = error(model)
    model.merge_levels("kind", [["ash", "beech"], ["cedar", "elm"], ["fir", "oak"]])
    assert error(model) < 1.1 * before
    assert model.posterior is None


def test_frozen_and_locked_edges_are_refused():
    frame = trees().assign(other=lambda one: one.kind)
    frame["age"] = frame.height
    model = KAN.for_data((frame, ["girth", "age"]), width=[3, 2])
    model.fit((frame, ["girth", "age"]), steps=10, progress=False)
    frozen, locked = copy.deepcopy(model), copy.deepcopy(model)
    frozen.freeze(0, 1, 1)
    with pytest.raises(ValueError, match="got 'a frozen edge'"):
        frozen.merge_levels("kind", [["ash", "beech"]])
    locked.lock(0, [(1, 0), (2, 0)])
    with pytest.raises(ValueError, match="Unlock the edges first"):
        locked.merge_levels("kind", [["ash", "beech"]])


def test_a_group_that_the_data_speak_against_leaves_no_errors(model):
    merged = copy.deepcopy(model)
    # Each true group says more for it than the false one says against all of them together.
    merged.merge_levels("kind", [["ash", "beech"], ["fir", "oak"], ["cedar", "elm"]])
    assert valid_posterior(merged) is not None
    merged.merge_levels("kind", [["ash", "beech", "fir", "oak"], ["cedar", "elm"]])
    assert merged.posterior is None


def test_no_number_beside_merged_words_is_no_number():
    frame = {"x": [0.1, 0.4, 0.5, 0.9] * 6, "w": list("abca") * 6}
    data = ({**frame, "y": [x + (w == "c") for x, w in zip(frame["x"], frame["w"], strict=True)]}, "y")
    model = KAN.for_data(data)
    model.fit(data, steps=4, progress=False)
    model.merge_levels("w", [["a", "b"]])
    values = model(torch.tensor([[float("nan"), 1.0], [0.5, 1.0]], dtype=torch.float64))
    assert values.isnan().flatten().tolist() == [True, False]
