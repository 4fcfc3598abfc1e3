"""What `kanwidget fit --symbolic` prints for the bundled tables: the shape of the formula, its error, honest constants."""

import base64
import contextlib
import functools
import gzip
import io
import json
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

from kanwidget import KAN, Dataset, cli, discover, load_mercury, load_puromycin
from kanwidget.cli.formulas import found_lines, front_lines

NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"


def table(name):
    return str(resources.files("kanwidget.datasets").joinpath(f"data/{name}.csv"))


def fitted(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        assert cli.main(["fit", *map(str, arguments), "--symbolic"]) == 0
    return out.getvalue()


def missed(out):
    """1 - R² of the formula on the training rows."""
    return float(re.findall(rf"Error:    train RMSE {NUMBER} \(1 - R² = ({NUMBER})\)", out)[-1])


def constants(out):
    line = re.search("          constants (.*)", out)
    pairs = re.findall(rf"(-?{NUMBER}) ± ({NUMBER})", line[1]) if line else []
    assert line is None or len(pairs) == line[1].count(", ") + 1, line[1]
    return [(abs(float(value)), float(error)) for value, error in pairs]


CASES = {
    "trees": (["volume"], r"0\.0020\d+\*girth\*\*2\*height", 0.03),
    "planets": (["period_days", "--inputs", "axis_au"], r"365\.[123]\d*\*axis_au\*\*\(3/2\)", 1e-6),
    "puromycin": (
        ["rate", "--inputs", "concentration"],
        r"(33\.\d+\*log\(concentration\) \+ 190\.\d+|19\d\.\d\*concentration\*\*(0\.25\d+|\(1/4\)))",
        0.16,
    ),
    "mercury": (["pressure"], r".*(exp\(.*temperature.*\)|temperature\*\*\(13/2\)).*", 1e-5),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trees")


@pytest.fixture(scope="module")
def printed(folder):
    """What is printed for each of these tables; the trees' report and model are written to the folder."""

    @functools.cache
    def out(name):
        target, *options = CASES[name][0]
        files = ["--out", folder / "trees.html", "--save", folder / "trees.kan"] if name == "trees" else []
        return fitted(table(name), "--target", target, *options, *files)

    return out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)
def test_bundled_tables(name, case, printed):
    (target, *_), shape, unexplained = case
    out = printed(name)
    assert re.search(rf"Formula:  {target} = {shape}\n", out), out
    assert missed(out) < unexplained
    assert all(error < value for value, error in constants(out))
    assert constants(out)
    assert "too few rows to keep some for a test" in out


@pytest.mark.slow
def test_vapor_pressure_is_an_exponential():
    best = discover(load_mercury(), steps=200, progress=False).best
    assert 1 - best.r2 < 2e-6
    assert best.sympy.has(sympy.exp)
    assert len(best.constants) <= 3
    assert all(error < abs(value) for value, error in best.constants.values())


def test_rates_of_both_states_leave_two_laws():
    """What two treatments have in common, a power and a logarithm say about equally well: with one more constant neither is refused."""
    table = load_puromycin()
    rates = Dataset(table.train_input[:, :1], table.train_label, in_vars=["c"], out_vars=["rate"])
    discovery = discover(rates, steps=60, progress=False)
    power = next(law for law in discovery.front if re.fullmatch(r"195\.\d\*c\*\*0\.25\d", law.text))
    logarithm = next(law for law in discovery.rivals if re.fullmatch(r"33\.\d\*log\(c\) \+ 190\.\d", law.text))
    assert power.complexity < logarithm.complexity
    assert 1 - logarithm.r2 < 0.13 < 1 - power.r2 < 0.16
    lines = found_lines(discovery)
    assert (
        f"Rival:    {discovery.rival_sentences[0]}" in lines[lines.index(f"Formula:  rate = {discovery.best.text}") :]
    )
    assert not any("also possible" in line for line in front_lines(discovery))


@pytest.mark.slow
@pytest.mark.parametrize("state", ["treated", "untreated"])
def test_a_saturating_rate(tmp_path, state):
    header, *rows = Path(table("puromycin")).read_text(encoding="utf-8").splitlines()
    path = tmp_path / "one.csv"
    path.write_text("\n".join([header, *(row for row in rows if row.endswith(f",{state}"))]))
    out = fitted(path, "--target", "rate", "--inputs", "concentration")
    assert re.search("Formula:  rate = .*(log|exp|sqrt|/)", out)
    assert missed(out) < 0.1  # of eleven or twelve rows one constant more says little
    assert all(error < value for value, error in constants(out))


@pytest.mark.slow
def test_noise_has_no_formula(tmp_path):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(20, 2, generator=generator, dtype=torch.float64).tolist()
    (tmp_path / "noise.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in rows))
    out = fitted(tmp_path / "noise.csv", "--target", "y")
    assert "not determined" in out or all(error < value for value, error in constants(out))
    assert missed(out) > 0.5


def stored(page):
    """What a report holds."""
    text = re.search('id="report">([^<]+)<', page.read_text(encoding="utf-8"))[1]
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_a_report_has_the_film_of_the_training_in_the_units_of_the_table(printed, folder):
    printed("trees")
    film = stored(folder / "trees.html")["film"]
    assert len(film["steps"]) > 10
    assert [act["label"] for act in film["acts"]] == ["a formula"]
    heads = np.frombuffer(base64.b64decode(film["heads"]), "<f4").reshape(-1, 5)
    last = film["scenes"][film["scene"][-1]]["edges"]
    assert len(heads) == sum(len(film["scenes"][scene]["edges"]) for scene in film["scene"])
    # The columns' own values and not their logarithms: girths are 8 to 21 inches.
    girth = next(i for i, edge in enumerate(last) if edge["key"] == [0, 0, 0])
    for row in (heads[: len(film["scenes"][0]["edges"])], heads[-len(last) :]):
        assert row[girth, 1] == pytest.approx(8.3, abs=0.1)
        assert row[girth, 2] == pytest.approx(20.6, abs=0.1)


def test_the_report_and_the_model_hold_the_formula_that_is_printed(printed, folder):
    out = printed("trees")
    factor, rmse = re.search(r"= (0\.\d+)\*girth", out)[1], re.findall(r"train RMSE (\S+)", out)[-1]
    report = stored(folder / "trees.html")
    formula = report["snapshot"]["formula"]
    assert f"volume = {factor}*girth^2*height" in formula["text"]
    assert f"{formula['rmse']:.3g}" == rmse
    assert KAN.load(folder / "trees.kan").predict([[10.0, 70.0]]).item() == pytest.approx(
        7000 * float(factor), rel=1e-3
    )
