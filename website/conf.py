"""How Sphinx makes the site from the pages of this repository, which it reads where they are: `make docs`."""

import os
import sys
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "backtalk"
author = "the authors of backtalk"
copyright = f"{author}; Apache License 2.0"
version = release = installed_version("backtalk")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_external_toc",
    "extension",
]
external_toc_path = "website/toc.yml"
include_patterns = ["docs/**", "examples/notebooks/*", "*.md"]
exclude_patterns = [".*", "benchmarks", "build", "dist", "native", "src", "tests", "web", "README.md"]
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext", ".ipynb": "myst-nb"}
smartquotes = False  # --fix is no dash
nitpicky = True  # a reference that leads nowhere is an error
nitpick_ignore_regex = [  # but for types in signatures that are of other libraries, or have no page
    ("py:class", r"(?!backtalk\.)\w+\..*|tuple\[int|collections\.abc\.Mapping\[str|TypeAliasForwardRef"),
    ("py:class", r"backtalk\.(?!errors\.)\w+\..*|Expression|Mistake|Model|Learned|Contributions"),
]

# Pages: plain Markdown, as a forge shows it
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"

# Notebooks: run once for each version of theirs, by this Python
profile = Path("build/ipython/profile_default").absolute()
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text(
    'get_config().IPKernelApp.log_level = "ERROR"'
)  # not that it uses ports
os.environ["IPYTHONDIR"] = str(profile.parent)
nb_execution_mode = "cache"
nb_execution_cache_path = "build/notebooks"
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_execution_timeout = 300
if not find_spec("torch"):
    nb_execution_excludepatterns = ["07-debugging-a-pytorch-model.ipynb"]

# The reference
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    # of scikit-learn's routing
    "exclude-members": "get_metadata_routing, set_output, "
    "set_fit_request, set_partial_fit_request, set_predict_request, set_score_request",
}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"Expression": "Expression"}  # instead of the twenty types that it may be
python_use_unqualified_type_names = True
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# How it looks; nothing is loaded from elsewhere
html_theme = "pydata_sphinx_theme"
html_title = "backtalk"
html_static_path = ["static"]
html_favicon = "static/mark.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark, as the system is
html_theme_options = {
    "logo": {"text": "backtalk", "image_light": "static/mark.svg", "image_dark": "static/mark.svg", "alt_text": ""},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "secondary_sidebar_items": {"**": ["page-toc"], "docs/index": []},
    "search_as_you_type": True,
    "back_to_top_button": False,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"docs/index": [], "docs/start": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
