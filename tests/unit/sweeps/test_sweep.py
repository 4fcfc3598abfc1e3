import dataclasses
import functools

import pytest
import torch

from kanwidget import KAN, Dataset, sweep
from kanwidget.sweeps import batches, data, run
from kanwidget.sweeps.batches import group_cases
from kanwidget.sweeps.space import cases_of, settings_of
from tests.unit.sweeps.sweep_samples import product

SPACE = {"width": [[2, 1], [2, 2, 1]], "grid": [1, 3], "lamb": [0.0, 1e-3]}
quiet = functools.partial(sweep, progress=False)


@pytest.fixture
def counted(monkeypatch):
    """The cases that were trained."""
    seen = []

    def counting(cases, sets):
        seen.extend(cases)
        return batches.run_batch(cases, sets)

    monkeypatch.setattr("kanwidget.sweeps.run.run_batch", counting)
    return seen


def test_each_row_is_what_fit_gives():
    table = quiet(SPACE, product(), seeds=2, steps=4)
    assert len(table) == 16
    assert table["seed"] == [0, 1] * 8
    for row in table[::5]:
        model = KAN(row["width"], grid=row["grid"], seed=row["seed"])
        history = model.fit(product(), steps=4, lamb=row["lamb"], progress=False)
        assert row["train_loss"] == pytest.approx(history.last.train_loss, rel=1e-6)
        assert row["test_loss"] == pytest.approx(history.last.test_loss, rel=1e-6)
        assert row["parameters"] == sum(p.numel() for layer in model.layers for p in (layer.coef, layer.base))
        assert (row["steps_taken"], row["optimizer"], row["stop_reason"]) == (4, "LM", "steps done")
        assert row["failed"] is None


def test_rows_keep_their_weights():
    plain = product()
    weight = torch.linspace(0.1, 2.0, len(plain.train_input), dtype=torch.float64)
    weighted = dataclasses.replace(plain, train_weight=weight)
    (row,) = quiet({"width": [[2, 1]]}, weighted, steps=4)
    model = KAN([2, 1], seed=0)
    assert row["train_loss"] == pytest.approx(model.fit(weighted, steps=4, progress=False).last.train_loss, rel=1e-6)


def test_sparse_and_full_starts_are_two_settings():
    table = quiet({"sparse_init": [True, False]}, product(), width=[2, 3, 1], steps=3)
    for row in table:
        model = KAN([2, 3, 1], sparse_init=row["sparse_init"], seed=0)
        loss = model.fit(product(), steps=3, progress=False).last.train_loss
        assert row["train_loss"] == pytest.approx(loss, rel=1e-6)
    assert table["train_loss"][0] != table["train_loss"][1]


def test_settings_may_have_what_their_optimiser_has_no_use_for():
    table = quiet({"opt": ["LM", "Adam"], "lr": [0.01, 0.1]}, product(), width=[2, 1], steps=3)
    assert table["failed"] == [None] * 4
    first, second, third, fourth = table["train_loss"]
    assert first == second
    assert third != fourth


def test_the_state_that_is_best_on_validation_data_is_what_counts():
    x = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
    split = Dataset(x, torch.sin(900 * x), val_input=x, val_label=torch.zeros_like(x))
    (row,) = quiet({}, split, width=[1, 1], grid=5, steps=20)
    history = KAN([1, 1], grid=5).fit(split, steps=20, progress=False)
    assert row["validation_loss"] == pytest.approx(min(history["validation_loss"]), rel=1e-9)
    assert row["validation_loss"] < history["validation_loss"][-1]


def test_a_network_that_fails_is_a_row_with_its_reason():
    table = quiet({"width": [[2, 1], [3, 1], [2, 0, 1]], "lamb": [0.0, -1.0]}, product(), steps=2)
    reasons = dict(zip(map(str, zip(table["width"], table["lamb"], strict=True)), table["failed"], strict=True))
    assert reasons["([2, 1], 0.0)"] is None
    assert reasons["([2, 1], -1.0)"] == "the `lamb` argument of fit must be a finite number ≥ 0; got -1.0."
    assert "3" in reasons["([3, 1], 0.0)"]
    assert "`width[1]` argument of KAN" in reasons["([2, 0, 1], 0.0)"]
    assert len(table.failed) == 5
    assert table.failed["test_loss"] == [None] * 5


