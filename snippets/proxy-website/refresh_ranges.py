"""Write Cloudflare's published addresses for the origin and for nginx; a doubtful answer changes nothing. Then reload both."""

import sys
from ipaddress import collapse_addresses, ip_network
from pathlib import Path
from typing import Any

import httpx

from api import caller, result
from careful import NoAnswer

FOLDER = Path(__file__).parent
HEAD = "# Cloudflare's published addresses, https://www.cloudflare.com/ips/. refresh_ranges.py writes this file.\n"

# --8<-- [start:check]
# Our choice, with room to grow: Cloudflare publishes 22 ranges, 1.5 million IPv4 addresses.
MOST_RANGES = 100
MOST_IPV4 = 4_000_000
WIDEST = {4: 12, 6: 29}
# No public server has one of these: private, multicast, reserved, for documents (RFC 6890),
# and in IPv6 all outside 2000::/3.
SPECIAL = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
    224.0.0.0/3 ::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16 3fff::/20
"""


def checked(ranges: list[Any]) -> list[str]:
    """Return the ranges as they were read, never as they came: nginx gets them as directives.

    Raises:
        ValueError: there are too few or too many, or one is no range, or holds an address
            that is not public, or they are so wide that they trust half of the Internet.
    """
    # After a "%", the name of an interface may be any text, with line ends and semicolons.
    if not all(isinstance(r, str) and "%" not in r for r in ranges):
        raise ValueError("something is no range")
    if not 10 <= len(ranges) <= MOST_RANGES:
        raise ValueError(f"{len(ranges)} ranges cannot be the whole list")
    networks = [ip_network(r) for r in ranges]
    special = [ip_network(s) for s in SPECIAL.split()]
    for network in networks:
        wide = network.prefixlen < WIDEST[network.version]
        if wide or any(map(network.overlaps, special)):
            raise ValueError(f"{network} cannot be one of Cloudflare's ranges")
    if {n.version for n in networks} != {4, 6}:
        raise ValueError("the ranges of one version are missing")
    ipv4 = collapse_addresses(n for n in networks if n.version == 4)
    if (addresses := sum(n.num_addresses for n in ipv4)) > MOST_IPV4:
        raise ValueError(f"{addresses:,} IPv4 addresses are too many")
    return [str(network) for network in networks]


# --8<-- [end:check]


def main(folder: Path = FOLDER) -> int:
    try:
        with caller() as http:
            answer = result(http.get("/ips"))
        found = answer if isinstance(answer, dict) else {}
        parts = [found.get(f"ipv{version}_cidrs") for version in (4, 6)]
        ranges = checked([r for part in parts if isinstance(part, list) for r in part])
    except (httpx.HTTPError, NoAnswer, ValueError) as error:
        print(f"{type(error).__name__}: {error}: the old list stays", file=sys.stderr)
        return 1
    lines = {
        "origin/ranges.txt": "".join(f"{r}\n" for r in ranges),
        "nginx/real_ip.conf": "".join(f"set_real_ip_from {r};\n" for r in ranges),
    }
    try:
        for name, text in lines.items():
            (folder / f"{name}.part").write_text(HEAD + text, encoding="utf-8")
        for name in lines:  # not before both are whole
            (folder / f"{name}.part").replace(folder / name)
    except OSError as error:
        print(f"{error}: run this again before you reload", file=sys.stderr)
        return 1
    print(f"{len(ranges)} ranges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
