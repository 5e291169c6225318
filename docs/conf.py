"""Settings of Sphinx for the site, which `make docs` builds."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import preimage
from docs.site import mathml, pages

project = "preimage"
copyright = "the authors of preimage, BSD-3-Clause"
release = version = preimage.__version__
html_title = f"preimage {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
default_role = "literal"
smartquotes = False  # "--size" is an option, not a dash

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_static_path = ["static"]
html_extra_path = ["gallery/sites"]  # pages that examples made
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Connect what the site adds to Sphinx: generated texts, and formulas without scripts."""
    app.connect("source-read", pages.complete)
    mathml.register(app)
