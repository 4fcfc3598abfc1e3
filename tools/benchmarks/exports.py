"""What leaves for other programs gives what `predict` gives: each target × each kind of network, on 1,000 rows.

`python -m tools.benchmarks.exports` prints the largest difference of each, in parts of the largest prediction: the network by
`model.code` and `model.export`, and, where no edge is a curve, its formula by `code` in every language. Compiled by gcc, run by node,
julia and octave where these are there, a sheet's cells by the rules of sheets.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch

from kanwidget import KAN, Dataset
from kanwidget.core.primitives import is_built_in, primitives
from kanwidget.datasets.encoding import MISSING
from kanwidget.symbolic.formulas.words import Words
from tests.support.sheet import Sheet

ROWS = 1000
#: Largest difference that counts as the same.
SAME = 1e-9


@dataclass(frozen=True)
class Case:
    """A network, and rows to predict."""

    model: KAN
    data: Any
    """An array, or a frame where the network reads words."""

    @property
    def expected(self) -> np.ndarray:
        return self.model.predict(self.data).numpy()

    @functools.cached_property
    def inputs(self) -> np.ndarray:
        """The numbers that the network reads of the rows."""
        encoding = self.model.encoding
        return np.asarray(self.data) if encoding is None else encoding.encode(self.data, "predict", "data")

    @property
    def has_curves(self) -> bool:
        """Whether it is no formula yet."""
        return any(bool(layer.curved().any()) for layer in self.model.layers)

    @property
    def columns(self) -> list[list[Any]]:
        """What a formula takes: words as texts, None where they are missing, but of two levels 0 and 1, and numbers."""
        encoding = self.model.encoding
        of_inputs = ((),) * self.inputs.shape[1] if encoding is None else encoding.levels
        texts = [[None if level == MISSING else level for level in levels] for levels in of_inputs]
        both = zip(texts, self.inputs.T, strict=True)
        return [[levels[int(code)] for code in codes] if len(levels) > 2 else codes.tolist() for levels, codes in both]

    def formula(self, language: str) -> str:
        """The source text of its formula."""
        expressions, variables = self.model.symbolic_formula()
        label = torch.zeros(len(self.inputs), self.model.n_out, dtype=torch.float64)
        encoding = self.model.encoding
        data = Dataset(self.inputs, label) if encoding is None else Dataset.from_frame(self._framed, "y")
        return Words.of(self.model, data, [v.name for v in variables]).code(expressions, variables, language)

    @property
    def _framed(self) -> pandas.DataFrame:
        return self.data.assign(y=0.0)


# ---- kinds


def _rows(columns: int, low: float = -1.0, high: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (ROWS, columns))


def _of_primitive(name: str) -> Case:
    (row,) = primitives([name])
    low, high = max(row.intervals[-1][0], -3.0), min(row.intervals[-1][1], 3.0)
    model = KAN([1, 1])
    model.layer(0).set_symbol(0, 0, name, (0.45 * (high - low), (low + high) / 2, 1.5, -0.5))
    model.layer(0).spline_on[:] = False
    return Case(model, _rows(1))


def _fitted(shape: Any, label: Callable[[np.ndarray], np.ndarray], x: np.ndarray, **options: Any) -> Case:
    """A network that was trained; the rows to predict reach beyond those of the training."""
    model = KAN(shape, seed=1, **options)
    model.fit((x, label(x)), steps=15, progress=False)
    middle = x.mean(0)
    return Case(model, middle + 1.1 * (x - middle) if not options.get("log") else x)


def _wave(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x[:, :1]) + x[:, 1:2] ** 2


def _splines() -> Case:
    return _fitted([2, 5, 1], _wave, _rows(2), grid=5)


def _sum() -> Case:
    noise = np.random.default_rng(3).normal(size=(ROWS, 1))
    return _fitted([2, 1], lambda x: _wave(x) + 0.2 * noise, _rows(2))


def _order(k: int) -> Case:
    model = KAN([2, 3, 1], k=k, noise_scale=2.0)
    model.update_grid(_rows(2, seed=4) ** 3)
    return Case(model, _rows(2, -1.3, 1.3))


def _products() -> Case:
    return _fitted([2, [1, 2], 1], lambda x: x[:, :1] * x[:, 1:] + x[:, :1], _rows(2), mult_arity=[[], [2, 3], []])


def _scales() -> Case:
    x = np.array([300.0, 1e5]) + np.array([20.0, 3e4]) * _rows(2)
    return _fitted([2, 2, 1], lambda x: 1e6 * np.sin(x[:, :1] / 10) + x[:, 1:], x)


def _logs() -> Case:
    x = np.exp(_rows(2, -5, 5))
    return _fitted([2, 1], lambda x: np.sqrt(x[:, :1]) / x[:, 1:], x, log=[0, 1, "y"])


def _outputs() -> Case:
    return _fitted([2, 2, 3], lambda x: np.hstack([_wave(x), x]), _rows(2))


def _frame() -> pandas.DataFrame:
    random = np.random.default_rng(5)
    area = np.where(random.random(ROWS) < 0.1, np.nan, random.uniform(20, 120, ROWS))
    town = random.choice(np.array(["east", 'the "west"', "north", "what??!", None], object), ROWS)
    return pandas.DataFrame({"area": area, "town": town, "new": random.choice(["yes", "no"], ROWS)})


def _words() -> Case:
    frame = _frame()
    value = (
        frame.town.map({"east": 1.0, "north": 3.0}).fillna(0.0)
        + frame.area.fillna(70.0) ** 2 / 1e3
        + (frame.new == "no")
    )
    model = KAN([4, 1])
    model.fit((frame.assign(y=value), "y"), progress=False)
    model.merge_levels("town", [["east", "missing"]])
    return Case(model, frame)


def _classes() -> Case:
    x = _rows(2)
    labels = (x[:, 0] ** 2 > x[:, 1]).astype(int) + (x[:, 1] > 0.5)
    model = KAN([2, 3], seed=1)
    model.fit((x, labels), steps=10, progress=False)
    return Case(model, x)


def _base(name: str) -> Case:
    model = KAN([2, 3, 1], base_fun=name, seed=2)
    return Case(model, _rows(2, -2, 2))


def _mixed() -> Case:
    """Splines, functions, both and none on the edges of one layer, and edges that share theirs."""
    model = KAN([3, 3, 2], noise_scale=2.0)
    model.fix_symbolic(0, 0, 1, "sin", params=(2.0, 0.3, 0.7, 0.1))
    model.fix_symbolic(0, 1, 2, "x^2", params=(1.0, -0.2, 0.5, 0.3), keep_spline=True)
    model.remove_edge(0, 1, 0)
    model.lock(0, [(0, 0), (2, 2)])
    return Case(model, _rows(3))


def _law() -> Case:
    """A formula of several columns, in own units."""
    from sympy import exp, symbols

    x, y, z = symbols("x y z")
    model = KAN.from_formula([x * y / (z + 3), exp(-(x**2)) + 1.5 * z], [x, y, z])
    return Case(model, _rows(3))


def _own_units(case: Case) -> Case:
    """The same with functions in the place of curves."""
    model = case.model
    for edge in model.edge_refs(active=True):
        if model.layer(edge.layer).state(edge.source, edge.target) == "spline":
            model.fix_symbolic(*edge, "x^2" if edge.source else "sin", params=(0.2, 0.3, 0.7, 0.1))
    return case


KINDS: dict[str, Callable[[], Case]] = {
    **{row.name: functools.partial(_of_primitive, row.name) for row in primitives() if is_built_in(row.name)},
    "splines": _splines,
    "a sum with noise": _sum,
    **{f"order {k}": functools.partial(_order, k) for k in (0, 1, 2, 5)},
    **{f"base {name}": functools.partial(_base, name) for name in ("identity", "zero", "gaussian", "tanh")},
    "all states": _mixed,
    "products": _products,
    "scales": _scales,
    "logs": _logs,
    "words": _words,
    "classes": _classes,
    "outputs": _outputs,
    "law": _law,
    **{
        f"{name}, functions": functools.partial(lambda make: _own_units(make()), make)
        for name, make in (("scales", _scales), ("logs", _logs), ("words", _words), ("classes", _classes))
    },
}


# ---- targets


def _network_numpy(case: Case) -> np.ndarray:
    scope: dict[str, Any] = {}
    exec(case.model.code("python"), scope)
    return scope["predict"](case.data)


def _network_c(case: Case) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        case.model.export(f"{folder}/model.c")
        library = _compiled(Path(folder), "model.c", "-Wextra")
        found = np.zeros((ROWS, case.model.n_out))
        for row, y in zip(np.array(case.inputs, float), found, strict=True):
            library.predict(row.ctypes.data_as(_DOUBLES), y.ctypes.data_as(_DOUBLES))
    return found


def _network_onnx(case: Case) -> np.ndarray:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        case.model.export(f"{folder}/model.onnx")
        session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
    return session.run(None, {"x": np.array(case.inputs, float)})[0]


_DOUBLES = ctypes.POINTER(ctypes.c_double)


def _compiled(folder: Path, name: str, *options: str) -> ctypes.CDLL:
    flags = ["-std=c99", "-Wall", "-Werror", *options, "-O1", "-shared", "-fPIC"]
    command = ["gcc", *flags, "-o", "library.so", name, "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(f"{folder}/library.so")


def _is_text(column: list[Any]) -> bool:
    return any(isinstance(cell, str) for cell in column)


def _formula_python(case: Case) -> np.ndarray:
    scope: dict[str, Any] = {}
    exec(case.formula("python"), scope)
    values = scope["formula"](*(np.array(column, object if _is_text(column) else float) for column in case.columns))
    listed = values if isinstance(values, tuple) else (values,)
    return np.stack([np.broadcast_to(value, ROWS) for value in listed], 1)


def _formula_c(case: Case) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "formula.c").write_text(case.formula("c"), encoding="utf-8")
        function = _compiled(Path(folder), "formula.c").formula
        kinds = [ctypes.c_char_p if _is_text(column) else ctypes.c_double for column in case.columns]
        several = case.model.n_out > 1
        function.restype = None if several else ctypes.c_double
        function.argtypes = [*kinds, _DOUBLES] if several else kinds
        found = np.zeros((ROWS, case.model.n_out))
        for out, row in zip(found, zip(*case.columns, strict=True), strict=True):
            values = [cell.encode() if isinstance(cell, str) else cell for cell in row]
            if several:
                function(*values, out.ctypes.data_as(_DOUBLES))
            else:
                out[0] = function(*values)
    return found


def _by_program(case: Case, language: str, suffix: str, command: list[str], after: str, before: str = "") -> np.ndarray:
    """What a script prints: `before`, the formula, and `after`, which applies it to the rows."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"script{suffix}").write_text(before + case.formula(language) + after, encoding="utf-8")
        done = subprocess.run([*command, f"script{suffix}"], cwd=folder, capture_output=True, text=True, check=True)
    return np.array([[float(cell) for cell in line.split()] for line in done.stdout.splitlines()])


