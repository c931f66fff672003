"""Ask for a fixture that a contract can do without."""

from __future__ import annotations

from typing import Any, Protocol


class Fixtures(Protocol):
    """What a rule needs of pytest's ``request``."""

    def getfixturevalue(self, argname: str) -> Any:
        """Return the value of the fixture with this name."""
        ...


def fixture_or_skip(request: Fixtures, name: str, untried: str) -> Any:
    """
    Return the fixture's value, or skip the rule where there is no such fixture.

    Args:
        request: Of the rule.
        name: Of the fixture.
        untried: What is not tried without it.
    """
    # Here, because an application that only imports the package has no pytest.
    import pytest

    try:
        return request.getfixturevalue(name)
    except pytest.FixtureLookupError as error:
        # The fixture may be there and want one that is not: that is a mistake, and not a rule to skip.
        if error.argname != name:
            raise
    return pytest.skip(f"not tried without a fixture {name}: {untried}")
