"""Find the visitor's address behind Cloudflare, and believe nobody else's word for it."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import Path

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Header = tuple[bytes, bytes]
RANGES = Path(__file__).with_name("ranges.txt")


def load(path: Path = RANGES) -> list[Network]:
    """Return the networks of a file, a network a line; ``#`` starts a comment."""
    lines = (
        line.partition("#")[0].strip()
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    return [ip_network(line) for line in lines if line]


# --8<-- [start:visitor]
def address(text: str) -> Address | None:
    """Return an address in its one form, or None for what is no address.

    A socket for both versions shows an IPv4 peer as ``::ffff:192.0.2.1``. After a ``%``, any
    text may follow.
    """
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return found
    return None if found.scope_id is not None else found.ipv4_mapped or found


def visitor(peer: str, headers: Iterable[Header], trusted: Sequence[Network]) -> str:
    """Return the address to log, to limit and to ban; ``unknown`` where there is none.

    Args:
        peer: the other end of the connection; a Unix socket has no address and no trust.
        headers: the request's headers, names in lower case.
        trusted: whose ``CF-Connecting-IP`` counts. ``X-Forwarded-For`` never does: a
            visitor can start it.
    """
    end = address(peer)
    if end is None:
        return "unknown"
    given = [value for name, value in headers if name == b"cf-connecting-ip"]
    if len(given) != 1 or not any(end in network for network in trusted):
        return str(end)
    return str(address(given[0].decode("latin-1").strip()) or end)


# --8<-- [end:visitor]
