"""Networks as files for other programs: what they refuse, what they say, and numbers that no training had."""

import ctypes
import importlib.util
import json
import os
import re

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, KANExplorer, register_primitive
from kanwidget.explorer.files.formats import export, menu
from kanwidget.export import FORMATS, formats
from tests.support.programs import run

X = torch.linspace(-1.5, 1.5, 13, dtype=torch.float64)[:, None]


def module(model, name="predict"):
    scope = {}
    exec(model.code("python", name), scope)
    return scope


def compiled(model, folder):
    model.export(folder / "model.c")
    flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    run("gcc", *flags, "-o", "model.so", "model.c", "-lm", folder=folder)
    return ctypes.CDLL(str(folder / "model.so"))


def by_c(model, rows, folder):
    """What the compiled file gives for rows of numbers."""
    found, library, pointer = (
        np.zeros((len(rows), model.n_out)),
        compiled(model, folder),
        ctypes.POINTER(ctypes.c_double),
    )
    for row, y in zip(rows, found, strict=True):
        library.predict(row.ctypes.data_as(pointer), y.ctypes.data_as(pointer))
    return found


def needs_onnx():
    if not os.environ.get("CI"):
        pytest.importorskip("onnxruntime")
    import onnx
    import onnxruntime

    return onnx, onnxruntime


@pytest.fixture(scope="module")
def words():
    """Rare levels in one, a column with gaps, dates."""
    rng = np.random.default_rng(0)
    towns = [f"town {number}" for number in range(130)]
    frame = pandas.DataFrame(
        {
            "area": rng.uniform(20, 90, 900),
            "town": rng.choice(towns, 900, p=np.r_[np.full(65, 0.012), np.full(65, 0.22 / 65)]),
            "built": pandas.Timestamp("1990-01-01") + pandas.to_timedelta(rng.integers(0, 9000, 900), "D"),
        }
    )
    frame.loc[::7, "area"] = np.nan
    frame.loc[::9, "town"] = None
    model = KAN([4, 1])
    model.fit((frame.assign(y=frame.area.fillna(50) + frame.town.str.len().fillna(0)), "y"), steps=5, progress=False)
    return model, frame


def test_words_that_training_had_not_and_cells_that_are_missing(words):
    model, frame = words
    rows = frame[:4].assign(area=[np.nan, 30.0, 40.0, 50.0], town=["nowhere", None, "town 1", float("nan")])
    expected = model.predict(rows).numpy()
    scope = module(model)
    numbers = rows.assign(**{model.in_vars[3]: model.encoding.encode(rows, "predict", "data")[:, 3]})
    np.testing.assert_allclose(scope["predict"](numbers), expected, rtol=1e-12)
    np.testing.assert_allclose(scope["predict"]({name: [*numbers[name]] for name in numbers}), expected, rtol=1e-12)
    assert f"# {model.in_vars[3]!r}: years since 1990-01-0" in model.code()


@pytest.mark.parametrize("kind", [int, float])
def test_words_that_were_numbers(kind):
    shifts = np.tile(np.array([1, 2, 3], kind), 20)
    frame = pandas.DataFrame({"shift": pandas.Categorical(shifts), "y": shifts**2 + 1.0})
    model = KAN([1, 1])
    model.fit((frame, "y"), steps=5, progress=False)
    predict, expected = module(model)["predict"], model.predict(frame[:3]).numpy()
    assert len(set(expected.round(1).flatten())) == 3
    np.testing.assert_allclose(predict(frame[:3]), expected, rtol=1e-12)
    if kind is int:
        for cells in ([1, 2, 3], [1.0, 2.0, 3.0], np.array([1, 2, 3], np.float32), ["1", "2", "3"]):
            np.testing.assert_allclose(predict({"shift": cells}), expected, rtol=1e-12)
    unmet = model.predict({"shift": ["nowhere"]}).numpy()
    missing = pandas.Series([pandas.NA, "nowhere"], dtype="string")
    np.testing.assert_allclose(predict({"shift": missing}), [*unmet, *unmet], rtol=1e-12)


def test_words_in_c(words, tmp_path):
    model, _ = words
    library = compiled(model, tmp_path)
    column = model.in_vars.index("town")
    level = library[f"predict_level_{column}"]
    level.restype, level.argtypes = ctypes.c_double, [ctypes.c_char_p]
    levels = model.encoding.levels[column]
    assert [level(name.encode()) for name in levels] == [*range(len(levels))]
    assert level(None) == level(b"") == levels.index("missing")
    assert level(b"nowhere") == levels.index("other")
    assert f"// x[{column}] is town: the number of a level, predict_level_{column}(word) gives it." in model.code("c")


def test_numbers_that_are_no_level_and_no_number(words, tmp_path):
    """As in the network: a half is a level that nobody has met, and what isn't known has no prediction."""
    model, frame = words
    rows = model.encoding.encode(frame[:5], "predict", "data")
    rows[:, model.in_vars.index("town")] = [0.5, -3.0, 1e6, 7.5, 2.0]
    rows[4, 0] = np.nan
    expected = model.predict(rows).numpy()
    assert np.isnan(expected).tolist() == [[False]] * 4 + [[True]]
    np.testing.assert_allclose(module(model)["predict"](rows), expected, rtol=1e-12)
    np.testing.assert_allclose(by_c(model, rows, tmp_path), expected, rtol=1e-12)


