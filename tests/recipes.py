"""Run a block of a page that needs more than this package, and put a portal together as an application does."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import portalcreds
from portal import Portal

HOW_TO: Final = Path(__file__).resolve().parents[1] / "docs/how-to"


def names_of(page: str, marker: str) -> dict[str, Any]:
    """Run the block after ``<!-- marker -->`` of a page, and return its names."""
    path = HOW_TO / page
    text = path.read_text("utf-8")
    block = re.search(rf"^<!-- {marker} -->\n```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    namespace: dict[str, Any] = {"__name__": "page"}
    code = "\n" * text[: block.start(1)].count("\n") + block[1]
    # As in a file of its own: FastAPI cannot read annotations that are texts where they name what is local.
    exec(compile(code, str(path), "exec", dont_inherit=True), namespace)  # noqa: S102  That is what is tested.
    return namespace


def new_module(name: str) -> ModuleType:
    """Return an empty module that names no loader: of one that names None, Python 3.15 warns where it shows errors."""
    module = ModuleType(name)
    del module.__loader__, module.__spec__
    return module


def front_door(portal: Portal, **parts: Any) -> portalcreds.Portal:
    """Return what an application has: the same portal, without what only a test may look at."""
    return portalcreds.Portal.over(
        parts.pop("store", portal.store),
        **{
            "authorizer": portal.authorizer,
            "hasher": portal.hasher,
            "counter": portal.counter,
            "clock": portal.clock,
            **parts,
        },
    )
