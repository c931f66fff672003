"""Tell which requests come from the same source, and which sources many families share."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from ._arguments import is_text, several_in
from ._value import Value
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_MAX_ADDRESS_LENGTH: Final = 64
"""Characters of the longest address, with a zone."""

_NETWORK_BITS: Final = 64
"""Of an IPv6 address: one subscriber has at least such a network, and may be at any address in it (RFC 6177)."""


_SEVERAL: Final = 'pass several texts, such as ("192.0.2.0/24", "the school")'


class Source(NamedTuple):
    """Where a request comes from: the *text* is the same for all requests of one source."""

    text: str
    is_shared: bool


@attrs.frozen(eq=False, repr=False)
class Sources(Value):
    """
    What is one source, and which of them are shared.

    Attributes:
        networks: Those that are shared.
        labels: Other texts of the host's that are shared.
    """

    networks: tuple[IPv4Network | IPv6Network, ...]
    labels: frozenset[str]

    def find(self, source: str) -> Source:
        """Return the source: an IPv4 address, an IPv6 network, or else the text as the host wrote it."""
        address = _address_of(source)
        if address is None:
            return Source(source, source in self.labels)
        is_shared = any(address in network for network in self.networks)
        if address.version == 4:
            return Source(str(address), is_shared)
        return Source(f"{int(address) >> 128 - _NETWORK_BITS:x}::/{_NETWORK_BITS}", is_shared)


def sources_shared_by(shared: Iterable[str] | Sources) -> Sources:
    """
    Return the sources of which these networks, addresses and other texts are shared.

    A `Sources` is returned as it is, so that ``attrs.evolve`` keeps it.

    Raises:
        ConfigurationError: They are not several texts.
    """
    if isinstance(shared, Sources):
        return shared
    listed = several_in("shared_sources", shared, _SEVERAL, is_text, ConfigurationError)
    found = {each: _network_of(each) for each in listed}
    networks = tuple(network for network in found.values() if network is not None)
    return Sources(networks, frozenset(each for each, network in found.items() if network is None))


def _address_of(text: str) -> IPv4Address | IPv6Address | None:
    # Here, because whoever only imports the package needs none.
    from ipaddress import IPv6Address, ip_address

    if len(text) > _MAX_ADDRESS_LENGTH:
        return None
    with suppress(ValueError):
        address = ip_address(text)
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return address if mapped is None else mapped
    return None


def _network_of(text: str) -> IPv4Network | IPv6Network | None:
    from ipaddress import ip_network

    with suppress(ValueError):
        return ip_network(text, strict=False)
    return None
