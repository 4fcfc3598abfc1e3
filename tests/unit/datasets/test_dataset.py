import copy
import pickle

import numpy as np
import pytest
import torch

from kanwidget import KAN
from kanwidget.datasets import Dataset, as_dataset, create_dataset


def test_vectors_become_columns_and_numbers_become_floats():
    data = Dataset(np.arange(3), np.array([0.5, 1.5, 2.5], dtype=np.float32))
    assert data.train_input.shape == (3, 1)
    assert data.train_input.dtype == torch.float64
    assert data.train_label.shape == (3, 1)
    assert data.train_label.dtype == torch.float32


def test_a_vector_of_integers_means_classes():
    data = Dataset(np.zeros((3, 2)), [0, 2, 1])
    assert data.is_classification
    assert data.train_label.dtype == torch.int64
    assert data.train_label.shape == (3,)
    assert data.n_outputs == 3
    assert data.to(torch.float32).train_label.dtype == torch.int64


def test_a_column_of_integers_means_numbers():
    data = Dataset(np.zeros((3, 2)), [[0], [2], [1]])
    assert not data.is_classification
    assert data.train_label.dtype == torch.float64


def test_reads_like_a_dict_of_pykan():
    data = Dataset([[0.0], [1.0]], [0.0, 1.0], [[2.0]], [2.0])
    assert dict(data) == {key: data[key] for key in ("train_input", "train_label", "test_input", "test_label")}
    assert "val_input" not in data
    assert [*data] == data.keys()
    with pytest.raises(KeyError, match="no 'val_input'; it has train_input, train_label, test_input, test_label"):
        data["val_input"]


def test_the_callers_array_can_change_without_changing_the_data():
    x = np.zeros((2, 1))
    data = Dataset(x, [1.0, 2.0])
    x[:] = 7
    assert data.train_input.eq(0).all()


def test_arrays_that_are_read_backwards():
    x = np.arange(4.0).reshape(2, 2)
    assert Dataset(x[::-1, ::-1], x[::-1, 0]).train_input.tolist() == [[3.0, 2.0], [1.0, 0.0]]
    model = KAN([2, 1])
    assert torch.equal(model.predict(x[::-1]), model.predict(x).flip(0))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda data: pickle.loads(pickle.dumps(data))])
def test_copies(clone):
    data = Dataset([[0.0], [1.0]], [0.0, 1.0], in_vars=("t",))
    assert torch.equal(clone(data).train_input, data.train_input)
    assert clone(data).in_vars == ("t",)


