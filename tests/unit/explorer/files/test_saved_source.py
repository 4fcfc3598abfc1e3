"""The formula of a session as a file of source text: by the page's menu and by `save_formula`."""

import re

import pytest

from kanwidget import KANExplorer, create_dataset
from kanwidget.explorer.files.formats import export, menu
from kanwidget.symbolic.writing.languages import SUFFIXES


@pytest.fixture(scope="module")
def explorer():
    data = create_dataset(lambda x: 3 * x[:, [0]] ** 2 + 1, n_var=1, train_num=60, test_num=20)
    with KANExplorer(data, driver="blocking") as explorer:
        explorer.fit(20)
        explorer.fix("x^2", edge=(0, 0, 0))
        explorer.fit_formula()
        yield explorer


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_has_what_the_menu_sends(explorer, tmp_path, suffix):
    explorer.save_formula(tmp_path / f"law{suffix}")
    text = (tmp_path / f"law{suffix}").read_text("utf-8")
    assert text == export(explorer._session, f"formula{suffix}") == explorer.fitted_formula.code(SUFFIXES[suffix])
    assert re.search(r"3(\.0)?\s?\*", text)


def test_the_menu_has_a_row_a_language():
    labels = [label for name, label in menu() if name.startswith("formula")]
    assert labels == [
        "Formula in C99",
        "Formula in JavaScript",
        "Formula in Julia",
        "Formula in Octave and MATLAB",
        "Formula in a cell of a sheet",
    ]


def test_what_cannot_be_written_is_refused(explorer, tmp_path):
    with pytest.raises(ValueError, match=r"a file that ends in one of \.py, \.c, .*; got 'law\.rs'"):
        explorer.save_formula("law.rs")
    with pytest.raises(TypeError, match="must be a path"):
        explorer.save_formula(3)
    with (
        KANExplorer.demo("product", driver="blocking") as other,
        pytest.raises(ValueError, match=r"one whose constants are fitted; got 'none'\. Press Formula"),
    ):
        other.save_formula(tmp_path / "law.c")
    assert not list(tmp_path.iterdir())
