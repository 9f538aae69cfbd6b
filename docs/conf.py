"""The site of these pages: `sphinx-build -W docs DIR` (docs/contributing.md)."""

project = "cxrspec"
html_title = "cxrspec"
html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
extensions = ["myst_parser"]
myst_heading_anchors = 4
root_doc = "index"
suppress_warnings = [
    "misc.highlighting_failure",  # wrong YAML is what half of the pages show
    "toc.not_included",  # pages of the catalogue, which its first page lists
]
