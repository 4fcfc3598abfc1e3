"""The documents: links lead somewhere, paths exist, decisions have their parts, and the page of architecture stays one page."""

import re
from pathlib import Path

import pandas
import pytest
import torch

from kanwidget import load_trees

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if path.is_file()
)
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))
PARTS = ["Context", "Decision", "Measured", "When to look again"]
#: Words on the page of architecture, code blocks left out.
PAGE = 900
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
#: A folder or file of the repository, as documents mention it.
MENTION = re.compile(r"(?<![\w/.-])((?:kanwidget|js/src|tests|tools|docs|notebooks|\.ci)/[\w./-]*)")


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative links of a document in `folder` that lead to no file."""
    return [link for link in LINK.findall(text) if "://" not in link and not (folder / link).exists()]


def missing_paths(text: str) -> list[str]:
    """Mentioned folders and files that don't exist."""
    mentions = [mention.rstrip(".") for mention in MENTION.findall(text)]
    return sorted({mention for mention in mentions if not (ROOT / mention).exists()})


def tree_of(text: str) -> dict[str, list[str]]:
    """Room → its modules, as the tree of rooms has them: a line is `room/`, its modules, and words after `#`.

    A room lies in the nearest one above it with less indentation.
    """
    parents, rooms = [(-1, "")], {}
    for line in text.split("## Rooms")[1].split("```")[1].strip("\n").splitlines():
        space, folder, modules = re.fullmatch(r"( *)(\S+/) *([^#]*)(?:#.*)?", line).groups()
        while parents[-1][0] >= len(space):
            parents.pop()
        room = parents[-1][1] + folder
        parents.append((len(space), room))
        rooms[room] = [name.strip() for name in modules.split(",") if name.strip()]
    return rooms


def faults_of_the_tree(text: str) -> list[str]:
    """Rooms and modules of the tree that don't exist, and rooms with sources that it leaves out."""
    rooms = tree_of(text)
    missing = [room for room in rooms if not (ROOT / room).is_dir()]
    for room, modules in rooms.items():
        missing += [f"{room}{name}" for name in modules if not list((ROOT / room).glob(f"{name}.[pt][ys]"))]
    folders = {path.parent for kind in ("kanwidget/**/*.py", "js/src/**/*.*") for path in ROOT.glob(kind)}
    return missing + sorted({f"{folder.relative_to(ROOT).as_posix()}/" for folder in folders} - set(rooms))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert broken_links(text, (ROOT / name).parent) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_mentioned_paths_exist(name):
    assert missing_paths((ROOT / name).read_text(encoding="utf-8")) == []


def test_a_broken_link_and_a_missing_path_are_seen():
    assert broken_links("[a](docs/none.md), [b](README.md), [c](https://x.org/y)", ROOT) == ["docs/none.md"]
    assert missing_paths("`kanwidget/_check.py`, `kanwidget/none.py`, see kanwidget/_check.py.") == [
        "kanwidget/none.py"
    ]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_four_parts(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:3]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    sections = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert all(section.strip() for section in sections)


def test_every_decision_stands_in_the_index_and_on_the_page():
    for document, prefix in (("docs/decisions/README.md", ""), ("ARCHITECTURE.md", "docs/decisions/")):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert [path.name for path in DECISIONS if f"]({prefix}{path.name})" not in text] == []


def test_the_architecture_is_one_page():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()) <= PAGE


def test_the_tree_of_rooms_is_true():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(tree_of(text)) > 40
    assert faults_of_the_tree(text) == []


@pytest.mark.parametrize(
    ("line", "wrong", "fault"),
    [
        ("  surgery/         grids", "  surgery/         meshes", "kanwidget/surgery/meshes"),
        ("    fits/  ", "    fitting/  ", "kanwidget/symbolic/fitting/"),
        ("    fits/  ", "  fits/  ", "kanwidget/fits/"),
        ("  menus/           edge-menu, node-menu\n", "", "js/src/menus/"),
    ],
)
def test_a_wrong_tree_is_seen(line, wrong, fault):
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert line in text
    assert fault in faults_of_the_tree(text.replace(line, wrong))


def test_the_glossary_has_no_word_twice():
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word.strip() for row in rows for word in row.split(",") if word.strip() not in ("word", "---")]
    assert len(words) > 40
    assert len(words) == len(set(words))


#: Documents with examples that stand for themselves, and what the last names are to be in the end.
EXAMPLES = {
    "README.md": {
        "explorer.fitted_formula.text": r"0\.002099\*girth\*\*2\*height",
        "model.formula(round=4)": r"exp\(x_2\*\*2 \+ sin\(3\.142\*x_1\)\)",
        "(Path('volume.py').stat().st_size > 50, Path('volume.html').stat().st_size > 100_000)": r"\(True, True\)",
    },
    "docs/explorer.md": {
        "explorer.fitted_formula.text": r"(?s).*f\(station\).*1\.6\d*\*(cos|sin)\(0\.2[56]\d*\*time.*9\.\d*\*exp\(-0\.17\d*\*depth.*"
    },
    "docs/networks.md": {"model.width": r"\[\[2, 0\], \[1, 0\], \[1, 0\]\]"},
    "docs/formulas.md": {"discovery.best.text": r"0\.00209\d\*girth\*\*2\*height"},
    "docs/equations.md": {"(model.predict(points) - waves(points)).abs().max() < 1e-3": "tensor.True."},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run_as_they_stand(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trees = load_trees()
    table = torch.cat([trees.train_input, trees.train_label], 1).numpy()
    pandas.DataFrame(table, columns=["girth", "height", "volume"]).to_csv(
        "table.csv", index=False
    )  # a table of the reader's
    scope: dict = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL):
        exec(block, scope)
    for expression, text in EXAMPLES[name].items():
        assert re.fullmatch(text, str(eval(expression, scope | {"Path": Path}))), expression


def guide_pictures(text: str, folder: Path) -> tuple[set[str], set[str]]:
    """Pictures that the explorer's guide shows, in a light and in a dark theme, without files; and files that it doesn't show."""
    light = set(re.findall(r"!\[[^\]]+\]\(pictures/(.+?)\.png\)", text))
    wanted = light | {f"{name}-dark" for name in light}
    there = {path.stem for path in folder.iterdir()}
    return wanted - there, there - wanted


def test_the_guide_shows_every_picture_that_was_taken():
    guide, folder = ROOT / "docs/explorer.md", ROOT / "docs/pictures"
    text = guide.read_text("utf-8")
    assert guide_pictures(text, folder) == (set(), set())
    assert text.count("![") * 2 == len(list(folder.iterdir()))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_200_000


def test_a_missing_and_an_unused_picture_are_seen(tmp_path):
    for name in ("a.png", "a-dark.png", "b.png"):
        (tmp_path / name).touch()
    text = "![what is seen](pictures/a.png) ![more](pictures/c.png)"
    assert guide_pictures(text, tmp_path) == ({"c", "c-dark"}, {"b"})


def test_the_readme_is_short():
    text = re.sub(r"```[\s\S]*?```|^\|.*$", "", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    assert 500 < len(text.split()) <= 850