def test_losses_that_are_no_numbers_fail():
    far = Dataset([[0.0], [1.0], [2.0]], [1.7e308, -1.7e308, 1.7e308])
    (row,) = quiet({}, far, width=[1, 1], steps=2)
    assert row["train_loss"] is None
    assert row["failed"] == "the loss is not finite"


def test_no_steps_and_no_test_data():
    (row,) = quiet({}, (product().train_input, product().train_label), width=[2, 1], steps=0)
    assert (row["steps_taken"], row["train_loss"], row["test_loss"], row["failed"]) == (0, None, None, None)


def test_several_data_sets_by_name():
    sets = {"few": product(20), "many": product(60)}
    table = quiet({"grid": [1, 3]}, sets, width=[2, 2, 1], steps=4)
    assert table["data"] == ["few", "many"] * 2
    assert table.settings == ["width", "grid", "steps", "data"]
    alone = quiet({"grid": [1, 3]}, sets["few"], width=[2, 2, 1], steps=4)
    assert alone["test_loss"] == pytest.approx(table.where(data="few")["test_loss"], rel=1e-6)


def test_the_same_data_under_two_names_are_two_rows_and_computed_once(counted):
    table = quiet({}, {"one": product(20), "other": product(20)}, width=[2, 1], steps=2)
    assert table["data"] == ["one", "other"]
    assert table["test_loss"][0] == table["test_loss"][1]
    assert len(counted) == 1


def test_what_is_known_is_not_trained_again(tmp_path, counted):
    path = tmp_path / "s.db"
    first = quiet({"grid": [1, 3]}, product(), width=[2, 1], steps=3, seeds=2, store=path)
    assert len(counted) == 4
    again = quiet({"grid": [1, 3]}, product(), width=[2, 1], steps=3, seeds=2, store=path)
    assert len(counted) == 4
    assert list(again) == list(first)
    larger = quiet({"grid": [1, 3, 5]}, product(), width=[2, 1], steps=3, seeds=[0, 1, 7], store=path)
    assert [(c.setting["grid"], c.seed) for c in counted[4:]] == [(1, 7), (3, 7), (5, 0), (5, 1), (5, 7)]
    assert [row for row in larger if row in list(first)] == list(first)


def test_other_data_are_kept_apart_in_one_file(tmp_path, counted):
    path = tmp_path / "s.db"
    first = quiet({}, product(seed=1), width=[2, 1], steps=3, store=path)
    second = quiet({}, product(seed=2), width=[2, 1], steps=3, store=path)
    assert len(counted) == 2
    assert first["test_loss"] != second["test_loss"]
    assert list(quiet({}, {"named": product(seed=1)}, width=[2, 1], steps=3, store=path)) == [
        {**first[0], "data": "named"}
    ]
    assert len(counted) == 2


