"""Whose address a request comes from, behind our own proxies, and what one subscriber has of addresses. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

#: A proxy on this machine.
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
#: Hops of X-Forwarded-For that are looked at.
MOST_HOPS = 10


def address_of(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """The last of X-Forwarded-For that is none of our proxies.

    What a client writes there stands further left and is never looked at.

    Args:
        peer: the address at the other end of the connection; "" for a socket file.
    """
    hops = [part.strip() for part in forwarded.split(",")[-MOST_HOPS:]]
    found = peer
    for hop in reversed([*filter(None, hops), peer]):
        try:
            ip = ip_address(hop)
        except ValueError:
            break
        found = str(ip)
        if not any(ip in network for network in trusted):
            break
    return found


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or an IPv6 /64 (RFC 6177). `::ffff:1.2.3.4` is IPv4.

    Raises:
        ValueError: not an IP address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ip_network((int(ip), 64), strict=False))
    return str(ip)