def test_an_onnx_file_says_what_it_reads(words, tmp_path):
    onnx, onnxruntime = needs_onnx()
    model, frame = words
    model.export(tmp_path / "model.onnx")
    content = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(content, full_check=True)
    said = {entry.key: json.loads(entry.value) for entry in content.metadata_props}
    assert said["columns"] == [*model.in_vars]
    assert said["outputs"] == ["output 1"]
    assert said["levels"]["town"]["missing"] == model.encoding.levels[2].index("missing")
    rows = model.encoding.encode(frame, "predict", "data")
    rows[:3, 2] = [0.5, -3.0, 7.5]
    session = onnxruntime.InferenceSession(content.SerializeToString())
    for some in (rows, rows[:1], rows[:0]):
        found = session.run(None, {"x": some})[0]
        np.testing.assert_allclose(found, model.predict(some).numpy(), rtol=1e-12)


def test_the_ends_of_a_grid_and_far_beyond_them(tmp_path):
    model = KAN([1, 1], k=2, grid=4, noise_scale=3.0)
    points = np.array([[-1.0], [-0.5], [1.0], [np.nextafter(1.0, 2)], [-40.0], [1e6]])
    expected = model.predict(points).numpy()
    np.testing.assert_allclose(module(model)["predict"](points), expected, rtol=1e-12)
    np.testing.assert_allclose(by_c(model, points, tmp_path), expected, rtol=1e-12)


def test_a_single_precision_network_is_written_in_double():
    model = KAN([2, 2, 1], dtype=torch.float32)
    found = module(model)["predict"](np.ones((1, 2)))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, model.predict(np.ones((1, 2))).numpy(), rtol=1e-5)


def test_nothing_is_left(tmp_path):
    model = KAN([2, 2])
    for source in (0, 1):
        for target in (0, 1):
            model.remove_edge(0, source, target)
    assert module(model)["predict"]([[1.0, 2.0]]).tolist() == [[0.0, 0.0]]
    compiled(model, tmp_path)


def test_names_of_others_do_no_harm(tmp_path):
    names = ['a"""\nimport os', "b\\", "c */ ??/", "d"]
    x = torch.rand(30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = KAN([4, 1])
    model.fit((dict(zip(names, x.T.tolist(), strict=True)) | {"y": x.sum(1).tolist()}, "y"), steps=1, progress=False)
    assert model.in_vars == tuple(names)
    np.testing.assert_allclose(module(model)["predict"](x.numpy()), model.predict(x).numpy(), rtol=1e-12)
    compiled(model, tmp_path)


def test_a_function_of_ones_own():
    torch_only = register_primitive("erfinv of exports", torch.erfinv, intervals=((-1.0, 1.0),))
    with_form = register_primitive(
        "bell of exports", lambda u: torch.exp(-(u**4)), form=("exp", ("neg", ("pow", "u", 4)))
    )
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, with_form.name, params=(1.0, 0.0, 2.0, 0.0))
    np.testing.assert_allclose(module(model)["predict"](X.numpy()), model.predict(X).numpy(), rtol=1e-12)
    model.fix_symbolic(0, 0, 0, torch_only.name, params=(0.5, 0.0, 1.0, 0.0))
    with pytest.raises(
        ValueError, match=r"'erfinv of exports' has none; got 'call'\. Register the function with its formula"
    ):
        model.code("c")


def test_what_onnx_has_no_operation_for(tmp_path):
    needs_onnx()
    name = register_primitive("gamma of exports", lambda u: torch.exp(torch.lgamma(u)), form=("gamma", "u")).name
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, name, params=(1.0, 3.0, 1.0, 0.0))
    with pytest.raises(ValueError, match=r"ONNX has no gamma"):
        model.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
    assert "tgamma(u)" in model.code("c")


def test_a_name_of_ones_own():
    model = KAN([1, 1])
    assert "void pump(const double *x, double *y)" in model.code("c", "pump")
    assert "pump" in module(model, "pump")
    with pytest.raises(ValueError, match=r"name.*begins with a letter.*'my pump'"):
        model.code("c", "my pump")


def test_what_is_no_language_and_no_file(tmp_path):
    model = KAN([1, 1])
    with pytest.raises(ValueError, match=r"language.*'python'.*'c'.*'onnx'"):
        model.code("onnx")
    with pytest.raises(ValueError, match=r"a file that ends in one of \.py, \.c, \.onnx; got 'model\.js'"):
        model.export("model.js")
    with pytest.raises(TypeError, match="must be a path"):
        model.export(3)


@pytest.fixture
def without_onnx(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        formats.importlib.util, "find_spec", lambda name, *more: None if name == "onnx" else find(name, *more)
    )


def test_without_the_package(without_onnx, tmp_path):
    with pytest.raises(
        ImportError, match=r"needs the package onnx, which is not installed: pip install 'kanwidget\[onnx\]'"
    ):
        KAN([1, 1]).export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".py", ".c"])
def test_the_explorer_writes_what_the_menu_sends(suffix, tmp_path):
    with KANExplorer.demo("product", driver="blocking") as explorer:
        explorer.save_network(tmp_path / f"model{suffix}")
        text = (tmp_path / f"model{suffix}").read_text("utf-8")
        assert text == export(explorer._session, f"model{suffix}") == explorer.model.code(FORMATS[suffix].language)
        with pytest.raises(ValueError, match=r"path.*save_network.*\.onnx; got 'model\.rs'"):
            explorer.save_network("model.rs")


def test_the_menu_has_the_network():
    labels = [label for name, label in menu() if name.startswith("model")]
    expected = ["Network in NumPy", "Network in C99", "Network as ONNX"]
    assert labels == expected[: 3 if importlib.util.find_spec("onnx") else 2]


def test_numpy_alone(tmp_path):
    """The module runs where nothing but NumPy is imported."""
    KAN([2, [1, 1], 1], seed=3).export(tmp_path / "model.py")
    script = "import sys, model; print(model.predict([[0.5, 0.25]])); assert not {'torch', 'kanwidget', 'scipy'} & {*sys.modules}"
    assert re.match(rb"\[\[", run("python3", "-c", script, folder=tmp_path))