def test_an_interrupted_sweep_keeps_what_it_has(tmp_path, monkeypatch):
    path, done = tmp_path / "s.db", []

    def interrupted(cases, sets):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(cases)
        return batches.run_batch(cases, sets)

    monkeypatch.setattr("kanwidget.sweeps.run.run_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quiet({"grid": [1, 2, 3, 4]}, product(), width=[2, 1], steps=2, store=path)
    monkeypatch.undo()
    kept = [case.key for cases in done for case in cases]
    with run.Store(path) as store:
        assert list(store.rows(kept)) == kept


def test_an_interrupted_training_is_no_result(tmp_path, monkeypatch):
    path, seen = tmp_path / "s.db", []

    def interrupted(output, label):
        seen.append(output)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return 0.0

    monkeypatch.setattr(batches, "fit_many", functools.partial(batches.fit_many, metrics=[interrupted]))
    with pytest.raises(KeyboardInterrupt):
        quiet({}, product(), width=[2, 1], steps=4, store=path)
    monkeypatch.undo()
    assert quiet({}, product(), width=[2, 1], steps=4, store=path)["steps_taken"] == [4]


def test_no_file_that_nobody_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quiet({}, product(), width=[2, 1], steps=1)
    assert list(tmp_path.iterdir()) == []


def test_a_progress_bar_counts_networks(capsys, tmp_path):
    for seeds in (1, 3):
        sweep({"grid": [1, 3]}, product(), width=[2, 1], steps=1, seeds=seeds, store=tmp_path / "s.db")
    assert "6/6" in capsys.readouterr().err


def cases(space, seeds, arrays):
    return cases_of(settings_of(space, {}), {name: name for name in arrays}, seeds, 1)


def test_batches_hold_networks_of_one_structure_and_schedule():
    sets = {"a": product(30), "b": product(30, seed=1), "c": product(31)}
    arrays = {name: data.arrays_of(one) for name, one in sets.items()}
    found = group_cases(cases({"width": [[2, 1], [2, 2, 1]], "lamb": [0, 1], "steps": [3, 4]}, 2, arrays), arrays)
    assert len(found) == 2 * 2 * 2
    for batch in found:
        assert len({str(case.setting["width"]) for case in batch}) == 1
        assert len({case.setting["steps"] for case in batch}) == 1
        assert len({len(arrays[case.data]["train_input"]) for case in batch}) == 1
    assert sorted(len(batch) for batch in found) == [4] * 4 + [8] * 4


def test_batches_are_bounded_and_enough_for_all_workers():
    arrays = {"": data.arrays_of(product())}
    many = cases({"width": [[2, 1]]}, 70, arrays)
    assert [len(batch) for batch in group_cases(many, arrays)] == [32, 32, 6]
    assert [len(batch) for batch in group_cases(many[:10], arrays, workers=3)] == [4, 4, 2]
    assert [case for batch in group_cases(many, arrays) for case in batch] == many


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_jobs": 0}, "`n_jobs` argument of sweep must be an integer ≥ 1, or -1"),
        ({"n_jobs": -2}, "`n_jobs` argument of sweep must be an integer ≥ -1"),
        ({"backend": "cloud"}, "`backend` argument of sweep must be one of 'local', 'dask'"),
        ({"backend": 3}, "`backend` argument of sweep must be one of"),
        ({"seeds": 0}, "`seeds` argument of sweep must be"),
        ({"progress": 2}, "`progress` argument of sweep must be True or False"),
        ({"data": 3}, "`data` argument of sweep must be a Dataset"),
        ({"data": {}}, "`data` argument of sweep must be data, or a dict"),
        ({"data": {"a": product(), "b": ([[0.0]], [0.0])}}, "`data` argument of sweep must be data sets with the same"),
        ({"store": 3}, "`store` argument of sweep must be the path"),
        ({"gird": 3}, r"must be one of .*Did you mean 'grid'\?"),
    ],
)
def test_errors(arguments, message):
    given = {"data": product(), "width": [2, 1], "steps": 1, **arguments}
    with pytest.raises((ValueError, TypeError), match=message):
        quiet({}, given.pop("data"), **given)


def test_what_failed_is_tried_again_when_asked(counted, monkeypatch, tmp_path):
    path, space = tmp_path / "s.db", {"lamb": [0.0, 1e-3]}

    def short_of_memory(cases, sets):
        return [
            (case.key, batches.row_of(case, failed="no memory"))
            if case.setting["lamb"]
            else batches.run_batch([case], sets)[0]
            for case in cases
        ]

    with monkeypatch.context() as patch:
        patch.setattr("kanwidget.sweeps.run.run_batch", short_of_memory)
        assert quiet(space, product(), width=[2, 1], steps=2, store=path)["failed"] == [None, "no memory"]
    again = functools.partial(quiet, space, product(), width=[2, 1], steps=2, store=path)
    assert again()["failed"] == [None, "no memory"]
    assert counted == []
    assert again(retry_failed=True)["failed"] == [None, None]
    assert [case.setting["lamb"] for case in counted] == [1e-3]
    assert again()["failed"] == [None, None]
    assert len(counted) == 1
    with pytest.raises(ValueError, match="`retry_failed` argument of sweep"):
        again(retry_failed=1)