def _formula_javascript(case: Case) -> np.ndarray:
    rows = json.dumps(list(zip(*case.columns, strict=True)))
    after = f"\nfor (const row of {rows}) console.log([formula(...row)].flat().join(' '));\n"
    return _by_program(case, "javascript", ".js", ["node"], after)


def _formula_julia(case: Case) -> np.ndarray:
    rows = ", ".join(
        f"({', '.join(json.dumps(cell) if cell is not None else 'missing' for cell in row)},)"
        for row in zip(*case.columns, strict=True)
    )
    return _by_program(
        case, "julia", ".jl", ["julia"], f"\nfor row in [{rows}]\n    println(join(formula(row...), ' '))\nend\n"
    )


def _formula_octave(case: Case) -> np.ndarray:
    rows = "; ".join(
        ", ".join(
            repr(cell) if isinstance(cell, float) else "'" + (cell or "").replace("'", "''") + "'" for cell in row
        )
        for row in zip(*case.columns, strict=True)
    )
    after = (
        f"\nrows = {{{rows}}};\nfor i = 1:size(rows, 1)\n  printf('%.17g ', formula(rows{{i, :}}));\n  disp('');\nend\n"
    )
    # A file that begins with a function would be its definition alone.
    return _by_program(case, "octave", ".m", ["octave-cli"], after, "1;\n")