def test_is_frozen():
    data = Dataset([[0.0]], [1.0])
    with pytest.raises(AttributeError):
        data.train_input = torch.ones(1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_input": [[1.0], [np.nan]]}, r"`train_input` .* finite in row 1, column 0; got nan. 1 row is affected"),
        ({"train_label": [np.inf, -np.inf]}, r"`train_label` .* row 0, column 0; got inf. 2 rows are affected"),
        ({"train_label": [1.0, 2.0, 3.0]}, r"`train_label` .* shape \(2,\) or \(2, outputs\)"),
        ({"train_input": np.zeros((2, 0))}, r"`train_input` .* at least one of each"),
        ({"train_input": np.zeros((2, 1, 1))}, r"`train_input` .* shape \(rows, columns\)"),
        ({"train_label": None}, r"`train_label` .* in pairs"),
        ({"test_input": [[1.0]]}, r"`test_label` .* in pairs"),
        ({"test_input": [[1.0, 2.0]], "test_label": [1.0]}, r"`test_input` .* shape \(rows, 1\), like train_input"),
        ({"test_input": [[1.0]], "test_label": [[1.0, 2.0]]}, r"`test_label` .* type of train_label"),
        ({"train_label": [0, -1]}, r"`train_label` .* class numbers ≥ 0; got -1. Classes count from 0"),
        ({"in_vars": ("a", "b")}, r"`in_vars` .* 1 names"),
        ({"train_input": np.zeros((2, 2)), "in_vars": ("a", "a")}, r"`in_vars` .* differ from each other"),
        ({"train_input": [[1.0], [2.0, 3.0]]}, r"`train_input` .* array of numbers.* same number of columns"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Dataset(**{"train_input": [[0.0], [1.0]], "train_label": [0.0, 1.0]} | arguments)


def test_refuses_text():
    with pytest.raises(TypeError, match=r"an array of numbers; got .* Drop or encode"):
        Dataset([["a"], ["b"]], [0.0, 1.0])


def test_a_wrong_entry_is_named_by_its_column():
    with pytest.raises(ValueError, match=r"row 0, column 1 \(mass\); got nan"):
        Dataset([[0.0, np.nan]], [1.0], in_vars=("charge", "mass"))


def test_from_arrays_splits_without_loss_and_without_the_global_generator():
    x = torch.arange(50.0)
    before = torch.get_rng_state()
    data = Dataset.from_arrays(x, x**2, test_fraction=0.2, seed=3)
    again = Dataset.from_arrays(x, x**2, test_fraction=0.2, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(data.test_input, again.test_input)
    assert data.test_input.shape == (10, 1)
    assert sorted(torch.cat([data.train_input, data.test_input]).flatten().tolist()) == x.tolist()
    assert torch.equal(data.test_label, data.test_input**2)


@pytest.mark.parametrize(("fraction", "rows"), [(0.0, None), (0.001, 1), (0.5, 2), (0.999, 3)])
def test_from_arrays_keeps_a_row_of_each(fraction, rows):
    data = Dataset.from_arrays(np.arange(4.0), np.arange(4.0), test_fraction=fraction)
    assert (data.test_input is None) if rows is None else (data.test_input.shape[0] == rows)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan"), "a"])
def test_from_arrays_refuses_a_fraction(fraction):
    with pytest.raises(ValueError, match=r"`test_fraction` argument of Dataset.from_arrays"):
        Dataset.from_arrays([0.0, 1.0], [0.0, 1.0], test_fraction=fraction)


def test_standardize_uses_the_training_rows_and_can_be_undone():
    x = np.random.default_rng(0).normal(5, 3, (40, 2))
    plain = Dataset.from_arrays(x, x.sum(1))
    data = Dataset.from_arrays(x, x.sum(1), standardize=True)
    torch.testing.assert_close(data.train_input.mean(0), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(data.train_input.std(0, correction=0), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(data.test_input * data.input_scale + data.input_mean, plain.test_input)
    torch.testing.assert_close(data.test_label * data.label_scale + data.label_mean, plain.test_label)
    assert data.input_scaler is not None
    assert data.output_scaler is not None
    assert torch.equal(data.standardize().train_input, data.train_input)


def test_standardize_keeps_a_constant_column_finite():
    data = Dataset([[1.0, 2.0], [1.0, 3.0]], [0, 1]).standardize()
    assert data.train_input[:, 0].eq(0).all()
    assert data.label_mean is None


def test_as_dataset():
    data = Dataset([[0.0], [1.0]], [0.0, 1.0])
    assert as_dataset(data) is data
    from_dict = as_dataset({"train_input": data.train_input, "train_label": [0.0, 1.0], "test_input": None, "seed": 1})
    assert torch.equal(from_dict.train_label, data.train_label)
    assert as_dataset((data.train_input, data.train_label)).test_input is None


def test_as_dataset_says_what_it_takes():
    with pytest.raises(ValueError, match=r"`data` argument of fit must be a dict .* got \['train_input'\]"):
        as_dataset({"train_input": [[0.0]]}, "fit")
    with pytest.raises(TypeError, match="a Dataset, a dict or a pair"):
        as_dataset(3)


def test_to_changes_every_part():
    data = Dataset.from_arrays(np.arange(5.0), np.arange(5.0), standardize=True).to(torch.float32, "cpu")
    assert {data[key].dtype for key in data} == {torch.float32}
    assert data.input_mean.dtype == torch.float32


@pytest.mark.parametrize("made", [np.asarray, torch.tensor, list], ids=["array", "tensor", "list"])
def test_complex_numbers_are_refused_rather_than_cut(made):
    values = made([1 + 2j, 3 - 1j, 0.5])
    expected = "argument of .* must be an array of real numbers; got .*complex.* Give real and imaginary parts"
    with pytest.raises(TypeError, match=f"`train_input` {expected}"):
        Dataset(values, [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match=f"`train_label` {expected}"):
        Dataset([1.0, 2.0, 3.0], values)
    with pytest.raises(TypeError, match=f"`data` {expected}"):
        KAN([1, 1]).predict(values)
    with pytest.raises(TypeError, match=expected):
        KAN([1, 1]).fit((values, [1.0, 2.0, 3.0]), progress=False)
    with pytest.raises(TypeError, match=f"`f` {expected}"):
        create_dataset(lambda x: torch.complex(x, x), 1)
