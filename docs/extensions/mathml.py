"""Formulas of pages and notebooks as MathML, which browsers draw themselves: no script, no network."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.writers.html5 import HTML5Translator

#: Sizes of brackets, which MathML stretches by itself.
_SIZE = re.compile(r"\\[bB]igg?[lr]?(?![a-zA-Z])")


def _written(node: nodes.math | nodes.math_block, block: bool) -> str:
    text = _SIZE.sub("", node.astext())
    try:
        return tex2mathml(text, as_block=block)
    except MathError as problem:
        raise SphinxError(f"{node.source}:{node.line}: {text} can't be written as MathML: {problem}") from problem


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_written(node, block=False))
    raise nodes.SkipNode


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{_written(node, block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))  # type: ignore[arg-type]
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
