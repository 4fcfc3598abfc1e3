"""Frames given to a network that was trained on named columns: read by name, whatever their order."""

import pytest
import torch

from kanwidget import KAN, Dataset, cli, create_dataset
from kanwidget.core.storage import load
from kanwidget.datasets import as_dataset
from tests.support.networks import F64, uniform

pandas = pytest.importorskip("pandas")
FRAME = pandas.DataFrame(
    {"mass": [1.0, 2.0, 3.0, 4.0], "speed": [2, 3, 4, 5], "note": list("abcd"), "energy": [2.0, 9.0, 24.0, 50.0]}
)


@pytest.fixture
def model():
    model = KAN([2, 1])
    model.fit(Dataset.from_frame(FRAME.drop(columns="note"), "energy", 0), steps=3, progress=False)
    return model


def test_columns_are_taken_by_name_in_any_order_and_others_are_left_alone(model):
    expected = model(torch.tensor([[1.0, 2.0], [4.0, 5.0]], dtype=F64)).detach()
    assert torch.equal(model.predict(FRAME.iloc[[0, 3]]), expected)
    assert torch.equal(model.predict(FRAME[["speed", "mass"]].iloc[[0, 3]]), expected)
    torch.testing.assert_close(model.attribute(data=FRAME[::-1]).edge_scores[0], model.attribute().edge_scores[0])


def test_arrays_and_frames_without_names_are_taken_by_their_place(model):
    x = uniform(4, 2)
    assert torch.equal(model.predict(pandas.DataFrame(x.numpy())), model.predict(x))
    unnamed = KAN([2, 1])
    unnamed.fit((x, x[:, :1]), steps=1, progress=False)
    assert unnamed.in_vars == ()  # and not x_1, x_2: nobody has said so
    assert torch.equal(unnamed.predict(FRAME[["mass", "speed"]]), unnamed.predict(FRAME[["mass", "speed"]].to_numpy()))


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (
            FRAME.rename(columns={"mass": "Mass"}),
            ValueError,
            r"`data` argument of predict must be a frame with the columns .*, 'mass', 'speed'; got \['Mass', 'speed', "
            r"'note', 'energy'\]. Missing: 'mass'. Did you mean 'Mass'\?",
        ),
        (FRAME[["note"]], ValueError, r"got \['note'\]. Missing: 'mass', 'speed'.$"),
        (
            FRAME.assign(mass="a"),
            TypeError,
            r"`data` argument of predict must be numeric in column 'mass', row 0; got 'a'",
        ),
        (
            FRAME.assign(mass=pandas.to_datetime("2020-01-01")),
            TypeError,
            "`data` argument of predict must be numeric in column 'mass', row 0; got '2020",
        ),
        (FRAME[["mass", "mass", "speed"]], ValueError, r"columns have different names; got \['mass'\]"),
    ],
    ids=["other case", "missing", "text", "dates", "twice"],
)
def test_what_is_wrong_with_a_frame_is_named(model, frame, error, message):
    with pytest.raises(error, match=message):
        model.predict(frame)


def test_frames_of_inputs_have_names_too(model):
    x, y = FRAME[["mass", "speed"]], FRAME["energy"]
    pair = KAN([2, 1])
    pair.fit((x, y), steps=3, progress=False, validation=(x[["speed", "mass"]], y))
    assert pair.history.last.validation_loss == pair.history.last.train_loss
    assert torch.equal(pair.predict(x[["speed", "mass"]]), pair.predict(x))
    assert Dataset.from_arrays(x, y).in_vars == ("mass", "speed")
    assert Dataset(x, y, x[["speed", "mass"]], y, in_vars=["m", "v"]).test_input[0].tolist() == [2.0, 1.0]
    assert Dataset(x.to_numpy(), y, in_vars=x.columns).in_vars == ("mass", "speed")
    assert Dataset(x.to_numpy(), y).in_vars == ("x_1", "x_2")
    with pytest.raises(
        ValueError, match=r"`test_input` argument of Dataset must be .*'mass', 'speed'.*Missing: 'speed'"
    ):
        Dataset(x, y, x[["mass"]], y)


def test_names_are_kept_by_pruning_and_in_files(model, tmp_path):
    small = model.prune_input(active=[1])
    small.save(tmp_path / "m.kan")
    kept = load(tmp_path / "m.kan", KAN)
    assert kept.in_vars == ("mass", "speed")
    assert torch.equal(kept.predict(FRAME[["speed", "mass"]]), small.predict(FRAME[["mass", "speed"]].to_numpy()))
    # Training on arrays says nothing of names.
    kept.fit((uniform(5, 2), uniform(5, 1)), steps=1, progress=False)
    assert kept.in_vars == ("mass", "speed")


