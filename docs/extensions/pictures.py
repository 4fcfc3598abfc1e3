"""Pictures of two pixels for one, and for the dark theme: `NAME.png` is shown half as wide as it is, and in a dark theme
`NAME-dark.png` beside it stands in its place.

The Markdown has the light one alone, and is read well where nothing knows of this.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

FOLDER = "docs/pictures/"


class Pictures(SphinxTransform):
    """Before Sphinx collects the files of images."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        for node in list(self.document.findall(nodes.image)):
            path = (Path(self.env.doc2path(self.env.docname)).parent / node["uri"]).resolve()
            if not path.is_relative_to(Path(self.env.srcdir, FOLDER).resolve()):
                continue
            with Image.open(path) as picture:
                node["width"] = f"{picture.width // 2}px"
            dark = node.deepcopy()
            dark["uri"] = node["uri"].removesuffix(".png") + "-dark.png"
            node["classes"].append("only-light")
            dark["classes"].append("only-dark")
            node.parent.insert(node.parent.index(node) + 1, dark)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(Pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
