"""Whatever a network is called on: tensors, arrays and frames of every type give the same numbers, and what isn't numbers a sentence."""

import decimal
import math

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, Dataset

ROWS = [[1, 0], [0, 1], [1, 1]]
NUMBERS = [
    "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
]  # fmt: skip


@pytest.fixture(scope="module")
def model():
    x = torch.tensor(ROWS * 5, dtype=torch.float64) + torch.linspace(0, 0.5, 15, dtype=torch.float64)[:, None]
    model = KAN([2, 1], seed=1)
    model.fit(Dataset(x, x.sum(1), in_vars=["a", "b"]), steps=2, progress=False)
    return model


def as_tensor(kind):
    return torch.tensor(ROWS).to(getattr(torch, kind))


def as_array(kind):
    return np.array(ROWS).astype(kind)


def as_frame(kind):
    return pandas.DataFrame(as_array(kind), columns=["a", "b"])[["b", "a"]]


def as_list(kind):
    return as_array(kind).tolist()


#: Every form of every type that there is: NumPy has no bfloat16.
TYPES = [
    (form, kind) for form in (as_tensor, as_array, as_frame, as_list) for kind in NUMBERS if form is as_tensor or kind != "bfloat16"
]  # fmt: skip


@pytest.mark.parametrize(("form", "kind"), TYPES)
def test_every_type_of_numbers_gives_the_same(model, form, kind):
    gives_the_same(model, form(kind))


@pytest.mark.parametrize(("form", "kind"), [(form, kind) for form, kind in TYPES if form is not as_frame])
def test_every_type_of_numbers_gives_the_same_in_single_precision(form, kind):
    # Frames are left out: a network that has never seen names takes them by place, and these columns are swapped.
    gives_the_same(KAN([2, 1], seed=1, dtype=torch.float32), form(kind))


def gives_the_same(network, x):
    plain = torch.tensor(ROWS, dtype=network.dtype)
    own = network(plain)
    if isinstance(x, torch.Tensor) and x.dtype == torch.float32:  # among layers of single numbers
        own = own.float()
    assert torch.equal(network(x), own)
    assert torch.equal(network.predict(x), network.predict(plain))


#: Arrays that torch doesn't take as they are.
SAME = {
    "the other byte order": np.array(ROWS, dtype=">f8"),
    "the other byte order, integers": np.array(ROWS, dtype=">i4"),
    "long doubles": np.array(ROWS, dtype=np.longdouble),
    "read backwards": np.array(ROWS)[::-1][::-1],
    "a column of another array": np.asfortranarray(np.array(ROWS, dtype=float)),
    "objects": np.array(ROWS, dtype=object),
    "decimals": [[decimal.Decimal(n) for n in row] for row in ROWS],
    "sparse": torch.tensor(ROWS, dtype=torch.float64).to_sparse(),
    "nullable": pandas.DataFrame(ROWS, columns=["a", "b"]).astype("Int64"),
    "nothing masked": np.ma.array(ROWS, mask=False),
}


@pytest.mark.parametrize("name", SAME)
def test_numbers_in_other_clothes_give_the_same(model, name):
    plain = torch.tensor(ROWS, dtype=torch.float64)
    assert torch.equal(model(SAME[name]), model(plain))
    assert torch.equal(model.predict(SAME[name]), model.predict(plain))


#: What isn't numbers, and what is said.
OTHERS = {
    "complex": (np.array(ROWS) * 1j, "real numbers"),
    "a complex tensor": (torch.tensor(ROWS) * 1j, "real numbers"),
    "text": (np.array([["u", "v"]]), "an array of numbers"),
    "dates": (np.array([["2020-01-01", "2020-01-02"]], dtype="datetime64[D]"), "an array of numbers.*days"),
    "durations": (np.array([[1, 2]], dtype="timedelta64[s]"), "an array of numbers.*days"),
    "one column": ([1.0, 2.0], r"of shape \(batch, 2\)"),
    "three axes": (np.zeros((1, 2, 1)), r"of shape \(batch, 2\)"),
    "ragged rows": ([[1.0, 2.0], [3.0]], "an array of numbers"),
    "a frame without a column": (pandas.DataFrame({"a": [1.0]}), "Missing: 'b'"),
    "a frame of text": (pandas.DataFrame({"a": ["u"], "b": [1.0]}), "numeric in column 'a'"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_numbers_is_refused_in_a_sentence(model, name):
    x, sentence = OTHERS[name]
    for call in (model, model.predict):
        with pytest.raises((ValueError, TypeError), match=f"`(x|data)` argument of (KAN|predict) must be .*{sentence}"):
            call(x)


def test_missing_numbers_stay_missing(model):
    masked = np.ma.array(np.array(ROWS, dtype=float), mask=[[True, False], [False, False], [False, False]])
    for x in (masked, pandas.DataFrame(masked.filled(math.nan), columns=["a", "b"])):
        assert model(x).isnan().flatten().tolist() == [True, False, False]
    with pytest.raises(ValueError, match="finite in row 0, column 0"):
        Dataset(masked, [0.0, 1.0, 2.0])
