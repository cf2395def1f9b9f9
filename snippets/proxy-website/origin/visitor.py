"""Find the visitor's address behind Cloudflare, and believe nobody else's word for it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

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
def visitor(peer: str, headers: Iterable[Header], trusted: Sequence[Network]) -> str:
    """Return the address to log, to limit and to ban.

    Args:
        peer: the other end of the connection.
        headers: the request's headers, names in lower case.
        trusted: whose ``CF-Connecting-IP`` counts. ``X-Forwarded-For`` never does: a visitor
            can start it.
    """
    if not any(ip_address(peer) in network for network in trusted):
        return peer
    given = [value for name, value in headers if name == b"cf-connecting-ip"]
    if len(given) != 1:
        return peer
    try:
        return str(ip_address(given[0].decode("latin-1").strip()))
    except ValueError:
        return peer


# --8<-- [end:visitor]
