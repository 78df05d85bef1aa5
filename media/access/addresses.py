"""Who is counted as one by the limits of tokens. Pure."""

from __future__ import annotations

from serving.addresses import network_of


def subscriber_of(address: str) -> str:
    """The subscriber's network; what is no address (a socket file's) as it is."""
    try:
        return network_of(address)
    except ValueError:
        return address
