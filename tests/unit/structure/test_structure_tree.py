"""Trees: each part is taken apart, and the line and the drawing say what was found."""

import pytest
import torch

from kanwidget.structure import build_tree, examine, plot_tree

POINTS = 0.5 + torch.rand(80, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
#: Function → its tree as one line, with a, b, c, d, e for the columns.
TREES = {
    "constant": (lambda a, b, c, d, e: 0 * a + 3, "constant"),
    "one column": (lambda a, b, c, d, e: torch.sin(b), "f(b)"),
    "linear": (lambda a, b, c, d, e: 2 * a - 3 * b + 4 * c, "f(a) + g(b) + h(c)"),
    "linear, as one form": (lambda a, b, c, d, e: a - b + c, "f(a - b + c)"),
    "sum of products": (lambda a, b, c, d, e: a.exp() * b + c.sin() * (d + 1).log(), "f₁(a)·f₂(b) + f₃(c)·f₄(d)"),
    "product with a constant": (lambda a, b, c, d, e: 3 + a.exp() * (b.sin() + 1), "3 + f(a)·g(b)"),
    "product within a product": (lambda a, b, c, d, e: (3 + a.exp() * b.sin()) * c, "(1 + f(a)·g(b))·h(c)"),
    "product within a sum": (lambda a, b, c, d, e: 3 + a.exp() * b.sin() + c, "f(a)·g(b) + h(c)"),
    "powers": (lambda a, b, c, d, e: torch.sin(a * b / c) + d, "f(a·b/c) + g(d)"),
    "squares": (lambda a, b, c, d, e: torch.cos(a**2 + b**2 - c**2) * d.sin(), "f(a² + b² - c²)·g(d)"),
    "group within a function": (
        lambda a, b, c, d, e: torch.sin(a.exp() + b**2) * c + (a.exp() + b**2) * c**3,
        "f(g(a, b), c)",
    ),
    "form within a function": (lambda a, b, c, d, e: torch.sin((a - b) * c) + (a - b) / c**2, "f(a - b, c)"),
    "sum within a function": (
        lambda a, b, c, d, e: torch.tanh(a.sin() + b**2 + torch.exp(c * d)),
        "f₁(f₂(a) + f₃(b) + f₄(c·d))",
    ),
    "entangled": (lambda a, b, c, d, e: a * b + 2 * b * c + c * a**2, "f(a, b, c)"),
    "deep": (lambda a, b, c, d, e: (a - b).sin() * (c * d).cos() + e**2, "f(a - b)·g(c·d) + h(e)"),
}  # fmt: skip


def tree_of(f, points=POINTS):
    frame = Frame(points)
    return build_tree(lambda x: f(*x.T), frame)


class Frame:
    """Points with names, as a data frame has them."""

    columns = tuple("abcde")

    def __init__(self, points):
        self.points = points

    def __getitem__(self, name):
        return self.points[:, self.columns.index(name)].numpy()

    def __array__(self, dtype=None, copy=None):
        return self.points.numpy()

    @property
    def shape(self):
        return self.points.shape


@pytest.mark.parametrize("name", TREES)
def test_the_tree_of_a_function(name):
    f, formula = TREES[name]
    tree = tree_of(f)
    assert repr(tree) == f"y = {formula}"
    below = set("".join(character if character in "abcde" else "" for character in formula.replace("constant", "")))
    assert set(tree.columns) == below
    assert set(tree.irrelevant) == set("abcde") - below


def test_the_text_has_a_line_for_each_node():
    lines = tree_of(TREES["deep"][0]).to_text().splitlines()
    assert lines[0] == "y = f(a - b)·g(c·d) + h(e)"
    assert [line.strip("│├└─ ").partition(",")[0] for line in lines[1:]] == [
        "sum of functions", "product of functions", "function of a - b", "function of c·d", "e",
    ]  # fmt: skip
    assert "1e-06" in lines[1]
    assert "without influence: d, e" in tree_of(TREES["entangled"][0]).to_text()


def test_units_change_no_tree():
    f = TREES["sum of products"][0]
    for unit in (1e6, 1e-9):
        assert (
            tree_of(lambda *x, unit=unit: f(*(column / unit for column in x)), POINTS * unit).formula
            == tree_of(f).formula
        )


@pytest.mark.parametrize(
    ("name", "theme"), [("constant", "auto"), ("deep", "light"), ("sum within a function", "dark"), ("squares", "auto")]
)
def test_the_drawing_names_everything_once(name, theme):
    """As pykan's plot (fault 33: names of columns broke it), with names and without."""
    tree = tree_of(TREES[name][0])
    figure = plot_tree(tree, theme=theme)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert all(texts.count(column) == 1 for column in [*tree.columns, *tree.irrelevant])
    assert "y" in texts
    figure.canvas.draw()
    inside = figure.bbox
    assert all(
        inside.contains(*text.get_window_extent().min) and inside.contains(*text.get_window_extent().max)
        for text in figure.axes[0].texts
    )


def test_a_title_of_ones_own_and_a_structure_are_taken():
    figure = plot_tree(lambda x: x[:, 0] + x[:, 1] ** 2, POINTS[:, :2], title="mine")
    assert "mine" in [text.get_text() for text in figure.axes[0].texts]


def test_what_a_drawing_would_ignore_is_refused():
    structure = examine(lambda x: x[:, 0] + x[:, 1] ** 2, POINTS[:, :2])
    assert "y" in [text.get_text() for text in plot_tree(structure).axes[0].texts]
    with pytest.raises(ValueError, match="the `tolerance` argument of plot_tree must be left out for a Structure"):
        plot_tree(structure, tolerance=0.1)
    with pytest.raises(ValueError, match="the `data` argument of plot_tree must be left out for a Tree"):
        plot_tree(structure.tree(), POINTS)
