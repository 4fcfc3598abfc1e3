import subprocess
import sys

import pytest

from kanwidget import __version__, cli

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
        (["fit", "a.csv", "--target", "y", "--lamb", "-1"], "--lamb: must be a number ≥ 0; got '-1'"),
        (["fit", "a.csv", "--target", "y", "--lamb", "nan"], "--lamb: must be a number ≥ 0; got 'nan'"),
        (["fit", "a.csv", "--target", "y", "--steps", "0"], "--steps: must be an integer ≥ 1; got '0'"),
        (["fit", "a.csv", "--target", "y", "--grid", "x"], "--grid: must be an integer ≥ 1; got 'x'"),
        (["fit", "a.csv", "--target", "y", "--seed", "-1"], "--seed: must be an integer ≥ 0; got '-1'"),
        (["fit", "a.csv", "--target", "y", "--width", "2"], "--width: must be at least two numbers"),
        (["fit", "a.csv", "--target", "y", "--width", "2,x,1"], "--width: must be an integer ≥ 1; got 'x'"),
        (["fit", "a.csv", "--target", "y", "--inputs", "a,,b"], "--inputs: must be names with commas"),
        (["fit", "a.csv", "--target", "y", "--test-fraction", "1"], "--test-fraction: must be a number from 0"),
    ],
)
def test_a_command_that_makes_no_sense_exits_with_2(capsys, arguments, message):
    assert message in usage_error(capsys, *arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "energy"], "row 2, column 'note' of kinetic.csv must be a number; got 'n1'"),
        (["--target", "enrgy"], "Did you mean 'energy'"),
        (["--target", "energy", "--inputs", "mass,sped"], "Did you mean 'speed'"),
        (["--target", "energy", "--inputs", "mass,speed", "--width", "3,5,1"], "Use --width 2,5,1."),
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


def test_help_and_version(capsys):
    for arguments in (["--help"], ["fit", "--help"], ["demo", "--help"], ["lab", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 0
    assert capsys.readouterr().out.endswith(f"kanwidget {__version__}\n")


def test_interrupted(capsys, monkeypatch, table):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_train", interrupt)
    assert cli.main(["fit", table, "--target", "energy", "--inputs", "mass,speed"]) == 130
    assert capsys.readouterr().err == "kanwidget: interrupted\n"


def test_lab_opens_the_notebooks(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(subprocess, "call", lambda command: commands.append(command) or 0)
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: name)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 0
    (tmp_path / "notebooks").mkdir()
    assert cli.main(["lab"]) == 0
    assert [command[3] for command in commands] == [".", "notebooks"]
    assert commands[0][:3] == [sys.executable, "-m", "jupyterlab"]


def test_lab_says_what_is_missing(capsys, monkeypatch, tmp_path):
    assert cli.main(["lab", str(tmp_path / "none")]) == 1
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["lab"]) == 1
    assert 'pip install "kanwidget[lab]"' in capsys.readouterr().err
