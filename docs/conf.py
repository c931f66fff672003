"""How Sphinx builds the documentation: ``sphinx-build -W docs /tmp/pages``."""

from __future__ import annotations

import pathlib
import pkgutil
import re
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

import portalcreds
from portalcreds import __version__
from portalcreds._spoken import Code
from portalcreds.texts import ENGLISH

project = "portalcreds"
author = "the portalcreds maintainers"
release = __version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
# The few names of Python's that we link to, kept here: no build waits for the network, or differs by it.
intersphinx_mapping = {"python": ("https://docs.python.org/3", "inventories/python.inv")}
# What is copied is what one types, without the prompt.
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
# In docstrings `Name` is a name of this package, ``text`` is code.
default_role = "py:obj"
autodoc_default_options = {"members": True, "member-order": "bysource", "undoc-members": True}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
# `Attributes:` of a class describe its fields; attrs' own descriptors need no second entry.
napoleon_use_ivar = True
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# The notebook is shown with the answers that it was committed with; tests/docs/test_notebook.py runs it.
nb_execution_mode = "off"
html_theme = "furo"
html_title = "portalcreds"
html_static_path = ["static"]
html_css_files = ["pages.css"]
exclude_patterns = ["examples", "inventories"]


# Django imports models only once there is a site.
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"], USE_I18N=False)
apps.populate(settings.INSTALLED_APPS)


def setup(app: Sphinx) -> None:
    """Register what links names, in pages and in docstrings, to the page that describes them."""
    app.connect("builder-inited", describe_codes)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("autodoc-process-docstring", shorten_types, priority=600)
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("missing-reference", find_by_last_part)
    app.connect("env-updated", note_public_paths)
    app.connect("doctree-resolved", link_code)
    app.add_directive("text-catalogue", TextCatalogue)
    for field in PyObject.doc_field_types:
        # Sphinx says "Variables" of what our docstrings call attributes.
        if field.name == "variable":
            field.label = "Attributes"


