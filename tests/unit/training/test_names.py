"""Frames given to a network that was trained on named columns: read by name, whatever their order."""

import pytest
import torch

from kanwidget import KAN, Dataset, cli
from kanwidget.core.storage import load
from tests.networks import F64, uniform

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
    assert unnamed.in_vars == ()
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
            "`data` argument of predict must be numeric in column 'mass'; got '2020",
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
