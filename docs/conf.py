"""The site of the documents: `make docs` builds it into build/site, from the repository's root.

The sources are the Markdown pages in docs/, the notebooks with the outputs they are committed with, and the docstrings.
"""

import sys
from pathlib import Path

import kanwidget

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project, author, project_copyright = "kanwidget", "the developers of kanwidget", "the developers of kanwidget"
version = release = kanwidget.__version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docstrings",
    "notebooks",
    "mathml",
    "pictures",
]
root_doc = "docs/index"
include_patterns = ["docs/**", "notebooks/*.ipynb"]
exclude_patterns = ["docs/conf.py", "docs/extensions/**"]

# ---- pages
myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 4
# Anchors as JupyterLab has them.
myst_heading_slug_func = "notebooks.slug"
nb_execution_mode = "off"
nb_merge_streams = True

# ---- docstrings
autodoc_member_order = "groupwise"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autosummary_generate = False
napoleon_use_rtype = False
# `name` in a docstring is a link where such a name exists, else code.
default_role = "py:obj"
python_use_unqualified_type_names = True
maximum_signature_line_length = 90
toc_object_entries_show_parents = "hide"

# ---- looks
html_theme = "furo"
html_title = "kanwidget"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["root"]
# Pages that are opened from disk may not fetch others, of which a summary would be made.
html_show_search_summary = False
html_show_sphinx = False
html_copy_source = html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