def _formula_cell(case: Case) -> np.ndarray:
    texts = case.formula("excel").splitlines()
    cells = [text[1:] for text in texts if text.startswith("=")]
    return np.array(
        [
            [
                float(
                    Sheet(
                        cell, {f"{chr(65 + i)}2": "" if value is None else value for i, value in enumerate(row)}
                    ).value()
                )
                for cell in cells
            ]
            for row in zip(*case.columns, strict=True)
        ]
    )


#: By name: how a case's rows come back, and the program or package that it takes.
TARGETS: dict[str, tuple[Callable[[Case], np.ndarray], str | None]] = {
    "network, NumPy": (_network_numpy, None),
    "network, C": (_network_c, "gcc"),
    "network, ONNX": (_network_onnx, "onnxruntime"),
    "formula, NumPy": (_formula_python, None),
    "formula, C": (_formula_c, "gcc"),
    "formula, JavaScript": (_formula_javascript, "node"),
    "formula, Julia": (_formula_julia, "julia"),
    "formula, Octave": (_formula_octave, "octave-cli"),
    "formula, cell": (_formula_cell, None),
}


def is_there(target: str) -> bool:
    """Whether what a target needs is installed."""
    need = TARGETS[target][1]
    return need is None or bool(shutil.which(need)) or importlib.util.find_spec(need) is not None


def difference(case: Case, target: str) -> float | None:
    """The largest difference, in parts of the largest prediction; None where there is no formula, or it can't be written so."""
    expected = case.expected
    if target.startswith("formula") and case.has_curves:
        return None
    try:
        found = TARGETS[target][0](case)
    except ValueError as refusal:
        if "must be one" not in str(refusal):
            raise
        return None
    assert found.shape == expected.shape, (found.shape, expected.shape)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def lines() -> Iterator[str]:
    """The table, line by line as it is measured, and for each target the kind that differs most."""
    names = [*TARGETS]
    yield "| kind | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    found: dict[str, dict[str, float]] = {name: {} for name in names if is_there(name)}
    for kind, make in KINDS.items():
        case, cells = make(), dict.fromkeys(names, "not run")
        for name in found:
            value = difference(case, name)
            cells[name] = "no" if value is None else f"{value:.0e}"
            if value is not None:
                found[name][kind] = value
        yield f"| {kind} | " + " | ".join(cells.values()) + " |"
    largest = {name: max(values, key=lambda kind: values[kind]) for name, values in found.items()}
    cells = (f"{found[name][largest[name]]:.0e} ({largest[name]})" if name in largest else "not run" for name in names)
    yield "| largest | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
