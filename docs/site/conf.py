"""Sphinx's settings; `make site` calls it with the folder of sources that course/authors/site.py makes."""

from pathlib import Path

HERE = Path(__file__).resolve().parent

project = "Tornado by running code"
author = "the authors of Tornado by running code"
project_copyright = f"2026, {author}"

extensions = ["myst_nb"]
exclude_patterns = ["chapters"]  # pictures only
nb_execution_mode = "off"  # the stored outputs are shown
nb_merge_streams = True
nb_output_stderr = "show"
# Without dollarmath: a page with mathematics would load MathJax from elsewhere.
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 6

# A translation is a catalogue: docs/locale/LANGUAGE/LC_MESSAGES/*.po, one for each page.
language = "en"
locale_dirs = [str(HERE.parent / "locale")]
gettext_compact = False
gettext_uuid = False

html_theme = "furo"
pygments_dark_style = "monokai"
html_title = project
html_static_path = [str(HERE / "static")]
templates_path = [str(HERE / "templates")]
html_css_files = ["site.css", "../pagefind/pagefind-ui.css"]
html_js_files = [("../pagefind/pagefind-ui.js", {"defer": ""}), ("search.js", {"defer": ""})]
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_domain_indices = False


def setup(app):
    # Sphinx's own search does not find Chinese words; Pagefind's index replaces it.
    app.connect("builder-inited", lambda app: setattr(app.builder, "search", False))
