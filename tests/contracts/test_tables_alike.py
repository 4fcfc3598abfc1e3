"""One way to say "this table, that target": every call takes every form of data, and they mean the same."""

import functools

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer, discover
from kanwidget.structure import examine
from kanwidget.sweeps import search_architecture, sweep
from kanwidget.training import fit_many

ROWS = 40


def table():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, ROWS), rng.uniform(-1, 1, ROWS)
    return pandas.DataFrame({"a": a, "b": b, "y": 2 * a + b**2})


FRAME = table()
X, Y = FRAME[["a", "b"]], FRAME["y"]
DATA = Dataset(torch.tensor(X.to_numpy()), torch.tensor(Y.to_numpy()), in_vars=["a", "b"])
FORMS = {
    "frame and name": (FRAME, "y"),
    "dict and name": (FRAME.to_dict("list"), "y"),
    "frame and series": (X, Y),
    "arrays": (X.to_numpy(), Y.to_numpy()),
    "Dataset": DATA,
    "pykan's dict": {"train_input": DATA.train_input, "train_label": DATA.train_label},
}


def fitted():
    model = KAN([2, 1], grid=4)
    model.fit(DATA, steps=6, progress=False)
    return model


def explored(data):
    with KANExplorer(data, width=[2, 1], test_fraction=0, driver="blocking") as explorer:
        explorer.step(3)
        return explorer.history.last.train_loss


def trained(data):
    model = KAN([2, 1], grid=4)
    return model.fit(data, steps=4, progress=False).last.train_loss


def stepped(data):
    *_, record = KAN([2, 1], grid=4).fit_steps(data, steps=4)
    return record.train_loss


def one_by_one(data):
    many = [KAN([2, 1], grid=4)]
    return fit_many(many, data, steps=4, progress=False)[1][0].last.train_loss


def swept(data):
    return sweep({"grid": [4]}, data, width=[2, 1], steps=4, progress=False)[0]["train_loss"]


@functools.cache
def symbolic():
    return fitted().simplify(DATA, steps=0, lib=["x", "x^2"])


def simplified(data):
    model = fitted()
    return float(model.simplify(data, steps=0, lib=["x", "x^2"]).predict(X).sum())


#: A call → a number that its result hangs on.
CALLS = {
    "KAN.for_data": lambda data: KAN.for_data(data).n_parameters,
    "KAN.fit": trained,
    "KAN.fit_steps": stepped,
    "fit_many": one_by_one,
    "KAN.extend": lambda data: KAN([2, 1]).extend(data, grids=[3, 5], steps=4, progress=False).n_parameters,
    "KAN.simplify": simplified,
    "KAN.fit_formula": lambda data: symbolic().fit_formula(data).error,
    "KAN.predict": lambda data: float(fitted().predict(data).sum()),
    "KAN.attribute": lambda data: float(fitted().attribute(data=data).edge_scores[0].sum()),
    "KAN.suggest_symbolic": lambda data: fitted().suggest_symbolic(0, 0, 0, data=data)[0].r2,
    "KAN.plot_edge": lambda data: len(fitted().plot_edge(0, 0, 0, data=data).axes),
    "KAN.plot_terms": lambda data: len(fitted().plot_terms(data).axes),
    "KAN.plot_fit": lambda data: len(fitted().plot_fit(data).axes),
    "KANExplorer": explored,
    "discover": lambda data: discover(data, steps=4, progress=False).front[-1].complexity,
    "examine": lambda data: examine(data, members=3, steps=4).tolerance,
    "sweep": swept,
    "search_architecture": lambda data: (
        search_architecture(data, budget=4, starts=1, steps=4, progress=False).best.parameters
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_every_call_takes_every_form_of_data(call):
    expected = CALLS[call](DATA)
    for name, data in FORMS.items():
        assert CALLS[call](data) == pytest.approx(expected, rel=1e-6), name


def test_a_frame_beside_its_target_and_inputs_beside_their_labels_open_the_explorer():
    expected = explored(DATA)
    for arguments in ((FRAME, "y"), (X, Y), (X.to_numpy(), Y.to_numpy())):
        with KANExplorer(*arguments, width=[2, 1], test_fraction=0, driver="blocking") as explorer:
            explorer.step(3)
            assert explorer.history.last.train_loss == pytest.approx(expected, rel=1e-6)


def test_a_share_of_the_rows_is_held_out():
    model = KAN([2, 1], grid=4)
    history = model.fit(DATA, steps=4, validation=0.25, progress=False)
    assert history.last.validation_loss is not None
    for held in (DATA, (FRAME, "y"), (X, Y)):
        other = KAN([2, 1], grid=4)
        assert other.fit(DATA, steps=4, validation=held, progress=False).last.validation_loss is not None
    with pytest.raises(ValueError, match="a part of the rows between 0 and 1"):
        model.fit(DATA, validation=1.5, progress=False)


def test_labels_in_place_of_the_optimizer_are_told_where_to_go():
    with pytest.raises(ValueError, match=r"A table and its target are one argument: fit\(\(frame, 'y'\)\)"):
        KAN([2, 1]).fit(FRAME, "y")
    with pytest.raises(ValueError, match=r"A table and its target are one argument: fit\(\(x, y\)\)"):
        KAN([2, 1]).fit(X, Y)


def test_a_sweep_may_let_networks_grow():
    found = sweep({"width": ["auto", [2, 1]]}, (FRAME, "y"), steps=4, progress=False)
    assert len(found) == 2
    assert not found.failed
