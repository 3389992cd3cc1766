"""Sphinx: the manual and the reference built from the docstrings."""

import importlib.metadata
import re

from docutils import nodes
from sphinx.util import logging

from simulations.app.report.mathml import FormulaError, to_mathml

project = "adageo"
author = "The adageo developers"
release = importlib.metadata.version("adageo")
project_copyright = "The adageo developers"
html_title = f"adageo {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
# The rooms' public sides: what is claimed, and the engines. Proofs and measurements of single
# claims are read in their own files, which `adageo show` names.
_LEFT_OUT = {
    "theory": [],
    "proofs_check": ["adaptive_norms", "egop", "local_geometry"],
    "simulations": ["adaptive_norms", "egop", "local_geometry", "app", "kernels", "__main__.py"],
}
apidoc_modules = [
    {
        "path": f"../{package}",
        "destination": f"api/{package}",
        "separate_modules": True,
        "module_first": True,
        "automodule_options": {"members"},
        "exclude_patterns": [f"../{package}/{name}*" for name in left_out],
    }
    for package, left_out in _LEFT_OUT.items()
]
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_typehints = "none"
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_use_rtype = False
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
html_theme = "alabaster"
html_theme_options = {
    "description": "Adaptive geometry, put to the test",
    "page_width": "76rem",
    "sidebar_width": "15rem",
}
exclude_patterns = ["_build"]
# A name of several classes (`d`, say) is a word in most docstrings, not a reference.
suppress_warnings = ["ref.python"]

_LOG = logging.getLogger(__name__)
_RULE = re.compile(r"-{4,}")
_BAR = re.compile(r"(?<!\\)\|")
_LITERAL = re.compile(r"(``.*?``|:\w+:`.*?`|\$.*?\$)")


def _escape_bars(app, what, name, obj, options, lines):
    """Absolute values |x| are no substitutions of reStructuredText; formulas stay as they are."""
    formula = None  # indentation of the `.. math::` that the line belongs to
    for number, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        if line.strip() and formula is not None and indentation <= formula:
            formula = None
        if line.lstrip().startswith(".. math::"):
            formula = indentation
        if formula is None:
            parts = _LITERAL.split(line)
            parts[::2] = [_BAR.sub(r"\\|", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def _head_examples(app, what, name, obj, options, lines):
    """Examples after the parameters get the heading that napoleon needs."""
    first = next((k for k, line in enumerate(lines) if line.startswith(">>>")), None)
    if first is not None and "Examples" not in lines and any(map(_RULE.fullmatch, lines[:first])):
        lines[first:first] = ["Examples", "--------"]


def _written(writer, node, *, display):
    """The report's own MathML: read without a network and without a script."""
    where = writer.builder.current_docname
    try:
        writer.body.append(to_mathml(node.astext().strip(), where, display=display))
    except FormulaError as error:
        _LOG.warning("%s", error)
    raise nodes.SkipNode


def _inline(writer, node):
    _written(writer, node, display=False)


def _displayed(writer, node):
    _written(writer, node, display=True)


def setup(app):
    """Register the hooks of the docstrings (napoleon's own has priority 500), and the formulas."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.connect("autodoc-process-docstring", _head_examples, priority=400)
    app.connect("autodoc-process-docstring", _escape_bars, priority=600)