def keep_colons(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Keep Napoleon from reading ``Told of a change: the account and the event`` as a type and a text."""
    if what == "data":
        lines[:] = comment_on(name) or lines
    # It does so with the first line of these, so the first line becomes an empty comment.
    if what in ("attribute", "data", "property") and lines:
        lines[:0] = ["..", ""]
    for index in reversed(range(len(lines) - 1)):
        if lines[index].strip() in ("Returns:", "Yields:"):
            text = lines[index + 1]
            lines[index + 1 : index + 1] = [text[: len(text) - len(text.lstrip())] + "..", ""]


def describe_codes(app: Sphinx) -> None:
    """Describe each code that has no comment of its own by its text in the catalogue."""
    for found in pkgutil.iter_modules(portalcreds.__path__, "portalcreds."):
        module = import_module(found.name)
        # A package is lazy: it imports a name when it is asked for it.
        for name in getattr(module, "__all__", ()):
            getattr(module, name)
    for codes in Code.__subclasses__():
        analyzer = ModuleAnalyzer.for_module(codes.__module__)
        comments = analyzer.find_attr_docs()
        for code in codes:
            comments.setdefault((codes.__qualname__, code.name), [f"Says: {code.text}", ""])


def comment_on(name: str) -> list[str] | None:
    """Return what a constant's own module says of it, where its package exports it again."""
    package, _, constant = name.rpartition(".")
    for module in pkgutil.walk_packages(getattr(import_module(package), "__path__", []), f"{package}."):
        comment = ModuleAnalyzer.for_module(module.name).find_attr_docs().get(("", constant))
        if comment is not None:
            return list(comment)
    return None


def shorten_types(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Show ``Decision`` as the type of a field, and not ``portalcreds.resets.plan.Decision``."""
    # After Napoleon, which writes the types of `Attributes:` in full.
    for index, line in enumerate(lines):
        if line.startswith(":vartype "):
            field, _, types = line.rpartition(": ")
            lines[index] = f"{field}: " + re.sub(r"\b(?:\w+\.)+(?=\w)", lambda found: f"~{found[0]}", types)


def skip_fields(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out the fields of a class: its docstring describes them under `Attributes:`."""
    # Autodoc hands in a mark of its own for a field without a value.
    is_field = type(obj).__module__.startswith("sphinx.ext.autodoc") or type(obj).__name__ == "_tuplegetter"
    return True if is_field else None


def shorten_defaults(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """Show ``clock=utc_now`` and ``words=(...)`` in a signature, and not a function's address or 256 words."""
    if signature is None:
        return None
    signature = re.sub(r"<function (\w+)>", r"\1", signature).replace("=NOTHING", "=...")
    signature = re.sub(r"datetime\.(?=timedelta\()", "", signature)
    return re.sub(r"=\('[^()]{80,}\)", "=(...)", signature), returns


def find_by_last_part(app: Sphinx, env: BuildEnvironment, node: Any, contnode: nodes.Element) -> nodes.Node | None:
    """Resolve ``ResetPlan``, and ``portalcreds.resets.plan.ResetPlan``, to ``portalcreds.resets.ResetPlan``."""
    if node.get("refdomain") != "py":
        return None
    return link_to(app, env, node.get("refdoc", ""), node["reftarget"], contnode)


def note_public_paths(app: Sphinx, env: BuildEnvironment) -> None:
    """Let other projects link to ``portalcreds.Contact`` too, and not only to ``portalcreds.contacts.Contact``."""
    domain = env.get_domain("py")
    for package in ("portalcreds", "portalcreds.hashers", "portalcreds.stores"):
        for name in import_module(package).__all__:
            objects = domain.objects  # type: ignore[attr-defined]  # Only the Python domain has them.
            # A name is described in the one place it comes from; `__version__` is not described.
            full = next((one for one, entry in objects.items() if one.endswith(f".{name}") and not entry.aliased), None)
            if full is not None and f"{package}.{name}" not in objects:
                entry = objects[full]
                domain.note_object(  # type: ignore[attr-defined]  # As above.
                    f"{package}.{name}", entry.objtype, entry.node_id, aliased=True
                )


def link_code(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link ``code`` on a page that is a name of this package."""
    if page.startswith("reference/") and page != "reference/portalcreds":
        return
    for literal in list(doctree.findall(nodes.literal)):
        if isinstance(literal.parent, nodes.reference):
            continue
        text = literal.astext().removesuffix("()")
        link = link_to(app, app.env, page, text, literal.deepcopy()) if is_name(text) else None
        if link is not None:
            literal.parent.replace(literal, link)


def is_name(text: str) -> bool:
    """Return whether code is a class, or a name with dots or underscores, and not a word such as ``set``."""
    return all(part.isidentifier() for part in text.split(".")) and (text[0].isupper() or "." in text or "_" in text)


def link_to(
    app: Sphinx, env: BuildEnvironment, page: str, target: str, content: nodes.Element
) -> nodes.reference | None:
    """Return a link to the one documented object whose name ends in *target*, or None."""
    objects = env.get_domain("py").objects  # type: ignore[attr-defined]  # Only the Python domain has them.
    short = target.removeprefix("portalcreds.")
    parts = short.split(".")
    # Without the modules in between, which are not part of a public path.
    names = [part for index, part in enumerate(parts) if index == len(parts) - 1 or part[:1].isupper()]
    # A field has no entry of its own: `AccountPage.next` leads to `AccountPage`.
    owner = names[:-1] if names[0][:1].isupper() else []
    for name in dict.fromkeys([target, short, ".".join(names), *([".".join(owner)] if owner else [])]):
        # Autodoc also registers where a class was written, as an alias.
        found = [
            full for full, entry in objects.items() if not entry.aliased and (full == name or full.endswith(f".{name}"))
        ]
        if len(found) == 1:
            entry = objects[found[0]]
            return make_refnode(app.builder, page, entry.docname, entry.node_id, content, found[0])
    return None


class TextCatalogue(SphinxDirective):
    """List the catalogue of texts, from the code itself."""

    def run(self) -> list[nodes.Node]:
        """Return the table, and have it made again when the catalogue changes."""
        self.env.note_dependency(str(pathlib.Path(portalcreds.__file__).with_name("texts.py")))
        lines = [".. list-table::", "   :header-rows: 1", "   :width: 100%", "   :widths: 2 3", ""]
        for key, english in [("Key", "English"), *((f"``{key}``", english) for key, english in ENGLISH.items())]:
            told = english if isinstance(english, str) else " · ".join(dict.fromkeys(english))
            lines += [f"   * - {key}", f"     - {told}"]
        return self.parse_text_to_nodes("\n".join([*lines, ""]))
