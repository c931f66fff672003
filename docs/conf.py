"""How Sphinx builds the documentation: ``sphinx-build -W docs build/docs``."""

from portalcreds import __version__

project = "portalcreds"
author = "the portalcreds maintainers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# In docstrings `Name` is a name of this package, ``text`` is code.
default_role = "py:obj"
autodoc_default_options = {"members": True, "member-order": "bysource", "undoc-members": True}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
# Attributes are documented in their class's docstring; attrs' own fields need no second entry.
napoleon_use_ivar = True
myst_enable_extensions = ["colon_fence", "deflist"]
html_theme = "furo"
exclude_patterns = ["examples"]
