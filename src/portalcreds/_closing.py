"""Close something at the end of a ``with`` block."""

from __future__ import annotations

from typing import Self


class Closing:
    """What has a ``close``, as a context manager."""

    __slots__ = ()

    def close(self) -> None:
        """Close it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, whatever was raised."""
        self.close()
