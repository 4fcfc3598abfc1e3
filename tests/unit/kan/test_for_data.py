"""Networks made for data: their columns, and the names of their classes."""

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, Dataset


def test_a_network_for_a_frame_has_its_columns():
    frame = pandas.DataFrame({"a": range(9), "b": range(9), "y": range(9), "z": range(9)})
    assert KAN.for_data(frame, ["y", "z"], width=[2, 3, 2], grid=5, seed=1).width == [[2, 0], [3, 0], [2, 0]]
    with pytest.raises(TypeError, match=r"`target` argument of KAN\.for_data"):
        KAN.for_data(frame)


def test_classes_keep_their_names_through_changes_and_files(tmp_path):
    data = Dataset([[0.0], [1.0], [2.0], [3.0]], [1, 1, 0, 0], out_vars=["gas", "solid"])
    model = KAN.for_data(data, width=[1, 2, 2])
    assert model.classes == ()
    model.fit(data, steps=20, evidence=False, progress=False)  # four rows are no evidence
    model.save(tmp_path / "m.kan")
    for same in (KAN.load(tmp_path / "m.kan"), model.refine(5), model.prune()):
        assert same.classes == ("gas", "solid")
        assert same.classify([[0.2], [2.8]]) == ["solid", "gas"]


def test_classes_without_names_are_numbers():
    data = Dataset([[0.0], [1.0], [2.0], [3.0]], [1, 1, 0, 0])
    model = KAN.for_data(data)
    model.fit(data, steps=20, progress=False)
    assert model.classify([[0.2], [2.8]]) == [1, 0]
    with pytest.raises(ValueError, match="predict"):
        KAN([2, 1]).classify([[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"of probabilities must be for a network with an output for each class"):
        KAN([2, 1]).probabilities([[0.0, 1.0]])


def test_probabilities_go_by_class_and_the_highest_one_is_the_class():
    table = pandas.DataFrame({"T": np.linspace(0, 3, 40)}, index=range(100, 140))
    table["phase"] = np.where(table["T"] > 1.5, "gas", "solid")
    data = Dataset.from_frame(table, "phase", test_fraction=0)
    model = KAN.for_data(data)
    model.fit(data, steps=20, progress=False)
    shown = pandas.DataFrame(model.probabilities(table), table.index)
    assert list(shown) == ["gas", "solid"]
    assert shown.idxmax(axis=1).tolist() == model.classify(table) == table["phase"].tolist()
    np.testing.assert_allclose(shown.sum(axis=1), 1)
    np.testing.assert_allclose(shown.to_numpy(), model.predict(table).softmax(1))
    nameless = KAN([1, 2])
    nameless.fit(([[0.0], [1.0]], [0, 1]), steps=1, progress=False)
    assert list(nameless.probabilities([[0.0]])) == [0, 1]


def test_without_data_candidates_know_how_many_rows_the_training_had(monkeypatch):
    """The reference data are at most 512 of them."""
    from kanwidget.symbolic.fits import spaces

    seen = []

    def noise(network, edges, x, error, rows, before=spaces.curve_noise):
        seen.append((len(x) <= 512, rows))
        return before(network, edges, x, error, rows)

    x = torch.linspace(-1, 1, 2000, dtype=torch.float64)[:, None]
    y = x**2 + 0.1 * torch.randn(2000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model = KAN([1, 1])
    model.fit((x, y), progress=False)
    monkeypatch.setattr(spaces, "curve_noise", noise)
    assert model.suggest_symbolic(0, 0, 0)[0].name == "x^2"
    assert seen == [(True, 2000)]