@pytest.mark.slow
def test_a_model_that_the_shell_has_saved_takes_the_table(tmp_path, capsys):
    table = pandas.DataFrame({"mass": [1.0, 2.0, 3.0, 4.0, 5.0], "speed": [2.0, 1.0, 4.0, 3.0, 7.0]})
    table["energy"] = table["mass"] * table["speed"] ** 2 / 2
    table.to_csv(tmp_path / "t.csv", index=False)
    given = ["fit", str(tmp_path / "t.csv"), "--target", "energy", "--symbolic", "--save", str(tmp_path / "m.kan")]
    assert cli.main(given) == 0
    model = KAN.load(tmp_path / "m.kan")
    assert torch.equal(
        model.predict(table[["speed", "energy", "mass"]]), model.predict(table[["mass", "speed"]].to_numpy())
    )


INPUTS = FRAME[["mass", "speed"]]
SWAPPED = FRAME[["speed", "mass"]]
ENERGY = FRAME["energy"]

#: The columns of the training data in another order, or beside others, in all that holds data.
FORMS = {
    "frame": FRAME,
    "dataset": Dataset.from_frame(FRAME[["speed", "energy", "mass"]], "energy", 0),
    "dataset with more": Dataset(FRAME[["energy", "speed", "mass"]], ENERGY),
    "dataset with names": Dataset(SWAPPED.to_numpy(), ENERGY, in_vars=["speed", "mass"]),
    "pair": (SWAPPED, ENERGY),
    "pair with text": (FRAME, ENERGY),
    "dict": {"train_input": SWAPPED, "train_label": ENERGY},
    "dict with more": {"train_input": FRAME, "train_label": ENERGY, "test_input": SWAPPED, "test_label": ENERGY},
    "dict with names": {"train_input": SWAPPED.to_numpy(), "train_label": ENERGY, "in_vars": ["speed", "mass"]},
}


@pytest.mark.parametrize("form", FORMS)
def test_all_that_holds_data_is_read_by_name(model, form):
    data, x = FORMS[form], INPUTS.to_numpy()
    assert torch.equal(model.predict(data), model.predict(x))
    assert torch.equal(model.attribute(data=data).edge_scores[0], model.attribute(data=x).edge_scores[0])
    if form != "frame":
        ours, theirs = model.plot_fit(data).axes[0].lines[0], model.plot_fit((x, ENERGY)).axes[0].lines[0]
        assert ours.get_ydata().tolist() == theirs.get_ydata().tolist()


@pytest.mark.slow
@pytest.mark.parametrize("form", [form for form in FORMS if form != "frame"])
def test_formulas_are_fitted_by_name(form):
    model = KAN([2, 1])
    model.fit((INPUTS, ENERGY), steps=3, progress=False)
    model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 2, 0))
    model.fix_symbolic(0, 1, 0, "x^2", params=(1, 0, 1, 0))
    found, expected = model.fit_formula(FORMS[form]), model.fit_formula((INPUTS, ENERGY))
    assert (found.expression, found.constants) == (expected.expression, expected.constants)


def test_columns_of_a_standardized_dataset_keep_their_scales(model):
    given = Dataset(FRAME[["energy", "speed", "mass"]], ENERGY).standardize()
    expected = Dataset(INPUTS, ENERGY).standardize()
    assert torch.equal(model.predict(given), model.predict(expected))
    taken = as_dataset(given, names=model.in_vars)
    assert torch.equal(taken.input_mean, expected.input_mean)
    assert torch.equal(taken.input_scale, expected.input_scale)
    assert taken.in_vars == ("mass", "speed")


