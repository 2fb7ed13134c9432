"""How Sphinx makes the pages: `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import _pages  # noqa: E402, beside this file

import imgfeat  # noqa: E402

project = "imgfeat"
author = "the authors of imgfeat"
version = release = imgfeat.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "sg_execution_times.rst", "auto_examples/*.ipynb"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # by functions in sphinx_gallery_conf

_pages.write_reference(HERE / "api")
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
default_role = "obj"  # `HOG` in a docstring is a link to it
autosummary_generate = True
autodoc_typehints = "none"  # docstrings say them, with shapes and units
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_class_members_toctree = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Only what ends in a picture is run; the others need a cluster, or a server.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"/(?!plot_)[^/]*\.py$",
    "download_all_examples": False,
    "show_memory": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"imgfeat {version}"
html_show_sourcelink = False
html_theme_options = {
    "github_url": "https://github.com/imgfeat/imgfeat",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
}


def setup(app):
    """Take in what lies outside of this folder, and is written for other pages."""
    app.connect("source-read", _pages.read_contributing)
    app.connect("autodoc-process-docstring", _pages.end_links_of_others)
