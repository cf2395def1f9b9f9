"""Write Cloudflare's published addresses for the origin and for nginx; a doubtful answer changes nothing. Then reload both."""

import os
import sys
from ipaddress import ip_network
from pathlib import Path

from cloudflare import Cloudflare, CloudflareError

FOLDER = Path(__file__).parent.parent
HEAD = "# Cloudflare's published addresses, https://www.cloudflare.com/ips/. refresh_ranges.py writes this file.\n"


# --8<-- [start:check]
def checked(ranges: list[str]) -> list[str]:
    """Return the ranges as they came.

    Raises:
        ValueError: there are too few, or one is private, or so wide that it would trust half
            of the Internet.
    """
    networks = [ip_network(r) for r in ranges]
    widest = {4: 12, 6: 29}
    if len(networks) < 10 or {n.version for n in networks} != {4, 6}:
        raise ValueError(f"only {len(networks)} ranges")
    for network in networks:
        if not network.is_global or network.prefixlen < widest[network.version]:
            raise ValueError(f"{network} cannot be one of Cloudflare's ranges")
    return ranges


# --8<-- [end:check]


def main(folder: Path = FOLDER) -> int:
    try:
        answer = Cloudflare(
            base_url=os.environ.get("CLOUDFLARE_BASE_URL"), api_token="none"
        ).ips.list()
        ranges = checked(
            [
                *(getattr(answer, "ipv4_cidrs", None) or []),
                *(getattr(answer, "ipv6_cidrs", None) or []),
            ]
        )
    except (CloudflareError, ValueError) as error:
        print(f"{type(error).__name__}: {error}: the old list stays", file=sys.stderr)
        return 1
    lines = {
        "origin/ranges.txt": "".join(f"{r}\n" for r in ranges),
        "nginx/real_ip.conf": "".join(f"set_real_ip_from {r};\n" for r in ranges),
    }
    for name, text in lines.items():
        part = folder / f"{name}.part"
        part.write_text(HEAD + text, encoding="utf-8")
        part.replace(folder / name)
    print(f"{len(ranges)} ranges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