def test_columns_that_were_renamed_go_by_place(model):
    renamed = INPUTS.set_axis(["m", "v"], axis=1)
    for data in (renamed, (renamed, ENERGY), Dataset(renamed, ENERGY)):
        assert torch.equal(model.predict(data), model.predict(INPUTS))
    named = KAN([2, 1])
    data = Dataset(INPUTS, ENERGY, in_vars=["m", "v"])
    named.fit(data, steps=2, progress=False, validation=(INPUTS, ENERGY))
    assert named.in_vars == ("m", "v")
    assert named.history.last.validation_loss == named.history.last.train_loss
    assert torch.equal(named.predict(INPUTS), named.predict(INPUTS.to_numpy()))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            Dataset(FRAME[["speed", "energy"]], ENERGY, in_vars=["speed", "Mass"]),
            r"`data` argument of predict must be a Dataset with the columns of the training data, 'mass', 'speed'; got "
            r"\['speed', 'Mass'\]. Missing: 'mass'. Did you mean 'Mass'\?",
        ),
        ((FRAME[["speed", "energy"]], ENERGY), r"got \['speed', 'energy'\]. Missing: 'mass'"),
        ({"train_input": FRAME[["speed"]], "train_label": ENERGY}, r"got \['speed'\]. Missing: 'mass'"),
        (Dataset(FRAME[["energy"]], ENERGY), r"got \['energy'\]. Missing: 'mass', 'speed'"),
    ],
    ids=["dataset", "pair", "dict", "other number"],
)
def test_some_of_the_columns_are_no_data(model, data, message):
    with pytest.raises(ValueError, match=message):
        model.predict(data)


@pytest.mark.parametrize("form", [form for form in FORMS if "more" not in form and "text" not in form][1:])
def test_training_goes_on_with_the_same_columns_in_the_networks_order(model, form):
    twin = KAN([2, 1])
    twin.load_state_dict(model.state_dict())
    expected = twin.fit((INPUTS.to_numpy(), ENERGY), steps=3, progress=False)
    history = model.fit(FORMS[form], steps=3, progress=False)
    assert [step.train_loss for step in history.records] == [step.train_loss for step in expected.records]
    assert model.in_vars == ("mass", "speed")
    assert torch.equal(model.reference, twin.reference)


def test_validation_is_read_by_name(model):
    x, rows = INPUTS.to_numpy(), {"steps": 1, "progress": False}
    for data in ((SWAPPED, ENERGY), (x, ENERGY)):
        for validation in ((FRAME, ENERGY), (SWAPPED, ENERGY), (INPUTS, ENERGY)):
            last = model.fit(data, validation=validation, **rows).last
            assert last.validation_loss == last.train_loss
    # Arrays stand in the order of the data that they come with.
    last = model.fit((SWAPPED, ENERGY), validation=(SWAPPED.to_numpy(), ENERGY), **rows).last
    assert last.validation_loss == last.train_loss
    with pytest.raises(ValueError, match=r"`validation` argument of fit must be a frame with .*Missing: 'mass'"):
        model.fit((x, ENERGY), validation=(FRAME[["speed"]], ENERGY), **rows)


def test_training_on_other_columns_gives_the_network_their_names(model):
    model.fit((INPUTS.set_axis(["speed", "height"], axis=1), ENERGY), steps=1, progress=False)
    assert model.in_vars == ("speed", "height")
    assert torch.equal(model.reference, torch.tensor(INPUTS.to_numpy(), dtype=F64))


def test_columns_that_are_called_by_numbers_have_names(model):
    data = create_dataset(lambda x: x[:, [0]] ** 2 - x[:, [1]], n_var=2, train_num=20, test_num=5, normalize_input=True)
    frame = pandas.DataFrame(data.train_input.numpy(), columns=data.in_vars)
    for given in (data, (frame, data.train_label), Dataset(data.train_input, data.train_label, in_vars=["x_1", "x_2"])):
        network = KAN([2, 1])
        network.fit(given, steps=1, progress=False)
        assert network.in_vars == ("x_1", "x_2")
        assert torch.equal(network.predict(frame[["x_2", "x_1"]]), network.predict(frame))
    plain = Dataset(data.train_input, data.train_label)
    for unnamed in (plain, plain.standardize(), plain.to(torch.float32), (data.train_input, data.train_label)):
        model.fit(unnamed, steps=1, progress=False)
        assert model.in_vars == ("mass", "speed")
    model.fit((frame, data.train_label), steps=1, progress=False)
    assert model.in_vars == ("x_1", "x_2")


def test_points_of_residuals_are_read_by_name(model):
    def missed(points):
        twin = KAN([2, 1])
        twin.load_state_dict(model.state_dict())
        twin.in_vars = model.in_vars
        history = twin.fit_residual({"u": lambda u: u.value - 1}, {"u": points}, steps=2, progress=False)
        return [step.train_loss for step in history.records]

    assert missed(SWAPPED) == missed(FRAME) == missed(INPUTS.to_numpy())
