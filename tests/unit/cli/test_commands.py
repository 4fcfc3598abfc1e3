import base64
import contextlib
import gzip
import importlib
import importlib.util
import io
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from kanwidget import KAN, Dataset, __version__, cli, load_planets
from kanwidget.cli import steps
from kanwidget.cli.formulas import step_printer
from kanwidget.cli.main import parser
from kanwidget.symbolic.writing.languages import LANGUAGES, SUFFIXES

TABLE = "mass,speed,note,energy\n" + "".join(
    f"{m},{v},n{m},{m * v * v / 2}\n" for m in range(1, 9) for v in range(1, 6)
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "kinetic.csv"
    path.write_text(TABLE)
    return str(path)


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required"),
        (["fti"], "invalid choice: 'fti'"),
        (["fit", "a.csv"], "arguments are required: --target"),
        (["discover", "a.csv"], "arguments are required: --target"),
        (["discover", "a.csv", "--target", "y", "--seconds", "0"], "--seconds: must be a number > 0; got '0'"),
        (["discover", "a.csv", "--target", "y", "--units", "kg"], "columns with their units, as in 'mass: kg"),
        (["discover", "a.csv", "--target", "y", "--loss", "mae"], "--loss: invalid choice: 'mae'"),
        (["fit", "a.csv", "--target", "y", "--seconds", "3"], "unrecognized arguments: --seconds 3"),
        (["fit", "a.csv", "--target", "y", "--lamb", "-1"], "--lamb: must be a number ≥ 0; got '-1'"),
        (["fit", "a.csv", "--target", "y", "--lamb", "nan"], "--lamb: must be a number ≥ 0; got 'nan'"),
        (["fit", "a.csv", "--target", "y", "--steps", "0"], "--steps: must be an integer ≥ 1; got '0'"),
        (["fit", "a.csv", "--target", "y", "--grid", "x"], "--grid: must be an integer ≥ 1; got 'x'"),
        (["fit", "a.csv", "--target", "y", "--seed", "-1"], "--seed: must be an integer ≥ 0; got '-1'"),
        (["fit", "a.csv", "--target", "y", "--width", "2"], "--width: must be at least two numbers"),
        (["fit", "a.csv", "--target", "y", "--width", "2-5-1"], "numbers ≥ 1 with commas, as in 2,5,1; got '2-5-1'"),
        (["fit", "a.csv", "--target", "y", "--width", "2,0,1"], "--width: must be at least two numbers ≥ 1"),
        (["fit", "a.csv", "--target", "y", "--out", "a.txt"], "--out: must be a file that ends in .html; got 'a.txt'"),
        (["fit", "a.csv", "--target", "y", "--inputs", "a,,b"], "--inputs: must be names with commas"),
        (["fit", "a.csv", "--target", "y", "--test-fraction", "1"], "--test-fraction: must be a number from 0"),
    ],
)
def test_a_command_that_makes_no_sense_exits_with_2(capsys, arguments, message):
    assert message in usage_error(capsys, *arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "enrgy"], "fit: --target must be one of the columns 'mass', "),
        (["--target", "Energy"], "Did you mean 'energy'"),
        (["--target", "energy", "--inputs", "mass,sped"], "fit: --inputs must be one of the columns"),
        (["--target", "energy", "--inputs", "mass,speed", "--width", "3,5,1"], "Use --width 2,5,1, or leave it out."),
        (
            ["--target", "energy", "--inputs", "mass", "--out", "none/report.html"],
            "there is no folder none for report.html",
        ),
    ],
)
def test_a_problem_with_the_data_is_one_line_and_exits_with_1(capsys, table, options, message):
    assert cli.main(["fit", table, *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("kanwidget: fit: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (1, [], "training needs at least 2 rows; got 1. Give a longer table."),
        (
            2,
            ["--test-fraction", "0.2"],
            "training needs at least 2 rows; got 1. 1 went to the test: give a longer table",
        ),
        (4, ["--test-fraction", "0.9"], "training needs at least 2 rows; got 1. 3 went to the test"),
    ],
)
def test_too_few_rows_to_train_on(capsys, tmp_path, rows, options, message):
    path = tmp_path / "short.csv"
    path.write_text("x,y\n" + "".join(f"{n},{n * n}\n" for n in range(rows)))
    assert cli.main(["fit", str(path), "--target", "y", *options]) == 1
    assert message in capsys.readouterr().err


def test_two_rows_and_labels_that_turn_out_constant(capsys, tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("x,y\n1,2\n2,5\n")
    assert cli.main(["fit", str(path), "--target", "y", "--test-fraction", "0"]) == 0
    data = Dataset([[0.0], [1.0], [2.0]], [3.0, 3.0, 3.0], [[1.0]], [3.0])
    model, _ = steps.train(data, [1, 1], 1, steps=3, lamb=1e-3, seed=0)
    assert float((model.predict(data.train_input) - 3).abs().max()) < 0.5
    assert not {"nan", "inf"} & set(re.findall("nan|inf", capsys.readouterr().out))


@pytest.fixture(scope="session")
def fitted(tmp_path_factory):
    """The whole way once: a table whose formula is known, its report and its model."""
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "kinetic.csv").write_text(TABLE)
    command = ["fit", str(folder / "kinetic.csv"), "--target", "energy", "--inputs", "mass,speed", "--symbolic"]
    command += ["--width", "2,1,1", "--grid", "5", "--export", str(folder / "model.py")]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as progress:
        code = cli.main([*command, "--out", str(folder / "report.html"), "--save", str(folder / "model.kan")])
    return code, out.getvalue(), progress.getvalue(), folder


@pytest.mark.slow
def test_fit_finds_the_formula(fitted):
    code, out, progress, _ = fitted
    assert code == 0
    assert "Formula:  energy = mass*speed**2/2\n" in out
    assert re.search(r"^ +\d+\.\d s  Trained 50 steps", progress, re.MULTILINE)
    assert "Dataset(40 train rows, mass, speed -> energy)" in out
    assert "fit: " in progress
    assert "fit: " not in out


def test_fit_saves_a_model_that_predicts_in_the_units_of_the_table(fitted):
    model = KAN.load(fitted[3] / "model.kan")
    assert model.predict([[3.0, 4.0]]).item() == pytest.approx(24.0, rel=1e-6)


def test_fit_writes_the_network_for_other_programs(fitted):
    _, out, _, folder = fitted
    assert f"Network:  {folder / 'model.py'}\n" in out
    assert (folder / "model.py").read_text(encoding="utf-8") == KAN.load(folder / "model.kan").code()


def test_kinds_of_files_go_by_the_ends_of_names(capsys):
    with pytest.raises(SystemExit):
        cli.main(["fit", "x.csv", "--target", "y", "--export", "model.rs"])
    assert "must end with one of .py, .c, .onnx; got 'model.rs'" in capsys.readouterr().err


def test_fit_writes_a_report_that_needs_no_network(fitted):
    page = (fitted[3] / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert 'src="http' not in page
    assert 'href="http' not in page


@pytest.fixture
def temperatures(tmp_path):
    """A table with a word in each row, and its temperatures as numbers and as words."""
    generator = np.random.default_rng(0)
    depth, station = generator.uniform(0, 10, 90), generator.choice(["north", "south", "harbour"], 90)
    value = 9 - 0.5 * depth + np.select([station == "north", station == "south"], [0, 3], -2)
    value = value + 0.2 * generator.standard_normal(90)
    path = tmp_path / "temperatures.csv"
    rows = zip(depth, station, value, np.where(value > 6.5, "warm", "cold"), strict=True)
    path.write_text("depth,station,temp,feels\n" + "".join(f"{d:.3f},{s},{t:.3f},{f}\n" for d, s, t, f in rows))
    return str(path)


def test_words_have_values_of_their_own(capsys, temperatures):
    assert cli.main(["fit", temperatures, "--target", "temp", "--inputs", "depth,station", "--symbolic"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"Formula:  temp = -0\.\d+\*depth \+ f\(station\) \+ \d", out)
    assert re.search(r"where f\(station\) = \{harbour: -\S+ ± \S+, north: \S+ ± \S+, south: \S+ ± ", out)
    assert re.search(r"Error:    train RMSE 0\.\d+ .*test RMSE 0\.\d", out)


@pytest.mark.slow
def test_classes_have_an_accuracy_and_a_score(capsys, temperatures):
    assert cli.main(["fit", temperatures, "--target", "feels", "--inputs", "depth,station", "--symbolic"]) == 0
    out = capsys.readouterr().out
    assert len(re.findall(r"Error:    train accuracy \d+\.\d %, test accuracy \d+\.\d %", out)) == 2
    assert "Formula:  score of warm = " in out
    assert cli.main(["fit", temperatures, "--target", "feels", "--inputs", "depth", "--width", "1,3"]) == 1
    assert "end with 2, the outputs; got 1,3. Use --width 1,5,2, or leave it out." in capsys.readouterr().err


def test_fit_writes_what_it_has_after_an_interruption(capsys, monkeypatch, tmp_path, temperatures):
    def interrupted(trained, data):
        yield SimpleNamespace(text="a step", network=trained, rivals=())
        raise KeyboardInterrupt

    module = importlib.import_module("kanwidget.simplification.simplify")  # the package has a function of this name
    monkeypatch.setattr(module, "simplify_steps", interrupted)
    command = ["fit", temperatures, "--target", "temp", "--inputs", "depth,station", "--symbolic"]
    assert cli.main([*command, "--save", str(tmp_path / "model.kan")]) == 130
    assert "Formula:  temp = " in capsys.readouterr().out
    assert KAN.load(tmp_path / "model.kan").n_features == 2


def test_a_penalty_prunes(capsys, table):
    options = ["--target", "energy", "--inputs", "mass,speed", "--width", "2,2,1", "--grid", "3"]
    assert cli.main(["fit", table, *options, "--lamb", "0.01", "--steps", "30"]) == 0
    assert re.search(
        r"Network:  KAN\(\[2, 2, 1\], .*\nPruned:   KAN\(.*\nError:    train RMSE", capsys.readouterr().out
    )


def test_labels_in_any_unit_give_the_same_network():
    data = load_planets()
    for factor in (1.0, 1e5):
        scaled = Dataset(data.train_input, data.train_label * factor)
        model, _ = steps.train(scaled, [1, 1], 3, steps=20, lamb=0.0, seed=0)
        error = (model.predict(scaled.train_input) - scaled.train_label).square().mean().sqrt() / factor
        assert error < 1.0


@pytest.fixture(scope="session")
def discovered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("discovered")
    (folder / "kinetic.csv").write_text(TABLE)
    command = [
        "discover",
        str(folder / "kinetic.csv"),
        "--target",
        "energy",
        "--inputs",
        "mass,speed",
        "--seconds",
        "60",  # it ends with the law, however busy the machine
        "--code",
        str(folder / "energy.js"),
    ]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as progress:
        code = cli.main([*command, "--out", str(folder / "report.html"), "--save", str(folder / "model.kan")])
    return code, out.getvalue(), progress.getvalue(), folder


@pytest.mark.slow
def test_discover_writes_the_formula_as_source_text(discovered):
    _, out, _, folder = discovered
    assert f"Code:     {folder / 'energy.js'}\n" in out
    text = (folder / "energy.js").read_text(encoding="utf-8")
    assert text == "function formula(mass, speed) {\n  return (1/2)*mass*Math.pow(speed, 2);\n}\n"


def test_languages_go_by_the_ends_of_names(capsys):
    with pytest.raises(SystemExit):
        cli.main(["discover", "x.csv", "--target", "y", "--code", "law.rs"])
    assert f"must end with one of {', '.join(SUFFIXES)}; got 'law.rs'" in capsys.readouterr().err
    assert set(SUFFIXES.values()) == {"python", *LANGUAGES}
    with pytest.raises(SystemExit):
        cli.main(["discover", "--help"])
    shown = capsys.readouterr().out
    assert all(suffix in shown for suffix in SUFFIXES)


def test_discover_prints_the_front_and_the_formula(discovered):
    code, out, progress, _ = discovered
    assert code == 0
    assert "Formula:  energy = mass*speed**2/2\n" in out
    front = out[out.index("Front: ") : out.index("Formula:")].splitlines()
    assert sum("→" in line for line in front) == 1
    assert front[0].split() == ["Front:", "complexity", "RMSE", "R²", "formula"]
    assert re.search(r"Error:    train RMSE \S+ .*leave-one-out RMSE", out)
    assert re.search(r"^ +\d+\.\d s  trying ", progress, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d s  energy = .*\(RMSE ", progress, re.MULTILINE)


def test_discover_writes_a_report_and_a_network_of_the_formula(discovered):
    page = (discovered[3] / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    found = re.search('<div class="found">(.*)</div>', page)[1]
    assert found.count("<math") >= 2
    assert "complexity" in found
    text = re.search('id="report">([^<]+)<', page)[1]
    report = json.loads(gzip.decompress(base64.b64decode(text)))
    (panel,) = (one["message"]["discovery"] for one in report["panels"] if one["message"]["kind"] == "discovery")
    best = next(formula for formula in panel["formulas"] if formula["id"] == panel["best"])
    assert panel["current"] == panel["best"]
    assert "mass" in best["text"]
    assert KAN.load(discovered[3] / "model.kan").predict([[3.0, 4.0]]).item() == pytest.approx(24.0, rel=1e-6)


def test_discover_prints_what_it_has_after_an_interruption(capsys, monkeypatch, table):
    def interrupt(step):
        if step.number > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("kanwidget.cli.formulas.step_printer", lambda: interrupt)
    assert cli.main(["discover", table, "--target", "energy", "--inputs", "mass,speed"]) == 130
    out, error = capsys.readouterr()
    assert "Formula:  energy = " in out
    assert error == "kanwidget: interrupted\n"


def test_a_search_says_once_what_it_tries(capsys):
    say = step_printer()
    for text in ("sums", "sums", "products", "sums"):
        say(SimpleNamespace(kind="trying", text=text, seconds=1.0))
    assert capsys.readouterr().err.splitlines() == [
        "   1.0 s  trying sums",
        "   1.0 s  trying products",
        "   1.0 s  trying sums",
    ]


def test_discover_says_that_no_rows_were_held_out_and_in_which_unit_errors_are(capsys, tmp_path):
    path = tmp_path / "fall.csv"
    path.write_text("time,way\n" + "".join(f"{t},{4.905 * t * t + 0.01 * (-1) ** t}\n" for t in range(1, 12)))
    assert cli.main(["discover", str(path), "--target", "way", "--seconds", "0.5", "--units", "time: s, way: m"]) == 0
    out = capsys.readouterr().out
    assert "too few rows to hold some out: the errors are those of the fit" in out
    assert "RMSE in m" in out
    assert re.search(r"Error:    train RMSE [\d.]+ m \(.*leave-one-out RMSE [\d.]+ m\n", out)
    assert "units fit only with constants that have units" in out


def test_discover_takes_units_and_says_which_are_none(capsys, table):
    command = ["discover", table, "--target", "energy", "--inputs", "mass,speed", "--seconds", "0.5", "--units"]
    assert cli.main([*command, "mass: kg, speed: m/s, energy: J"]) == 0
    assert "units" in capsys.readouterr().out
    assert cli.main([*command, "speed: m//s"]) == 1
    assert "discover: --units 'speed' must be a unit; got 'm//s'." in capsys.readouterr().err


@pytest.mark.slow
def test_demo_finds_keplers_law(capsys, tmp_path):
    assert cli.main(["demo", "--out", str(tmp_path / "demo.html")]) == 0
    out = capsys.readouterr().out
    assert "without effect: eccentricity" in out
    assert re.search(r"Formula:  period = axis\*\*\(3/2\)\n", out)
    assert (tmp_path / "demo.html").stat().st_size > 10_000


def test_help_and_version(capsys):
    for arguments in (
        ["--help"],
        ["fit", "--help"],
        ["discover", "--help"],
        ["demo", "--help"],
        ["lab", "--help"],
        ["--version"],
    ):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 0
    assert capsys.readouterr().out.endswith(f"kanwidget {__version__}\n")


def test_the_demo_takes_the_seed_0():
    assert parser().parse_args(["demo", "--seed", "0"]).seed == 0


def test_interrupted(capsys, monkeypatch, table):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "train", interrupt)
    assert cli.main(["fit", table, "--target", "energy", "--inputs", "mass,speed"]) == 130
    assert capsys.readouterr().err == "kanwidget: interrupted\n"


def test_lab_opens_the_notebooks(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(subprocess, "call", lambda command: commands.append(command) or 0)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 0
    (tmp_path / "notebooks").mkdir()
    assert cli.main(["lab"]) == 0
    assert [command[3] for command in commands] == [".", "notebooks"]
    assert commands[0][:3] == [sys.executable, "-m", "jupyterlab"]


def test_lab_says_what_is_missing(capsys, monkeypatch, tmp_path):
    assert cli.main(["lab", str(tmp_path / "none")]) == 1
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["lab"]) == 1
    assert 'pip install "kanwidget[lab]"' in capsys.readouterr().err
