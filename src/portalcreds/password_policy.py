"""Say everything that is wrong with a chosen password, at once."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Violation:
    """
    One rule that a chosen password breaks.

    Attributes:
        code: The rule, such as ``too_short``.
        parameters: What the text of a form needs besides, such as ``{"minimum": 15}``. Never the password.
        text: The same in English.
    """

    code: str
    parameters: Mapping[str, int]
    text: str
