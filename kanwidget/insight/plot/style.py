"""The style of plots: colours for light and dark pages, axes, labels of any text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from kanwidget import _check
from kanwidget.core.layer import EdgeState

ThemeName = Literal["auto", "light", "dark"]
#: A longer name would cover its neighbors.
_LONGEST = 40

#: Lines by the state of an edge: not everybody can distinguish colours. A formula has its name beside it.
DASHES: dict[EdgeState, Any] = {
    "spline": "solid",
    "symbolic": "solid",
    "both": (0, (4, 0.8, 1, 0.8)),
    "pruned": (0, (1.5, 2.5)),
    "levels": "solid",
}


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours.

    Contrast with the page: text at least 4.5, functions at least 4; 3.9 for both on light and dark pages.
    """

    background: str
    text: str
    muted: str
    """For secondary text."""
    ghost: str
    """For decoration: outlines, pruned edges."""
    face: str
    """Inside boxes."""
    node: str
    on_node: str
    spline: str
    symbolic: str
    both: str
    test: str
    penalty: str


THEMES = {
    "light": Theme(
        "#ffffff", "#1f1f1f", "#5f6368", "#c4c4c4", "#ffffff", "#1f1f1f", "#ffffff",
        "#0072b2", "#007a58", "#a8437f", "#c24e00", "#6b6b6b",
    ),
    "dark": Theme(
        "#111111", "#f2f2f2", "#b0b0b0", "#4d4d4d", "#1a1a1a", "#f2f2f2", "#111111",
        "#56b4e9", "#2fc79b", "#e39ac6", "#f5924e", "#a0a0a0",
    ),
    # On a transparent ground: each colour has to hold on white and on near black.
    "auto": Theme(
        "none", "#7c7c7c", "#7c7c7c", "#80808070", "#80808012", "#666b72", "#ffffff",
        "#2a86c8", "#118a66", "#bd5c96", "#c9651f", "#808080",
    ),
}  # fmt: skip


def theme_of(name: str, where: str) -> Theme:
    """The colours of the theme with a name, `auto`, `light` or `dark`; an error names the function that draws, `where`."""
    return THEMES[_check.choice(name, "theme", where, THEMES)]


def draw_frame(ax: Axes, theme: Theme, names: tuple[str, str]) -> None:
    """Give axes pale lines and a grid, and the names of the x axis and the y axis."""
    ax.set_facecolor("none")
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.ghost)
    ax.grid(color=theme.ghost, linewidth=0.6, alpha=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", which="both", colors=theme.muted, labelsize=8, length=0)
    for axis, name in zip((ax.xaxis, ax.yaxis), names, strict=True):
        axis.set_label_text(name, color=theme.muted, fontsize=8.5)
        axis.get_offset_text().set(color=theme.muted, fontsize=7)


def write(ax: Axes, x: float, y: float, label: Any, **style: Any) -> Text:
    """Put a label on the axes at (x, y): mathematics where it can be typeset (see `readable`), else plain text.

    `style` has options of matplotlib's `text`.
    """
    text, math = readable(label)
    return ax.text(x, y, text, parse_math=math, usetex=False, **style)


def write_title(ax: Axes, y: float, title: Any, theme: Theme, fontsize: float = 11) -> None:
    """Put a title above the left end of the axes, at this part of their height; nothing for None."""
    if title is not None:
        write(ax, 0, y, title, transform=ax.transAxes, color=theme.text, fontsize=fontsize, ha="left", va="bottom")


def readable(label: Any) -> tuple[str, bool]:
    r"""A label as text, and whether it is to be read as mathematics.

    Text with `$…$` is LaTeX if it can be parsed, else it stays as it is. Objects with a LaTeX form (sympy's) use it.

    Examples:
        >>> readable("$x_1$"), readable("costs 5$"), readable("$\\oops{$")
        (('$x_1$', True), ('costs 5$', False), ('$\\oops{$', False))
    """
    latex = getattr(label, "_repr_latex_", None)
    if callable(latex) and not isinstance(label, type):
        text = str(latex()).replace("\\displaystyle ", "").strip()
        if _parses(text):
            return text, True
    text = str(label)
    if text.count("$") >= 2 and _parses(text):
        return text, True
    return _plain(text), False


@lru_cache(maxsize=256)
def _parses(text: str) -> bool:
    """Whether matplotlib can typeset a text as mathematics; a very long one isn't tried."""
    if len(text) > 5 * _LONGEST or "\n" in text:
        return False
    try:
        MathTextParser("path").parse(text)
    except (ValueError, RuntimeError, RecursionError):
        return False
    return True


@lru_cache(maxsize=256)
def _plain(text: str) -> str:
    """A text as a label: on one line, cut after 40 characters, and with a replacement for characters that the font doesn't have."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if text.isascii():
        return text
    glyphs = get_font(findfont(FontProperties())).get_charmap()
    return "".join(c if ord(c) in glyphs else "\N{REPLACEMENT CHARACTER}" for c in text)


_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def function_name(name: str) -> str:
    """The name of a primitive as a person would write it, for a drawing; names without a better writing stay.

    Examples:
        >>> function_name("x^2"), function_name("1/x^3"), function_name("sqrt"), function_name("sin")
        ('x²', '1/x³', '√x', 'sin')
    """
    name = {"sqrt": "√x", "1/sqrt(x)": "1/√x", "cbrt": "∛x", "abs": "|x|", "x^1.5": "x√x"}.get(name, name)
    return re.sub(r"\^(\d+)(?!\.)", lambda match: match[1].translate(_POWERS), name)


def math_free(name: str) -> str:
    """A name for a legend, in which a $ would begin mathematics and an underscore would hide it.

    Examples:
        >>> math_free("_costs $")
        'costs '
    """
    return name.replace("$", "").lstrip("_")


def in_inches(ax: Axes, size: tuple[float, float]) -> None:
    """Make axes that are `size` inches large (width, height) have inches from the lower left corner as units, and no frame."""
    ax.set_axis_off()
    ax.set(xlim=(0, size[0]), ylim=(0, size[1]))


def frame_axes(ax: Axes, theme: Theme) -> None:
    """Give axes a ground line and pale horizontal lines, nothing else."""
    ax.set_facecolor("none")
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(theme.muted)
    ax.grid(axis="y", color=theme.ghost, linewidth=0.6, alpha=0.6)
    ax.tick_params(axis="both", which="both", colors=theme.muted, labelsize=8, left=False)
