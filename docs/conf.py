"""The documentation: `make docs` builds it, with warnings as errors."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import asng_core  # noqa: E402

project, author, release = "asng", "The asng authors", asng_core.__version__
copyright = "the asng authors; MIT licence"  # noqa: A001
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
html_theme = "furo"
html_static_path, html_css_files = ["_static"], ["style.css"]
html_title = f"asng {release}"
myst_heading_anchors = 3
exclude_patterns = ["_build", "optunahub"]
default_role = "code"  # single backticks are code in docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_mock_imports = ["kernel_tuner", "ray"]
# links from the pages to files of the repository that are no pages
suppress_warnings = ["myst.xref_missing"]

_FIELD = re.compile(r"([a-z_][a-z_0-9]*(?:, [a-z_][a-z_0-9]*)*): (.*)")


def marked(app, what, name, obj, options, lines):
    """Tell Sphinx what our docstrings show by their layout: `name: ...`, indented where it goes on, explains an
    argument; what is indented after an empty line is code."""
    found, before = [], "text"
    for line in lines:
        field = _FIELD.fullmatch(line)
        kind = "field" if field else "empty" if not line else "text"
        if kind == "text" and line.startswith(" "):
            kind = before if before in ("field", "code") else "code" if found and not found[-1] else "text"
        if kind != before and before in ("text", "field") and kind != "empty" and found and found[-1]:
            found.append("")  # a list begins and ends with an empty line
        if kind == "code" != before and before != "code":
            found += ["::", ""]
        found.append(f":{field[1]}: {field[2]}" if field else line)
        before = before if kind == "empty" and before == "code" else kind
    lines[:] = found


def setup(app):
    app.connect("autodoc-process-docstring", marked)
